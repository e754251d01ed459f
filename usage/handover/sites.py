"""The sites whose exports are accepted: the key of each, put here by hand, and the last head that was seen of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import SSlibKey
from sqlalchemy import Connection, Engine, insert, update

from licensing.core.errors import BadCall
from licensing.db.database import writing
from licensing.db.schema import rows_of
from licensing.signing.keys import load_public_key, public_key_from, raw_public_key
from usage.ledger.canonical import ORIGIN
from usage.ledger.tables.handover import HandingSiteRow

_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class HandingSite:
    """An enrolled site: its key, its ledger's origin once it is known, and how far it was accepted."""

    name: str
    key: SSlibKey
    origin: str | None
    size: int
    head: bytes
    source: int | None
    seen_at: datetime | None


def enrol(engine: Engine, name: str, path: Path, *, replace: bool = False) -> HandingSite:
    """Enrol a site with the public key in a file; ``replace`` gives a known site another key and keeps its bookings.

    Raises ``BadCall`` for an invalid name, a key that another site has, and a site that has another key.
    """
    if not (1 <= len(name) <= _NAME_LENGTH and name.isprintable() and name == name.strip()):
        raise BadCall(f"{name!r} is not a valid name for a site", hint="use the name that the site has as AZLIC_SITE")
    key = load_public_key(path)
    with writing(engine) as connection:
        known = {site.name: site for site in list_sites(connection)}
        for site in known.values():
            if site.key.keyid == key.keyid and site.name != name:
                raise BadCall(
                    f"this is already the key of site {site.name}",
                    hint="each site signs with a key of its own: azlic site init there makes it",
                )
        if name not in known:
            values = {"site": name, "public_key": raw_public_key(key).hex(), "size": 0, "head": ORIGIN}
            connection.execute(insert(HandingSiteRow).values(values))
        elif known[name].key.keyid != key.keyid:
            if not replace:
                raise BadCall(
                    f"site {name} has another key, {known[name].key.keyid[:16]}",
                    hint="if the site made a new one, and gave you its fingerprint over another channel, add --yes",
                )
            changed = update(HandingSiteRow).where(HandingSiteRow.site == name)
            connection.execute(changed.values(public_key=raw_public_key(key).hex()))
        return next(site for site in list_sites(connection) if site.name == name)


def list_sites(connection: Connection) -> Sequence[HandingSite]:
    """All enrolled sites, in the order of their names."""
    return [
        HandingSite(
            name=row.site,
            key=public_key_from(bytes.fromhex(row.public_key)),
            origin=row.origin,
            size=row.size,
            head=row.head,
            source=row.source,
            seen_at=row.seen_at,
        )
        for row in sorted(rows_of(connection, HandingSiteRow), key=lambda row: row.site)
    ]
