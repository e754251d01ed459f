"""Steps 8 to 15 of the verification: does this license let this container run, here and now?"""

from hashlib import sha256

from licensing.containers import Image, same_repository
from licensing.core.instants import iso
from licensing.verdict.seen import CLOCK_TOLERANCE
from licensing.verdict.verdict import Cause, Status
from licensing.verification.examination import Examination, Refusal

_NEW_IMAGE = "after pulling a new image, download a new license"


def unrevoked(case: Examination) -> str:
    """8. The issuer has not taken it back, by the newest list that this site has.

    A list's number may fall only with a new rotation: one that a thief signed goes when the stolen key goes.
    """
    issuer = case.issuer
    revocations, number = issuer.revocations, issuer.revocations_number
    seen = case.last_seen_number("revocations")
    if number < seen and issuer.rotation_number <= case.last_seen_number("rotation"):
        raise Refusal(
            Status.UNTRUSTED,
            f"the trust store holds revocation list {number} of this issuer, and {seen} was seen here before",
            Cause.OLDER_TRUST,
        )
    if revocations is None:
        return "the trust store holds no revocation list of this issuer"
    if revoked := revocations.revoking(case.license.license_id, case.license.serial):
        raise Refusal(
            Status.REVOKED,
            f"the issuer revoked the license at {iso(revoked.revoked_at)}: {revoked.reason} (list {number})",
        )
    if revocations.stale(case.asked.as_of):
        case.warnings.append(f"revocation list {number} was due to be replaced by {iso(revocations.next_update)}")
    return f"not on revocation list {number} of {iso(revocations.issued_at)}"


def newest(case: Examination) -> str:
    """9. No newer serial of the same license was accepted here, and no other bytes under this one."""
    license_, seen = case.license, case.asked.seen
    known = seen.accepted.get(license_.license_id) if seen else None
    if known is None:
        return f"serial {license_.serial}, no earlier one to compare with"
    if license_.serial < known.serial:
        raise Refusal(
            Status.SUPERSEDED, f"this is serial {license_.serial} of the license, and {known.serial} was accepted here"
        )
    if license_.serial == known.serial and sha256(case.payload.content).digest() != known.digest:
        raise Refusal(
            Status.CONFLICTING,
            f"another license with the same serial {license_.serial} was accepted here: the issuer signed two",
        )
    return f"serial {license_.serial}, last accepted here: {known.serial}"


def for_container(case: Examination) -> str:
    """10. The license is for this kind of container."""
    licensed, meant = case.license.container.type, case.asked.container
    if meant is not None and licensed != meant:
        raise Refusal(
            Status.WRONG_CONTAINER, f"the license is for container type {licensed!r}, this container is {meant!r}"
        )
    return licensed if meant else f"{licensed} (no container named to compare with)"


def for_image(case: Examination) -> str:
    """11. The license covers this image, this version of it, and its model, where it is bound to one."""
    licensed = case.license.container
    span = f"{licensed.version_from} up to, not including, {licensed.version_below}"
    image = Image.parse(case.asked.image) if case.asked.image else None
    if image and not any(same_repository(image.repository, known) for known in licensed.repositories):
        raise Refusal(
            Status.WRONG_IMAGE,
            f"the license is for images of {' and '.join(licensed.repositories)}, this one is of {image.repository!r}",
            Cause.OTHER_REPOSITORY,
        )
    version = case.asked.version or (image.tag or "latest" if image else None)
    if version is not None and not licensed.admits(version):
        raise Refusal(
            Status.WRONG_IMAGE, f"the license covers versions {span}, this image is {version!r}; {_NEW_IMAGE}"
        )
    if licensed.model and case.asked.model and licensed.model != case.asked.model:
        raise Refusal(
            Status.WRONG_IMAGE, f"the license is for model {licensed.model!r}, this container's is {case.asked.model!r}"
        )
    model = f", model {licensed.model}{'' if case.asked.model else ' (none named to compare with)'}"
    return f"{span}{'' if version else ' (no image named to compare with)'}{model if licensed.model else ''}"


def for_instance(case: Examination) -> str:
    """12. The license is for this site and this instance, where it is bound to any."""
    license_, asked = case.license, case.asked
    if license_.site is not None and asked.site and license_.site != asked.site:
        raise Refusal(
            Status.WRONG_INSTANCE,
            f"the license is for site {license_.site!r}, this is {asked.site!r}",
            Cause.OTHER_SITE,
        )
    bound = license_.instances
    if bound is not None and asked.instance is not None and asked.instance not in bound:
        raise Refusal(
            Status.WRONG_INSTANCE,
            f"the license is for instance {' or '.join(map(repr, bound[:3]))}, this is {asked.instance!r}",
        )
    site = f"site {license_.site}{'' if asked.site else ' (no site named to compare with)'}"
    named = "" if asked.instance is not None else " (none named to compare with)"
    instances = "any instance" if bound is None else f"instance {', '.join(bound)}{named}"
    return f"{site if license_.site else 'any site'}, {instances}"


def clock_is_sound(case: Examination) -> str:
    """13. Nothing that was seen here is later than this machine's clock, nor is the license's own issue."""
    seen, as_of = case.asked.seen, case.asked.as_of
    if seen is None or not seen.compared:
        return "skipped: an instant was given"
    if case.parsed and case.parsed.issued_at > as_of + CLOCK_TOLERANCE:
        raise Refusal(
            Status.CLOCK_SUSPECT,
            f"the clock says {iso(as_of)}, and the license was issued at {iso(case.license.issued_at)}",
            Cause.ISSUED_LATER,
        )
    if why := seen.clock_behind(as_of):
        raise Refusal(Status.CLOCK_SUSPECT, why, Cause.CLOCK_BEHIND)
    if seen.unread:
        case.warnings.append(f"clock and serial could not be compared: {seen.unread}")
    mark = seen.high_water
    return f"not behind {iso(mark.instant)}, shown by {mark.kind.phrase}" if mark else "nothing to compare with yet"


def after_start(case: Examination) -> str:
    """14. The license has begun."""
    begins = case.license.not_before
    if case.asked.as_of < begins:
        raise Refusal(Status.NOT_YET_VALID, f"the license begins at {iso(begins)}")
    return f"since {iso(begins)}"


def before_end(case: Examination) -> str:
    """15. The license, or its stated grace, has not ended."""
    ends = case.license.grace_ends_at
    if case.asked.as_of >= ends:
        raise Refusal(Status.EXPIRED, f"the license ended at {iso(ends)}")
    return f"until {iso(ends)}"


def trust_age(case: Examination, trust_days: int) -> str | None:
    """A warning where the issuer's last word about its keys and revocations is older than ``trust_days``."""
    days, said_at = case.issuer.days_old(case.asked.as_of), case.issuer.last_stated_at
    if days is None or said_at is None or days <= trust_days:
        return None
    return f"your trust data is {days} days old: the issuer last published at {iso(said_at)}"
