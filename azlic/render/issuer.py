"""The issuer's store in words, 80 columns wide, and as fields for a script."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import indented, labelled
from licensing.core.instants import iso
from licensing.core.text import counted
from licensing.issuer.audit import AuditEntry, AuditLog
from licensing.issuer.book import IssuedLicense
from licensing.issuer.containers import KnownContainer
from licensing.issuer.content_keys import KnownContentKey, SealedFolder
from licensing.issuer.resources import KnownResource
from licensing.issuer.revocations import Revoked
from licensing.signing.document import CommittedPlan


def resources_text(resources: Sequence[KnownResource]) -> str:
    """A few lines for each resource: what it pays for, who has it, its plan and its licenses."""
    return "\n\n".join(joined(_resource(known)) for known in resources)


def _resource(known: KnownResource) -> Iterator[str]:
    approval = f"approved {known.approved_at}" if known.approved_at else "not approved yet"
    yield known.name
    yield from _lines("Kind", f"{known.kind}, SKU {known.sku}")
    for container in known.containers:
        yield from _lines("For", f"{container.container_type}, {_versions(container)}")
    yield from _lines("Subscription", f"{known.subscription}, {approval}")
    yield from _lines("Plan", _plan(known.plan))
    if known.next_plan:
        yield from _lines("Then", _plan(known.next_plan))
    if known.stops_at_quota:
        yield from _lines("Quota", "connected containers stop where it is used up")
    yield from _lines("Licenses", f"for {_term(known.term)} each{_grace(known.grace_days)}, at most to the plan's end")


def _versions(container: KnownContainer) -> str:
    return f"versions from {container.version_from}, below {container.version_below}"


def _plan(plan: CommittedPlan) -> str:
    return (
        f"{plan.plan_type} {plan.tier} x {plan.count}, {plan.quota.quantity:,} {plan.quota.unit} a {plan.period} each,"
        f" {iso(plan.starts_at)} up to {iso(plan.ends_at)}"
    )


def _grace(days: int | None) -> str:
    return f", and {counted(days, 'day')} of grace" if days else ""


def _term(term: timedelta) -> str:
    return f"{counted(term.days, 'day')}" if term.days and not term.seconds else str(term)


def _resources_fields(resources: Sequence[KnownResource]) -> object:
    return {
        "resources": [
            {
                "name": known.name,
                "kind": known.kind,
                "sku": known.sku,
                "subscription": known.subscription,
                "approved_at": known.approved_at,
                "containers": list(map(_container_fields, known.containers)),
                "term_seconds": _seconds(known.term),
                "grace_days": known.grace_days,
                "stops_at_quota": known.stops_at_quota,
                "plan": known.plan,
                "next_plan": known.next_plan,
            }
            for known in resources
        ]
    }


RESOURCES = Answer("azlic.resources/v2", resources_text, _resources_fields)


def containers_text(containers: Sequence[KnownContainer]) -> str:
    """A few lines for each container on a resource's list: its license, and what it is for."""
    return "\n\n".join(joined(_container(known)) for known in containers)


def _container(known: KnownContainer) -> Iterator[str]:
    yield f"{known.resource}, {known.container_type}"
    yield from _lines(
        "License", f"{known.license_id}, {f'serial {known.serial}' if known.serial else 'not issued yet'}"
    )
    if known.revoked_at:
        yield from _lines("Revoked", known.revoked_at)
    yield from _lines("For", _versions(known))
    if known.repositories:
        yield from _lines("Images", ", ".join(known.repositories))
    if known.model:
        yield from _lines("Model", known.model)
    if known.instances:
        yield from _lines("Only on", ", ".join(known.instances))
    if known.term:
        yield from _lines("Term", _term(known.term))
    if known.grace_days is not None:
        yield from _lines("Grace", f"{counted(known.grace_days, 'day')}")


def _containers_fields(containers: Sequence[KnownContainer]) -> object:
    return {"containers": list(map(_container_fields, containers))}


