"""The issuer's desk: answers a signed request that was carried in, with the license that a download would have given.

The rules, in the order they are asked; from 3 on they are those of a download, numbered as in licensing.issuer.issue:

1. it is a request that the enrolled site it names has signed, as received,
   with an id that was answered for no other content, and signed not too long ago       else Invalid
2. the site may ask for the licenses of the resource                                     else Mismatch

A request that was answered before gets the same bytes again, whatever has changed since: what was given is given, and
no serial is spent twice on it. Its age is not asked then, its signature is.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, insert, select

from licensing.core.errors import AzlicError, BadCall, NoGoodLicense
from licensing.core.files import FileTooLarge, read_file
from licensing.core.instants import iso, parse_instant, to_the_second
from licensing.core.text import counted, without_password
from licensing.core.validation_messages import shorten_key_ids
from licensing.core.web_address import has_only_a_path, parse_web_address
from licensing.db.database import writing
from licensing.db.schema import row_of
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.request import REQUEST_TYPE, OfflineRequest, parse_request
from licensing.issuer.audit import note
from licensing.issuer.issue import Issuer
from licensing.issuer.sites import EnrolledSite, read_sites
from licensing.issuer.tables import AnsweredRequestRow, ResourceContainerRow
from licensing.signing.document import BadDocument, License, parse_license
from licensing.signing.envelope import (
    MAX_ENVELOPE_BYTES,
    MalformedEnvelope,
    UntrustedEnvelope,
    VerifiedPayload,
    parse_envelope,
)

MAX_DAYS = 30
_LONGEST_REASON = 300
CLOCK_SKEW = timedelta(hours=1)
"""How far the clock of a site that nobody sets by a network may run ahead."""

WHAT_TO_DO = {
    DenialCode.INVALID: "ask the site for the file again, or for a new one: azlic request",
    DenialCode.MISMATCH: "azlic issuer container list and azlic issuer site list show what the site may ask for",
    DenialCode.UNAUTHORIZED: "azlic issuer approve, or azlic issuer container add",
    DenialCode.OUT_OF_QUOTA: "enter a commitment plan that is in force for the resource",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The license that a request was answered with. ``again`` says that it was given before, in these very bytes."""

    request: OfflineRequest
    license: License
    content: bytes
    again: bool


class _Signed(NamedTuple):
    """A request whose signature was checked, and the digest of the bytes that were signed."""

    request: OfflineRequest
    digest: bytes


class _Refused(Exception):
    """What came is not a request that can be answered."""

    def __init__(self, words: str, hint: str | None = None) -> None:
        super().__init__(words)
        self.denial = Denial(DenialCode.INVALID, words, hint=hint)


def read_request(path: Path) -> bytes:
    """The bytes of a request's file.

    Raises ``AzlicError`` where it cannot be read, and ``NoGoodLicense`` where it is larger than any request.
    """
    try:
        return read_file(path, MAX_ENVELOPE_BYTES, "the request")
    except FileTooLarge as error:
        raise NoGoodLicense(
            f"{DenialCode.INVALID}: {error}, too large for a request", hint=WHAT_TO_DO[DenialCode.INVALID]
        ) from error


def check_base_url(url: str | None) -> str:
    """The address licenses name as their issuer's. Raises ``BadCall`` where it is none, or was never set."""
    if not url:
        raise BadCall(
            "the issuer's own address is not set: the license names the endpoint it comes from",
            hint='give --url https://HOST, or set AZLIC_ISSUER_URL, or issuer_url = "https://HOST" in azlic.toml',
        )
    parsed = parse_web_address(url)
    if parsed is None or not has_only_a_path(parsed) or not url.isprintable() or len(url) > 100:
        raise BadCall(f"{without_password(url)!r} is not the address of an issuer", hint="write it as https://HOST")
    return url


def answer_request(
    engine: Engine, issuer: Issuer, content: bytes, *, now: datetime, max_days: int = MAX_DAYS
) -> Answer | Denial:
    """Answer a carried request: the license, or why there is none.

    The serial, the license's row, the audit line and the kept answer come out of one transaction; a denial leaves an
    audit line, too. Raises ``AzlicError`` where the site holds a newer license than this store knows of.
    """
    with writing(engine) as connection:
        try:
            site, signed = _verify_request(content, read_sites(connection))
        except _Refused as refused:
            return _write_denial(connection, refused.denial, now, "unknown site", "offline request")
        request = signed.request
        who = f"site {site.name}"
        try:
            if given := _previous_answer(connection, signed):
                return given
            _check_age(request, now, max_days)
        except _Refused as refused:
            return _write_denial(connection, refused.denial, now, who, request.resource)
        if request.resource not in site.resources:
            denial = Denial(DenialCode.MISMATCH, f"{who} may not request licenses of resource {request.resource}")
            return _write_denial(connection, denial, now, who, request.resource)
        _check_current(connection, request)
        made = issuer.answer(connection, request, resource=request.resource, now=now)
        if isinstance(made, Denial):
            return made
        answer = Answer(request, _license(made), made, again=False)
        _keep(connection, answer, signed.digest, now)
        return answer


