"""The licenses' facts: each verified, or, where nothing it was judged by has changed within the hour, remembered."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from licensing.core.errors import AzlicError
from licensing.core.instants import from_milliseconds
from licensing.db.names import file_name
from licensing.db.readonly import ReadOnlyConnection
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Status, Verdict
from licensing.verification.mounts import Places, find_mounts, is_plain, name_of
from usage.alerts.state import (
    UNSTATED,
    DatedLicense,
    Issue,
    LicenseFact,
    LicenseTerm,
    RefusedLicense,
    TrustFact,
    license_fact,
)

FRESH = timedelta(hours=1)
"""So long a license whose file, trust store and history are as they were is taken as it was verified."""


class Known(NamedTuple):
    """A license as it was verified last in one place."""

    stamp: bytes
    verified_at: datetime
    fact: DatedLicense


Examine = Callable[[Path], Verdict]


def gather_licenses(
    roots: Sequence[Path], examine: Examine, *, context: bytes, known: Mapping[str, Known], now: datetime
) -> tuple[LicenseFact, ...]:
    """The licenses that some paths refer to, and those that were there before and are gone.

    ``context`` is a digest of everything but the file and its place that a verdict rests on.
    """
    places = Places()
    found = {places.of(path): path for path in find_mounts(roots, places).paths}
    gone = _missing_mounts(roots, found, known, places)
    for path in gone.values():
        above = places.of(path.parent)
        if above in found and not os.path.lexists(above):  # it stood for those below it, which are told one by one
            del found[above]
    named = {places.of(root) for root in roots}
    facts: list[LicenseFact] = []
    for place, path in (found | gone).items():
        stamp, name = _stamp(place, context), name_of(path)
        before = known.get(name)
        if stamp and before and before.stamp == stamp and timedelta() <= now - before.verified_at < FRESH:
            facts.append(before.fact)
        else:
            fact = _examine(name, examine, stamp)
            facts.append(replace(fact, named=place in named) if isinstance(fact, RefusedLicense) else fact)
    return tuple(sorted(facts, key=lambda fact: fact.path))


def _missing_mounts(
    roots: Sequence[Path], found: Mapping[str, Path], known: Mapping[str, Known], places: Places
) -> dict[str, Path]:
    """By their places, what held a license once below the paths and is among the mounts no more."""
    above, names = {places.of(root) for root in roots}, {name_of(path) for path in found.values()}
    gone: dict[str, Path] = {}
    for path in map(Path, sorted(known.keys() - names)):
        place = places.of(path)
        if place not in found and places.of(path.parent) in above and (place not in gone or is_plain(path, place)):
            gone[place] = path
    return gone


def _stamp(place: str, context: bytes) -> bytes:
    """The file as it is, links followed, and what it is judged by; empty where it cannot be read."""
    try:
        found = os.stat(place)  # noqa: PTH116 - a thousand places are to be quick
    except OSError:
        return b""
    if not os.access(place, os.R_OK, effective_ids=True):
        return b""  # whoever could read it has said nothing about this user
    target = os.path.realpath(place) if os.path.islink(place) else place  # noqa: PTH114
    told = f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_mode}"
    return hashlib.sha256(f"{told} {place}\0{target}".encode(errors="surrogateescape") + context).digest()


def _examine(name: str, examine: Examine, stamp: bytes) -> LicenseFact:
    try:
        return license_fact(name, examine(Path(name)), stamp)
    except AzlicError as error:  # a trust store that does not decide: no answer about this one, and others may have one
        return RefusedLicense(name, Status.UNTRUSTED, error.message, cause=None, container="", term=None)
    except Exception as error:
        why = f"a fault of azlic's own keeps it from being examined ({type(error).__name__})"
        return RefusedLicense(name, Status.UNREADABLE, why, cause=None, container="", term=None)


def trust_context(trust: TrustStore, facts: Sequence[TrustFact], seen: Seen, asked: str, *, now: datetime) -> bytes:
    """A digest of the trust store, of what was accepted and adopted here, and of what licenses are asked."""
    told = [asked, str(trust.folder.resolve())]
    told += [repr(sorted(kept.items())) for kept in (seen.accepted, seen.statements, seen.adopted)]
    told += [f"{fact.issuer} has ended" for fact in facts if fact.ends_at is not None and now >= fact.ends_at]
    for path in trust.files():
        try:
            found = path.stat()
        except FileNotFoundError:  # an update came in between: what is remembered then is looked at again
            told.append(f"{path} was moved")
            continue
        told.append(f"{path.name} {os.access(path, os.R_OK, effective_ids=True)} {found.st_dev} {found.st_ino}")
        told.append(f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}")
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


def read_known_licenses(connection: ReadOnlyConnection) -> dict[str, Known]:
    """The licenses as they were verified last."""
    query = (
        "SELECT path, stamp, verified_at, container_type, license_id, issued_at, not_before, expires_at, grace_ends_at"  # noqa: S608
        f" FROM {connection.fitting('known_license')}"
    )
    return dict(connection.select(_known_license, query))


def _known_license(
    name: str, stamp: bytes, verified_at: int, container: str, license_id: str, *instants: int
) -> tuple[str, Known]:
    issued_at, not_before, expires_at, grace_ends_at = map(from_milliseconds, instants)
    issue = Issue(license_id, issued_at, not_before)
    term = LicenseTerm(expires_at, grace_ends_at, None if issue == UNSTATED else issue)
    path = file_name(name)
    return path, Known(bytes(stamp), from_milliseconds(verified_at), DatedLicense(path, container, term, stamp=b""))
