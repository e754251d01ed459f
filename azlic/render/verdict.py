"""A verdict in words that can be read aloud, and as fields for a script."""

import os
from datetime import datetime, timedelta

from azlic.lines import joined, wrap
from azlic.output import style
from azlic.render.answer import Answer
from azlic.render.text import labelled
from licensing.containers import CONTAINER_TYPES
from licensing.core.instants import iso
from licensing.core.text import command_word, counted
from licensing.signing.document import License
from licensing.verdict.seen import AdoptedLicense
from licensing.verdict.verdict import NOT_REACHED, Cause, Status, Verdict
from licensing.verification.adopted import BY_OPERATOR
from licensing.verification.renewal import renewal_starts_at

COLOURS = {Status.VALID: "green", Status.EXPIRING: "yellow", Status.GRACE: "yellow"}
_MARKS = {True: "ok", False: "NO", None: "--"}

_THEN = {
    True: "From that instant the container answers 503 and refuses to start.",
    False: "The container refuses to start with it, and answers 503 where it runs.",
}
_THEN_STATED = {
    True: "From that instant, if what was stated is right, the container refuses to start.",
    False: "If what was stated is right, the container refuses to start with it.",
}
_DO = {
    Status.VALID: "Nothing now. Start the renewal by {renewal}.",
    Status.EXPIRING: "Renew now: run azlic download on a connected machine, carry license.dat here.",
    Status.GRACE: "Renew today: run azlic download on a connected machine, carry license.dat here.",
    Status.EXPIRED: "Renew: run azlic download on a connected machine, carry license.dat here.",
    Status.NOT_YET_VALID: "Wait until it begins, or check this machine's clock: date -u.",
    Status.MISSING: "Mount the license folder, or download a license into it with azlic download.",
    Status.UNREADABLE: "Copy the file again from where it was downloaded, and check the disk it is on.",
    Status.MALFORMED: "Copy the file again from where it was downloaded, or download it again.",
    Status.OPAQUE: "A license of ours: copy it again, or download it again. A license of Microsoft's: azlic cannot"
    " read it; ask its issuer when it ends, and state that: azlic adopt.",
    Status.UNTRUSTED: "If the issuer has rotated its key: azlic trust update ROTATION. If the issuer is new here,"
    " compare its key with the issuer, then: azlic trust add ISSUER.pem.",
    Status.REVOKED: "Ask the issuer why, and for a new license.",
    Status.SUPERSEDED: "Copy the newer license here; this site has accepted it before.",
    Status.CONFLICTING: "Tell the issuer: a serial was issued twice. Keep the license that ran before.",
    Status.WRONG_CONTAINER: "Download the license of this container; each container needs its own.",
    Status.WRONG_IMAGE: "Download a new license for this image version, or run an image it covers.",
    Status.WRONG_INSTANCE: "Download the license of this machine, or run the container where it is licensed.",
    Status.CLOCK_SUSPECT: "Set this machine's clock right (date -u), then look: azlic clock status.",
}
_ENDING = {Status.EXPIRING, Status.GRACE, Status.EXPIRED}
_RENEW_PLAN = "Renew the commitment plan first, which ends with the license; then azlic download, or request."
_RENEW_NOW = "Start the renewal now: it should have begun by {renewal}."

