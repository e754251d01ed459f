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


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, for as long as a module of tests needs it."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, _NO_NAMES])
        yield browser
        browser.close()


class Sight:
    """A page as somebody sees it, what it asked for on the way, and every word on its console."""

    def __init__(self, browser: Browser, url: str, *, width: int = 1440, scheme: str = "light") -> None:
        settings: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        self.page: Page = browser.new_page(**settings)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url, wait_until="networkidle")

    def keep(self, name: str) -> None:
        """A picture of the whole page, for people to look at."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    def fits(self) -> bool:
        """Whether the page is no wider than its window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

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
