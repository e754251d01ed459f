"""Whatever happens to files between ingests, the ledger holds what has been whole in them at an ingest, each once."""

import json
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.site import Site
from tests.usage.lines import a_line
from tests.usage.mount import Mount, heads, recount, rows, totals
from usage.tables import Batch

names = st.sampled_from(["1.jsonl", "2.jsonl", "3.jsonl"])


class Files(RuleBasedStateMachine):
    """Three names in an output folder, and everything that is done to the files behind them."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._site = Site(Path(self._folder.name))
        self._mount = Mount(self._site)
        self._mount.path().parent.mkdir(parents=True)
        self._written = 0
        self._expected: set[str] = set()

    def _line(self) -> bytes:
        self._written += 1
        return a_line(f"{self._written:06}", self._written % 7) + b"\n"

    def _content(self, name: str) -> bytes:
        path = self._mount.path(name)
        return path.read_bytes() if path.exists() else b""

    @rule(name=names, number=st.integers(1, 3))
    def append(self, name: str, number: int) -> None:
        start = b"" if self._content(name).endswith(b"\n") or not self._content(name) else b"\n"
        self._mount.put(start + b"".join(self._line() for _ in range(number)), name, mode="ab")

    @rule(name=names, cut=st.integers(1, 200))
    def append_a_part_of_a_line(self, name: str, cut: int) -> None:
        self._mount.put(self._line()[:cut], name, mode="ab")

    @rule(name=names)
    def truncate(self, name: str) -> None:
        self._mount.put(b"", name)

    @rule(name=names, size=st.integers(0, 600))
    def cut_off(self, name: str, size: int) -> None:
        self._mount.put(self._content(name)[:size], name)

    @rule(name=names, to=names)
    def rename(self, name: str, to: str) -> None:
        if self._mount.path(name).exists():
            self._mount.path(name).rename(self._mount.path(to))

    @rule(name=names, to=names)
    def copy(self, name: str, to: str) -> None:
        self._mount.put(self._content(name), to)

    @rule(name=names)
    def delete(self, name: str) -> None:
        self._mount.path(name).unlink(missing_ok=True)

    @rule(name=names)
    def restore(self, name: str) -> None:
        content = self._content(name)
        self.delete(name)
        self._mount.put(content, name)

    @rule()
    def ingest(self) -> None:
        self._mount.ingest()
        for path in self._mount.path().parent.iterdir():
            whole, _, _ = path.read_bytes().rpartition(b"\n")
            self._expected |= {name for line in whole.split(b"\n") if (name := _id(line))}

    @precondition(lambda self: self._written)
    @invariant()
    def the_ledger_holds_each_whole_record_once(self) -> None:
        found = self._mount.ids()
        assert sorted(found) == sorted(self._expected)
        assert totals(self._site.ledger) == recount(self._site.ledger)
        assert heads(self._site.ledger) == [row.head for row in rows(self._site.ledger, Batch)]

    def teardown(self) -> None:
        self._site.close()
        self._folder.cleanup()


def _id(line: bytes) -> str | None:
    """The id in a line, or nothing where the line is no record."""
    try:
        return str(json.loads(line)["id"])
    except ValueError:
        return None


TestFiles = Files.TestCase
TestFiles.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