_DO_ABOUT = {
    Cause.CLOSED: "Let user {user} read it, as root: chown -R {user} {path}",
    Cause.NOT_A_FILE: "Put license.dat itself there, as a regular file.",
    Cause.LINK_TO_NOWHERE: "Put license.dat itself there in place of the link, or mount the link's target.",
    Cause.TRUST_IN_THE_MOUNT: "Keep the trust store outside the license folder: --trust FOLDER.",
    Cause.KEY_NOT_IN_FORCE: "Tell the issuer: it signed with a key that was not in force.",
    Cause.TRUST_EXPIRED: "Get the issuer's newest rotation document, then: azlic trust update FILE.",
    Cause.OLDER_TRUST: "Restore the trust store to what it held, or: azlic trust update FILE.",
    Cause.OTHER_REPOSITORY: "Run an image that the license is for, or download the license of this one.",
    Cause.WITHDRAWN_KEY: "Ask the issuer for a new license; a key that it withdrew is not to be trusted again.",
    Cause.ENCODED_AGAIN: "Put license.dat itself there; a Kubernetes Secret's data is base64 once, not twice.",
    Cause.CHANGED: "Copy the file again from where it was downloaded, or download it again.",
    Cause.CLOCK_BEHIND: "Set this machine's clock right (date -u), then look: azlic clock status. If it is right,"
    " strike what was seen wrongly: azlic clock strike.",
    Cause.ISSUED_LATER: "Set this machine's clock right (date -u). If it is right, the issuer's was not: download it"
    " again.",
    Cause.ADOPTED_CHANGED: "If it was renewed, state what it is now: azlic adopt. If not, restore the file that was"
    " adopted, and find out who changed it.",
}
"""What to do where the status alone does not say it."""

_DOWNLOAD = "download a new license on a connected machine, carry it here, then: azlic adopt."
_DO_STATED = {
    Status.EXPIRING: f"Renew now: {_DOWNLOAD}",
    Status.EXPIRED: f"Renew: {_DOWNLOAD}",
}
"""What to do about a license that no issuer of ours gives."""


def verdict_text(verdict: Verdict, *, lead_days: int) -> str:
    """What, until when, what happens then, what to do; then the numbered checks."""
    lines = [style(line, COLOURS.get(verdict.status, "red")) for line in wrap(_headline(verdict))]
    lines.append("")
    lines += labelled("Answer", f"As of {iso(verdict.as_of)}: {verdict.detail}.")
    if verdict.license is not None:
        lines += _facts(verdict, verdict.license, lead_days)
    if verdict.stated is not None:
        lines += _statement(verdict, verdict.stated, lead_days)
    lines += labelled("Then", _then(verdict))
    lines += labelled("Do", _advice(verdict, renewal_starts_at(verdict, lead_days)))
    for warning in verdict.warnings:
        lines += labelled("Warning", f"{warning}.")
    lines.append("")
    lines += [
        line
        for check in verdict.checks
        if check.detail != NOT_REACHED
        for line in labelled(f"{check.number:>2} {_MARKS[check.passed]} {check.name:<12}", check.detail, 18)
    ]
    return joined(lines)


def _headline(verdict: Verdict) -> str:
    status = verdict.status.upper().replace("-", " ")
    return f"{_subject(verdict.container_type)}: {status}{f' ({BY_OPERATOR})' if verdict.stated else ''}"


def _then(verdict: Verdict) -> str:
    if verdict.status is Status.OPAQUE:
        return "A container of ours refuses to start with it; what Microsoft's does is not known."
    return (_THEN_STATED if verdict.stated else _THEN)[verdict.may_run]


def _subject(container_type: str | None) -> str:
    if container_type is None:
        return "License"
    kind = CONTAINER_TYPES.get(container_type)
    return f"License for {kind.title if kind else container_type}"


def _advice(verdict: Verdict, renewal: datetime | None) -> str:
    by_status = _DO | _DO_STATED if verdict.stated else _DO
    advice = _DO_ABOUT.get(verdict.cause, by_status[verdict.status]) if verdict.cause else by_status[verdict.status]
    if verdict.status is Status.VALID and renewal and renewal <= verdict.as_of:
        advice = _RENEW_NOW
    if verdict.status in _ENDING and verdict.license and verdict.license.expires_at >= verdict.license.plan.ends_at:
        advice = _RENEW_PLAN
    user = f"{os.geteuid()}:{os.getegid()}"
    return advice.format(renewal=iso(renewal) if renewal else "", user=user, path=command_word(str(verdict.path)))


