"""Exports whose members somebody changed who has the site's key: digests, heads, sheets and signature made anew."""

import contextlib
import copy
import hashlib
import json
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
from securesystemslib.signer import Signer

from licensing.signing.envelope import parse_envelope, seal
from usage.handover.archive import MANIFEST, Writer
from usage.handover.contents import parse_close, read_contents
from usage.handover.manifest import EXPORT_TYPE, MAX_MANIFEST_BYTES, MEMBERS
from usage.handover.sheets import write_sheets
from usage.handover.sums import Sums, read_series
from usage.ledger.canonical import SealedBatch, batch_head, canonical_digest
from usage.ledger.checkpoints import Checkpoint

Members = dict[str, bytes]
NUMBERS = (0, -1, 2, 10**6, 2**53, 2**62, 2**63, 2**64, 10**30, 0.5, 1e300)
WORDS = ("", "x", "'", "\n", "\x1b[31m", "\u202e", "\ud800", "a" * 5000, "2026-13", "202613")
OTHERS: tuple[Any, ...] = (None, True, [], {}, [[]], "text", 7)


@dataclass(frozen=True, slots=True)
class Opened:
    """An export in parts: its members without the manifest, and what the manifest says."""

    members: Members
    manifest: dict[str, Any]


def opened(path: Path) -> Opened:
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info.filename) for info in archive.infolist()}
    payload = parse_envelope(members.pop(MANIFEST), limit=MAX_MANIFEST_BYTES).payload
    return Opened(members, json.loads(payload))


def signed(export: Opened, signer: Signer) -> bytes:
    """The export as a file, with the manifest that its members have."""
    file = BytesIO()
    with Writer(file) as writer:
        told = [writer.add(name, [content]) for name, content in export.members.items()]
        stated = export.manifest | {"members": [json.loads(one.model_dump_json()) for one in told]}
        writer.finish(seal(json.dumps(stated).encode("utf-8", "surrogatepass"), EXPORT_TYPE, signer))
    return file.getvalue()


def made_anew(export: Opened) -> Opened | None:
    """The same with digests, heads, sheets and the manifest's sums as they follow; None where nothing does."""
    try:
        return _made_anew(export)
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        return None


def _made_anew(export: Opened) -> Opened:
    members, manifest = dict(export.members), copy.deepcopy(export.manifest)
    batches = [json.loads(line) for line in members["batches.jsonl"].splitlines()]
    lines = members["contents.jsonl"].splitlines() if "contents.jsonl" in members else None
    sums, head = Sums(), bytes.fromhex(manifest["previous"]["head"])
    with contextlib.suppress(Exception):
        for number, fields in enumerate(batches):
            if lines is not None and number < len(lines):
                fields[7] = hashlib.sha256(lines[number]).hexdigest()
            batch = _batch(fields)
            head = batch_head(head, batch)
            fields[-1] = head.hex()
            if lines is not None:
                sums.add(batch.sequence, read_contents(lines[number], batch))
    members["batches.jsonl"] = b"".join(msgspec.json.encode(fields) + b"\n" for fields in batches)
    manifest["head"] = head.hex()
    with contextlib.suppress(Exception):
        manifest["checkpoint"] = str(Checkpoint(manifest["origin"], manifest["last_batch"], head))
    with contextlib.suppress(Exception):
        if lines is None:
            sums = Sums.parse(members["totals.json"], records=manifest["records"])
        manifest["records"] = sums.records
        manifest["closes"] = [
            {"month": one.month, "batch": at, "closed_at": one.closed_at, "reason": one.reason}
            | {"totals": canonical_digest(one.fields).hex()}
            for at, one in sums.closes
        ]
        members |= write_sheets(sums, read_series(members["series.json"]))
    return Opened(members, manifest)


def _batch(fields: list[Any]) -> SealedBatch:
    sequence, file, start, stop, consumed, first, records, rows, *more, _ = fields
    digests = bytes.fromhex(consumed), bytes.fromhex(rows)
    bound = (more[0], more[1], bytes.fromhex(more[2])) if more else (0, 0, None)
    return SealedBatch(sequence, file, start, stop, digests[0], first, records, digests[1], *bound)


Edit = tuple[str, Callable[[Opened], Opened]]


