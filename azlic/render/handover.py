"""Exports, what is accepted and acknowledged, and the sites that hand over: in words, and as fields for a script."""

from collections.abc import Sequence
from pathlib import Path

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.counts import counts_fields, counts_lines, counts_words
from azlic.render.text import labelled
from licensing.core.instants import iso
from licensing.core.text import counted
from usage.handover.accepting import Acceptance
from usage.handover.acknowledgement import Acknowledged
from usage.handover.exporting import Exported
from usage.handover.inspection import Inspected
from usage.handover.manifest import Manifest
from usage.handover.sites import HandingSite
from usage.ledger.checkpoints import head_text
from usage.ledger.counts import together
from usage.quantity import from_micro


def _head(digest: str) -> str:
    """A head of a signed document, where it stands in hex, as it is written everywhere else."""
    return head_text(bytes.fromhex(digest))


def export_text(given: Exported, path: Path) -> str:
    """What was handed over, and what to do with it."""
    lines = [f"export: {path}", *_manifest_lines(given.manifest, given.key_id)]
    if given.again:
        lines += labelled("Note", f"It was already written, {iso(given.manifest.created_at)}: the same bytes again.")
    lines += labelled("Do", "Carry it to head office; bring the acknowledgement back for azlic acknowledge.")
    return joined(lines)


def inspection_text(found: Inspected, path: Path) -> str:
    """An export that is sound: what it says, and what it adds up to by month and meter."""
    lines = [f"sound: {path}", *_manifest_lines(found.manifest, found.key_id)]
    for month, counts in found.sums.counts(found.names).items():
        lines += [*labelled("Used", f"{month}: {counts_words(counts)}"), *counts_lines(counts, 12)]
    for close in found.manifest.closes:
        why = f", {close.reason}" if close.reason else ""
        lines += labelled("Closed", f"{close.month} at {iso(close.closed_at)}{why}")
    return joined(lines)


def _export_fields(given: Exported, path: Path) -> object:
    return _manifest_fields(given.manifest, path, given.key_id) | {"again": given.again}


def _inspection_fields(found: Inspected, path: Path) -> object:
    """``totals`` is use by month and meter, with what is booked in the month late or by hand."""
    months = found.sums.counts(found.names)
    totals = [
        {"month": month, "meter": meter} | counts_fields(one) | {"quantity": str(from_micro(one.quantity))}
        for month, counts in months.items()
        for meter, one in counts.items()
    ]
    whole = [together(counts) for counts in months.values()]
    return _manifest_fields(found.manifest, path, found.key_id) | {
        "totals": totals,
        "records": sum(one.records for one in whole),
        "late_records": sum(one.late for one in whole),
        "corrections": sum(one.corrections for one in whole),
    }


def _manifest_fields(manifest: Manifest, path: Path, key_id: str) -> dict[str, object]:
    return {"path": path, "key_id": key_id, "manifest": manifest}


EXPORT = Answer("azlic.export/v1", export_text, _export_fields)
INSPECTION = Answer(EXPORT.schema, inspection_text, _inspection_fields)


def acceptance_text(taken: Acceptance, path: Path) -> str:
    """What was booked, what was kept apart, and where the acknowledgement is."""
    manifest, receipt = taken.manifest, taken.receipt
    lines = [f"acknowledgement: {path}"]
    lines += labelled("Site", f"{manifest.site}, export {manifest.number}")
    if taken.again:
        told = f"It was accepted before, {iso(taken.acknowledgement.accepted_at)}: the same acknowledgement again."
        lines += labelled("Note", told)
    else:
        booked = f"{receipt.new:,} new, {receipt.duplicates:,} known already, {taken.late:,} late"
        booked += f", {counted(taken.corrections, 'correction')}"
        lines += labelled("Booked", booked)
    if receipt.conflicts or receipt.quarantined:
        apart = f"{receipt.conflicts:,} conflicts, {receipt.quarantined:,} unfit: azlic quarantine list"
        lines += labelled("Apart", apart)
    for close in manifest.closes:
        lines += labelled("Closed", f"the site closed {close.month} at {iso(close.closed_at)}")
    lines += labelled("Head", f"batch {manifest.last_batch}, {_head(manifest.head)}")
    lines += labelled("Do", f"Send it back to {manifest.site} for azlic acknowledge.")
    return joined(lines)


