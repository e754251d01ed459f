"""A receipt in words and fields, and the progress of an ingest."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from licensing.core.instants import iso
from usage.intake.run import Progress as Report
from usage.ledger.writer import Receipt


@contextlib.contextmanager
def progress_bar(what: str = "ingest") -> Iterator[Report]:
    """A bar on stderr while there is something to wait for; nothing where stderr is no terminal."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


@contextlib.contextmanager
def counting(what: str) -> Iterator[Report]:
    """A bar on stderr over things that are counted; nothing where stderr is no terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def receipt_text(receipt: Receipt) -> str:
    """The receipt: a line for each count, the doubtful ones with what to do."""
    late = [("late records", receipt.late, "their month is closed: booked in an open one")] if receipt.late else []
    rows = (
        ("files", receipt.files, ""),
        ("new records", receipt.new, ""),
        *late,
        ("duplicates", receipt.duplicates, "taken before, not counted again"),
        ("conflicts", receipt.conflicts, "known id, other content: azlic quarantine list"),
        ("quarantined lines", receipt.quarantined, "no usage records, kept apart: azlic quarantine list"),
        ("findings", receipt.findings, "doubts about the sources: azlic findings list"),
        ("pending bytes", receipt.pending_bytes, "an unfinished last line, taken once it ends"),
        ("unsteady files", receipt.unsteady, "swapped while they were looked at: the next ingest takes them"),
    )
    return "\n".join(f"{count:>15,}  {name:<18} {note if count else ''}".rstrip() for name, count, note in rows)


def receipt_line(at: datetime, receipt: Receipt) -> str:
    """What one step of a watch took, on one line of a log."""
    doubts = (
        (receipt.duplicates, "duplicates"),
        (receipt.conflicts, "conflicts"),
        (receipt.quarantined, "quarantined"),
        (receipt.findings, "findings"),
    )
    told = "".join(f", {count:,} {name}" for count, name in doubts if count)
    return f"{iso(at)} took {receipt.new:,} records{told}"


def receipt_fields(receipt: Receipt) -> dict[str, Any]:
    """The receipt under the schema ``azlic.receipt/v1``."""
    return asdict(receipt)
