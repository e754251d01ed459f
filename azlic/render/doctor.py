"""An examination for people and for scripts."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from azlic.lines import fold, joined
from azlic.output import style
from azlic.render.answer import Answer
from azlic.render.text import labelled
from licensing.core.text import counted, plural, printable
from licensing.doctor.examination import SiteExamination
from licensing.doctor.finding import DoctorFinding, FindingLevel

if TYPE_CHECKING:
    from licensing.doctor.mending import Mended

_COLOURS = {FindingLevel.ERROR: "red", FindingLevel.WARNING: "yellow", FindingLevel.UNEXAMINED: "red"}


def examination_text(found: SiteExamination, _mended: "Sequence[Mended]" = ()) -> str:
    """How many things are wrong; each with its place, why it matters, and what fixes it; then the facts."""
    lines = [style(f"Doctor: {_headline(found.findings)}", "red" if found.exit_status else "green"), ""]
    for finding in found.findings:
        lines += [*_finding(finding), ""]
    if os.geteuid() != 0 and any(finding.command for finding in found.findings):
        lines += [*_paragraph("Note", "The commands change what other users own: run them as root."), ""]
    for name, value in (found.facts | {"Access": _access(found)}).items():
        lines += _paragraph(name, value)
    return joined(lines)


def _headline(findings: Sequence[DoctorFinding]) -> str:
    wrong, doubts, blind = (sum(finding.level is level for finding in findings) for level in FindingLevel)
    parts = ["nothing is wrong" if not wrong else f"{counted(wrong, 'thing')} {plural(wrong, 'is', 'are')} wrong"]
    parts += [f"{counted(doubts, 'warning')}"] if doubts else []
    parts += [f"{blind} could not be examined"] if blind else []
    return ", ".join(parts)


def _access(found: SiteExamination) -> str:
    how = "actually tried" if found.tried else "worked out from owners, modes and ACLs; root can try it"
    return f"{how}, as user {found.identity}"


def _finding(finding: DoctorFinding) -> list[str]:
    head = f"{finding.level.upper():<10} {finding.code:<20} {printable(finding.place)}"
    names = ", ".join(finding.names) + (" ..." if finding.affected > len(finding.names) else "")
    lines = [*(style(line, _COLOURS[finding.level]) for line in fold(head)), *_paragraph("What", f"{finding.problem}.")]
    lines += _paragraph("First", names) if finding.affected > 1 and finding.names else []
    lines += _paragraph("Why", finding.why)
    if finding.command:
        lines.append(f"  {'Fix':<15} {finding.command}")  # as it stands, to be copied: never folded
    else:
        lines += _paragraph("Do", finding.do)
    return lines


def _paragraph(name: str, text: str) -> list[str]:
    return labelled(name, text, 15)


def plan_text(findings: Sequence[DoctorFinding]) -> str:
    """The commands that are about to be run."""
    return joined(f"  {finding.command}" for finding in findings)


def mending_text(mended: "Sequence[Mended]") -> str:
    """What was run, and what failed."""
    lines: list[str] = []
    for done in mended:
        lines.append(f"{'FAILED' if done.failure else 'done'}  {done.finding.command}")
        lines += [f"        {printable(line)}" for line in done.failure.splitlines()]
    return joined(lines)


def _examination_fields(found: SiteExamination, mended: "Sequence[Mended]" = ()) -> object:
    """``mended`` is what ``--fix`` ran before it."""
    return {
        "as_of": found.as_of,
        "status": found.exit_status,
        "user": {"uid": found.identity.uid, "gid": found.identity.gid},
        "access": "tried" if found.tried else "computed",
        "facts": {name.lower().replace(" ", "_"): value for name, value in found.facts.items()},
        "findings": [
            {
                "code": finding.code,
                "level": finding.level,
                "place": printable(finding.place),
                "problem": finding.problem,
                "why": finding.why,
                "command": finding.command,
                "do": finding.do or None,
                "safe": finding.safe,
                "affected": finding.affected,
                "names": finding.names,
            }
            for finding in found.findings
        ],
        "mended": [
            {"code": done.finding.code, "command": done.finding.command, "failure": done.failure or None}
            for done in mended
        ],
    }


EXAMINATION = Answer("azlic.doctor/v1", examination_text, _examination_fields, is_fitted=True)
