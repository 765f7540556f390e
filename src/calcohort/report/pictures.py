"""Exhibits and scan pictures as parts of one page: fragments of tables, figures as data URIs."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from calcohort.report.prose import missing, text
from calcohort.report.run import Run

GALLERY = "gallery"
# What the page may spend on scan pictures, so that it stays below 15 MB whatever the cohort.
GALLERY_BYTES = 3_000_000
_MIME = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """An exhibit as it stands in the page."""

    name: str
    title: str
    html: Markup
    made: bool


def exhibits(run: Run) -> list[Shown]:
    """All exhibits of the run in the order of a paper: tables, figures, central illustration, supplement."""
    names = [Path(file).stem for file in run.files("exhibits/*.json")]
    return [_show(run, name) for name in sorted(names, key=_order)]


def gallery(run: Run) -> Markup:
    """Pictures of scans with their outlines, as many as fit; named by gallery/gallery.csv (file, caption)."""
    files = [file for file in run.files(f"{GALLERY}/*") if Path(file).suffix in _MIME]
    if not files:
        return missing("This run made no pictures of scans: it did not start from images.")
    captions = {str(row.value("file")): row.value("caption") for row in run.rows(f"{GALLERY}/gallery.csv")}
    html, spent = Markup(""), 0
    shown = 0
    for file in files:
        uri = data_uri(run.root / file)
        if spent + len(uri) > GALLERY_BYTES:
            break
        spent, shown = spent + len(uri), shown + 1
        caption = captions.get(Path(file).name) or Path(file).stem.replace("_", " ")
        html += text(
            '<figure><img loading="lazy" src="{uri}" alt="Scan with outlines: {caption}">'
            "<figcaption>{caption}</figcaption></figure>",
            uri=Markup(uri),
            caption=caption,
        )
    rest = len(files) - shown
    more = text("<p>{n} more are in {folder}/.</p>", n=rest, folder=GALLERY) if rest else Markup("")
    return Markup('<div class="gallery">') + html + Markup("</div>") + more


def data_uri(path: Path) -> str:
    """The file as a data URI."""
    return f"data:{_MIME[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _show(run: Run, name: str) -> Shown:
    facts = run.json(f"exhibits/{name}.json")
    title, caption = facts.get("title") or name, facts.get("caption") or ""
    made = bool(facts.get("made"))
    if not made:
        return Shown(name, title, missing(facts.get("reason") or "This exhibit could not be made."), made)
    body = _table(run, name, title) if facts.get("kind") == "table" else _figure(run, name, title, caption)
    if body is None:
        return Shown(name, title, missing(f"The files of {name} are not in this run."), False)
    sources = Markup(", ").join(text("<code>{s}</code>", s=source) for source in facts.get("sources", []))
    foot = text('<p class="sources">Made from {sources}.</p>', sources=sources) if sources else Markup("")
    legend = text('<p class="caption">{caption}</p>', caption=caption) if caption else Markup("")
    return Shown(name, title, body + legend + foot, made)


def _table(run: Run, name: str, title: str) -> Markup | None:
    path = run.root / "tables" / f"{name}.html"
    if not path.is_file():
        return None
    # The fragment brings a style of its own; in the page every table follows the page's.
    fragment = _STYLE.sub("", path.read_text(encoding="utf-8"))
    return text(
        '<div class="scroll" tabindex="0" role="region" aria-label="{title}">{table}</div>',
        title=title,
        table=Markup(fragment),
    )


def _figure(run: Run, name: str, title: str, caption: str) -> Markup | None:
    paths = [run.root / "figures" / f"{name}{suffix}" for suffix in (".svg", ".png")]
    present = [path for path in paths if path.is_file()]
    if not present:
        return None
    smallest = min(present, key=lambda path: path.stat().st_size)
    return text(
        '<figure class="exhibit"><img src="{uri}" alt="{title}. {caption}"></figure>',
        uri=Markup(data_uri(smallest)),
        title=title,
        caption=caption,
    )


def _order(name: str) -> tuple:
    match = re.fullmatch(r"([a-z_]+?)(S?)(\d+)(.*)", name)
    if match is None:
        return (1 if name == "central" else 3, 0, 0, name)
    kind = {"table": 0, "figure": 1}.get(match[1], 2)
    return (2 if match[2] else 0, kind, int(match[3]), match[4])
