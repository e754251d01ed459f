"""The licenses that were adopted, for people and for scripts. Whatever is shown was stated by the operator."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.table import columns, render_text
from azlic.render.verdict import statement_fields
from licensing.adoption import Adoption, Listed
from licensing.core.instants import iso
from licensing.core.text import printable
from licensing.verdict.seen import AdoptedLicense
from licensing.verification.adopted import BY_OPERATOR


def adoption_text(done: Adoption) -> str:
    """What was adopted, what it replaced, and what comes next."""
    entry, before = done.entry, done.before
    head = "already known, nothing was changed" if before == entry else "renewed" if done.is_renewal else "adopted"
    lines = [
        f"{head}: {printable(done.place)}",
        f"  container type {entry.container_type}, ends at {iso(entry.expires_at)} ({BY_OPERATOR})",
        f"  {entry.size:,} bytes, SHA-256 {entry.digest.hex()[:16]}...",
    ]
    lines += _named(entry, before)
    if before is not None and before != entry:
        lines += [
            f"  replaced: what was adopted at {iso(before.adopted_at)},",
            f"  stated to end at {iso(before.expires_at)}, SHA-256 {before.digest.hex()[:16]}...",
        ]
    return joined(lines)


def _named(entry: AdoptedLicense, before: AdoptedLicense | None) -> Iterator[str]:
    """Image and resource, those that were stated before too, and those that no longer hold."""
    was = (before.image, before.resource) if before is not None and before != entry else (None, None)
    for name, now, earlier in zip(("image", "resource"), (entry.image, entry.resource), was, strict=True):
        if now is not None:
            yield f"  {name} {now}{' (as before)' if now == earlier else ''}"
        elif earlier is not None:
            yield f"  {name} {earlier} no longer stated: the container is another one"


def _adoption_fields(done: Adoption) -> object:
    """``replaced`` is what was stated before, if it differs."""
    replaced = done.before if done.before != done.entry else None
    return {
        "path": done.place,
        "changed": done.before != done.entry,
        "stated": statement_fields(done.entry),
        "replaced": replaced and statement_fields(replaced),
    }


ADOPTION = Answer("azlic.adoption/v1", adoption_text, _adoption_fields)


def adoptions_text(found: Sequence[Listed], now: datetime) -> str:
    """A line for each, with its file's state."""
    if not found:
        return "no license was adopted"
    table = columns("Container", "Ends", ">Days", "File", "~Path")
    for one in found:
        ends = f"{one.entry.expires_at:%Y-%m-%d}"
        table.add_row(one.entry.container_type, ends, f"{_days(one.entry, now):,}", one.file, printable(one.place))
    return render_text([table, "", f"All dates are {BY_OPERATOR}; azlic cannot read these licenses."])


def _days(entry: AdoptedLicense, now: datetime) -> int:
    return (entry.expires_at - now) // timedelta(days=1)


def _adoptions_fields(found: Sequence[Listed], now: datetime) -> object:
    return {
        "as_of": now,
        "adopted": [
            {
                "path": one.place,
                "file": one.file,
                "days_left": _days(one.entry, now),
                "stated": statement_fields(one.entry),
            }
            for one in found
        ],
    }


ADOPTED = Answer("azlic.adopted/v1", adoptions_text, _adoptions_fields)
