"""What the pages say of the code is so: links lead somewhere, paths are there, the map shows the house as it is."""

import json
import re
from pathlib import Path

import pytest

from tests.test_promises import ARROWS, GROUND
from usage.records.record import interpret

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
HOUSE = {str(path.relative_to(ROOT)) for path in ROOT.glob("[!.]*/**/*")}
HOUSE |= {f"{path}/" for path in HOUSE}
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]+)[^)]*\)")
_PATH = re.compile(r"`((?:azlic|engines|usage|licensing|migrations|scripts|tests|docs)/[\w./-]+)`")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    lost = [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    lost += [path for path in _PATH.findall(text) if not {path, f"{path}.py"} & HOUSE]
    assert lost == []


@pytest.mark.parametrize("folder", ["docs", "docs/adr"])
def test_an_index_names_every_page_of_its_folder(folder: str) -> None:
    index = (ROOT / folder / "README.md").read_text()
    listed = {link for link in _LINK.findall(index) if "/" not in link}
    assert listed == {page.name for page in (ROOT / folder).glob("*.md")} - {"README.md"}


def test_the_map_is_short_and_shows_the_arrows_that_there_are() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert len(text.splitlines()) <= 120
    drawn: dict[str, dict[str, set[str]]] = {}
    floor = ""
    for row in re.findall(r"^\| ?(\w*) \| ([\w, ]+) \| [^|]+ \| ([^|]*)\|$", text, flags=re.MULTILINE):
        floor = row[0] or floor
        allowed = set(re.findall(r"\w+", row[2]))
        for room in row[1].split(", "):
            drawn.setdefault(floor, {})[room] = (allowed - {"ground"}) | (GROUND if "ground" in allowed else set())
    assert drawn["licensing"] == ARROWS["licensing"]
    assert drawn["usage"] == ARROWS["usage"] | {room: set() for room in GROUND}
    assert drawn["engines"] == ARROWS["engines"]


def test_the_example_of_a_usage_record_is_one() -> None:
    page = (ROOT / "docs" / "records.md").read_text()
    example = page.partition("```json\n")[2].partition("\n```")[0].encode()
    record, extra, micro, _at = interpret(example)
    assert (extra, micro, record.sequence) == (None, 3_000_000, 41)
    fields = json.loads(example)
    table = set(re.findall(r"`([\w.]+)`", "".join(re.findall(r"^\| (`.+?) \|", page, flags=re.MULTILINE))))
    assert table == (set(fields) - {"meter"}) | {"meter.name", "meter.quantity"}
