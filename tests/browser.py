"""A real Chromium, Debian's own, in a test's hand: it resolves no name, and tells what it asked for and said."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
ARTEFACTS = Path(__file__).parent.parent / ".ci" / "artefacts"
WIDTHS, SCHEMES = (390, 1440), ("light", "dark")

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; on Debian: apt-get install chromium")

_NO_NAMES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
_CONTRASTS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const rgb = parse(getComputedStyle(at).backgroundColor);
      if (rgb.length < 4 || rgb[3] > 0) return rgb;
    }
    throw new Error("nothing behind it");
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || ["title", "desc", "NOSCRIPT"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const a = light(parse(element instanceof SVGElement ? style.fill : style.color)), b = light(ground(element));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([contrast, element.tagName, element.textContent.slice(0, 40)]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}"""

_UNREADABLE = """() => {
  const found = [], told = (what, element) =>
    found.push(`${what}: ${element.tagName} ${element.textContent.trim().slice(0, 60)}`);
  const beyond = (box, frame) => box.left < frame.left - 1 || box.right > frame.right + 1;
  const cut = (box, frame) => beyond(box, frame) || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  const screen = {left: 0, right: document.documentElement.clientWidth};
  if (document.documentElement.scrollWidth > innerWidth) found.push("the document scrolls sideways");
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility() || element.closest(".skip, title, desc, noscript")) continue;
    const head = element.closest("thead");
    if (head && getComputedStyle(head).clipPath !== "none") continue;
    if (["TD", "TH"].includes(element.tagName) && beyond(element.getBoundingClientRect(), screen))
      told("a cell outside the window", element);
    if (element.matches("data, .badge, time") && element.getClientRects().length > 1) told("broken", element);
    for (const node of element.childNodes) {
      if (node.nodeType !== 3 || !node.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
      if (lines > 3 && node.data.trim().length < 4 * lines) told("a few letters a line", element);
      for (const box of range.getClientRects()) {
        if (beyond(box, screen)) told("outside the window", element);
        for (let at = element; at && at !== document.body; at = at.parentElement)
          if (!(at instanceof SVGElement) && getComputedStyle(at).overflowX !== "visible"
              && cut(box, at.getBoundingClientRect())) told("clipped", element);
      }
    }
  }
  for (const svg of document.querySelectorAll("svg.chart")) {
    if (!svg.checkVisibility()) continue;
    const frame = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")];
    if (Math.abs(frame.width - svg.getAttribute("width")) > 1) told("letters are scaled", svg);
    for (const text of texts) if (cut(text.getBoundingClientRect(), frame)) told("cut by its chart", text);
    const ticks = texts.filter((text) => text.classList.contains("tick")).map((text) => text.getBoundingClientRect());
    ticks.forEach((a, i) => ticks.slice(i + 1).forEach((b) => {
      if (a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom)
        told("labels over one another", svg);
    }));
  }
  for (const table of document.querySelectorAll("table.stack")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.children].forEach((cell, i) => {
        const label = cell.dataset.label;
        if (label === undefined ? cell.className === "n" : label !== heads[i]) told("not under its heading", cell);
      });
  }
  return found;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, for as long as a module of tests needs it."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, _NO_NAMES], timeout=120_000)
        yield browser
        browser.close()


class Sight:
    """A page as somebody sees it, what it asked for on the way, and every word on its console."""

    def __init__(self, browser: Browser, url: str, *, width: int = 1440, scheme: str = "light") -> None:
        settings: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        self.page: Page = browser.new_page(**settings)
        self.page.set_default_timeout(60_000)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url, wait_until="networkidle")

    def keep(self, name: str) -> None:
        """A picture of the whole page, for people to look at: ``mkdir .ci/artefacts`` asks for them."""
        if ARTEFACTS.is_dir():
            self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    def fits(self) -> bool:
        """Whether the page is no wider than its window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    def unreadable(self) -> list[str]:
        """What cannot be read at this width without scrolling sideways: cut, broken, or off the screen."""
        found: list[str] = self.page.evaluate(_UNREADABLE)
        return found

    def contrasts(self) -> list[tuple[float, str, str]]:
        """The contrast of each text with its ground, lowest first. Source: WCAG 2.2, 1.4.3."""
        found: list[tuple[float, str, str]] = self.page.evaluate(_CONTRASTS)
        return found

    def numbers(self, within: str = "") -> dict[str, str]:
        """The exact numbers shown by their field, the first of each, within an element or the page."""
        elements = self.page.query_selector_all(f"{within} data[data-field]")
        found: dict[str, str] = {}
        for element in elements:
            found.setdefault(element.get_attribute("data-field") or "", element.get_attribute("value") or "")
        return found

    def reached_by_tab(self) -> set[str]:
        """What the Tab key reaches, from the beginning of the page."""
        self.page.evaluate("document.activeElement.blur()")
        reached: set[str] = set()
        for _ in range(300):
            self.page.keyboard.press("Tab")
            name = self.page.evaluate(f"({_NAME})(document.activeElement)")
            if name in reached or not name:
                break
            reached.add(name)
        return reached

    def to_be_reached(self) -> set[str]:
        """Everything that does something, or can be scrolled."""
        where = "a[href], button, input, [tabindex='0']"
        return set(self.page.evaluate(f'() => [...document.querySelectorAll("{where}")].map({_NAME})'))

    def close(self) -> None:
        self.page.close()


_NAME = (
    "(element) => element === document.body ? '' :"
    " element.tagName + [...document.querySelectorAll('*')].indexOf(element)"
)
