"""Verification: one function, one verdict, numbered steps.

Is it a license that a trusted issuer has signed?

 1. present         the license folder is there and holds license.dat
 2. readable        it is a regular file that this user may read; one above 1 MiB is malformed
 3. envelope        it is a DSSE envelope in strict JSON, of at most 64 KiB
 4. type            the envelope says that it holds a license, and no other document
 5. signature       a key that the operator's trust store vouches for has signed the bytes as received
 6. document        the signed bytes are a license that this version understands to the last field
 7. key in force    the key was in force when the license was issued, and the issuer's word about it still holds

Does it let this container run, here and now?

 8. not revoked     the issuer has not taken it back
 9. newest          no newer serial of it was accepted here, and no other license under the same serial
10. container       it is for this kind of container
11. image           it covers this image, this version of it, and its model, where it is bound to one
12. instance        it is for this site and instance, where it is bound to any
13. clock           this machine's clock is not behind what was seen before, nor before the license was issued
14. begun           it has begun
15. not ended       it, or its stated grace, has not ended

Step 3 tells a file of our own form that is broken from one in no known form (``opaque``), as a license of Microsoft's
is, whatever it begins with; a file of nothing but blanks or NUL bytes is broken.
An opaque license that the operator has adopted (``licensing.adoption``), and whose bytes are still those, is asked by
what was stated of it: steps 10, 11, 13 and 15. Nothing in it can be read, so steps 4 to 9, 12 and 14 are not asked, and
every answer says that it was stated. A file of our own form is never helped by a statement.
Step 5 tells a signature by a key that is not trusted from one that names a trusted key and does not fit: there the
file was changed. A file in the trust store that is not a key grants nothing, so it is skipped and named where another
key verifies the license; where none does, it may have been the one that would have, and there is no honest answer.

A step that fails ends the walk: what stands behind it is not looked at. Steps 10 to 12 are asked only where the
caller says which container, image, site or instance is meant; steps 3, 7 to 9 and 13 compare with what was seen here
before only where the caller hands that in. No step opens a socket, and none writes.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

from licensing.core.instants import iso
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import NOT_ASKED, NOT_REACHED, Check, Status, Verdict
from licensing.verification import adopted, applicable, genuine
from licensing.verification.examination import Asked, Examination, Refusal

EXPIRING_DAYS = 60
TRUST_DAYS = 180
_MOST_DAYS = 365_000  # what a date of ours can be moved back by


class Here(TypedDict, total=False):
    """What a license is held against at one place, whoever asks: verify, the gate, and what installs it.

    What is left out is not compared; the days are those of ``verify``.
    """

    image: str | None
    site: str | None
    instance: str | None
    expiring_days: int
    trust_days: int


_STEPS: tuple[tuple[int, str, Callable[[Examination], str]], ...] = (
    (1, "present", genuine.present),
    (2, "readable", genuine.readable),
    (3, "envelope", genuine.envelope_form),
    (4, "type", genuine.payload_type),
    (5, "signature", genuine.signature),
    (6, "document", genuine.document),
    (7, "key in force", genuine.key_in_force),
    (8, "not revoked", applicable.unrevoked),
    (9, "newest", applicable.newest),
    (10, "container", applicable.for_container),
    (11, "image", applicable.for_image),
    (12, "instance", applicable.for_instance),
    (13, "clock", applicable.clock_is_sound),
    (14, "begun", applicable.after_start),
    (15, "not ended", applicable.before_end),
)


def verify(
    path: Path,
    *,
    trust: TrustStore,
    as_of: datetime,
    container: str | None = None,
    version: str | None = None,
    image: str | None = None,
    model: str | None = None,
    site: str | None = None,
    instance: str | None = None,
    seen: Seen | None = None,
    expiring_days: int = EXPIRING_DAYS,
    trust_days: int = TRUST_DAYS,
) -> Verdict:
    """Say whether the license in a folder (or the file itself) lets its container run at ``as_of``.

    The steps are those of this module's text, under the same numbers. "No" is a verdict, not an exception; raised is
    only ``AzlicError``, for a trust store that cannot be read, or whose keys that can be read do not decide.
    ``seen`` is what this site has seen before; without it, or where it says that the instant was named, the clock is
    taken at its word. ``expiring_days`` before its end a license is ``expiring``; it still runs. ``image`` is a
    reference; ``BadCall`` is raised for one that is none.
    """
    asked = Asked(as_of, container, image, version, site, instance, seen, model)
    case = Examination(path, trust, asked)
    checks, refusal = _walk(case)
    if refusal is None and case.genuine and (warning := applicable.trust_age(case, trust_days)):
        case.warnings.append(warning)
    license_ = case.parsed if case.genuine else None
    known = license_ or case.stated
    warn_from = known.expires_at - timedelta(days=min(expiring_days, _MOST_DAYS)) if known else None
    status, detail = (refusal.status, refusal.detail) if refusal else _standing(case, warn_from or as_of)
    return Verdict(
        path=path,
        as_of=as_of,
        status=status,
        detail=detail,
        checks=checks,
        license=license_,
        key_id=case.payload.key.keyid if license_ else None,
        warn_from=warn_from,
        cause=refusal.cause if refusal else None,
        warnings=tuple(case.warnings),
        payload_digest=sha256(case.payload.content).digest() if license_ else None,
        statements=_statements(case) if license_ else {},
        stated=case.stated,
    )


def _walk(case: Examination) -> tuple[tuple[Check, ...], Refusal | None]:
    """Ask the steps one after the other, up to the first that says no."""
    checks: list[Check] = []
    refusal: Refusal | None = None
    for number, name, step in _STEPS:
        ask = adopted.STEPS.get(number) if case.stated else step
        if refusal is not None or ask is None:
            checks.append(Check(number, name, None, NOT_REACHED if refusal else NOT_ASKED))
            continue
        try:
            checks.append(Check(number, name, True, ask(case)))
        except Refusal as no:
            refusal = no
            checks.append(Check(number, name, False, no.detail))
    return tuple(checks), refusal


def _statements(case: Examination) -> dict[tuple[str, str], int]:
    return {
        (case.key.issuer, "rotation"): case.issuer.rotation_number,
        (case.key.issuer, "revocations"): case.issuer.revocations_number,
    }


def _standing(case: Examination, warn_from: datetime) -> tuple[Status, str]:
    as_of = case.asked.as_of
    if case.stated:
        ends = f"{iso(case.stated.expires_at)}, {adopted.BY_OPERATOR}"
        if as_of >= warn_from:
            return Status.EXPIRING, f"the license ends soon, at {ends}"
        return Status.VALID, f"the license runs until {ends}"
    license_ = case.license
    if as_of >= license_.expires_at:
        return Status.GRACE, (
            f"the license ended at {iso(license_.expires_at)}; its grace ends at {iso(license_.grace_ends_at)}"
        )
    if as_of >= warn_from:
        return Status.EXPIRING, f"the license ends soon, at {iso(license_.expires_at)}"
    return Status.VALID, f"the license runs until {iso(license_.expires_at)}"
