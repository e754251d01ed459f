"""What the ledger remembers of output folders: an empty one it took records from, or one that took another's place."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Connection

from licensing.core.text import command_word, printable
from licensing.db.readonly import view_of
from licensing.doctor.finding import DoctorFinding
from usage.ledger.source_kinds import ON_DISK, output_folder_of
from usage.records.usage_files import is_usage_file


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
        return any(is_usage_file(path) for path in Path(folder).glob("*/*/*"))
    except OSError:
        return False