def _facts(verdict: Verdict, license_: License, lead_days: int) -> list[str]:
    plan = license_.plan
    lines = labelled("License", f"{license_.license_id}, serial {license_.serial}")
    lines += labelled(
        "For",
        f"container type {license_.container.type}, versions from {license_.container.version_from}"
        f" and below {license_.container.version_below}"
        f"{f', model {license_.container.model}' if license_.container.model else ''}",
    )
    lines += labelled("Resource", f"{license_.resource.name}, {license_.resource.endpoint}")
    lines += labelled("Issued", iso(license_.issued_at))
    lines += labelled("Begins", iso(license_.not_before))
    lines += _dates(verdict, license_, lead_days)
    lines += labelled(
        "Plan",
        f"{plan.name}: {plan.plan_type} {plan.tier} x {plan.count}, {plan.quota.quantity:,} {plan.quota.unit}"
        f" a {plan.period} each, {iso(plan.starts_at)} up to {iso(plan.ends_at)}",
    )
    return lines


def _statement(verdict: Verdict, stated: AdoptedLicense, lead_days: int) -> list[str]:
    """What the operator stated of a license that azlic cannot read."""
    who = f"by the operator ({stated.stated_by}) at {iso(stated.adopted_at)}"
    lines = labelled("Stated", f"{who}; azlic cannot read the license")
    lines += labelled("File", f"{stated.size:,} bytes, SHA-256 {stated.digest.hex()}")
    lines += labelled("For", f"container type {stated.container_type}{f', {stated.image}' if stated.image else ''}")
    if stated.resource:
        lines += labelled("Resource", stated.resource)
    if stated.downloaded_at:
        lines += labelled("Download", iso(stated.downloaded_at))
    return [*lines, *_dates(verdict, None, lead_days)]


def _dates(verdict: Verdict, license_: License | None, lead_days: int) -> list[str]:
    """The dates that are often taken for one another, each on a line of its own."""
    dates = [
        ("Ends", "license", verdict.expires_at),
        ("", "grace", license_.grace_ends_at if license_ and license_.grace_days else None),
        ("", "commitment", license_.plan.ends_at if license_ else None),
        ("Renewal", "start by", renewal_starts_at(verdict, lead_days)),
    ]
    return [
        f"  {label:<9} {name:<11} {iso(instant)} ({_days(instant - verdict.as_of)})"
        for label, name, instant in dates
        if instant is not None
    ]


def _days(left: timedelta) -> str:
    """Whole days until an instant, or since it."""
    days, when = (left.days, "left") if left > timedelta() else ((-left).days, "ago")
    return f"{counted(days, 'day')} {when}" if days else f"less than a day {when}"


def _verdict_fields(verdict: Verdict, *, lead_days: int) -> object:
    license_ = verdict.license
    return {
        "path": verdict.path,
        "as_of": verdict.as_of,
        "status": verdict.status,
        "may_run": verdict.may_run,
        "cause": verdict.cause,
        "detail": verdict.detail,
        "days_left": verdict.days_left,
        "expires_at": verdict.expires_at,
        "grace_ends_at": license_ and license_.grace_ends_at,
        "commitment_ends_at": license_ and license_.plan.ends_at,
        "warn_from": verdict.warn_from,
        "warnings": verdict.warnings,
        "renewal_starts_at": renewal_starts_at(verdict, lead_days),
        "key_id": verdict.key_id,
        "license": license_,
        "stated": verdict.stated and statement_fields(verdict.stated),
        "checks": verdict.checks,
    }


def statement_fields(stated: AdoptedLicense) -> object:
    """What the operator stated of an adopted license; what was never stated is null."""
    return {
        "sha256": stated.digest,
        "size": stated.size,
        "container": stated.container_type,
        "image": stated.image,
        "resource": stated.resource,
        "downloaded_at": stated.downloaded_at,
        "expires_at": stated.expires_at,
        "adopted_at": stated.adopted_at,
        "stated_by": stated.stated_by,
    }


VERDICT = Answer("azlic.verdict/v1", verdict_text, _verdict_fields)
