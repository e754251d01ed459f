"""What blocks the closing of a month, and what a correction changes, for people and for scripts."""

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.closed_months import closing_fields
from azlic.render.counts import counts_lines, counts_words, meters_fields
from azlic.render.text import indented
from usage.closing.close import Closable
from usage.ledger.checkpoints import head_text
from usage.ledger.closed_months import ClosedMonth
from usage.ledger.corrections import Corrected
from usage.ledger.counts import together
from usage.quantity import from_micro, group_digits

MOST = 20


def closable_text(found: Closable) -> str:
    """What a month holds, and its blockers."""
    told = [f"{found.month}: {counts_words(found.counts)} in {found.series:,} series", *counts_lines(found.counts)]
    for item in found.obstacles[:MOST]:
        told += [*indented(f"{item.kind}: {item.detail}", hanging=2), f"    see: {item.hint}"]
    if len(found.obstacles) > MOST:
        told += [f"  and {len(found.obstacles) - MOST:,} more"]
    for folder in found.unseen:
        told += indented(f"cannot be examined now: {folder}", hanging=2)
    return joined(told)


def _closing_text(_found: Closable, closing: ClosedMonth | None) -> str:
    """What comes after what ``closable_text`` showed before the question."""
    return f"closed with batch {closing.sequence:,}, head {head_text(closing.head)}" if closing else ""


def _closing_fields(found: Closable, closing: ClosedMonth | None) -> object:
    """``closed`` is null where it was not closed."""
    return {
        "month": found.month,
        "records": together(found.counts).records,
        "late_records": together(found.counts).late,
        "corrections": together(found.counts).corrections,
        "meters": meters_fields(found.counts),
        "series": found.series,
        "obstacles": found.obstacles,
        "unseen": found.unseen,
        "closed": closing_fields(closing),
    }


CLOSING = Answer("azlic.close/v1", _closing_text, _closing_fields)


def correction_text(change: Corrected) -> str:
    """What counts of a record, and where the difference is booked."""
    counts = f"counts {group_digits(change.before)}, corrected {group_digits(change.after)}"
    return joined(
        [
            f"record {change.record_id}",
            f"  {change.meter} of {change.container_id}, {change.month}",
            f"  reported {group_digits(change.reported)}, {counts}",
            f"  booked in {change.booked_month}",
        ]
    )


def _correction_fields(change: Corrected) -> object:
    return {
        "record_id": change.record_id,
        "container_id": change.container_id,
        "meter": change.meter,
        "month": change.month,
        "booked_month": change.booked_month,
        "reported": from_micro(change.reported),
        "before": from_micro(change.before),
        "after": from_micro(change.after),
    }


CORRECTION = Answer("azlic.correction/v1", correction_text, _correction_fields)
