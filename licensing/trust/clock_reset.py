"""The clock reset: an issuer's word that a site's newest instant was wrong, and which one to go back to.

A site remembers the newest instant that anything has shown, so that a clock that was turned back does not pass
unseen. Where that instant itself was wrong, because a clock once stood in the future, only the issuer can take it back.
"""

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Engine

from licensing.core.files import FileTooLarge, read_capped, unreadable
from licensing.core.instants import iso
from licensing.db.database import writing
from licensing.history.read import read_seen
from licensing.history.remember import reset_clock
from licensing.signing.document import Instant, Label
from licensing.trust.held import Held
from licensing.trust.statement import BadStatement, RefusedStatement, Statement, Uuid, open_statement, outer_form
from licensing.trust.store import TrustStore


class ClockReset(Statement):
    """Sets a site's newest instant back to ``instant``, once: ``reset_id`` is never taken twice.

    It is meant for any site where it names none.
    """

    payload_type: ClassVar[str] = "application/vnd.azlic.clock-reset.v1+json"

    reset_id: Uuid
    site: Label | None = None
    instant: Instant
    reason: Label


def parse_clock_reset(content: bytes, held: Held) -> ClockReset:
    """Read a clock reset that a trusted key has signed, within its window.

    Raises ``RefusedStatement`` for anything else, with the reason.
    """
    try:
        return open_statement(outer_form(content, ClockReset), ClockReset, held.keys)
    except BadStatement as error:
        raise RefusedStatement(
            f"the clock reset is not trusted: {error}",
            hint="ask the issuer that this site trusts for one, made with: azlic issuer clock-reset",
        ) from error


def read_clock_reset(path: Path, *, trust: TrustStore, site: str) -> ClockReset:
    """Read a clock reset that is meant for this site.

    Raises ``RefusedStatement`` for one that is not trusted or is another site's, ``AzlicError`` for a file that cannot
    be read.
    """
    try:
        content = read_capped(path, ClockReset.limit)
    except (OSError, FileTooLarge) as error:
        raise unreadable(f"the clock reset {path}", error) from error
    reset = parse_clock_reset(content, trust.load())
    if reset.site is not None and reset.site != site:
        raise RefusedStatement(
            f"the clock reset is for site {reset.site!r}, this is {site or 'a site without a name'!r}",
            hint="ask the issuer for one of this site; the setting `site` names it",
        )
    return reset


def take_clock_reset(engine: Engine, reset: ClockReset, *, now: datetime) -> None:
    """Set the ledger's witnesses back.

    Raises ``RefusedStatement`` where this reset was taken before, or nothing is later than its instant; nothing is
    changed then, and the reset is not used up.
    """
    with writing(engine) as connection:
        mark = read_seen(connection).high_water
        if mark is None or mark.instant <= reset.instant:
            raise RefusedStatement(
                f"nothing that was seen here is later than {iso(reset.instant)}, so there is nothing to reset",
                hint="azlic clock status shows what was seen",
            )
        if not reset_clock(connection, reset_id=reset.reset_id, instant=reset.instant, now=now):
            raise RefusedStatement(
                f"the clock reset {reset.reset_id} was used before, and works only once",
                hint="ask the issuer for a new one: azlic issuer clock-reset",
            )
