"""The issuer's audit log: who did what to what, each line chained to the one before."""

import hashlib
import json
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from licensing.core.instants import iso
from licensing.db.database import reading
from licensing.db.schema import rows_of
from licensing.issuer.tables import AuditLineRow

ORIGIN = bytes(32)
_LONGEST_SUBJECT = 200


def operator() -> str:
    """The actor of what a command changes: the system's user who runs it, by name where it has one."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"


def note(
    connection: Connection, *, at: datetime, actor: str, action: str, subject: str, **detail: str | int | None
) -> None:
    """Add a line, inside the transaction of what it records. No secret belongs in ``detail``.

    What is None stays out of it; of ``subject``, which a stranger may have chosen, only what can be printed is kept.
    """
    last = connection.execute(
        select(AuditLineRow.number, AuditLineRow.head).order_by(AuditLineRow.number.desc()).limit(1)
    ).one_or_none()
    number = last.number + 1 if last else 1
    line = {
        "at": iso(at.replace(microsecond=0)),
        "actor": actor,
        "action": action,
        "subject": "".join(filter(str.isprintable, subject))[:_LONGEST_SUBJECT],
        "detail": json.dumps({name: value for name, value in detail.items() if value is not None}),
    }
    head = _head(last.head if last else ORIGIN, number, *line.values())
    connection.execute(insert(AuditLineRow).values(number=number, head=head, **line))


def _head(before: bytes, number: int, *texts: str) -> bytes:
    return hashlib.sha256(before + json.dumps([number, *texts]).encode()).digest()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the log, as it is read back. ``detail`` is what the action noted of itself."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    detail: Any


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The whole log, checked. ``fault`` names the first bad line, or is None; ``head`` is the digest of the last."""

    entries: Sequence[AuditEntry]
    fault: str | None
    head: bytes


def read_audit_log(engine: Engine) -> AuditLog:
    """Read the log back and compute its chain again, from the values of every line.

    A line that was changed, removed or put in between is found. Lines missing at the very end, and a chain that was
    computed anew to its end, show only against a ``head`` that was kept elsewhere.
    """
    entries, fault, number, head = [], None, 0, ORIGIN
    with reading(engine) as connection:
        for row in rows_of(connection, AuditLineRow, order_by=[AuditLineRow.number]):
            expected = _head(head, row.number, row.at, row.actor, row.action, row.subject, row.detail)
            if fault is None and row.number != number + 1:
                fault = f"line {row.number} does not follow line {number}: what was between them is gone"
            elif fault is None and row.head != expected:
                fault = f"line {row.number} is not what was written, or was not written after line {number}"
            number, head = row.number, row.head
            entries.append(AuditEntry(row.number, row.at, row.actor, row.action, row.subject, _detail(row.detail)))
    return AuditLog(entries, fault, head)


def _detail(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # a changed line is shown as it is
        return text
