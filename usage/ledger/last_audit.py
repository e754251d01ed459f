"""What the last audit of a ledger said: a ledger that did not pass is said to be so wherever its numbers are.

Read without SQLAlchemy where the ledger is a file.
"""

from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import from_milliseconds, iso
from licensing.db.readonly import ReadOnlyConnection


class LastAudit(NamedTuple):
    """The last audit of a ledger: when it was, whether the ledger passed, and its first line."""

    audited_at: datetime
    sound: bool
    detail: str

    @property
    def failure(self) -> str:
        """That the ledger did not pass, in words; empty where it did."""
        return (
            ""
            if self.sound
            else f"the ledger did not pass its audit of {iso(self.audited_at.replace(microsecond=0))}: {self.detail}"
        )


def read_last_audit(connection: ReadOnlyConnection) -> LastAudit | None:
    """What the last audit said; None where there was none."""
    query = f"SELECT audited_at, sound, detail FROM {connection.fitting('audit_outcome')}"  # noqa: S608
    found = connection.select(_last_audit, query)
    return found[0] if found else None


def _last_audit(audited_at: int, sound: int, detail: str) -> LastAudit:
    return LastAudit(from_milliseconds(audited_at), bool(sound), detail)
