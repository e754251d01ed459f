"""A verdict in words that can be read aloud, and as fields for a script."""

import os
import textwrap
from datetime import timedelta
from typing import Any

from azlic.output import styled
from licensing.containers import CONTAINER_TYPES
from licensing.document import License
from licensing.instants import iso
from licensing.verdict import Cause, Status, Verdict

WIDTH = 80
_COLOURS = {Status.VALID: "green", Status.EXPIRING: "yellow", Status.GRACE: "yellow"}
_MARKS = {True: "ok", False: "NO", None: "--"}

_THEN = {
    True: "From that instant the container answers 503 and refuses to start.",
    False: "The container refuses to start with it, and answers 503 where it runs.",
}
_DO = {
    Status.VALID: "Nothing now. Start the renewal by {warn_from}.",
    Status.EXPIRING: "Renew now: run azlic download on a connected machine, carry license.dat here.",
    Status.GRACE: "Renew today: run azlic download on a connected machine, carry license.dat here.",
    Status.EXPIRED: "Renew: run azlic download on a connected machine, carry license.dat here.",
    Status.NOT_YET_VALID: "Wait until it begins, or check this machine's clock: date -u.",
    Status.MISSING: "Mount the license folder, or download a license into it with azlic download.",
    Status.UNREADABLE: "Copy the file again from where it was downloaded, and check the disk it lies on.",
    Status.MALFORMED: "Copy the file again from where it was downloaded, or download it again.",
    Status.OPAQUE: "A license of ours: copy it again, or download it again. A license of Microsoft's: it cannot be"
    " read; keep its dates by hand.",
    Status.REVOKED: "Ask the issuer why, and download a new license where it grants one.",
    Status.SUPERSEDED: "Use the newer license.dat that was here before, or download a new one.",
    Status.CONFLICTING: "Tell the issuer: a serial was given twice. Keep the license that ran before.",
    Status.WRONG_INSTANCE: "Download the license of this site and instance, or name them as the license does.",
    Status.CLOCK_SUSPECT: "Set this machine's clock right (date -u), then look: azlic clock status.",
    Status.UNTRUSTED: "Compare the issuer's key with the issuer, then: azlic trust add ISSUER.pem.",
    Status.WRONG_CONTAINER: "Download the license of this container; each container needs its own.",
    Status.WRONG_IMAGE: "Download a new license for this image version, or run an image it covers.",
}

_DO_ABOUT = {
    Cause.CLOSED: "Let user {user} read it, as root: chown -R {user} {path}",
    Cause.NOT_A_FILE: "Put license.dat itself there, as a regular file.",
    Cause.LINK_TO_NOWHERE: "Put license.dat itself there in place of the link, or what the link leads to.",
    Cause.TRUST_IN_THE_MOUNT: "Keep the trust store outside the license folder: --trust FOLDER.",
    Cause.KEY_NOT_IN_FORCE: "Tell the issuer: it signed with a key outside the key's own time.",
    Cause.TRUST_EXPIRED: "Get the issuer's newest rotation document, then: azlic trust update FILE.",
    Cause.OLDER_TRUST: "Bring the trust store back to what it held, or: azlic trust update FILE.",
    Cause.OTHER_REPOSITORY: "Run an image that the license is for, or download the license of this one.",
    Cause.ENCODED_AGAIN: "Put license.dat itself there; a Kubernetes Secret's data is base64 once, not twice.",
    Cause.CHANGED: "Copy the file again from where it was downloaded, or download it again.",
}
"""What to do where the status alone does not say it."""


def verdict_text(verdict: Verdict) -> str:
    """What, until when, what happens then, what to do; then the numbered checks."""
    headline = f"{_subject(verdict.license)}: {verdict.status.upper().replace('-', ' ')}"
    lines = [styled(headline, _COLOURS.get(verdict.status, "red")), ""]
    lines += _paragraph("Answer", f"As of {iso(verdict.as_of)}: {verdict.detail}.")
    if verdict.license is not None:
        lines += _facts(verdict, verdict.license)
    lines += _paragraph("Then", _THEN[verdict.may_run])
    warn_from = iso(verdict.warn_from) if verdict.warn_from else ""
    advice = _DO_ABOUT.get(verdict.cause, _DO[verdict.status]) if verdict.cause else _DO[verdict.status]
    user = f"{os.geteuid()}:{os.getegid()}"
    lines += _paragraph("Do", advice.format(warn_from=warn_from, user=user, path=verdict.path))
    for warning in verdict.warnings:
        lines += _paragraph("Warning", f"{warning}.")
    lines.append("")
    lines += [
        f"  {check.number:>2} {_MARKS[check.passed]} {check.name:<12} {_shortened(check.detail)}"
        for check in verdict.checks
        if check.passed is not None
    ]
    return "\n".join(lines)


def _subject(license_: License | None) -> str:
    if license_ is None:
        return "License"
    kind = CONTAINER_TYPES.get(license_.container.type)
    return f"License for {kind.title if kind else license_.container.type}"


def _facts(verdict: Verdict, license_: License) -> list[str]:
    plan = license_.plan
    lines = _paragraph("License", f"{license_.license_id}, serial {license_.serial}")
    lines += _paragraph(
        "For",
        f"container type {license_.container.type}, versions from {license_.container.version_from}"
        f" and below {license_.container.version_below}",
    )
    lines += _paragraph("Resource", f"{license_.resource.name}, {license_.resource.endpoint}")
    lines += _paragraph("Issued", iso(license_.issued_at))
    lines += _paragraph("Begins", iso(license_.not_before))
    lines += _paragraph("Ends", f"{iso(license_.expires_at)} ({_days(license_.expires_at - verdict.as_of)})")
    if license_.grace_days:
        grace = f"{license_.grace_days} {'day' if license_.grace_days == 1 else 'days'} more"
        lines += _paragraph("Grace", f"{grace}, until {iso(license_.grace_ends_at)}")
    lines += _paragraph(
        "Plan",
        f"{plan.name}: {plan.plan_type} {plan.tier} x {plan.count}, {plan.quota.quantity:,} {plan.quota.unit}"
        f" a {plan.period} each, {iso(plan.starts_at)} up to {iso(plan.ends_at)}",
    )
    return lines


def _days(left: timedelta) -> str:
    """Whole days until an instant, or since it."""
    days, when = (left.days, "left") if left > timedelta() else ((-left).days, "ago")
    return f"{days} {'day' if days == 1 else 'days'} {when}" if days else f"less than a day {when}"


def _paragraph(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12, break_on_hyphens=False
    )


def _shortened(detail: str) -> str:
    room = WIDTH - 21
    return detail if len(detail) <= room else detail[: room - 3] + "..."


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """The verdict under the schema ``azlic.verdict/v1``: instants in ISO 8601, counts as integers, no secrets."""
    license_ = verdict.license
    return {
        "path": str(verdict.path),
        "as_of": iso(verdict.as_of),
        "status": verdict.status,
        "may_run": verdict.may_run,
        "cause": verdict.cause,
        "detail": verdict.detail,
        "days_left": verdict.days_left,
        "expires_at": iso(license_.expires_at) if license_ else None,
        "grace_ends_at": iso(license_.grace_ends_at) if license_ else None,
        "warn_from": iso(verdict.warn_from) if verdict.warn_from else None,
        "warnings": list(verdict.warnings),
        "key_id": verdict.key_id,
        "license": license_.model_dump(mode="json", exclude={"content_keys"}) if license_ else None,
        "checks": [
            {"number": check.number, "name": check.name, "passed": check.passed, "detail": check.detail}
            for check in verdict.checks
        ],
    }
