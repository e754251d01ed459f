"""Whatever happens to usage files between ingests, and in the middle of one: a state machine.

**What holds always.** The ledger is the set of complete records that lay in a usage file when an ingest looked at it,
each once; totals, heads and months recompute, whatever was closed or corrected; what is missing in a container's chain
is what its gaps say.

**What is reported.** When complete records are destroyed that no ingest saw, the next ingest of the folder says so,
provided that the file was known, and that what was known of it is gone with them.

**What cannot be known** from the files, and is not asked for here: that a file which no ingest ever saw has existed;
that records behind the known ones are gone, when the known ones are all still there (a file cut back to the place up to
which it was read, the restored copy of an earlier day, the moment between copy and truncation of a copy-truncate); what
a file held that was known while it had no whole line. For containers with a chain, the next record tells of each of
these (a gap); for others nothing does.
"""

import contextlib
import gc
import gzip
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import reading
from tests.site import START
from tests.usage.ledgers import Killed, check_arithmetic, die_at, new_ledger, open_fast
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import rows
from usage.auditing.recomputation import recompute
from usage.closing.close import close_month
from usage.intake.matching import Memory
from usage.intake.run import ingest
from usage.ledger.corrections import correct
from usage.ledger.receipt import Receipt
from usage.ledger.tables.records import FindingRow, GapRow, QuarantineRow, RecordRow, SourceRow
from usage.months import Month
from usage.quantity import MICRO
from usage.records.usage_files import ReadSizes

LIVE = ("plain.jsonl", "counted.jsonl", "dated.jsonl")
CHAINS = {"counted.jsonl": "c0c0c0c0c0c0", "dated.jsonl": "dadadadadada"}
SMALL = ReadSizes(block=4096, commit=6000)
LOSSES = {"shrunk", "rewritten", "replaced", "vanished"}

live = st.sampled_from(LIVE)
number = st.integers(0, 30)


@dataclass(frozen=True)
class Doubt:
    """A known source whose unread records were destroyed: what was known, and how often a loss had been said of it."""

    known: bytes
    said: int


