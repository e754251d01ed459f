"""Many small files cost a little each: counted in statements and in files that are opened."""

import itertools
import sys
from types import FrameType
from typing import Any, NamedTuple

import pytest
from sqlalchemy import event

from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.records.usage_files import SIZES

FILES = 60


class Cost(NamedTuple):
    """What an ingest asked of the database and of the disk."""

    statements: int
    opened: int


def cost_of_ingest(mount: Mount) -> Cost:
    statements, opened = itertools.count(), itertools.count()

    def execute(*_: object) -> None:
        next(statements)

    def look(_frame: FrameType, happened: str, called: Any) -> None:
        if happened == "c_call" and called.__name__ == "open":
            next(opened)

    event.listen(mount.ledger, "before_cursor_execute", execute)
    sys.setprofile(look)
    try:
        mount.site.ingest(SIZES, now=mount.site.now)
    finally:
        sys.setprofile(None)
        event.remove(mount.ledger, "before_cursor_execute", execute)
    return Cost(next(statements), next(opened))


def lay(mount: Mount, name: str, count: int) -> None:
    """Files of one record each, no two of which are of one length."""
    folder = mount.site.output / "read" / "c"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        line = a_line(f"{name}{number:04}", note="x" * number)
        (folder / f"{name}-{number:04}.jsonl").write_bytes(line + b"\n")


@pytest.mark.databases("sqlite")
def test_an_ingest_costs_a_little_for_each_file_that_is_new_and_nothing_for_one_that_is_not(mount: Mount) -> None:
    lay(mount, "a", FILES)
    first = cost_of_ingest(mount)
    assert first.statements < 8 * FILES
    assert first.opened < 3 * FILES
    again = cost_of_ingest(mount)
    assert again.statements < FILES // 2
    assert again.opened < 5
    lay(mount, "b", FILES)
    more = cost_of_ingest(mount)
    assert more.statements < 8 * FILES
    assert more.opened < 3 * FILES


@pytest.mark.databases("sqlite")
def test_files_that_are_all_lost_at_once_are_held_once_against_those_beside_them(mount: Mount) -> None:
    lay(mount, "a", FILES)
    mount.ingest()
    for path in (mount.site.output / "read" / "c").iterdir():
        path.unlink()
    lay(mount, "b", FILES)
    lost = cost_of_ingest(mount)
    assert lost.statements < 16 * FILES
    assert lost.opened < 5 * FILES
