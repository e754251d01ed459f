"""The clock reset: an issuer's word that a site's newest instant was wrong, and which one to go back to.

A site remembers the newest instant that anything has shown, so that a clock that was turned back does not pass
unseen. Where that instant itself was wrong, because a clock once stood in the future, only the issuer can take it back.
"""

from typing import ClassVar

from licensing.document import Instant, Label
from licensing.statement import BadStatement, RefusedStatement, Statement, Uuid, opened, outer_form
from licensing.trust import Held


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
        return opened(outer_form(content, ClockReset), ClockReset, held.keys)
    except BadStatement as error:
        raise RefusedStatement(
            f"the clock reset is not believed: {error}",
            hint="ask the issuer that this site trusts for one, made with: azlic issuer clock-reset",
        ) from error
