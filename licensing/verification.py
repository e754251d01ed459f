"""Verification: one function, one verdict, numbered steps.

 1. present    the license folder is there and holds license.dat
 2. readable   it is a regular file that this user may read; one above 64 KiB is malformed
 3. envelope   it is a DSSE envelope in strict JSON
 4. type       the envelope says that it holds a license, and no other document
 5. signature  a key in the operator's trust store has signed the bytes as received
 6. document   the signed bytes are a license that this version understands to the last field
 7. container  the license is for this kind of container
 8. image      the license covers this version of the image
 9. begun      the license has begun
10. not ended  the license, or its stated grace, has not ended

Step 5 tells a signature by a key that is not trusted from one that names a trusted key and does not fit: there the
file was changed. A file in the trust store that is no key grants nothing, so it is passed over and named where another
key verifies the license; where none does, it may have been the one that would have, and there is no honest answer.

A step that fails ends the walk: what stands behind it is not looked at. Steps 7 and 8 are asked only where the
caller says which container or image is meant. No step opens a socket, and none writes.
"""

import errno
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.dsse import Envelope

from licensing.document import LICENSE_TYPE, BadDocument, License, parse_license
from licensing.envelope import (
    MAX_ENVELOPE_BYTES,
    MalformedEnvelope,
    UntrustedEnvelope,
    VerifiedPayload,
    parse_envelope,
)
from licensing.files import FileTooLarge, read_capped
from licensing.instants import iso
from licensing.mount import NoLicense, find_license
from licensing.trust import Held, TrustStore
from licensing.verdict import Cause, Check, Status, Verdict

EXPIRING_DAYS = 60
_MOST_DAYS = 365_000  # what a date of ours can be moved back by
_CAUSES = {
    errno.EACCES: Cause.CLOSED,
    errno.EPERM: Cause.CLOSED,
    errno.EINVAL: Cause.NOT_A_FILE,
    errno.ENXIO: Cause.NOT_A_FILE,
    errno.ENOENT: Cause.LINK_TO_NOWHERE,
    errno.ELOOP: Cause.LINK_TO_NOWHERE,
}


