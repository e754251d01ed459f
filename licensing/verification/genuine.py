"""Steps 1 to 7 of the verification: is this file a license that a trusted issuer has signed?"""

import errno
from pathlib import Path

from licensing.core.files import FileTooLarge, read_capped
from licensing.core.instants import iso
from licensing.core.text import counted
from licensing.signing.document import LICENSE_TYPE, BadDocument, parse_license
from licensing.signing.envelope import (
    MalformedEnvelope,
    UntrustedEnvelope,
    VerifiedPayload,
    parse_envelope,
)
from licensing.trust.keys import TrustedKey
from licensing.verdict.verdict import Cause, Status
from licensing.verification import adopted
from licensing.verification.examination import Examination, Refusal
from licensing.verification.mounts import NoLicense, find_license

_CAUSES = {
    errno.EACCES: Cause.CLOSED,
    errno.EPERM: Cause.CLOSED,
    errno.EINVAL: Cause.NOT_A_FILE,
    errno.ENXIO: Cause.NOT_A_FILE,
    errno.ENOENT: Cause.LINK_TO_NOWHERE,
    errno.ELOOP: Cause.LINK_TO_NOWHERE,
}


def present(case: Examination) -> str:
    """1. The license folder is there and holds license.dat."""
    try:
        case.file = find_license(case.path)
    except NoLicense as absent:
        raise Refusal(Status.MISSING, str(absent)) from absent
    except OSError as error:
        raise _unreadable(case.path, error) from error
    return str(case.file)


def readable(case: Examination) -> str:
    """2. It is a regular file that this user may read, of at most 1 MiB, as an opaque one may be."""
    try:
        case.content = read_capped(case.file, adopted.MAX_OPAQUE_BYTES)
    except FileTooLarge as error:
        if case.adopted:
            raise adopted.change_refusal(case, str(error)) from error
        raise Refusal(Status.MALFORMED, str(error)) from error
    except OSError as error:
        raise _unreadable(case.file, error) from error
    return counted(len(case.content), "byte")


def _unreadable(path: Path, error: OSError) -> Refusal:
    cause = _CAUSES.get(error.errno or 0)
    reason = "it is a broken link" if cause is Cause.LINK_TO_NOWHERE else error.strerror or error
    return Refusal(Status.UNREADABLE, f"{path}: {reason}", cause)


def envelope_form(case: Examination) -> str:
    """3. It is a DSSE envelope in strict JSON, of at most 64 KiB. What is not of our own form at all is opaque to us.

    Where the license at this place was adopted, what is not of our form has to be just those bytes.
    """
    if case.adopted and not adopted.of_our_form(case.content):
        return adopted.recognise(case)
    try:
        case.envelope = parse_envelope(case.content)
    except MalformedEnvelope as error:
        raise _formless(case, error) from error
    return "DSSE"


def _formless(case: Examination, error: MalformedEnvelope) -> Refusal:
    if adopted.encoded_again(case.content):
        return Refusal(
            Status.MALFORMED,
            f"{case.file} is a base64-encoded license: it was encoded once too often",
            Cause.ENCODED_AGAIN,
        )
    if adopted.of_our_form(case.content) or not case.content.strip(b"\xef\xbb\xbf \t\r\n\0"):
        return Refusal(Status.MALFORMED, f"{case.file} is not a license: {error}")
    if case.asked.seen and case.asked.seen.unread:
        case.warnings.append(f"cannot tell whether it was adopted: {case.asked.seen.unread}")
    return Refusal(Status.OPAQUE, f"{case.file} has no format that azlic can read")


def payload_type(case: Examination) -> str:
    """4. The envelope says that it holds a license, and no other document."""
    if case.envelope.payload_type != LICENSE_TYPE:
        raise Refusal(
            Status.MALFORMED,
            f"{case.file} is a signed document of another type: {case.envelope.payload_type[:80]!r}",
        )
    return LICENSE_TYPE


