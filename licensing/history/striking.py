"""Striking a witness of time: the ledger's owner says that it was wrong, and it stays written down who said so.

A record that was dated years ahead, or a clock that once stood there, makes every license clock-suspect. An issuer can
sign a reset (``licensing.trust.clock_reset``); a site that has none needs a way of its own. Whoever sets a clock back
and strikes what speaks against it gains time from a license, so every strike is kept for ever and shown.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, text

from licensing.core.errors import AzlicError, BadCall
from licensing.core.instants import iso, milliseconds
from licensing.core.text import printable
from licensing.db.database import place, writing
from licensing.db.inserts import forget_misfits
from licensing.history.read import read_seen
from licensing.history.remember import take_back
from licensing.history.tables import WitnessStrikeRow
from licensing.verdict.seen import Witness, WitnessKind

_OWNED = (
    "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class"
    " WHERE relname = 'witness' AND relnamespace = current_schema()::regnamespace"
)


def strike(engine: Engine, kinds: Sequence[WitnessKind], *, reason: str, now: datetime, by: str) -> tuple[Witness, ...]:
    """Take the witnesses of these kinds that are later than ``now`` back to it; returns them as they stood.

    A witness that cannot be read, as no azlic writes it, is forgotten, whatever kind it is of: it is told and kept as
    one that had shown ``now``, with what was wrong with it; of the first of these kinds where its own is none.

    Raises ``AzlicError`` for a user who does not own the ledger, ``BadCall`` without a reason or where nothing that was
    seen is later; nothing is changed then.
    """
    if not reason.strip():
        raise BadCall("striking a witness needs a reason", hint="--reason 'the camera container ran in 2029'")
    with writing(engine) as connection:
        if not _is_owner(connection):
            raise AzlicError(
                f"only the owner of the ledger {place(engine)}, or root, may strike what it has seen",
                hint="run it as that user; azlic clock status shows what was seen",
            )
        later = tuple(one for one in read_seen(connection).ahead_of(now) if one.kind in kinds)
        unfit = forget_misfits(connection, "witness")
        struck = later + tuple(Witness(_kind(one.row, kinds), now, printable(str(one))) for one in unfit)
        if not struck:
            raise BadCall(
                f"none of these was seen later than {iso(now)}, so there is nothing to strike",
                hint="azlic clock status shows what was seen",
            )
        for one in struck:
            shown = {"kind": one.kind, "instant": milliseconds(one.instant), "source": one.source}
            told = {"struck_at": milliseconds(now), "struck_by": by, "reason": reason}
            connection.execute(insert(WitnessStrikeRow).values(shown | told))
        take_back(connection, [one.kind for one in later], now, f"struck by {by}")
    return struck


def _kind(row: str, kinds: Sequence[WitnessKind]) -> WitnessKind:
    return next((kind for kind in WitnessKind if row == f"'{kind}'"), kinds[0])


def _is_owner(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":
        return bool(connection.execute(text(_OWNED)).scalar())
    file = connection.engine.url.database or ""
    return os.geteuid() in {0, Path(file).stat().st_uid}
