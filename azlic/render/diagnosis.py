"""A diagnosis for people and for scripts: one verdict a line."""

from azlic.lines import joined, wrap
from azlic.output import style
from azlic.render.answer import Answer
from licensing.core.text import printable
from licensing.doctor.check import Check
from licensing.doctor.diagnosis import Diagnosis
from licensing.doctor.finding import FindingLevel

_COLOURS = {None: "green", FindingLevel.ERROR: "red", FindingLevel.WARNING: "yellow", FindingLevel.UNEXAMINED: "red"}
_CELLS = 26


def diagnosis_text(found: Diagnosis) -> str:
    """Each check with its verdict; what is not well says what to try."""
    return joined(line for check in found.checks for line in _check(check))


def _check(check: Check) -> list[str]:
    told = f"{(check.level or 'ok').upper():<10} {printable(check.name):<14} "
    first, *others = wrap(printable(check.found), told, " " * _CELLS)
    lines = [style(first, _COLOURS[check.level]), *others]
    if check.command:
        return [*lines, f"{' ' * _CELLS}Fix: {check.command}"]  # as it stands, to be copied: never folded
    return lines + (wrap(f"Try: {printable(check.do)}", " " * _CELLS, " " * _CELLS) if check.do else [])


def _fields(found: Diagnosis) -> object:
    return {
        "as_of": found.as_of,
        "status": found.exit_status,
        "checks": [
            {
                "name": printable(check.name),
                "level": check.level or "ok",
                "found": printable(check.found),
                "command": check.command,
                "do": printable(check.do) or None,
            }
            for check in found.checks
        ],
    }


DIAGNOSIS = Answer("azlic.diagnosis/v1", diagnosis_text, _fields, is_fitted=True)