class _Refusal(Exception):
    def __init__(self, status: Status, detail: str, cause: Cause | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.cause = cause


class _Walk:
    """What the steps have established so far."""

    file: Path
    content: bytes
    envelope: Envelope
    payload: VerifiedPayload

    def __init__(
        self, path: Path, trust: TrustStore, as_of: datetime, container: str | None, version: str | None
    ) -> None:
        self.path = path
        self.trust = trust
        self.as_of = as_of
        self.container = container
        self.version = version
        self.license: License | None = None

    def present(self) -> str:
        try:
            self.file = find_license(self.path)
        except NoLicense as absent:
            raise _Refusal(Status.MISSING, str(absent)) from absent
        except OSError as error:
            raise self._unreadable(self.path, error) from error
        return str(self.file)

    def readable(self) -> str:
        try:
            self.content = read_capped(self.file, MAX_ENVELOPE_BYTES)
        except FileTooLarge as error:
            raise _Refusal(Status.MALFORMED, str(error)) from error
        except OSError as error:
            raise self._unreadable(self.file, error) from error
        return f"{len(self.content)} bytes"

    def _unreadable(self, path: Path, error: OSError) -> _Refusal:
        cause = _CAUSES.get(error.errno or 0)
        reason = "it is a link that leads nowhere" if cause is Cause.LINK_TO_NOWHERE else error.strerror or error
        return _Refusal(Status.UNREADABLE, f"{path}: {reason}", cause)

    def well_formed(self) -> str:
        try:
            self.envelope = parse_envelope(self.content)
        except MalformedEnvelope as error:
            raise _Refusal(Status.MALFORMED, f"{self.file} is not a license: {error}") from error
        return "DSSE"

    def typed(self) -> str:
        if self.envelope.payload_type != LICENSE_TYPE:
            raise _Refusal(
                Status.MALFORMED,
                f"{self.file} is a signed document of another type: {self.envelope.payload_type[:80]!r}",
            )
        return LICENSE_TYPE

    def signed(self) -> str:
        if self.trust.folder.resolve().is_relative_to(self.file.parent.resolve()):
            raise _Refusal(
                Status.UNTRUSTED,
                f"the trust store {self.trust.folder} lies inside the license folder; trust never comes from the mount",
                Cause.TRUST_IN_THE_MOUNT,
            )
        held = self.trust.held()
        try:
            self.payload = VerifiedPayload(self.envelope, [known.key for known in held.keys])
        except UntrustedEnvelope as error:
            raise self._untrusted(held) from error
        passed_over = "".join(f"; passed over: {bad}" for bad in held.unusable)
        return f"key {self.payload.key.keyid[:12]}{passed_over}"

    def _untrusted(self, held: Held) -> Exception:
        offered = ", ".join(keyid[:12] for keyid in self.envelope.signatures)
        if any(known.key_id in self.envelope.signatures for known in held.keys):
            return _Refusal(
                Status.UNTRUSTED,
                f"it names a trusted key, {offered!r}, but the signature does not fit:"
                " the file was changed after it was signed",
                Cause.CHANGED,
            )
        if held.unusable:
            return held.unusable[0]
        store = self.trust.folder
        holds = f"the trust store {store} holds {len(held.keys)}" if store.is_dir() else f"there is no folder {store}"
        return _Refusal(
            Status.UNTRUSTED,
            f"no trusted key verifies its signature: the license names key {offered!r}, {holds}",
            Cause.UNKNOWN_KEY,
        )

    def understood(self) -> str:
        try:
            self.license = parse_license(self.payload.content)
        except BadDocument as error:
            raise _Refusal(Status.MALFORMED, f"the signed license cannot be used: {error}") from error
        return f"license {self.license.license_id} serial {self.license.serial}"

    def for_container(self) -> str:
        licensed = self._license.container.type
        if self.container is not None and licensed != self.container:
            raise _Refusal(
                Status.WRONG_CONTAINER,
                f"the license is for container type {licensed!r}, this container is {self.container!r}",
            )
        return licensed if self.container else f"{licensed} (no container named to compare with)"

    def for_image(self) -> str:
        licensed = self._license.container
        span = f"{licensed.version_from} up to, not including, {licensed.version_below}"
        if self.version is not None and not licensed.admits(self.version):
            raise _Refusal(
                Status.WRONG_IMAGE,
                f"the license covers versions {span}, this image is {self.version!r};"
                " after pulling a new image, download a new license",
            )
        return span if self.version else f"{span} (no image named to compare with)"

    def begun(self) -> str:
        begins = self._license.not_before
        if self.as_of < begins:
            raise _Refusal(Status.NOT_YET_VALID, f"the license begins at {iso(begins)}")
        return f"since {iso(begins)}"

    def not_ended(self) -> str:
        ends = self._license.grace_ends_at
        if self.as_of >= ends:
            raise _Refusal(Status.EXPIRED, f"the license ended at {iso(ends)}")
        return f"until {iso(ends)}"

    @property
    def _license(self) -> License:
        assert self.license is not None  # noqa: S101 - step 6 comes before every step that asks
        return self.license


_STEPS: tuple[tuple[int, str, Callable[[_Walk], str]], ...] = (
    (1, "present", _Walk.present),
    (2, "readable", _Walk.readable),
    (3, "envelope", _Walk.well_formed),
    (4, "type", _Walk.typed),
    (5, "signature", _Walk.signed),
    (6, "document", _Walk.understood),
    (7, "container", _Walk.for_container),
    (8, "image", _Walk.for_image),
    (9, "begun", _Walk.begun),
    (10, "not ended", _Walk.not_ended),
)


def verify(
    path: Path,
    *,
    trust: TrustStore,
    as_of: datetime,
    container: str | None = None,
    version: str | None = None,
    expiring_days: int = EXPIRING_DAYS,
) -> Verdict:
    """Say whether the license in a folder (or the file itself) lets its container run at ``as_of``.

    The steps are those of this module's text, under the same numbers. "No" is a verdict, not an exception; raised is
    only ``AzlicError``, for a trust store that cannot be read, or whose keys that can be read do not decide.
    ``expiring_days`` before its end a license is ``expiring``; it still runs.
    """
    walk = _Walk(path, trust, as_of, container, version)
    checks: list[Check] = []
    refusal: _Refusal | None = None
    for number, name, step in _STEPS:
        if refusal is not None:
            checks.append(Check(number, name, None, "not reached"))
            continue
        try:
            checks.append(Check(number, name, True, step(walk)))
        except _Refusal as no:
            refusal = no
            checks.append(Check(number, name, False, no.detail))
    warn_from = walk.license.expires_at - timedelta(days=min(expiring_days, _MOST_DAYS)) if walk.license else None
    status, detail = (refusal.status, refusal.detail) if refusal else _standing(walk, warn_from or as_of)
    return Verdict(
        path=path,
        as_of=as_of,
        status=status,
        detail=detail,
        checks=tuple(checks),
        license=walk.license,
        key_id=walk.payload.key.keyid if walk.license else None,
        warn_from=warn_from,
        cause=refusal.cause if refusal else None,
    )


def _standing(walk: _Walk, warn_from: datetime) -> tuple[Status, str]:
    license_ = walk.license
    assert license_ is not None  # noqa: S101 - only asked when every step passed
    if walk.as_of >= license_.expires_at:
        return Status.GRACE, (
            f"the license ended at {iso(license_.expires_at)}; its grace ends at {iso(license_.grace_ends_at)}"
        )
    if walk.as_of >= warn_from:
        return Status.EXPIRING, f"the license ends soon, at {iso(license_.expires_at)}"
    return Status.VALID, f"the license runs until {iso(license_.expires_at)}"
