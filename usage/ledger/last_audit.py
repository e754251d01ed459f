"""What the last audit of a ledger said: a ledger that did not pass is said to be so wherever its numbers are.

That it failed is an entry in the chain, too: whoever deletes or edits the row leaves the entry, which counts as much.
Read without SQLAlchemy where the ledger is a file.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import from_milliseconds, iso
from licensing.db.readonly import ReadOnlyConnection

FAILED_AUDIT = "failed_audit"
OPTIONS = {7: "--against FILE", 9: "--files"}
"""What makes an audit look as far as one did whose check of this number failed."""


class LastAudit(NamedTuple):
    """The last audit of a ledger: when it was, whether the ledger passed, and its first line.

    Where one failed and none has passed since that looks as far, it is that one. ``again`` is the command that does.
    """

    audited_at: datetime
    sound: bool
    detail: str
    again: str = "azlic audit"

    @property
    def failure(self) -> str:
        """That the ledger did not pass, in words; empty where it did."""
        return (
            ""
            if self.sound
            else f"the ledger did not pass its audit of {iso(self.audited_at.replace(microsecond=0))}: {self.detail}"
        )


class _Failure(NamedTuple):
    failed_at: int
    checks: str
    detail: str


def read_last_audit(connection: ReadOnlyConnection) -> LastAudit | None:
    """What the last audit said; None where there was none."""
    query = f"SELECT audited_at, sound, detail FROM {connection.fitting('audit_outcome')}"  # noqa: S608
    found = connection.select(_last_audit, query)
    failures = _failures(connection)
    again = _again(failure.checks for failure in failures)
    if failures and not (found and not found[0].sound):
        newest = max(failures)
        return LastAudit(from_milliseconds(newest.failed_at), False, newest.detail, again)
    return found[0]._replace(again=again) if found else None


def _last_audit(audited_at: int, sound: int, detail: str) -> LastAudit:
    return LastAudit(from_milliseconds(audited_at), bool(sound), detail)


def _failures(connection: ReadOnlyConnection) -> set[_Failure]:
    """The audits that failed and that none has made up for, by their rows and by the entries of the chain."""
    rows = connection.select(
        _Failure,
        f"SELECT failed_at, checks, detail FROM {connection.fitting(FAILED_AUDIT)} WHERE passed_at IS NULL",  # noqa: S608
    )
    query = f"SELECT number, row_key, image FROM entry WHERE table_name = '{FAILED_AUDIT}'"  # noqa: S608
    images = {key: image for _, key, image in sorted(connection.select(_entry, query))}
    return {*rows, *(failure for failure in map(_booked, images.values()) if failure is not None)}


def _entry(number: int, row_key: str, image: str | None) -> tuple[int, str, str]:
    return number, row_key, image or ""


def _booked(image: str) -> _Failure | None:
    """A failure as the chain has it; None for one that was made up for."""
    try:
        row = json.loads(image) if image else {"passed_at": 0}
        if row["passed_at"] is not None:
            return None
        return _Failure(int(row["failed_at"]), str(row["checks"]), str(row["detail"]))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return _Failure(0, "", "what it said was changed in the ledger")


def _again(checks: Iterable[str]) -> str:
    failed = {number for some in checks for number in some.split()}
    return " ".join(["azlic audit", *(option for check, option in OPTIONS.items() if str(check) in failed)])
