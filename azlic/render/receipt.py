"""A receipt in words and fields."""

from dataclasses import fields
from datetime import datetime

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import indented
from licensing.core.instants import iso
from usage.ledger.receipt import Receipt

MOST = 20


def receipt_text(receipt: Receipt) -> str:
    """The receipt: a line for each count, the doubtful ones with what to do."""
    late = [("late records", receipt.late, "their month is closed: booked in an open one")] if receipt.late else []
    ahead = [("waiting records", receipt.ahead, "dated over a day ahead: azlic quarantine list")]
    rows = (
        ("files", receipt.files, ""),
        ("new records", receipt.new, ""),
        *late,
        ("duplicates", receipt.duplicates, "taken before, not counted again"),
        ("conflicts", receipt.conflicts, "known id, other content: azlic quarantine list"),
        ("quarantined lines", receipt.quarantined, "not usage records, kept apart: azlic quarantine list"),
        *(ahead if receipt.ahead else []),
        ("findings", receipt.findings, "problems with the sources: azlic findings list"),
        ("pending bytes", receipt.pending_bytes, "an unfinished last line, taken once it ends"),
        ("unsteady files", receipt.unsteady, "replaced while being read: the next ingest takes them"),
        ("passed over", len(receipt.passed_over), "may hold usage, not taken: azlic findings list"),
    )
    told = [f"{count:>15,}  {name:<18} {note if count else ''}".rstrip() for name, count, note in rows]
    for item in receipt.passed_over[:MOST]:
        told += indented(f"{item.text}: {item.reason}", 2, hanging=2)
    more = len(receipt.passed_over) - MOST
    return joined([*told, *([f"  and {more:,} more"] if more > 0 else [])])


def receipt_line(at: datetime, receipt: Receipt) -> str:
    """What one step of a watch took, on one line of a log."""
    doubts = (
        (receipt.duplicates, "duplicates"),
        (receipt.conflicts, "conflicts"),
        (receipt.quarantined, "quarantined"),
        (receipt.ahead, "dated ahead"),
        (receipt.findings, "findings"),
    )
    told = "".join(f", {count:,} {name}" for count, name in doubts if count)
    return f"{iso(at)} took {receipt.new:,} records{told}"


def _receipt_fields(receipt: Receipt) -> object:
    counts = {count.name: getattr(receipt, count.name) for count in fields(receipt)}
    return counts | {"passed_over": [{"path": item.text, "reason": item.reason} for item in receipt.passed_over]}


RECEIPT = Answer("azlic.receipt/v1", receipt_text, _receipt_fields)
