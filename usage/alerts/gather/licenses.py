"""What the licenses tell: each verified, or, where nothing it was judged by has changed within the hour, remembered."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from licensing.core.errors import AzlicError
from licensing.core.files import FileTooLarge, read_capped
from licensing.core.instants import from_milliseconds
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Status, Verdict
from licensing.verification.mounts import LICENSE_NAME, find_mounts
from usage.alerts.state import LicenseFact, TrustFact, license_fact
from usage.ledger.readonly import Ask

FRESH = timedelta(hours=1)
"""So long a license whose file, trust store and history are as they were is taken as it was verified."""

_ADOPTED_BYTES = 2**20


class Known(NamedTuple):
    """A license as it was verified last in one place."""

    stamp: bytes
    verified_at: datetime
    fact: LicenseFact


class StatedLicense(NamedTuple):
    """What the operator stated about a license that azlic cannot read."""

    digest: bytes
    container: str
    expires_at: datetime


Examine = Callable[[Path], Verdict]


def gather_licenses(
    roots: Sequence[Path],
    examine: Examine,
    *,
    context: bytes,
    known: Mapping[str, Known],
    adopted: Mapping[str, StatedLicense],
    now: datetime,
) -> tuple[LicenseFact, ...]:
    """The licenses that some paths stand for, and those that lay there before and are gone.

    ``context`` is a digest of everything but the file that a verdict rests on.
    """
    mounts = [_place(path) for path in find_mounts(roots).paths]
    gone = _missing_mounts(roots, mounts, known)
    empty_roots = {os.path.dirname(path) for path in gone}  # noqa: PTH120 - a thousand places are to be quick
    facts = []
    for path in (*mounts, *gone):
        if path in empty_roots and not os.path.lexists(f"{path}/{LICENSE_NAME}"):
            continue  # it stood for those below it, which are told one by one
        stamp = _stamp(path, context)
        before = known.get(path)
        if stamp and before and before.stamp == stamp and timedelta() <= now - before.verified_at < FRESH:
            facts.append(before.fact)
        else:
            facts.append(_examine(path, examine, adopted, stamp))
    return tuple(sorted(facts, key=lambda fact: fact.path))


def _place(path: Path) -> str:
    return os.path.abspath(path).removesuffix(f"/{LICENSE_NAME}")  # noqa: PTH100 - a link is a place of its own


def _missing_mounts(roots: Iterable[Path], mounts: Sequence[str], known: Mapping[str, Known]) -> list[str]:
    """The places below the paths that held a license once and are among the mounts no more."""
    places, found = {_place(root) for root in roots}, set(mounts)
    return sorted(path for path in known if path not in found and os.path.dirname(path) in places)  # noqa: PTH120


def _stamp(path: str, context: bytes) -> bytes:
    """The file as it lies there, links followed, and what it is judged by; empty where it cannot be looked at."""
    try:
        try:
            found = os.stat(f"{path}/{LICENSE_NAME}")  # noqa: PTH116
        except NotADirectoryError:
            found = os.stat(path)  # noqa: PTH116
    except OSError:
        return b""
    told = f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_mode}"
    return hashlib.sha256(told.encode() + context).digest()


def _examine(path: str, examine: Examine, adopted: Mapping[str, StatedLicense], stamp: bytes) -> LicenseFact:
    stated = adopted.get(path) or adopted.get(f"{path}/{LICENSE_NAME}")
    if stated and stamp:
        return _stated_fact(path, stated)
    try:
        return license_fact(path, examine(Path(path)), stamp)
    except AzlicError as error:  # a trust store that does not decide: no answer about this one, and others may have one
        return LicenseFact(path, Status.UNTRUSTED, error.message)


def _stated_fact(path: str, stated: StatedLicense) -> LicenseFact:
    file = Path(path) if Path(path).is_file() else Path(path, LICENSE_NAME)
    try:
        content = read_capped(file, _ADOPTED_BYTES)
    except (OSError, FileTooLarge) as error:
        return LicenseFact(path, Status.UNREADABLE, f"{file} cannot be read: {error}", container=stated.container)
    if hashlib.sha256(content).digest() != stated.digest:
        return LicenseFact(
            path, Status.CONFLICTING, f"{file} is not the file that was adopted here", container=stated.container
        )
    return LicenseFact(
        path,
        None,
        "",
        container=stated.container,
        expires_at=stated.expires_at,
        grace_ends_at=stated.expires_at,
        stated=True,
    )


def trust_context(trust: TrustStore, seen: Seen, asked: str) -> bytes:
    """A digest of the trust store as it lies there, of what was accepted here, and of what licenses are asked."""
    told = [asked, repr(sorted(seen.accepted.items())), repr(sorted(seen.statements.items()))]
    for path in trust.files():
        found = path.stat()
        told.append(f"{path.name} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}")
    return hashlib.sha256("\n".join(told).encode(errors="surrogateescape")).digest()


def trust_facts(trust: TrustStore) -> tuple[TrustFact, ...]:
    """What each issuer of the trust store said last."""
    return tuple(
        TrustFact(
            name,
            issuer.last_stated_at,
            issuer.rotation.expires_at if issuer.rotation else None,
            issuer.revocations.next_update if issuer.revocations else None,
        )
        for name, issuer in sorted(trust.load().issuers.items())
        if issuer.last_stated_at is not None
    )


def read_known_licenses(ask: Ask) -> dict[str, Known]:
    """The licenses as they were verified last."""
    query = (
        "SELECT path, stamp, verified_at, container_type, license_id, issued_at, not_before, expires_at, grace_ends_at"
        " FROM known_license"
    )
    return {path: _known_license(path, *row) for path, *row in ask(query)}


def _known_license(path: str, stamp: bytes, verified_at: int, container: str, license_id: str, *instants: int) -> Known:
    issued_at, not_before, expires_at, grace_ends_at = map(from_milliseconds, instants)
    fact = LicenseFact(
        path,
        None,
        "",
        container=container,
        license_id=license_id,
        issued_at=issued_at,
        not_before=not_before,
        expires_at=expires_at,
        grace_ends_at=grace_ends_at,
    )
    return Known(bytes(stamp), from_milliseconds(verified_at), fact)


def read_adopted_licenses(ask: Ask) -> dict[str, StatedLicense]:
    """What the operator stated about licenses that azlic cannot read."""
    query = "SELECT path, digest, container_type, expires_at FROM adopted_license"
    return {
        path: StatedLicense(bytes(digest), kind, from_milliseconds(ends)) for path, digest, kind, ends in ask(query)
    }
