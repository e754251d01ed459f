"""What an ingest would make of output folders, and what the ledger remembers of them.

An empty one that it took records from, or one that took another's place; what would be passed over.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from licensing.core.errors import AzlicError
from licensing.core.text import command_word, printable
from licensing.db.readonly import view_of
from licensing.doctor.finding import DoctorFinding
from usage.intake.passed_over import PassedOverFindings
from usage.ledger.source_kinds import ON_DISK, output_folder_of
from usage.records.output_scan import OutputScan, PassedOver, scan_folders

_PASSED_OVER = "an ingest says of each why it is not taken; take it, or settle its finding: azlic findings list"


def history_findings(
    connection: Connection, empty_outputs: Sequence[str], *, in_use: Sequence[str] = ()
) -> Iterable[DoctorFinding]:
    """For each output folder without a usage file: whether the ledger took records from it, or from another.

    Folders ``in_use`` have not been replaced by an empty one: they are other containers'.
    """
    known = _output_folders(connection)
    others = {printable(Path(output).resolve()) for output in in_use}
    for output in empty_outputs:
        told = printable(Path(output).resolve())
        if known.get(told):
            yield DoctorFinding(
                "output-emptied",
                output,
                f"the ledger took {known[told]:,} usage files from here, and none is left",
                do="mount the volume that held them, or restore them from a copy; the ledger keeps what it took",
                affected=known[told],
            )
        elif old := [path for path in sorted(known) if path not in others and _holds_usage(path)]:
            yield _fresh(output, old)


def passed_over_findings(outputs: Mapping[str, OutputScan], known: PassedOverFindings) -> Iterable[DoctorFinding]:
    """For each output folder: what an ingest passes over, but for what is known to have been put aside."""
    for output, scan in outputs.items():
        passed = known.waiting(scan.passed_over)
        if passed:
            yield DoctorFinding(
                "output-passed-over",
                output,
                f"{passed[0].text}: {passed[0].reason}" if len(passed) == 1 else _several(passed),
                do=_PASSED_OVER,
                affected=len(passed),
                names=tuple(item.text for item in passed[:3]),
            )


def _several(passed: Sequence[PassedOver]) -> str:
    return f"{len(passed):,} files, links or folders in it may hold usage, and are not taken"


def scans_of(outputs: Iterable[str]) -> dict[str, OutputScan]:
    """What an ingest would find in output folders, as far as they can be looked into."""
    found: dict[str, OutputScan] = {}
    for output in outputs:
        with contextlib.suppress(AzlicError):
            found[output] = scan_folders([Path(output)])
    return found


def _fresh(output: str, old: Sequence[str]) -> DoctorFinding:
    one = len(old) == 1
    places = ", ".join(map(printable, old[:3])) + (" ..." if len(old) > 3 else "")
    return DoctorFinding(
        "output-fresh",
        output,
        f"it contains no usage file, and the ledger took records from {places}, which it may have replaced",
        f"cp -a {command_word(old[0])}/. {command_word(output)}/" if one else None,
        do="" if one else "copy the records from the folder that this one replaced: cp -a OLD/. NEW/",
        affected=len(old),
        names=tuple(map(printable, old[:3])),
    )


def _output_folders(connection: Connection) -> dict[str, int]:
    """The output folders that usage files were taken from, and how many."""
    return Counter(view_of(connection).select(output_folder_of, f"SELECT path FROM source WHERE {ON_DISK}"))  # noqa: S608


def _holds_usage(folder: str) -> bool:
    try:
        return bool(scan_folders([Path(folder)]).files)
    except AzlicError:
        return False