def edits(export: Opened) -> Iterator[Edit]:
    """What may be changed in each member and in the manifest, each change with its name."""
    for name in MEMBERS[export.manifest["holds"]]:
        content = export.members[name]
        for what, changed in _of_bytes(content):
            yield f"{name}: {what}", _with_member(name, changed)
        if not name.endswith(".csv"):
            for what, changed in _of_json(content, in_lines=name.endswith(".jsonl")):
                yield f"{name}: {what}", _with_member(name, changed)
    for what, manifest in _of_value(export.manifest):
        if isinstance(manifest, dict):
            yield f"manifest: {what}", _with_manifest(manifest)


def _with_member(name: str, content: bytes) -> Callable[[Opened], Opened]:
    return lambda export: Opened(export.members | {name: content}, export.manifest)


def _with_manifest(manifest: Mapping[str, Any]) -> Callable[[Opened], Opened]:
    return lambda export: Opened(export.members, dict(manifest))


def _of_bytes(content: bytes) -> Iterator[tuple[str, bytes]]:
    lines = content.splitlines(keepends=True)
    yield "emptied", b""
    yield "cut off", content[: len(content) // 2]
    yield "without its last newline", content[:-1]
    yield "no UTF-8", content.replace(b"a", b"\xff", 1)
    yield "no JSON", b"[" * 100_000
    yield "an empty line", content + b"\n"
    for number in range(len(lines)):
        yield f"line {number} deleted", b"".join(lines[:number] + lines[number + 1 :])
        yield f"line {number} twice", b"".join([*lines[: number + 1], *lines[number:]])
    if len(lines) > 1:
        yield "lines swapped", b"".join([lines[1], lines[0], *lines[2:]])


def _of_json(content: bytes, *, in_lines: bool) -> Iterator[tuple[str, bytes]]:
    lines = content.splitlines() if in_lines else [content]
    for number, line in enumerate(lines):
        for what, value in _of_value(json.loads(line)):
            changed = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
            kept = [*lines[:number], changed, *lines[number + 1 :]]
            yield f"line {number}, {what}", b"".join(one + b"\n" for one in kept) if in_lines else changed


def _of_value(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each value of a document, changed in each way."""
    where = "/".join(map(str, place)) or "all"
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            for what, changed in _of_value(value[key], (*place, key)):
                yield what, _put(value, key, changed)
            yield f"{where} without {key}", _without(value, key)
        if isinstance(value, list) and value:
            yield f"{where} with its first twice", [value[0], *value]
            yield f"{where} turned", value[::-1]
        if isinstance(value, dict):
            yield f"{where} with another key", value | {"another": 1}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    same: tuple[Any, ...] = NUMBERS if is_number else WORDS if isinstance(value, str) else ()
    if is_number:
        same = (*same, value + 1, value - 1)
    for other in (*same, *OTHERS):
        if other != value:
            yield f"{where} is {str(other)[:12]!r}", other


def _put(value: Any, key: Any, changed: Any) -> Any:
    made = copy.copy(value)
    made[key] = changed
    return made


def _without(value: Any, key: Any) -> Any:
    made = copy.copy(value)
    del made[key]
    return made


def stated_use(export: Opened, apart: Collection[str | None]) -> dict[str, int]:
    """What an export says was used, by meter: each record once, by its id, and what was booked by hand.

    ``apart`` are the ids of what is in no total but in quarantine.
    """
    names = {key: labels[1] for key, labels in json.loads(export.members["series.json"])}
    found: dict[str, int] = {}
    if "totals.json" in export.members:
        told = json.loads(export.members["totals.json"])
        amounts = [(one[1], one[2]) for one in told["totals"]] + [(one[5], one[6]) for one in told["corrections"]]
    else:
        rows: dict[str, tuple[int, int]] = {}
        booked = []
        in_turn = (export.members[name].splitlines() for name in ("batches.jsonl", "contents.jsonl"))
        for batch, line in zip(*in_turn, strict=True):
            if json.loads(batch)[1].startswith("close:"):
                parse_close(line)
                continue
            _, taken, *more = json.loads(line)
            for row in taken:
                if row[1] not in apart:
                    rows.setdefault(row[1], (row[2], row[3]))
            booked += [(one[5], one[6]) for one in (more[0] if more else ()) if one[1] != "late"]
        amounts = [*rows.values(), *booked]
    for series, quantity in amounts:
        found[names[series]] = found.get(names[series], 0) + quantity
    return found
