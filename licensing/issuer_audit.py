"""The issuer's audit log: who did what to what, each line chained to the one before."""

import hashlib
import json
from datetime import datetime

from sqlalchemy import Connection, insert, select

from licensing.instants import iso
from licensing.issuer_tables import AuditLine

ORIGIN = bytes(32)


def note(connection: Connection, *, at: datetime, actor: str, action: str, subject: str, **detail: str | int) -> None:
    """Add a line, inside the transaction of what it tells about. No secret belongs into ``detail``."""
    last = connection.execute(
        select(AuditLine.number, AuditLine.head).order_by(AuditLine.number.desc()).limit(1)
    ).one_or_none()
    number = last.number + 1 if last else 1
    line = {"at": iso(at), "actor": actor, "action": action, "subject": subject, "detail": json.dumps(detail)}
    head = hashlib.sha256((last.head if last else ORIGIN) + json.dumps([number, *line.values()]).encode()).digest()
    connection.execute(insert(AuditLine).values(number=number, head=head, **line))