def _acceptance_fields(taken: Acceptance, path: Path) -> object:
    receipt = taken.receipt
    return {
        "path": path,
        "again": taken.again,
        "new": receipt.new,
        "duplicates": receipt.duplicates,
        "conflicts": receipt.conflicts,
        "quarantined": receipt.quarantined,
        "late": taken.late,
        "corrections": taken.corrections,
        "closes": taken.manifest.closes,
        "acknowledgement": taken.acknowledgement,
    }


ACCEPTANCE = Answer("azlic.accepted-export/v1", acceptance_text, _acceptance_fields)


def acknowledgement_text(taken: Acknowledged) -> str:
    """Which export head office has booked."""
    word = taken.acknowledgement
    lines = [f"export {word.number} of {word.site} is acknowledged" + (", as before" if taken.again else "")]
    lines += labelled("Booked", f"at head office, {iso(word.accepted_at)}")
    lines += labelled("Head", f"batch {word.size}, {_head(word.head)}")
    return joined(lines + labelled("Key", taken.key_id))


def _acknowledgement_fields(taken: Acknowledged) -> object:
    return {
        "again": taken.again,
        "key_id": taken.key_id,
        "acknowledgement": taken.acknowledgement,
        "checkpoint": str(taken.acknowledgement.checkpoint),
    }


ACKNOWLEDGEMENT = Answer("azlic.acknowledgement/v1", acknowledgement_text, _acknowledgement_fields)


def site_text(site: HandingSite) -> str:
    """A site: its key, its ledger, and how far it was accepted."""
    lines = [f"site {site.name}", f"  key {site.key.keyid}"]
    if site.seen_at is None:
        return joined([*lines, *labelled("Accepted", "nothing yet")])
    lines += labelled("Ledger", site.origin or "")
    return joined([*lines, *labelled("Accepted", f"batch {site.size}, {head_text(site.head)}, {iso(site.seen_at)}")])


def sites_text(sites: Sequence[HandingSite]) -> str:
    """Every enrolled site."""
    return "\n".join(map(site_text, sites)) or "no site is enrolled"


def _sites_fields(sites: Sequence[HandingSite]) -> object:
    return {
        "sites": [
            {
                "name": site.name,
                "key_id": site.key.keyid,
                "origin": site.origin,
                "size": site.size,
                "head": head_text(site.head),
                "seen_at": site.seen_at,
            }
            for site in sites
        ]
    }


HANDING_SITES = Answer("azlic.handing-sites/v1", sites_text, _sites_fields)


def _manifest_lines(manifest: Manifest, key_id: str) -> list[str]:
    lines = labelled("Site", f"{manifest.site}, export {manifest.number}")
    lines += labelled("Key", key_id)
    lines += labelled("Ledger", manifest.origin)
    if manifest.month:
        lines += labelled("Month", f"up to the close of {manifest.month}")
    lines += labelled(
        "Holds", f"{manifest.holds}: {counted(manifest.records, 'record')} in batches {_batches(manifest)}"
    )
    lines += labelled("Behind", f"batch {manifest.previous.size}, {_head(manifest.previous.head)}")
    lines += labelled("Head", f"batch {manifest.last_batch}, {_head(manifest.head)}")
    return lines + labelled("Made", f"{iso(manifest.created_at)} by {manifest.tool}")


def _batches(manifest: Manifest) -> str:
    return f"{manifest.first_batch:,} to {manifest.last_batch:,}"
