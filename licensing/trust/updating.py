"""Updating trust: an operator takes what an issuer has stated since, all of it or none.

1. each file is a rotation document or a revocation list, of an issuer whose anchor is in the trust store
2. its rotations follow each other and those that are there, from the anchor on, with none left out
3. none of them says something else than one that is there under the same number
4. the newest one has not expired
5. a revocation list is signed by a key of the newest rotation, and none is older than the one that is there
6. the list that is there then, old or new, is one that the newest rotation's keys vouch for

By step 6 a rotation that withdraws a key takes the lists of that key with it, whatever number its thief gave them: the
issuer's next list begins a new numbering. Where there was one, it has to come along, so that no revocation is lost
between.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from securesystemslib.dsse import Envelope

from licensing.core import strict_json
from licensing.core.folder_lock import holding_folder
from licensing.core.instants import iso
from licensing.signing.envelope import MalformedEnvelope, parse_envelope
from licensing.trust.chains import (
    Signed,
    read,
    refusal,
    revocations_file,
    rotation_file,
    shelf,
    verify_revocations,
    walk,
)
from licensing.trust.keys import TrustedKey
from licensing.trust.revocations import MAX_REVOCATIONS_BYTES, RevocationList
from licensing.trust.rotation import KeyChain, Rotation
from licensing.trust.staging import put_together
from licensing.trust.statement import RefusedStatement, Statement
from licensing.trust.store import TrustStore

_KINDS: Mapping[str, type[Statement]] = {kind.payload_type: kind for kind in (Rotation, RevocationList)}
_NUMBERS: Mapping[type[Statement], str] = {Rotation: "version", RevocationList: "number"}


class TrustUpdate(NamedTuple):
    """A statement that was given, and whether it was ``new``; one that was there already changes nothing."""

    path: Path
    statement: Rotation | RevocationList
    new: bool


class _Identified(NamedTuple):
    """A statement before it is trusted: issuer and number say which keys to check it with, and no more."""

    signed: Signed
    kind: type[Statement]
    issuer: str
    number: int


class _Plan(NamedTuple):
    taken: list[TrustUpdate]
    files: dict[str, bytes]


def update_trust(store: TrustStore, sources: Sequence[Path], *, as_of: datetime) -> list[TrustUpdate]:
    """Take rotation documents and revocation lists, in any order, into a trust store.

    Raises ``RefusedStatement`` for the first that is not trusted or not newer; nothing was changed then.
    """
    given = [_identify(path) for path in sources]
    with holding_folder(store.folder):
        files = store.files()
        anchors = {known.issuer: known for known in store.anchors(files)[0]}
        for one in given:
            if one.issuer not in anchors:
                raise RefusedStatement(
                    f"{one.signed.path} is of issuer {one.issuer[:12]!r}, for which the trust store has no anchor",
                    hint="azlic trust list shows the issuers; azlic trust add takes the first key of a new one",
                )
        plans = [
            _plan(anchors[issuer], files, [one for one in given if one.issuer == issuer], as_of)
            for issuer in dict.fromkeys(one.issuer for one in given)
        ]
        put_together(store.folder, dict(entry for plan in plans for entry in plan.files.items()), mode=0o644)
    return [taken for plan in plans for taken in plan.taken]


def _identify(path: Path) -> _Identified:
    signed = read(path, RevocationList)  # the larger of the two kinds
    try:
        envelope = parse_envelope(signed.content, limit=MAX_REVOCATIONS_BYTES)
    except MalformedEnvelope as error:
        raise refusal(path, f"is not an issuer's statement: {error}") from error
    kind = _KINDS.get(envelope.payload_type)
    if kind is None:
        raise refusal(path, f"is a signed document of another type: {envelope.payload_type[:80]!r}")
    return _Identified(signed, kind, *_claim(path, envelope, _NUMBERS[kind]))


def _claim(path: Path, envelope: Envelope, number: str) -> tuple[str, int]:
    """Whose statement it says it is, and which: to find its keys by."""
    try:
        fields = strict_json.loads(envelope.payload)
        issuer, claimed = fields["issuer"], fields[number]
        if not isinstance(issuer, str) or type(claimed) is not int or claimed < 1:
            raise ValueError("one of the two is invalid")
    except (ValueError, KeyError, TypeError) as error:
        raise refusal(path, f"names no issuer and {number}") from error
    return issuer, claimed


def _plan(anchor: TrustedKey, files: Iterable[Path], given: Sequence[_Identified], as_of: datetime) -> _Plan:
    """What will lie there for one issuer, and what is new of it. Raises ``RefusedStatement``."""
    there = shelf(anchor.issuer, files)
    rotations = {version: read(path, Rotation) for version, path in there.rotations.items()}
    before, _ = walk(anchor, rotations)
    chains = _chains(anchor, rotations, [one for one in given if one.kind is Rotation], before)
    newest = chains[-1]
    if len(chains) > len(before) and newest.rotation and newest.rotation.is_expired(as_of):
        raise refusal(
            newest.keys[0].path,
            f"is the last rotation of issuer {anchor.issuer[:12]}, and expired at {iso(newest.rotation.expires_at)}",
        )
    lists = [one.signed for one in given if one.kind is RevocationList]
    plan = _lists(before[-1], newest, there.revocations, lists)
    for version, chain in enumerate(chains[1:], start=1):
        signed = next((one.signed for one in given if one.kind is Rotation and one.number == version), None)
        if signed and chain.rotation:
            new = version >= len(before)
            plan.taken.append(TrustUpdate(signed.path, chain.rotation, new))
            if new:
                plan.files[rotation_file(anchor.issuer, version)] = signed.content
    return plan


def _chains(
    anchor: TrustedKey, there: Mapping[int, Signed], given: Sequence[_Identified], before: Sequence[KeyChain]
) -> list[KeyChain]:
    """Steps 2 and 3: the chain at each version, with what is given in place of what does not verify."""
    fresh: dict[int, Signed] = {}
    for one in given:
        if (other := fresh.setdefault(one.number, one.signed)).content != one.signed.content:
            raise refusal(one.signed.path, f"and {other.path} are both rotation {one.number}: give only one of them")
    chains, broken = walk(anchor, {**there, **fresh})
    for old, new in zip(before, chains, strict=False):
        if old.rotation != new.rotation:
            raise refusal(
                new.keys[0].path,
                f"differs from the rotation {old.version} that is there: the issuer, or somebody with its"
                " key, has signed two",
            )
    if broken:
        raise broken
    return chains


def _lists(before: KeyChain, chain: KeyChain, there: Path | None, given: Sequence[Signed]) -> _Plan:
    """Steps 5 and 6: the newest list."""
    plan = _Plan([], {})
    newest, lost = None, None
    if there is not None:
        try:
            newest = verify_revocations(chain, read(there, RevocationList))
        except RefusedStatement as error:
            lost = _withdrawn_with(before, chain, there) or error
    for signed, revocations in sorted(
        ((one, verify_revocations(chain, one)) for one in given), key=lambda pair: pair[1].number
    ):
        if newest and revocations.number < newest.number:
            raise refusal(
                signed.path, f"is revocation list {revocations.number}, older than {newest.number}, which is there"
            )
        if newest and revocations.number == newest.number and revocations != newest:
            raise refusal(signed.path, f"differs from the revocation list {newest.number} that is there")
        new = newest is None or revocations.number > newest.number
        plan.taken.append(TrustUpdate(signed.path, revocations, new))
        if new:
            plan.files[revocations_file(chain.issuer)] = signed.content
        newest = revocations
    if newest is None and lost:
        raise lost
    return plan


def _withdrawn_with(before: KeyChain, chain: KeyChain, there: Path) -> RefusedStatement | None:
    """What to say of a list that was good before the rotations that are given, and is not after them."""
    try:
        old = verify_revocations(before, read(there, RevocationList))
    except RefusedStatement:
        return None
    return RefusedStatement(
        f"rotation {chain.version} withdraws the key that signed list {old.number}: give the issuer's new list together"
        " with it",
        hint="ask the issuer for one made since, by azlic issuer revocations: azlic trust update ROTATION LIST",
    )
