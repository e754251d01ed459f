"""The trust store in words, 80 columns wide, and as fields for a script."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from azlic.lines import joined, one_line
from azlic.render.answer import Answer
from licensing.core.instants import iso
from licensing.core.text import counted
from licensing.trust.held import Held, TrustedIssuer
from licensing.trust.keys import TrustedKey
from licensing.trust.store import TrustStore

if TYPE_CHECKING:
    from azlic.settings import Settings
    from licensing.trust.updating import TrustUpdate


def trust_text(store: TrustStore, held: Held, as_of: datetime) -> str:
    """Each issuer's keys, and what it has stated last."""
    if not held.keys and not held.untrusted:
        where = f"none is in {store.folder}" if store.folder.is_dir() else f"there is no folder {store.folder}"
        return one_line(f"no trusted keys, {where}")
    lines = [line for issuer in held.issuers for line in _issuer(held, issuer, as_of)]
    return joined([*lines, *_trust_failures(held)])


def _trust_failures(held: Held) -> Iterator[str]:
    for issuer, path in held.untrusted.items():
        yield f"issuer {issuer}"
        yield f"  not trusted until {path.name[:12]}...{path.name[64:]} is fixed"


def _issuer(held: Held, issuer: str, as_of: datetime) -> Iterator[str]:
    stated = held.issuers[issuer]
    keys = [known for known in held.keys if known.issuer == issuer]
    if stated.rotation:
        yield f"issuer {issuer}"
    for known in keys:
        if not stated.rotation:
            yield known.path.name
        yield f"  key {known.key_id}"
        yield from _window(known)
    yield from _statement_lines(stated, as_of)


def _window(known: TrustedKey) -> Iterator[str]:
    begins = f"from {iso(known.not_before)}" if known.not_before else ""
    ends = f"up to {iso(known.not_after)}" if known.not_after else ""
    if begins or ends:
        yield "    " + " ".join(filter(None, (begins, ends)))


def _statement_lines(stated: TrustedIssuer, as_of: datetime) -> Iterator[str]:
    if rotation := stated.rotation:
        word = "expired" if rotation.is_expired(as_of) else "good until"
        yield f"  rotation {rotation.version} of {iso(rotation.issued_at)}"
        yield f"    {word} {iso(rotation.expires_at)}"
    if revocations := stated.revocations:
        word = "overdue since" if revocations.stale(as_of) else "next one due"
        yield f"  revocation list {revocations.number} of {iso(revocations.issued_at)}"
        yield f"    {count(len(revocations.licenses), 'license')} revoked, {word} {iso(revocations.next_update)}"
    if (age := stated.days_old(as_of)) is not None:
        yield f"  {count(age, 'day')} old"


def warnings(held: Held, as_of: datetime, settings: "Settings") -> Iterator[str]:
    """What an operator should see to: trust that grew old, a list that is overdue, a rotation that ends or has."""
    for issuer, stated in held.issuers.items():
        name = f"issuer {issuer[:12]}"
        if (rotation := stated.rotation) and rotation.is_expired(as_of):
            yield f"the last rotation of {name} has expired: none of its keys is trusted now"
        elif rotation and rotation.is_expired(as_of + timedelta(days=settings.expiring_days)):
            ends = iso(rotation.expires_at)
            yield f"the last rotation of {name} expires at {ends}: then none of its keys is trusted"
        if stated.revocations and stated.revocations.stale(as_of):
            yield f"revocation list {stated.revocations.number} of {name} is overdue: more may have been revoked by now"
        age = stated.days_old(as_of)
        if age is not None and age > settings.trust_days:
            yield f"your trust data for {name} is {age} days old"


def update_text(taken: Sequence["TrustUpdate"]) -> str:
    """A line for each statement that was given: what it is, and whether it is new."""
    return "\n".join(_update_line(one) for one in taken)


def _update_line(one: "TrustUpdate") -> str:
    from licensing.trust.rotation import Rotation

    said = one.statement
    word = "taken" if one.new else "there already"
    if isinstance(said, Rotation):
        keys = (f"  key {entry.key.keyid}" for entry in said.keys)
        return joined([f"rotation {said.version} of issuer {said.issuer[:12]}: {word}", *keys])
    revoked = count(len(said.licenses), "license")
    return joined([f"revocation list {said.number} of issuer {said.issuer[:12]}: {word}, {revoked} revoked"])


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return counted(number, noun)


def _trust_fields(store: TrustStore, held: Held, as_of: datetime) -> object:
    return {
        "folder": store.folder,
        "as_of": as_of,
        "keys": list(map(_key_fields, held.keys)),
        "issuers": [_issuer_fields(issuer, stated, as_of) for issuer, stated in held.issuers.items()],
        "untrusted": [{"issuer": issuer, "mend": path} for issuer, path in held.untrusted.items()],
        "unusable": [error.message for error in held.unusable],
    }


def _key_fields(known: TrustedKey) -> object:
    return {
        "path": known.path,
        "key_id": known.key_id,
        "issuer": known.issuer,
        "not_before": known.not_before,
        "not_after": known.not_after,
    }


def _issuer_fields(issuer: str, stated: TrustedIssuer, as_of: datetime) -> object:
    rotation, revocations = stated.rotation, stated.revocations
    return {
        "issuer": issuer,
        "said_at": stated.last_stated_at,
        "days_old": stated.days_old(as_of),
        "rotation": rotation
        and {
            "version": rotation.version,
            "issued_at": rotation.issued_at,
            "expires_at": rotation.expires_at,
            "expired": rotation.is_expired(as_of),
        },
        "revocations": revocations
        and {
            "number": revocations.number,
            "issued_at": revocations.issued_at,
            "next_update": revocations.next_update,
            "stale": revocations.stale(as_of),
            "licenses": revocations.licenses,
        },
    }


def _update_fields(taken: Sequence["TrustUpdate"]) -> object:
    return {
        "statements": [
            {"path": one.path, "type": one.statement.payload_type, "new": one.new, "statement": one.statement}
            for one in taken
        ]
    }


TRUST = Answer("azlic.trust/v1", trust_text, _trust_fields)
TRUST_UPDATE = Answer("azlic.trust-update/v1", update_text, _update_fields)
