"""Exports, what is accepted and acknowledged, and the sites that hand over: in words, and as fields for a script."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from licensing.core.instants import iso
from usage.handover.accepting import Acceptance
from usage.handover.acknowledgement import Acknowledged
from usage.handover.exporting import Exported
from usage.handover.inspection import Inspected
from usage.handover.manifest import Manifest
from usage.handover.sites import HandingSite
from usage.quantity import from_micro, group_digits

WIDTH = 80


def export_text(given: Exported, path: Path) -> str:
    """What was handed over, and what to do with it."""
    lines = [f"export: {path}", *_manifest_lines(given.manifest, given.key_id)]
    if given.again:
        lines += _lines("Note", f"It was given out before, {iso(given.manifest.created_at)}: the same bytes again.")
    lines += _lines("Do", "Carry it to head office; bring the acknowledgement back for azlic acknowledge.")
    return "\n".join(lines)


def inspection_text(found: Inspected, path: Path) -> str:
    """An export that is sound: what it says, and what it adds up to by month and meter."""
    lines = [f"sound: {path}", *_manifest_lines(found.manifest, found.key_id)]
    for (month, meter), (quantity, records) in _by_meter(found).items():
        lines += _lines("Used", f"{month}  {group_digits(quantity)}  {meter} ({records:,} records)")
    for close in found.manifest.closes:
        why = f", {close.reason}" if close.reason else ""
        lines += _lines("Closed", f"{close.month} at {iso(close.closed_at)}{why}")
    if found.sums.corrections:
        lines += _lines("Corrects", f"{len(found.sums.corrections):,} corrections of closed months")
    return "\n".join(lines)


def export_fields(manifest: Manifest, path: Path, key_id: str) -> dict[str, Any]:
    """An export under the schema ``azlic.export/v1``."""
    return {"path": str(path), "key_id": key_id, "manifest": manifest.model_dump(mode="json")}


def totals_fields(found: Inspected) -> dict[str, Any]:
    """What an inspection adds: use by month and meter, and the number of corrections."""
    return {
        "totals": [
            {"month": month, "meter": meter, "quantity": str(from_micro(quantity)), "records": records}
            for (month, meter), (quantity, records) in _by_meter(found).items()
        ],
        "corrections": len(found.sums.corrections),
    }


def acceptance_text(taken: Acceptance, path: Path) -> str:
    """What was booked, what was kept apart, and where the acknowledgement lies."""
    manifest, receipt = taken.manifest, taken.receipt
    lines = [f"acknowledgement: {path}"]
    lines += _lines("Site", f"{manifest.site}, export {manifest.number}")
    if taken.again:
        told = f"It was accepted before, {iso(taken.acknowledgement.accepted_at)}: the same acknowledgement again."
        lines += _lines("Note", told)
    else:
        booked = f"{receipt.new:,} new, {receipt.duplicates:,} known already, {taken.corrections:,} corrections"
        lines += _lines("Booked", booked)
    if receipt.conflicts or receipt.quarantined:
        apart = f"{receipt.conflicts:,} conflicts, {receipt.quarantined:,} unfit: azlic quarantine list"
        lines += _lines("Apart", apart)
    for close in manifest.closes:
        lines += _lines("Closed", f"the site closed {close.month} at {iso(close.closed_at)}")
    lines += _lines("Head", f"batch {manifest.last_batch}, {manifest.head}")
    lines += _lines("Do", f"Send it back to {manifest.site} for azlic acknowledge.")
    return "\n".join(lines)


def acceptance_fields(taken: Acceptance, path: Path) -> dict[str, Any]:
    """What was accepted, under the schema ``azlic.accepted-export/v1``."""
    receipt = taken.receipt
    return {
        "path": str(path),
        "again": taken.again,
        "new": receipt.new,
        "duplicates": receipt.duplicates,
        "conflicts": receipt.conflicts,
        "quarantined": receipt.quarantined,
        "corrections": taken.corrections,
        "closes": [close.model_dump(mode="json") for close in taken.manifest.closes],
        "acknowledgement": taken.acknowledgement.model_dump(mode="json"),
    }


def acknowledgement_text(taken: Acknowledged) -> str:
    """Which export head office has booked."""
    word = taken.acknowledgement
    lines = [f"export {word.number} of {word.site} is acknowledged" + (", as before" if taken.again else "")]
    lines += _lines("Booked", f"at head office, {iso(word.accepted_at)}")
    lines += _lines("Head", f"batch {word.size}, {word.head}")
    return "\n".join(lines + _lines("Key", taken.key_id))


def acknowledgement_fields(taken: Acknowledged) -> dict[str, Any]:
    """An acknowledgement under the schema ``azlic.acknowledgement/v1``."""
    word = taken.acknowledgement
    return {
        "again": taken.again,
        "key_id": taken.key_id,
        "acknowledgement": word.model_dump(mode="json"),
        "checkpoint": str(word.checkpoint),
    }


def site_text(site: HandingSite) -> str:
    """A site: its key, its ledger, and how far it was accepted."""
    lines = [f"site {site.name}", f"  key {site.key.keyid}"]
    if site.seen_at is None:
        return "\n".join([*lines, *_lines("Accepted", "nothing yet")])
    lines += _lines("Ledger", site.origin or "")
    return "\n".join([*lines, *_lines("Accepted", f"batch {site.size}, {site.head.hex()}, {iso(site.seen_at)}")])


def sites_text(sites: Sequence[HandingSite]) -> str:
    """Every enrolled site."""
    return "\n".join(map(site_text, sites)) or "no site is enrolled"


def site_fields(site: HandingSite) -> dict[str, Any]:
    """A site under the schema ``azlic.handing-sites/v1``."""
    return {
        "name": site.name,
        "key_id": site.key.keyid,
        "origin": site.origin,
        "size": site.size,
        "head": site.head.hex(),
        "seen_at": iso(site.seen_at) if site.seen_at else None,
    }


def _manifest_lines(manifest: Manifest, key_id: str) -> list[str]:
    lines = _lines("Site", f"{manifest.site}, export {manifest.number}")
    lines += _lines("Key", key_id)
    lines += _lines("Ledger", manifest.origin)
    if manifest.month:
        lines += _lines("Month", f"up to the close of {manifest.month}")
    lines += _lines("Holds", f"{manifest.holds}: {manifest.records:,} records in batches {_batches(manifest)}")
    lines += _lines("Behind", f"batch {manifest.previous.size}, {manifest.previous.head}")
    lines += _lines("Head", f"batch {manifest.last_batch}, {manifest.head}")
    return lines + _lines("Made", f"{iso(manifest.created_at)} by {manifest.tool}")


def _batches(manifest: Manifest) -> str:
    return f"{manifest.first_batch:,} to {manifest.last_batch:,}"


def _by_meter(found: Inspected) -> dict[tuple[str, str], tuple[int, int]]:
    used: dict[tuple[str, str], tuple[int, int]] = {}
    for (month, series), (quantity, records) in found.sums.by_month().items():
        key = str(month), found.names[series][1]
        before = used.get(key, (0, 0))
        used[key] = before[0] + quantity, before[1] + records
    return {key: used[key] for key in sorted(used)}


def _lines(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12, break_on_hyphens=False
    )