def signature(case: Examination) -> str:
    """5. A key that the operator's trust store vouches for has signed the bytes as received."""
    if case.trust.folder.resolve().is_relative_to(case.file.parent.resolve()):
        raise Refusal(
            Status.UNTRUSTED,
            f"the trust store {case.trust.folder} is inside the license folder; trust never comes from the mount",
            Cause.TRUST_IN_THE_MOUNT,
        )
    case.held = case.trust.load()
    try:
        case.payload = VerifiedPayload(case.envelope, [known.key for known in case.held.keys])
    except UntrustedEnvelope as error:
        raise _trust_failure(case) from error
    passed_over = "".join(f"; ignored: {bad}" for bad in case.held.unusable)
    return f"key {case.payload.key.keyid[:12]}{passed_over}"


def _trust_failure(case: Examination) -> Exception:
    offered = ", ".join(keyid[:12] for keyid in case.envelope.signatures)
    if any(known.key_id in case.envelope.signatures for known in case.held.keys):
        return Refusal(
            Status.UNTRUSTED,
            f"it names a trusted key, {offered!r}, but the signature does not match:"
            " the file was changed after it was signed",
            Cause.CHANGED,
        )
    for issuer in case.held.issuers.values():
        if issuer.withdrawn.intersection(case.envelope.signatures):
            return Refusal(
                Status.UNTRUSTED,
                f"it names key {offered!r}, which its issuer withdrew in rotation {issuer.rotation_number}",
                Cause.WITHDRAWN_KEY,
            )
    if case.held.unusable:
        return case.held.unusable[0]
    store = case.trust.folder
    count = len(case.held.keys)
    known = f"the trust store {store} holds {counted(count, 'other')}"
    holds = known if store.is_dir() else f"there is no folder {store}"
    return Refusal(
        Status.UNTRUSTED,
        f"no trusted key verifies its signature: the license names key {offered!r}, {holds}",
        Cause.UNKNOWN_KEY,
    )


def document(case: Examination) -> str:
    """6. The signed bytes are a license that this version understands to the last field."""
    try:
        case.parsed = parse_license(case.payload.content)
    except BadDocument as error:
        raise Refusal(Status.MALFORMED, f"the signed license cannot be used: {error}") from error
    return f"license {case.parsed.license_id} serial {case.parsed.serial}"


def key_in_force(case: Examination) -> str:
    """7. The key was in force when it signed, and what its issuer said last about its keys still holds."""
    issued_at = case.license.issued_at
    ours = [known for known in case.held.keys if known.key_id == case.payload.key.keyid]
    case.key = next((known for known in ours if known.covers(issued_at)), ours[0])
    if not case.key.covers(issued_at):
        raise Refusal(
            Status.UNTRUSTED,
            f"the key that signed it is in force {_window(case.key)}, and it was issued at {iso(issued_at)}",
            Cause.KEY_NOT_IN_FORCE,
        )
    _issuer_speaks_for_it(case)
    case.genuine = True
    return _window(case.key)


def _issuer_speaks_for_it(case: Examination) -> None:
    rotation, number = case.issuer.rotation, case.issuer.rotation_number
    seen = case.last_seen_number("rotation")
    if number < seen:
        raise Refusal(
            Status.UNTRUSTED,
            f"the trust store holds rotation {number} of this issuer, and {seen} was seen here before",
            Cause.OLDER_TRUST,
        )
    if rotation and rotation.is_expired(case.asked.as_of):
        raise Refusal(
            Status.UNTRUSTED,
            f"the issuer's statement about its keys, rotation {number}, ended at {iso(rotation.expires_at)}",
            Cause.TRUST_EXPIRED,
        )


def _window(key: TrustedKey) -> str:
    if key.not_before is None and key.not_after is None:
        return "always"
    begins = f"from {iso(key.not_before)}" if key.not_before else ""
    ends = f"up to {iso(key.not_after)}" if key.not_after else ""
    return " ".join(filter(None, (begins, ends)))
