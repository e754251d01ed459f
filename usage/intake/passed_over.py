"""What may hold usage and was not taken: a finding for each, until it is taken or somebody puts it aside."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, update

from licensing.core.text import printable
from licensing.db.schema import rows_of
from usage.ledger.batch_log import desk_source
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.records import FindingRow
from usage.ledger.writer import Ledger
from usage.records.output_scan import OutputScan, PassedOver, content_mark

KIND = "passed-over"
_TAKEN = "it was taken, or is something else by now"
_CHANGED = "it has changed since"
_GONE = "it is no longer there, and was no file"
_NO_FILE = ("it is a link", "it is a socket", "it is a pipe", "it is a device")
_AGAIN = "; again"
_MARK = re.compile(r"(?:[0-9,]+ bytes, )?content [0-9a-f]{8}$")
_Name = tuple[str, str]


class _Told(NamedTuple):
    """A finding as it was recorded: of what path, for which reason, and what the content was known by."""

    key: int
    source: int
    path: str
    reason: str

    @classmethod
    def of(cls, row: FindingRow) -> "_Told":
        """Read a finding's detail; its file is how the path ends."""
        detail, _, _ = row.detail.partition(_AGAIN)
        end = detail.find(f"{row.file}: ") + len(row.file)
        return cls(row.key, row.source, detail[:end], detail[end + 2 :])


@dataclass(slots=True)
class PassedOverFindings:
    """The findings about what was passed over: those that are open, and what was put aside.

    Each is known by its path and content; what has no content, by its path and reason.
    """

    open: dict[_Name, _Told] = field(default_factory=dict)
    aside: set[_Name] = field(default_factory=set)
    _times: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, connection: Connection) -> "PassedOverFindings":
        """Read them from the ledger."""
        found = cls()
        for row in rows_of(connection, FindingRow, FindingRow.kind == KIND, order_by=[FindingRow.key]):
            told = _Told.of(row)
            name = told.path, _known_by(told.reason)
            found._times[f"{told.path}: {told.reason}"] += 1
            found.open.pop(name, None)
            found.aside.discard(name)
            if row.settled_at is None:
                found.open[name] = told
            elif row.settled_why not in (_TAKEN, _CHANGED, _GONE):
                found.aside.add(name)
        return found

    def waiting(self, passed_over: Iterable[PassedOver]) -> list[PassedOver]:
        """Those that nobody has put aside."""
        return [item for item in passed_over if _name(item) not in self.aside]

    def untold(self, passed_over: Iterable[PassedOver]) -> list[PassedOver]:
        """Those that no finding is about."""
        return [item for item in self.waiting(passed_over) if _name(item) not in self.open]

    def tell_of(self, path: Path) -> bool:
        """Whether one of them, or what was put aside, is about a file as it is now."""
        text = printable(path)
        known = [known_by for told, known_by in (*self.open, *self.aside) if told == text]
        return bool(known) and ((mark := content_mark(path, whole=True)) in known or not mark)

    def note(
        self, connection: Connection, ledger: Ledger, passed_over: Sequence[PassedOver], sources: Mapping[str, int]
    ) -> None:
        """Record what is not known yet. ``sources`` are those of the usage files among them, by path."""
        for item in self.untold(passed_over):
            times = self._times[item.detail]
            ledger.report_finding(
                connection,
                kind=KIND,
                source=sources.get(item.text) or desk_source(connection, SourceKind.SCAN),
                file=short_path(item.path),
                detail=f"{item.detail}{_AGAIN} ({times + 1})" if times else item.detail,
            )

    def settle(
        self,
        connection: Connection,
        scan: OutputScan,
        folders: Sequence[Path],
        taken: AbstractSet[int],
        *,
        now: datetime,
    ) -> None:
        """Settle what a scan of folders did not pass over again: it was taken, is another by now, or is gone.

        ``taken`` are the sources that were. A file that is gone and was never taken stays open.
        """
        passed = {_name(item) for item in scan.passed_over}
        there = {item.text for item in scan.passed_over}
        for name, told in self.open.items():
            path = Path(told.path)
            if name in passed or not any(path.is_relative_to(folder) for folder in folders):
                continue
            if told.path in there:
                why = _CHANGED
            elif scan.may_hide(path):
                continue
            elif os.path.lexists(path) or told.source in taken:
                why = _TAKEN
            elif told.reason.startswith(_NO_FILE):
                why = _GONE
            else:
                continue
            statement = update(FindingRow).where(FindingRow.key == told.key)
            connection.execute(statement.values(settled_at=now, settled_why=why))


def _name(item: PassedOver) -> _Name:
    return item.text, _known_by(item.mark or item.reason)


def _known_by(reason: str) -> str:
    """What something is known by: its content where the reason ends with that."""
    return found[0] if (found := _MARK.search(reason)) else reason


def short_path(path: Path) -> str:
    """The part of a path that stays the same wherever the output folder is mounted: service, container, file."""
    return printable(Path(*path.parts[-3:]))
