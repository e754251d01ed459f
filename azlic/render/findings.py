"""Quarantined lines and findings, for people and for scripts."""

from collections.abc import Sequence

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import indented
from licensing.core.instants import iso
from licensing.core.text import printable
from usage.intake.findings import KINDS, Finding, OpenGap
from usage.intake.quarantine import QuarantinedLine


def lines_text(lines: Sequence[QuarantinedLine]) -> str:
    """Each line with its place, the reason, and what it holds, as far as a terminal may see it."""
    if not lines:
        return "no line is in quarantine"
    told: list[str] = []
    for item in lines:
        told.append(f"{item.key:>4}  {item.file}:{item.line}  {item.kind}")
        told += indented(item.reason, 6) or [""]
        shown = item.content[:200].decode("utf-8", "backslashreplace")
        told += indented(printable(shown), 6) or [""]
        if not item.is_whole:
            told += indented(f"{item.length:,} bytes, of which the first {len(item.content):,} are kept", 6)
        if item.settled_as:
            told += indented(f"{item.settled_as}: {item.settled_why}", 6) or [""]
    return joined(told)


def _lines_fields(lines: Sequence[QuarantinedLine]) -> object:
    """``content`` is the line, or how a long one begins, with escapes for what is no text; ``length`` its bytes."""
    return {
        "lines": [
            {
                "number": item.key,
                "kind": item.kind,
                "file": item.file,
                "line": item.line,
                "offset": item.start,
                "reason": item.reason,
                "content": item.content.decode("utf-8", "backslashreplace"),
                "length": item.length,
                "taken_at": item.taken_at,
                "settled_as": item.settled_as,
                "settled_why": item.settled_why,
            }
            for item in lines
        ]
    }


QUARANTINE = Answer("azlic.quarantine/v1", lines_text, _lines_fields)


def findings_text(findings: Sequence[Finding], gaps: Sequence[OpenGap]) -> str:
    """Each finding with its place; then what is missing to this day."""
    if not findings and not gaps:
        return "no findings"
    told: list[str] = []
    for item in findings:
        place = f"{item.file}:{item.line}" if item.line else item.file
        told.append(f"{item.key:>4}  {place}  {KINDS.get(item.kind, item.kind)}")
        told += indented(f"{item.detail} (found {iso(item.found_at)})", 6) or [""]
        if item.settled_why:
            told += indented(f"settled: {item.settled_why}", 6) or [""]
    told += [f"still missing: records {gap.first} to {gap.last} of {gap.container_id}{_finding(gap)}" for gap in gaps]
    return joined(told)


def _finding(gap: OpenGap) -> str:
    return "" if gap.finding is None else f" (finding {gap.finding})"


def _findings_fields(findings: Sequence[Finding], gaps: Sequence[OpenGap]) -> object:
    return {
        "findings": [
            {
                "number": item.key,
                "kind": item.kind,
                "container_id": item.container_id,
                "file": item.file,
                "line": item.line or None,
                "detail": item.detail,
                "found_at": item.found_at,
                "settled_why": item.settled_why,
            }
            for item in findings
        ],
        "missing": [
            {"container_id": gap.container_id, "first": gap.first, "last": gap.last, "finding": gap.finding}
            for gap in gaps
        ],
    }


FINDINGS = Answer("azlic.findings/v1", findings_text, _findings_fields)
