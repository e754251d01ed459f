"""Many verdicts: a table with the worst on top, a line for a log, and fields for a script."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.cells import cell_len, set_cell_size

from azlic.lines import fold, joined, terminal_width, wrap
from azlic.output import style
from azlic.render.answer import Answer
from azlic.render.verdict import COLOURS, VERDICT
from licensing.core.instants import iso
from licensing.core.text import counted, printable
from licensing.verdict.severity import status_counts, worst_first
from licensing.verdict.verdict import Verdict
from licensing.verification.adopted import BY_OPERATOR
from licensing.verification.mounts import Mounts
from licensing.verification.renewal import renewal_starts_at

_HEADINGS = ("STATUS", "DAYS", "ENDS", "RENEW BY", "CONTAINER", "PATH")
_OTHER_ENDS = ("GRACE ENDS", "COMMITMENT ENDS", "PATH")
_GAP = "  "
_NAMED = 5


def verdicts_text(verdicts: Sequence[Verdict], mounts: Mounts, *, lead_days: int) -> str:
    """A line for each license, then those whose grace or commitment ends on another day, then how many of each.

    A star beside a status says that it rests on what the operator stated.
    """
    ordered = worst_first(verdicts)
    as_of = f"As of {iso(_as_of(verdicts))}, the worst first; dates are UTC."
    rows = [_row(verdict, lead_days) for verdict in ordered]
    colours = [COLOURS.get(verdict.status, "red") for verdict in ordered]
    other = [row for verdict in ordered if (row := _other_ends(verdict))]
    parts = [[as_of, "", *_table(_HEADINGS, rows, numbers=1, colours=colours)]]
    if any(verdict.stated for verdict in ordered):
        parts.append([f"* {BY_OPERATOR}: azlic cannot read these licenses"])
    if other:
        parts.append(["Where grace or the commitment ends on another day:", *_table(_OTHER_ENDS, other)])
    parts.append(_summary(ordered, mounts))
    return "\n\n".join(joined(lines) for lines in parts)


def _as_of(verdicts: Sequence[Verdict]) -> datetime:
    return max(verdict.as_of for verdict in verdicts)


def _row(verdict: Verdict, lead_days: int) -> tuple[str, ...]:
    return (
        f"{verdict.status} *" if verdict.stated else verdict.status,
        f"{verdict.days_left:,}" if verdict.days_left is not None else "-",
        _day(verdict.expires_at),
        _day(renewal_starts_at(verdict, lead_days)),
        printable(verdict.container_type or "-"),
        str(verdict.path),
    )


def _other_ends(verdict: Verdict) -> tuple[str, ...] | None:
    license_ = verdict.license
    if license_ is None:
        return None
    grace = _day(license_.grace_ends_at) if license_.grace_days else "-"
    commitment = _day(license_.plan.ends_at)
    if grace == "-" and commitment == _day(license_.expires_at):
        return None
    return grace, commitment, str(verdict.path)


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int | None = None, colours: Sequence[str] = ()
) -> Iterator[str]:
    """A line for each row; a path, the last column, that its line has no room for has the next line to itself."""
    widths = [max(map(cell_len, column)) for column in zip(headings[:-1], *(row[:-1] for row in rows), strict=True)]

    def lines(row: Sequence[str]) -> list[str]:
        cells = [
            set_cell_size(cell, width) if column != numbers else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row[:-1], widths, strict=True))
        ]
        path = printable(row[-1])
        line = _GAP.join([*cells, path])
        return [line] if cell_len(line) <= terminal_width() else [_GAP.join(cells).rstrip(), *fold(f"  {path}")]

    yield from lines(headings)
    for number, row in enumerate(rows):
        yield from (style(line, colours[number]) if colours else line for line in lines(row))


def _summary(verdicts: Sequence[Verdict], mounts: Mounts) -> list[str]:
    statuses = ", ".join(f"{count:,} {status}" for status, count in status_counts(verdicts).items())
    refused = sum(not verdict.may_run for verdict in verdicts)
    one = len(verdicts) == 1
    lines = [
        *wrap(f"{counted(len(verdicts), 'license')}: {statuses}."),
        f"{refused:,} may not run." if refused else f"{'It' if one else 'All'} may run.",
    ]
    for folder in mounts.without[:_NAMED]:
        lines += fold(f"No license in {printable(folder)}")
    more = len(mounts.without) - _NAMED
    return [*lines, f"and in {more:,} more subfolders"] if more > 0 else lines


def _day(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d}" if instant else "-"


def _verdicts_fields(verdicts: Sequence[Verdict], mounts: Mounts, *, lead_days: int) -> object:
    """Each of the verdicts is what its path alone would print."""
    ordered = worst_first(verdicts)
    return {
        "as_of": _as_of(ordered),
        "summary": {
            "licenses": len(ordered),
            "may_run": sum(verdict.may_run for verdict in ordered),
            "worst": ordered[0].status,
            "statuses": status_counts(ordered),
        },
        "without_license": mounts.without,
        "verdicts": [VERDICT.document(one, lead_days=lead_days) for one in ordered],
    }


VERDICTS = Answer("azlic.verdicts/v1", verdicts_text, _verdicts_fields)


def verdict_line(verdict: Verdict) -> str:
    """A verdict on one line of a log, its instant first."""
    status = f"{verdict.status} ({BY_OPERATOR})" if verdict.stated else verdict.status
    return printable(f"{iso(verdict.as_of)} {status} {verdict.path}: {verdict.detail}")
