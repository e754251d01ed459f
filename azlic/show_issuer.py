"""The issuer's book in words, 80 columns wide, and as fields for a script."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from licensing.instants import iso
from licensing.issuer_book import IssuedLicense, KnownResource

WIDTH = 80


def resources_text(resources: Sequence[KnownResource]) -> str:
    """A few lines for each resource: what it pays for, who has it, its plan and its licenses."""
    return "\n\n".join("\n".join(_resource(known)) for known in resources)


def _resource(known: KnownResource) -> Iterator[str]:
    plan = known.plan
    approval = f"approved {known.approved_at}" if known.approved_at else "not approved yet"
    yield known.name
    yield from _lines("For", f"{known.container_type}, versions from {known.version_from}, below {known.version_below}")
    yield from _lines("Subscr.", f"{known.subscription}, {approval}")
    yield from _lines(
        "Plan",
        f"{plan.plan_type} {plan.tier} x {plan.count}, {plan.quota.quantity:,} {plan.quota.unit} a {plan.period} each,"
        f" {iso(plan.starts_at)} up to {iso(plan.ends_at)}",
    )
    grace = (
        f", and {known.grace_days} {'day' if known.grace_days == 1 else 'days'} of grace" if known.grace_days else ""
    )
    yield from _lines("Licenses", f"for {_term(known.term)} each{grace}, at most to the plan's end")


def _term(term: timedelta) -> str:
    return f"{term.days} {'day' if term.days == 1 else 'days'}" if term.days and not term.seconds else str(term)


def resource_fields(known: KnownResource) -> dict[str, Any]:
    """A resource under the schema ``azlic.resources/v1``."""
    return {
        "name": known.name,
        "subscription": known.subscription,
        "approved_at": known.approved_at,
        "container_type": known.container_type,
        "version_from": known.version_from,
        "version_below": known.version_below,
        "term_seconds": known.term // timedelta(seconds=1),
        "grace_days": known.grace_days,
        "plan": known.plan.model_dump(mode="json"),
    }


def issued_text(licenses: Sequence[IssuedLicense]) -> str:
    """A few lines for each license that was given out, the newest last."""
    return "\n".join("\n".join(_issued(line)) for line in licenses) or "no license was given out yet"


def _issued(line: IssuedLicense) -> Iterator[str]:
    yield f"{line.license_id} serial {line.serial}, {line.issued_at}"
    text = f"{line.resource}, {line.container_type} {line.container_version}, until {line.expires_at}"
    yield from textwrap.wrap(
        f"{text}, by API key {line.key_slot}", WIDTH, initial_indent="  ", subsequent_indent="    "
    )


def _lines(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12, break_on_hyphens=False
    )