def _container_fields(known: KnownContainer) -> object:
    """Null where the resource's own terms apply."""
    fields = asdict(known)
    return fields | {"term_seconds": _seconds(fields.pop("term"))}


def _seconds(term: timedelta | None) -> int | None:
    return None if term is None else term // timedelta(seconds=1)


CONTAINERS = Answer("azlic.issuer-containers/v1", containers_text, _containers_fields)


def licenses_text(licenses: Sequence[IssuedLicense]) -> str:
    """A few lines for each license that was issued, the newest last."""
    return joined(text for line in licenses for text in _license_lines(line)) or "no license has been issued yet"


def _license_lines(line: IssuedLicense) -> Iterator[str]:
    how = f"API key {line.key_slot}" if line.key_slot else "offline request"
    yield f"{line.license_id} serial {line.serial}, {line.issued_at}"
    if line.revoked_at:
        yield f"  revoked {line.revoked_at}"
    text = f"{line.resource}, {line.container_type} {line.container_version}, until {line.expires_at}"
    yield from indented(f"{text}, by {how}{f' of site {line.site}' if line.site else ''}", hanging=2)


def revocations_text(known: Sequence[Revoked]) -> str:
    """A few lines for each license that was revoked, the newest last."""
    return joined(text for one in known for text in _revocation_lines(one)) or "no license has been revoked yet"


def _revocation_lines(one: Revoked) -> Iterator[str]:
    yield f"{one.license_id} {f'up to serial {one.up_to_serial}' if one.up_to_serial else 'every serial'}"
    yield from indented(f"{one.revoked_at}, {one.reason}", hanging=2)


def audit_text(log: AuditLog) -> str:
    """Two lines or more for each line of the log, the newest last, and what its check says."""
    told = [line for entry in log.entries for line in _entry(entry)]
    count = len(log.entries)
    if log.fault:
        return joined([*told, f"the log was changed: {log.fault}"])
    return joined([*told, f"{counted(count, 'line')}, none changed", f"head {log.head.hex()}"])


def _entry(entry: AuditEntry) -> Iterator[str]:
    detail = entry.detail if isinstance(entry.detail, dict) else {"detail": entry.detail}
    yield f"{entry.number:>4}  {entry.at}  {entry.actor}"
    yield from indented(f"{entry.action} {entry.subject}", 6, hanging=2)
    yield from indented(", ".join(f"{name} {value}" for name, value in detail.items()), 6, hanging=2)


def _audit_fields(log: AuditLog) -> object:
    """``fault`` is null where every line is as it was written."""
    return {"fault": log.fault, "head": log.head, "lines": log.entries}


def content_keys_text(keys: Sequence[KnownContentKey]) -> str:
    """Which key opens the sealed files of which container."""
    pairs = ((key.key_id, f"  {key.container_type}, sealed {key.created_at}") for key in keys)
    return joined(line for pair in pairs for line in pair) or "nothing has been sealed yet"


def sealed_text(folder: Path, container: str, sealed: SealedFolder) -> str:
    """How many files were sealed, where, and by which key."""
    count = f"{counted(sealed.files, 'file')}"
    return joined([f"sealed for {container}: {count}, in {folder}", f"  key {sealed.key_id}"])


def _sealed_fields(folder: Path, container: str, sealed: SealedFolder) -> object:
    return {"folder": folder, "container_type": container} | sealed._asdict()


def _lines(name: str, text: str) -> list[str]:
    return labelled(name, text, 12)


ISSUED = Answer("azlic.issued/v1", licenses_text, lambda licenses: {"licenses": licenses})
REVOKED = Answer("azlic.issuer-revoked/v1", revocations_text, lambda known: {"revoked": known})
AUDIT_LOG = Answer("azlic.issuer-audit/v1", audit_text, _audit_fields)
CONTENT_KEYS = Answer("azlic.content-keys/v1", content_keys_text, lambda keys: {"content_keys": keys})
SEALED = Answer("azlic.sealed/v1", sealed_text, _sealed_fields)