def _write_denial(connection: Connection, denial: Denial, now: datetime, actor: str, subject: str) -> Denial:
    """Write down what rules 1 and 2 refused; of a request that nobody known has signed, only the words about it."""
    note(
        connection,
        at=now,
        actor=actor,
        action="denial",
        subject=subject,
        code=denial.code,
        reason=denial.detail[:_LONGEST_REASON],
    )
    return denial


def _verify_request(content: bytes, known: list[EnrolledSite]) -> tuple[EnrolledSite, _Signed]:
    """The request and the site that signed it. Raises ``_Refused``."""
    try:
        envelope = parse_envelope(content)
        if envelope.payload_type != REQUEST_TYPE:
            raise _Refused(f"it is a signed document of another type: {envelope.payload_type[:80]!r}")
        payload = VerifiedPayload(envelope, [site.key for site in known])
        request = parse_request(payload.content)
    except MalformedEnvelope as error:
        raise _Refused(f"it is not a license request: {error}") from error
    except UntrustedEnvelope as error:
        raise _unknown_signer(set(envelope.signatures), known) from error
    except BadDocument as error:
        raise _Refused(f"the signed request cannot be used: {error}") from error
    for site in known:
        if site.name == request.site and site.key_id == payload.key.keyid:
            return site, _Signed(request, hashlib.sha256(payload.content).digest())
    raise _Refused(f"it is for site {request.site}, but was signed with another site's key")


def _unknown_signer(offered: set[str], known: list[EnrolledSite]) -> _Refused:
    for site in known:
        if site.key_id in offered:
            words = f"it names the key of site {site.name}, but the signature does not match: it was changed after that"
            return _Refused(words)
    sites = f"{counted(len(known), 'site is', 'sites are')} enrolled"
    return _Refused(
        f"no enrolled site has signed it: it names {shorten_key_ids(sorted(offered))}, and {sites}",
        hint="azlic issuer site add enrols the site, once you have compared its key's fingerprint",
    )


def _previous_answer(connection: Connection, signed: _Signed) -> Answer | None:
    """The answer that was given to this very request. Raises ``_Refused`` where its id was answered for another."""
    request_id = signed.request.request_id
    row = row_of(connection, AnsweredRequestRow, AnsweredRequestRow.request_id == request_id)
    if row is None:
        return None
    if row.digest != signed.digest:
        raise _Refused(
            f"a request with the id {request_id} and different content was answered at"
            f" {to_the_second(parse_instant(row.answered_at))}"
        )
    return Answer(signed.request, _license(row.content), row.content, again=True)


def _check_age(request: OfflineRequest, now: datetime, max_days: int) -> None:
    there = f"the site's clock said {to_the_second(request.requested_at)} when it was signed"
    if request.requested_at > now + CLOCK_SKEW:
        raise _Refused(f"it is from the future: {there}, and it is now {to_the_second(now)}")
    if now - request.requested_at > timedelta(days=max_days):
        raise _Refused(f"it is too old: {there}, and requests are answered for {max_days} days")


def _check_current(connection: Connection, request: OfflineRequest) -> None:
    """A site that holds more than was ever given here has its license from a later state of this store."""
    if request.held is None:
        return
    last = connection.execute(
        select(ResourceContainerRow.serial).where(ResourceContainerRow.license_id == request.held.license_id)
    ).scalar_one_or_none()
    if last is not None and request.held.serial > last:
        raise AzlicError(
            f"site {request.site} holds serial {request.held.serial} of a license of which this store gave {last}:"
            " it is an older copy of the issuer's store",
            hint="restore the newest copy of the store before answering anything from it",
        )


def _license(content: bytes) -> License:
    """What one of our own answers says."""
    return parse_license(parse_envelope(content).payload)


def _keep(connection: Connection, answer: Answer, digest: bytes, now: datetime) -> None:
    request, license_ = answer.request, answer.license
    connection.execute(
        insert(AnsweredRequestRow).values(
            request_id=request.request_id,
            site=request.site,
            digest=digest,
            content=answer.content,
            answered_at=iso(now),
        )
    )
    note(
        connection,
        at=now,
        actor=f"site {request.site}",
        action="request answer",
        subject=license_.license_id,
        request=request.request_id,
        resource=request.resource,
        serial=license_.serial,
        held=request.held.serial if request.held else 0,
    )
