"""The sites whose signed requests the issuer answers: each with its name, its public key, and its resources."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import TypeAdapter, ValidationError
from securesystemslib.signer import SSlibKey
from sqlalchemy import Connection, Engine, delete, select

from licensing.core.errors import AzlicError, BadCall
from licensing.core.instants import iso
from licensing.core.text import name_word
from licensing.core.validation_messages import first_fault
from licensing.db.database import reading, writing
from licensing.db.inserts import insert_once
from licensing.db.schema import rows_of
from licensing.issuer.audit import note
from licensing.issuer.tables import EnrolledSiteRow, ResourceRow, SiteResourceRow
from licensing.signing.document import Label
from licensing.signing.keys import load_public_key, public_pem

_LABEL: TypeAdapter[str] = TypeAdapter(Label)


@dataclass(frozen=True, slots=True)
class EnrolledSite:
    """An enrolled site: its name, its key, and the names of the resources whose licenses it may ask for."""

    name: str
    key: SSlibKey
    enrolled_at: str
    resources: tuple[str, ...]

    @property
    def key_id(self) -> str:
        """The key's fingerprint: SHA-256, in hex."""
        return str(self.key.keyid)


def add_site(
    engine: Engine, name: str, public_key: Path, resources: Sequence[str], *, now: datetime, actor: str
) -> EnrolledSite:
    """Enrol a site with its public key, or let an enrolled one ask for more resources.

    The fingerprint is compared with the site first, over another channel than the file's. Raises ``BadCall`` where the
    name has another key already or the key another name, and for a resource that is not there; ``AzlicError`` for a
    file that is not a public key.
    """
    _check_name(name)
    key = _site_key(public_key)
    with writing(engine) as connection:
        _check_resources(connection, resources)
        for known in read_sites(connection):
            if known.name == name and known.key_id != key.keyid:
                raise BadCall(
                    f"site {name} is enrolled with another key, {known.key_id[:12]}",
                    hint=f"azlic issuer site remove {name_word(name)} --yes, if the site has a new key",
                )
            if known.name != name and known.key_id == key.keyid:
                raise BadCall(
                    f"site {known.name} is enrolled with this same key", hint="each site makes a key of its own"
                )
        pem = public_pem(key).decode()
        insert_once(connection, EnrolledSiteRow, {"name": name, "public_key": pem, "enrolled_at": iso(now)})
        for resource in resources:
            insert_once(connection, SiteResourceRow, {"site": name, "resource": resource})
        granted = ", ".join(resources)
        note(connection, at=now, actor=actor, action="site add", subject=name, key=key.keyid, resources=granted)
        return next(site for site in read_sites(connection) if site.name == name)


def _check_name(name: str) -> None:
    try:
        _LABEL.validate_python(name)
        if name != name.strip():
            raise BadCall(f"the site's name {name!r} has spaces around it", hint="write it without them")
    except ValidationError as error:
        raise BadCall(f"the site's name: {first_fault(error)[1]}", hint="write the name that AZLIC_SITE has") from error


def _site_key(path: Path) -> SSlibKey:
    try:
        return load_public_key(path)
    except AzlicError as error:
        hint = "ask the site for the file that `azlic site init` names as the public key, and for no other"
        raise AzlicError(error.message, hint=hint) from error


def _check_resources(connection: Connection, resources: Sequence[str]) -> None:
    known = set(connection.execute(select(ResourceRow.name)).scalars())
    for resource in resources:
        if resource not in known:
            raise BadCall(f"there is no resource {resource}", hint="see: azlic issuer resource list")


def remove_site(engine: Engine, name: str, *, now: datetime, actor: str) -> None:
    """Refuse further requests of a site; what it got stays recorded. Raises ``BadCall`` where there is none."""
    with writing(engine) as connection:
        connection.execute(delete(SiteResourceRow).where(SiteResourceRow.site == name))
        if not connection.execute(delete(EnrolledSiteRow).where(EnrolledSiteRow.name == name)).rowcount:
            raise BadCall(f"there is no site {name}", hint="see: azlic issuer site list")
        note(connection, at=now, actor=actor, action="site remove", subject=name)


def list_sites(engine: Engine) -> list[EnrolledSite]:
    """Every enrolled site, in the order of the names."""
    with reading(engine) as connection:
        return read_sites(connection)


def read_sites(connection: Connection) -> list[EnrolledSite]:
    """Every enrolled site, in the order of the names, as this transaction sees them."""
    rights: dict[str, list[str]] = {}
    for right in rows_of(connection, SiteResourceRow, order_by=[SiteResourceRow.resource]):
        rights.setdefault(right.site, []).append(right.resource)
    return [
        EnrolledSite(row.name, _key(row.public_key), row.enrolled_at, tuple(rights.get(row.name, ())))
        for row in rows_of(connection, EnrolledSiteRow, order_by=[EnrolledSiteRow.name])
    ]


def _key(pem: str) -> SSlibKey:
    return SSlibKey.from_crypto(load_pem_public_key(pem.encode()))
