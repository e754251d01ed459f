"""Records, late records and corrections with what they come to: the same words and fields wherever they are counted."""

from collections.abc import Mapping, Sequence

from azlic.render.text import indented
from licensing.core.text import counted
from usage.ledger.counted_ahead import CountedAhead
from usage.ledger.counts import Counts, together
from usage.quantity import from_micro, group_digits


def counts_words(counts: Mapping[str, Counts]) -> str:
    """All meters together: how many records, of which late, and corrections."""
    whole = together(counts)
    late = f", {whole.late:,} of them late" if whole.late else ""
    corrections = f", {counted(whole.corrections, 'correction')}" if whole.corrections else ""
    return f"{counted(whole.records, 'record')}{late}{corrections}"


def counts_lines(counts: Mapping[str, Counts], spaces: int = 2) -> list[str]:
    """Each meter with its quantity, and what of it came late or was corrected; in the meter's unit."""
    told: list[str] = []
    for meter, one in counts.items():
        told += indented(f"{meter}: {group_digits(one.quantity)}", spaces)
        if one.late:
            told += indented(f"{counted(one.late, 'late record')}: {group_digits(one.late_quantity)}", spaces + 2)
        if one.corrections:
            changed = group_digits(one.corrected_quantity)
            told += indented(f"{counted(one.corrections, 'correction')}: {changed}", spaces + 2)
    return told


def counts_fields(one: Counts) -> dict[str, object]:
    """What a meter counts, for a script; quantities are exact, in the meter's unit."""
    return {
        "quantity": from_micro(one.quantity),
        "records": one.records,
        "late_records": one.late,
        "late_quantity": from_micro(one.late_quantity),
        "corrections": one.corrections,
        "corrected_quantity": from_micro(one.corrected_quantity),
    }


def meters_fields(counts: Mapping[str, Counts]) -> list[object]:
    """The counts of each meter, for a script."""
    return [{"meter": meter} | counts_fields(one) for meter, one in counts.items()]


def counted_ahead_fields(found: Sequence[CountedAhead]) -> list[dict[str, object]]:
    """What is dated ahead of the clock, by month and meter."""
    return [one._asdict() | {"quantity": from_micro(one.quantity)} for one in found]