class Files(RuleBasedStateMachine):
    """One folder, two watchers of it, and everything that is done to the files between."""

    def __init__(self) -> None:
        super().__init__()
        self._temporary = tempfile.TemporaryDirectory()
        self._top = Path(self._temporary.name)
        self._folder = self._top / "output" / "read" / "c0c0c0c0c0c0"
        self._folder.mkdir(parents=True)
        self._database = new_ledger(self._top / "azlic.db")
        self._ledger = open_fast(self._database)
        self._memory = Memory()
        self._now = START
        self._written = 0
        self._chains: dict[str, list[bytes]] = {name: [] for name in CHAINS}
        self._torn: dict[str, tuple[int, int, bytes]] = {}
        self._kept: list[tuple[str, bytes]] = []
        self._taken: set[str] = set()
        self._known: dict[int, tuple[int, bytes]] = {}
        self._doubts: dict[int, Doubt] = {}
        self._harmless = self._in_order = True

    # ---- the folder as it is

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path.is_file() and not path.is_symlink())

    def _some(self, number: int) -> Path | None:
        files = self._files()
        return files[number % len(files)] if files else None

    @contextlib.contextmanager
    def _destroying(self) -> Iterator[None]:
        """Note which known sources lose records by what is done, that the ledger has not taken."""
        before = {path.stat().st_ino: content_of(path) for path in self._files()}
        self._harmless = self._in_order = False
        yield
        left = self._taken.union(*(ids_in(content_of(path)) for path in self._files()))
        said = self._losses_said()
        for key, (inode, known) in self._known.items():
            content = before.get(inode, b"")
            if known and content.startswith(known) and ids_in(content) - left:
                self._doubts.setdefault(key, Doubt(known, said[key]))

    def _losses_said(self) -> Counter[int]:
        return Counter(row.source for row in rows(self._ledger, FindingRow) if row.kind in LOSSES)

    # ---- containers

    def _next_lines(self, name: str, count: int) -> bytes:
        chain = self._chains.get(name)
        if chain is not None:
            lines = a_chain(count, container=CHAINS[name], after=chain)
            chain += lines
        else:
            lines = [a_line(f"{self._written + index:06}", (self._written + index) % 7) for index in range(count)]
            self._written += count
        return b"".join(line + b"\n" for line in lines)

    def _append(self, path: Path, data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)

    @rule(name=live, count=st.integers(1, 12))
    def append(self, name: str, count: int) -> None:
        path = self._folder / name
        torn = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
        self._give_the_torn_line_up(name)
        self._append(path, (b"\n" if torn else b"") + self._next_lines(name, count))

    @rule(name=live, cut=st.integers(1, 250))
    def begin_a_line(self, name: str, cut: int) -> None:
        path = self._folder / name
        if name not in self._torn and not (path.exists() and not path.read_bytes().endswith(b"\n")):
            line = self._next_lines(name, 1)
            self._append(path, line[:cut])
            self._torn[name] = path.stat().st_ino, path.stat().st_size, line[cut:]

    @rule(name=live)
    def complete_the_line(self, name: str) -> None:
        path = self._folder / name
        inode, size, rest = self._torn.get(name, (0, 0, b""))
        if path.exists() and (path.stat().st_ino, path.stat().st_size) == (inode, size):
            self._append(path, rest)
            del self._torn[name]
        else:
            self._give_the_torn_line_up(name)

    def _give_the_torn_line_up(self, name: str) -> None:
        """As a container does that starts again: the number of the torn line is given to the next record."""
        if self._torn.pop(name, None) and name in self._chains:
            self._chains[name].pop()

    @rule(name=live)
    def write_a_bad_line(self, name: str) -> None:
        if name not in self._torn:
            self._append(self._folder / name, b'{"id":"bad"}\n')

    # ---- rotation

    def _turn(self, name: str) -> Path:
        """Make room for the newest rotated file of a name."""
        if name == "dated.jsonl":
            return self._folder / f"{name}-{20260301 + len(list(self._folder.glob('dated.jsonl-*')))}"
        for index in range(9, 0, -1):
            for ending in ("", ".gz"):
                path = self._folder / f"{name}.{index}{ending}"
                if path.exists():
                    path.rename(self._folder / f"{name}.{index + 1}{ending}")
        return self._folder / f"{name}.1"

    def _may_turn(self, name: str) -> bool:
        path = self._folder / name
        rotated = [other for other in self._files() if other.name.startswith(f"{name}.") or "-" in other.name]
        return path.exists() and not path.is_symlink() and len(rotated) < 6 and name not in self._torn

    @rule(name=live)
    def rotate_by_renaming(self, name: str) -> None:
        if self._may_turn(name):
            (self._folder / name).rename(self._turn(name))

    @rule(name=live)
    def rotate_by_copying_and_truncating(self, name: str) -> None:
        if self._may_turn(name):
            path = self._folder / name
            shutil.copyfile(path, self._turn(name))
            os.truncate(path, 0)

    @rule(number=number)
    def compress_a_rotated_file(self, number: int) -> None:
        path = self._some(number)
        if path is not None and path.name not in LIVE and path.suffix != ".gz":
            packed = path.with_name(f"{path.name}.gz")
            self._harmless &= b"\n" in path.read_bytes()  # of a file without a whole line nothing is known
            if not packed.exists():
                packed.write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()

    @rule(number=number, part=st.integers(0, 99))
    def compress_a_part_of_a_rotated_file(self, number: int, part: int) -> None:
        path = self._some(number)
        if path is not None and path.name not in LIVE and path.suffix != ".gz":
            packed = path.with_name(f"{path.name}.gz")
            if not packed.exists():
                data = gzip.compress(path.read_bytes())
                packed.write_bytes(data[: len(data) * part // 100])
                self._in_order = False  # its lines may be read before those of the files between

    @rule(number=number)
    def finish_compressing(self, number: int) -> None:
        path = self._some(number)
        if path is not None and path.with_name(f"{path.name}.gz").exists():
            with self._destroying():
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()

    # ---- mishaps

    @rule(number=number, size=st.integers(0, 3000))
    def cut_off(self, number: int, size: int) -> None:
        path = self._some(number)
        if path is not None and path.stat().st_size > size:
            with self._destroying():
                os.truncate(path, size)

    @rule(name=live, count=st.integers(0, 20))
    def truncate_and_write_anew(self, name: str, count: int) -> None:
        if (self._folder / name).exists():
            with self._destroying():
                os.truncate(self._folder / name, 0)
                self._give_the_torn_line_up(name)
                self._append(self._folder / name, self._next_lines(name, count))

    @rule(name=live, count=st.integers(0, 20))
    def delete_and_make_again(self, name: str, count: int) -> None:
        if (self._folder / name).exists():
            with self._destroying():
                (self._folder / name).unlink()  # the inode is used again, where the file system does that
                self._append(self._folder / name, self._next_lines(name, count))

    @rule(number=number)
    def delete(self, number: int) -> None:
        path = self._some(number)
        if path is not None:
            with self._destroying():
                path.unlink()

    @rule(number=number, to=number)
    def rename(self, number: int, to: int) -> None:
        path, other = self._some(number), self._some(to)
        if path is not None and other is not None and (path.suffix == ".gz") == (other.suffix == ".gz"):
            with self._destroying():
                path.rename(other)

    @rule(number=number, index=st.integers(1, 3))
    def copy(self, number: int, index: int) -> None:
        path = self._some(number)
        if path is not None and path.suffix != ".gz" and not (other := self._folder / f"copy.jsonl.{index}").exists():
            shutil.copyfile(path, other)
            self._in_order = False

    @rule(number=number, index=st.integers(1, 3))
    def link(self, number: int, index: int) -> None:
        path = self._some(number)
        if path is not None and path.suffix != ".gz" and not (other := self._folder / f"link.jsonl.{index}").exists():
            os.link(path, other)
            self._in_order = False

    @rule(number=number)
    def swap_the_symbolic_link(self, number: int) -> None:
        path = self._some(number)
        if path is not None:
            (self._folder / "current.jsonl").unlink(missing_ok=True)
            (self._folder / "current.jsonl").symlink_to(path)

    @rule(number=number)
    def keep_a_copy(self, number: int) -> None:
        path = self._some(number)
        if path is not None:
            self._kept = [*self._kept[-2:], (path.name, path.read_bytes())]

    @precondition(lambda self: self._kept)
    @rule(number=number, in_place=st.booleans())
    def restore_a_copy(self, number: int, in_place: bool) -> None:
        name, content = self._kept[number % len(self._kept)]
        with self._destroying():
            if not in_place:
                (self._folder / name).unlink(missing_ok=True)
            (self._folder / name).write_bytes(content)

    @rule(hours=st.integers(-1000, 1000))
    def set_the_clock(self, hours: int) -> None:
        self._now = max(START - timedelta(days=900), self._now + timedelta(hours=hours))

    # ---- ingests

    def _try(self, paths: list[Path], memory: Memory | None = None) -> Receipt | None:
        try:
            return ingest(self._ledger, paths, now=self._now, memory=memory, sizes=SMALL)
        except AzlicError as error:
            assert "cannot be read" in error.message, error.message
            assert any(not is_whole(path) for path in self._files())
            return None

    def _seen(self, paths: list[Path]) -> None:
        """Compare the ledger with what could be seen at these paths."""
        found = [row.id for row in rows(self._ledger, RecordRow)]
        assert len(found) == len(set(found))
        may = self._taken.union(*(ids_in(content_of(path)) for path in paths))
        must = self._taken.union(*(ids_in(content_of(path)) for path in paths if is_whole(path)))
        held = set(found) | self._waiting().keys()
        assert must - held == set(), "lost"
        assert held - may == set(), "made up"
        self._taken = held
        check_arithmetic(self._ledger)
        self._check_gaps()
        self._remember()
        self._forget_doubts()

    def _waiting(self) -> dict[str, int | None]:
        """The records that wait for their day, each with its number in its container's chain."""
        lines = [row for row in rows(self._ledger, QuarantineRow) if row.kind == "ahead" and row.settled_at is None]
        return {row.record_id: json.loads(row.content).get("sequence") for row in lines}

    def _forget_doubts(self) -> None:
        """What is known of a file is still there, so that nothing seems to have happened to it."""
        whole = [content_of(path) for path in self._files() if is_whole(path)]
        for key, doubt in list(self._doubts.items()):
            if any(content.startswith(doubt.known) for content in whole):
                del self._doubts[key]

    def _check_gaps(self) -> None:
        chained = [row for row in rows(self._ledger, RecordRow) if row.sequence is not None]
        for container in CHAINS.values():
            numbers = {row.sequence for row in chained if row.id.startswith(container)}
            numbers |= {number for name, number in self._waiting().items() if number and name.startswith(container)}
            gaps = [row for row in rows(self._ledger, GapRow) if row.container_id == container]
            missing = {number for gap in gaps for number in range(gap.first, gap.last + 1)}
            assert missing == set(range(1, max(numbers, default=0) + 1)) - numbers

    def _remember(self) -> None:
        """What the ledger knows now of the files that are there."""
        there = {(str(path), path.stat().st_ino): content_of(path) for path in self._files() if is_whole(path)}
        self._known = {
            row.key: (row.inode, there[row.path, row.inode][: row.offset])
            for row in rows(self._ledger, SourceRow)
            if row.vanished_at is None and (row.path, row.inode) in there
        }
        for row in rows(self._ledger, SourceRow):
            if hashlib.sha256(self._known.get(row.key, (0, b""))[1]).digest() != row.consumed:
                self._known.pop(row.key, None)  # it was written anew since it was read

    def _look_through_the_folder(self, memory: Memory | None = None) -> None:
        receipt = self._try([self._top / "output"], memory)
        self._seen(self._files())
        said = self._losses_said()
        for key, doubt in self._doubts.items():
            assert said[key] > doubt.said
        self._doubts.clear()
        kinds = {row.kind for row in rows(self._ledger, FindingRow)} - {"passed-over"}  # a link whose target moved
        assert not (self._harmless and kinds & LOSSES)
        assert not (self._in_order and kinds)
        if receipt is not None:
            again = self._try([self._top / "output"], memory)
            assert again is not None and (again.new, again.findings, again.quarantined, again.conflicts) == (0, 0, 0, 0)

    @rule()
    def ingest(self) -> None:
        self._look_through_the_folder()

    @rule()
    def watcher_scans_the_folder(self) -> None:
        self._look_through_the_folder(self._memory)

    @rule(number=number)
    def watcher_takes_a_file(self, number: int) -> None:
        path = self._some(number)
        if path is not None:
            self._try([path], self._memory)
            self._seen([path])

    @precondition(lambda self: (self._folder / "current.jsonl").is_file())
    @rule()
    def ingest_what_the_link_points_to(self) -> None:
        self._try([self._folder / "current.jsonl"])
        self._seen([(self._folder / "current.jsonl").resolve()])

    @rule(number=st.integers(0, 60))
    def ingest_is_killed(self, number: int) -> None:
        dying = open_fast(self._database)
        die_at(dying, number)
        with contextlib.suppress(Killed, AzlicError):
            ingest(dying, [self._top / "output"], now=self._now, sizes=SMALL)
        dying.dispose()
        gc.collect()  # of cursors that were open when it died, and would hold the database
        found = {row.id for row in rows(self._ledger, RecordRow)} | self._waiting().keys()
        assert self._taken <= found <= self._taken.union(*(ids_in(content_of(path)) for path in self._files()))
        self._taken = found
        self._remember()
        self._forget_doubts()
        check_arithmetic(self._ledger)

    # ---- months that close

    @rule()
    def close_the_month_before(self) -> None:
        month = Month.of(Month.of(self._now).starts_at - timedelta(days=1))
        with contextlib.suppress(BadCall):  # it is closed already
            close_month(self._ledger, month, now=self._now, accept="whatever was open")
        check_arithmetic(self._ledger)

    @precondition(lambda self: self._taken)
    @rule(number=st.integers(0, 300), quantity=st.integers(0, 3))
    def correct_a_record(self, number: int, quantity: int) -> None:
        identity = sorted(self._taken)[number % len(self._taken)]
        with contextlib.suppress(BadCall):  # it counts that much already
            correct(self._ledger, identity, quantity * MICRO, reason="it was another", now=self._now)
        check_arithmetic(self._ledger)
        with reading(self._ledger) as connection:
            for month in {Month.of(START), Month.of(self._now)}:
                assert recompute(connection, month).difference is None

    @rule()
    def restart(self) -> None:
        self._ledger.dispose()
        self._ledger = open_fast(self._database)
        self._memory = Memory()

    def teardown(self) -> None:
        self._ledger.dispose()
        self._temporary.cleanup()


def is_whole(path: Path) -> bool:
    """Whether a file can be read to its end; a compressed one that is still being written cannot."""
    if path.suffix != ".gz":
        return True
    try:
        gzip.decompress(path.read_bytes())
    except (EOFError, OSError, zlib.error):
        return False
    return True


def content_of(path: Path) -> bytes:
    """A file's lines; of a compressed one as many as can be had."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(wbits=31).decompress(data)
        return b""
    return data


def ids_in(content: bytes) -> set[str]:
    """The ids of the complete records in a file's content."""
    found: set[str] = set()
    for line in content.rpartition(b"\n")[0].split(b"\n"):
        with contextlib.suppress(ValueError):
            fields = json.loads(line)
            if "meter" in fields:
                found.add(fields["id"])
    return found
