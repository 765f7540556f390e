(() => {
  "use strict";
  const panel = document.getElementById("source");
  const list = panel.querySelector("dl");
  let chosen = null;

  const rules = JSON.parse(document.getElementById("rules").textContent);

  const show = number => {
    const facts = [
      ["Value", number.value], ["File", number.dataset.file], ["Row, from 0", number.dataset.row], ["Column", number.dataset.column],
      ["Rule", rules[number.dataset.file]], ["Code", document.body.dataset.code],
    ].filter(([, value]) => value);
    list.replaceChildren(...facts.flatMap(([name, value]) => {
      const term = document.createElement("dt"), detail = document.createElement("dd");
      term.textContent = name;
      detail.textContent = value;
      return [term, detail];
    }));
    panel.hidden = false;
  };
  const choose = number => {
    chosen?.classList.remove("chosen");
    chosen = number;
    if (number) { number.classList.add("chosen"); show(number); } else { panel.hidden = true; }
  };
  const numberAt = event => event.target instanceof Element ? event.target.closest("data.n") : null;

  document.addEventListener("mouseover", event => { const n = numberAt(event); if (n) show(n); });
  document.addEventListener("mouseout", event => { if (numberAt(event)) { if (chosen) show(chosen); else panel.hidden = true; } });
  document.addEventListener("click", event => { const n = numberAt(event); if (n) choose(n === chosen ? null : n); });
  document.addEventListener("focusin", event => { const n = numberAt(event); if (n) choose(n); });
  document.addEventListener("keydown", event => { if (event.key === "Escape") choose(null); });
  document.getElementById("source-close").addEventListener("click", () => choose(null));

  // Thousands of stops would make Tab useless, so numbers take focus only on request.
  const keys = document.getElementById("keys");
  keys.addEventListener("click", () => {
    const on = keys.getAttribute("aria-pressed") !== "true";
    keys.setAttribute("aria-pressed", String(on));
    document.querySelectorAll("data.n").forEach(n => on ? n.setAttribute("tabindex", "0") : n.removeAttribute("tabindex"));
  });

  const box = document.getElementById("search"), status = document.getElementById("search-status");
  const sections = [...document.querySelectorAll("main > .section")];
  const texts = new Map();
  const words = element => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase().replace(/\s+/g, " "));
    return texts.get(element);
  };
  const search = () => {
    const wanted = box.value.toLowerCase().trim().split(/\s+/).filter(Boolean);
    const holds = text => wanted.every(word => text.includes(word));
    let found = 0;
    for (const section of sections) {
      const blocks = [...section.querySelectorAll(":scope > .block")];
      const byTitle = wanted.length > 0 && holds(section.querySelector("h2").textContent.toLowerCase());
      let any = false;
      for (const block of blocks) {
        const hit = byTitle || holds(words(block));
        block.hidden = !hit;
        any ||= hit;
        found += hit ? 1 : 0;
      }
      section.hidden = !any;
      document.querySelector(`.contents a[href="#${section.id}"]`).parentElement.hidden = !any;
    }
    status.textContent = wanted.length ? `${found} part${found === 1 ? "" : "s"} found` : "";
  };
  box.addEventListener("input", search);
  document.getElementById("search-form").addEventListener("submit", event => event.preventDefault());
  // A link leads to its target even while a search hides it.
  document.addEventListener("click", event => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    if (link && document.getElementById(link.hash.slice(1))?.closest("[hidden]")) { box.value = ""; search(); }
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(d => { d.open = true; }));
})();
