"""Records and corrections of the ledger, for people and for scripts."""

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import indented
from licensing.core.instants import iso
from licensing.core.text import printable
from usage.ledger.listing import ListedCorrection, ListedRecord, Listing
from usage.quantity import from_micro, group_digits


def records_text(found: Listing[ListedRecord], order: str, /) -> str:
    """Each record: its time, what it reported, its id, and where it comes from."""
    told: list[str] = []
    for one in found.items:
        told.append(f"{iso(one.requested_at)}  {group_digits(one.quantity)}{_counts(one)}")
        told += [f"  {printable(one.id)}", *indented(_place(one.meter, one.container_id, one.site))]
    return joined([*told, *_more(found, order)]) or "no records"


def _counts(one: ListedRecord) -> str:
    changed = "" if one.counts == one.quantity else f", corrected to {group_digits(one.counts)}"
    return f"{changed}, late: counts in {one.late_in}" if one.late_in else changed


def _place(meter: str, container: str, site: str) -> str:
    return printable(f"{meter} of {container}{f', site {site}' if site else ''}")


def _more(found: Listing[ListedRecord] | Listing[ListedCorrection], how: str) -> list[str]:
    """``how`` says by what they are the newest."""
    return [f"and more: these are the {len(found.items):,} last {how}; see others with --limit"] if found.more else []


def _records_fields(found: Listing[ListedRecord], order: str) -> object:
    return {
        "order": order,
        "records": [
            {
                "id": one.id,
                "requested_at": one.requested_at,
                "site": one.site,
                "container_type": one.container_type,
                "container_version": one.container_version,
                "container_id": one.container_id,
                "meter": one.meter,
                "quantity": from_micro(one.quantity),
                "counts": from_micro(one.counts),
                "late_in": one.late_in,
            }
            for one in found.items
        ],
        "more": found.more,
    }


RECORDS = Answer("azlic.records/v1", records_text, _records_fields)


def corrections_text(found: Listing[ListedCorrection]) -> str:
    """Each row: what it changes in which month, about which record, and why."""
    told: list[str] = []
    for one in found.items:
        told += indented(
            f"{one.number}  {one.kind}  {group_digits(one.quantity)}  of {one.month}, counts in {one.booked_month}", 0
        )
        told += [f"  {printable(one.record_id)}", *indented(_place(one.meter, one.container_id, one.site))]
        told += indented(printable(f"{one.reason} ({iso(one.booked_at)})"))
    return joined([*told, *_more(found, "booked")]) or "no corrections"


def _corrections_fields(found: Listing[ListedCorrection]) -> object:
    return {
        "corrections": [
            {
                "number": one.number,
                "kind": one.kind,
                "record_id": one.record_id,
                "site": one.site,
                "container_id": one.container_id,
                "meter": one.meter,
                "month": one.month,
                "booked_month": one.booked_month,
                "quantity": from_micro(one.quantity),
                "reason": one.reason,
                "booked_at": one.booked_at,
            }
            for one in found.items
        ],
        "more": found.more,
    }


CORRECTIONS = Answer("azlic.corrections/v1", corrections_text, _corrections_fields)
