"""A license that azlic cannot read, examined by what the operator stated of it when it was adopted.

Under the same numbers as any other: steps 1 to 3 find it to be the very file that was adopted, steps 10, 11, 13 and 15
ask the statement. The rest cannot be asked. Every answer says that it was stated by the operator.
"""

import base64
from collections.abc import Callable
from hashlib import sha256

from licensing.containers import Image, same_repository
from licensing.core.instants import iso
from licensing.signing.envelope import MalformedEnvelope, parse_envelope
from licensing.verdict.seen import AdoptedLicense
from licensing.verdict.verdict import Cause, Status
from licensing.verification import applicable
from licensing.verification.examination import Examination, Refusal

MAX_OPAQUE_BYTES = 1024 * 1024
"""How large an opaque license may be: nothing public says how large Microsoft's are; what was seen is far smaller."""
BY_OPERATOR = "stated by the operator"


def of_our_form(content: bytes) -> bool:
    """Whether bytes are a signed document of ours: whole, damaged or encoded once too often.

    Such a file is verified, and never adopted: a statement cannot replace a signature.
    """
    return _of_our_form(content) or encoded_again(content)


def encoded_again(content: bytes) -> bool:
    """Whether bytes are a signed document of ours in base64, which it was put into once too often."""
    return not _of_our_form(content) and _of_our_form(_decode(content))


def _of_our_form(content: bytes) -> bool:
    try:
        parse_envelope(content, limit=max(len(content), 1))
    except MalformedEnvelope:
        return b'"payload' in content  # and "payloadType": torn or damaged
    return True


def _decode(content: bytes) -> bytes:
    try:
        text = b"".join(content.split())
        return base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except ValueError:
        return b""


def recognise(case: Examination) -> str:
    """3. The bytes are those that were adopted."""
    entry = _of(case)
    found = sha256(case.content)
    if found.digest() != entry.digest:
        raise change_refusal(case, f"its SHA-256 is {found.hexdigest()[:16]}, not {entry.digest.hex()[:16]}")
    case.stated = entry
    return f"none; compared with the bytes adopted at {iso(entry.adopted_at)}"


def change_refusal(case: Examination, how: str) -> Refusal:
    """The refusal of another file in the adopted one's place."""
    at = iso(_of(case).adopted_at)
    return Refusal(Status.OPAQUE, f"{case.file} has changed since it was adopted at {at}: {how}", Cause.ADOPTED_CHANGED)


def _of(case: Examination) -> AdoptedLicense:
    entry = case.adopted
    assert entry is not None  # noqa: S101 - only what was adopted comes here
    return entry


def for_container(case: Examination) -> str:
    """10. The license was stated to be for this kind of container."""
    stated, meant = _of(case).container_type, case.asked.container
    if meant is not None and stated != meant:
        raise Refusal(
            Status.WRONG_CONTAINER,
            f"the license is for container type {stated!r}, {BY_OPERATOR}; this container is {meant!r}",
        )
    return f"{stated}, {BY_OPERATOR}{'' if meant else ' (no container named to compare with)'}"


def for_image(case: Examination) -> str:
    """11. The license was stated to be for this very image."""
    text = _of(case).image
    if text is None:
        return f"no image was {BY_OPERATOR}"
    if case.asked.image is None and case.asked.version is None:
        return f"{text}, {BY_OPERATOR} (no image named to compare with)"
    stated = Image.parse(text)
    image = Image.parse(case.asked.image) if case.asked.image else stated._replace(tag="", digest="")
    if not same_repository(image.repository, stated.repository):
        raise Refusal(
            Status.WRONG_IMAGE,
            f"the license is for {text}, {BY_OPERATOR}; this image is of {image.repository!r}",
            Cause.OTHER_REPOSITORY,
        )
    if not _same_version(image, case.asked.version, stated):
        raise Refusal(
            Status.WRONG_IMAGE,
            f"the license is for {text}, {BY_OPERATOR}; this image is {case.asked.version or _version(image)!r}",
        )
    return f"{text}, {BY_OPERATOR}"


def _same_version(image: Image, version: str | None, stated: Image) -> bool:
    """Whether both are one version: by their digests where both have one, else by their tags, letter for letter."""
    if image.digest and stated.digest:
        return image.digest == stated.digest
    return (version or _version(image)) == _version(stated)


def _version(image: Image) -> str:
    return image.tag or image.digest or "latest"


def clock_is_sound(case: Examination) -> str:
    """13. Nothing that was seen here is later than this machine's clock: only then does a stated end say anything."""
    try:
        return applicable.clock_is_sound(case)
    except Refusal as no:
        raise Refusal(no.status, f"{no.detail}; the license's end is {BY_OPERATOR}", no.cause) from no


def before_end(case: Examination) -> str:
    """15. The end that was stated has not come."""
    ends = _of(case).expires_at
    if case.asked.as_of >= ends:
        raise Refusal(Status.EXPIRED, f"the license ended at {iso(ends)}, {BY_OPERATOR}")
    return f"until {iso(ends)}, {BY_OPERATOR}"


STEPS: dict[int, Callable[[Examination], str]] = {
    10: for_container,
    11: for_image,
    13: clock_is_sound,
    15: before_end,
}
"""The steps that can be asked once the file was recognised, by their numbers."""
