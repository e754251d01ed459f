"""What a database is: a site's ledger or an issuer's store. It says so itself, in one row written when it is made.

Neither is ever put into the other's. Readers that go without SQLAlchemy ask the same question in the same words.
"""

from collections.abc import Iterable
from enum import StrEnum

from licensing.core.errors import AzlicError


class StoreKind(StrEnum):
    """What a database is kept for."""

    SITE = "site"
    ISSUER = "issuer"


STATED_KIND = "SELECT kind FROM store"
"""What a database says of itself. No row: an empty one of an earlier version, which has yet to be used as either."""
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}
"""The names of a database's tables."""
BOTH = "both"
"""What an earlier version let grow into one: it goes on serving as either."""

_NAMES = {StoreKind.SITE: "a site's ledger", StoreKind.ISSUER: "an issuer's store"}
_HINTS = {
    StoreKind.SITE: "name the ledger with --database or AZLIC_DATABASE: a file of its own",
    StoreKind.ISSUER: "name the issuer's store with --database or AZLIC_DATABASE: a file of its own",
}


def check_kind(stated: Iterable[str], wanted: StoreKind, where: str) -> bool:
    """Whether a database says what it is, by what ``STATED_KIND`` finds.

    Raises ``AzlicError`` where it says that it is the other kind.
    """
    kinds = list(stated)
    for kind in kinds:
        if kind not in (BOTH, wanted):
            found = _NAMES[StoreKind(kind)] if kind in list(StoreKind) else "for something that azlic does not know"
            raise AzlicError(f"{where} is {found}, not {_NAMES[wanted]}", hint=_HINTS[wanted])
    return bool(kinds)
