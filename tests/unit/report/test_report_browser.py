"""The page in a real browser: headless Chromium, driven by chromedriver over plain HTTP."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("chromium") is None or shutil.which("chromedriver") is None,
        reason="chromium and chromedriver are not installed (Debian: chromium, chromium-driver)",
    ),
]


class Browser:
    """As much of the WebDriver protocol as these tests need."""

    def __init__(self, port: int):
        self.base = f"http://127.0.0.1:{port}"
        options = {
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
                "binary": shutil.which("chromium"),
            },
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self.session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]

    def run(self, script: str):
        return self._post("execute/sync", {"script": script, "args": []})

    def open(self, url: str):
        self._post("url", {"url": url})

    def width(self, pixels: int):
        size = {"width": pixels, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self._post("goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": size})

    def media(self, name: str):
        self._post("goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"media": name}})

    def log(self, kind: str) -> list[dict]:
        return self._post("se/log", {"type": kind})

    def close(self):
        self._call("DELETE", f"/session/{self.session}")

    def _post(self, command: str, body: dict):
        return self._call("POST", f"/session/{self.session}/{command}", body)

    def _call(self, method: str, path: str, body: dict | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]


@pytest.fixture
def browser():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=2).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        session = Browser(port)
        yield session
        session.close()
    finally:
        driver.terminate()
        driver.wait(timeout=20)


def test_the_page_works_in_a_browser(browser, full_run):
    browser.open((full_run / "report.html").as_uri())
    assert browser.run("return document.querySelectorAll('main > .section').length") > 8
    assert [entry for entry in browser.log("browser") if entry["level"] == "SEVERE"] == []
    assert _requests(browser) == []

    # Every link leads somewhere, every picture is drawn.
    assert (
        browser.run(
            "return [...document.links].filter(a => !document.getElementById(a.hash.slice(1))).length"
        )
        == 0
    )
    assert browser.run("return [...document.images].every(i => i.loading == 'lazy' || i.naturalWidth > 0)")

    # The search leaves what holds the word, and everything when it is emptied.
    search = "const b = document.getElementById('search'); b.value = %s; b.dispatchEvent(new Event('input'));"
    shown = "return [...document.querySelectorAll('main > .section')].filter(s => !s.hidden).map(s => s.id)"
    everything = browser.run(shown)
    found = browser.run(search % "'gantry'" + shown)
    assert found == ["scans"]
    assert browser.run(search % "'zzzz'" + shown) == []
    assert "0 parts" in browser.run("return document.getElementById('search-status').textContent")
    assert browser.run(search % "''" + shown) == everything

    # A number tells its source, by mouse and by keyboard.
    browser.run("document.querySelector('#found data.n').click()")
    told = browser.run("return document.getElementById('source').innerText")
    assert "statistics/followup.csv" in told and "Row" in told
    browser.run("document.getElementById('keys').click()")
    browser.run("document.querySelectorAll('#found data.n')[3].focus()")
    assert "q1_years" in browser.run("return document.getElementById('source').innerText")
    assert [entry for entry in browser.log("browser") if entry["level"] == "SEVERE"] == []


def test_nothing_is_wider_than_a_phone(browser, full_run):
    browser.open((full_run / "report.html").as_uri())
    browser.width(360)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_no_table_is_cut_off_on_paper(browser, full_run):
    browser.open((full_run / "report.html").as_uri())
    browser.width(718)  # A4 between margins of 1 cm
    browser.media("print")
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    wide = browser.run(
        "return [...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > 719)"
        ".map(t => t.closest('section').id)"
    )
    assert wide == []


def test_tables_pictures_and_headings_are_named_for_those_who_hear_them(browser, full_run):
    browser.open((full_run / "report.html").as_uri())
    assert browser.run("return [...document.images].every(i => i.alt.length > 10)")
    assert browser.run("return [...document.querySelectorAll('th')].every(t => t.scope)")
    assert browser.run(
        "return [...document.querySelectorAll('[role=region]')].every(e => e.ariaLabel.length > 3)"
    )
    steps = "const h = [...document.querySelectorAll('h1, h2, h3')].map(e => +e.tagName[1]);"
    assert browser.run(steps + "return h.every((level, i) => i == 0 || level <= h[i - 1] + 1)")
    assert browser.run("return document.documentElement.lang") == "en"


def _requests(browser) -> list[str]:
    sent = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    urls = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "file:", "about:", "chrome:"))]
