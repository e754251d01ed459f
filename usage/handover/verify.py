"""The chain of an export, verified without the ledger: from the head before it to the head that was signed."""

import hashlib
from collections.abc import Iterator
from typing import Annotated

import msgspec

from usage.handover.archive import Package
from usage.handover.contents import ClosingEntry, Contents, Stored, read_contents
from usage.handover.errors import BadPackage, OtherForm
from usage.handover.manifest import RECORDS, Manifest
from usage.handover.sheets import write_sheets
from usage.handover.sums import Sums, read_series
from usage.ledger.canonical import Labels, SealedBatch, batch_head, canonical_digest
from usage.ledger.source_kinds import SourceKind

_Size = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Text = Annotated[str, msgspec.Meta(max_length=4096)]
_decode = msgspec.json.Decoder(
    tuple[_Size, _Text, _Size, _Size, _Hex, _Size, _Size, _Hex, _Size, _Size, _Hex, _Hex]
).decode
_decode_earlier = msgspec.json.Decoder(tuple[_Size, _Text, _Size, _Size, _Hex, _Size, _Size, _Hex, _Hex]).decode


def verify_chain(package: Package, manifest: Manifest) -> Iterator[tuple[SealedBatch, bytes]]:
    """Each batch with its head, once the head has been recomputed; behind the last one, that it is the signed one.

    Raises ``BadPackage`` naming the first batch that does not follow the one before it.
    """
    head, sequence, number = bytes.fromhex(manifest.previous.head), manifest.previous.size, None
    bound = False
    for line in package.lines("batches.jsonl"):
        batch, stated = _parse(line)
        sequence += 1
        head = batch_head(head, batch)
        follows = batch.sequence == sequence and number in {None, batch.first_record}
        if head != stated or not follows or (bound and batch.entries is None):
            raise BadPackage(f"batch {sequence} does not follow the one before it")
        number, bound = batch.first_record + batch.records, batch.entries is not None
        yield batch, head
    if (sequence, head.hex()) != (manifest.last_batch, manifest.head):
        raise BadPackage("its batches do not end at the head that was signed")


def verify_stored(package: Package, manifest: Manifest) -> Iterator[Stored]:
    """Each batch with its head, its line of ``contents.jsonl`` and what that holds, for an export of records."""
    lines = package.lines("contents.jsonl")
    for batch, head in verify_chain(package, manifest):
        line = next(lines, b"")
        if hashlib.sha256(line).digest() != batch.rows:
            raise BadPackage(f"what it holds of batch {batch.sequence} is not what is in the chain")
        yield batch, head, line, read_contents(line, batch)
    if next(lines, None) is not None:
        raise BadPackage("it holds more than its batches")


def verify_sums(package: Package, manifest: Manifest) -> tuple[Sums, dict[int, Labels]]:
    """Everything in an export, looked at: its sums, and the names of its series. Raises ``BadPackage``."""
    names = read_series(package.read("series.json"))
    if manifest.holds == RECORDS:
        sums = Sums()
        for batch, _, _, contents in verify_stored(package, manifest):
            check_names(batch, contents, names)
            sums.add(batch.sequence, contents)
    else:
        sums = read_totals(package, manifest)
    check_sums(package, manifest, sums, names)
    return sums, names


def read_totals(package: Package, manifest: Manifest) -> Sums:
    """The sums in an export of totals; its closes are checked against the chain."""
    sums = Sums.parse(package.read("totals.json"), records=manifest.records)
    closes = {batch: canonical_digest(close.fields) for batch, close in sums.closes}
    found = {
        batch.sequence: batch.rows for batch, _ in verify_chain(package, manifest) if SourceKind.CLOSE.is_of(batch.file)
    }
    if closes != found:
        raise BadPackage("the months it closes are not those in the chain")
    return sums


def check_names(batch: SealedBatch, contents: Contents | ClosingEntry, names: dict[int, Labels]) -> None:
    """The series that a batch introduced have the names that the export gives them."""
    if isinstance(contents, Contents) and any(names.get(key) != labels for key, labels in contents.series):
        raise BadPackage(f"series of batch {batch.sequence} have other names in series.json")


def check_sums(package: Package, manifest: Manifest, sums: Sums, names: dict[int, Labels]) -> None:
    """What the manifest and the sheets say is what the export holds."""
    if sums.records != manifest.records:
        raise BadPackage("it holds another number of records than its manifest says")
    closes = [(close.batch, close.month, close.reason, close.totals) for close in manifest.closes]
    if closes != [(n, c.month, c.reason, canonical_digest(c.fields).hex()) for n, c in sums.closes]:
        raise BadPackage("its manifest closes other months than its batches")
    for name, content in write_sheets(sums, names).items():
        if package.read(name) != content:
            raise BadPackage(f"{name} shows other numbers than the export holds")


def _parse(line: bytes) -> tuple[SealedBatch, bytes]:
    """A batch of this version, or of an earlier one, whose head binds less. Raises ``BadPackage``."""
    more: tuple[int, int, bytes | None] = (0, 0, None)
    try:
        try:
            sequence, file, start, stop, consumed, first, records, rows, source, taken_at, entries, head = _decode(line)
            more = (source, taken_at, bytes.fromhex(entries))
        except msgspec.ValidationError:
            sequence, file, start, stop, consumed, first, records, rows, head = _decode_earlier(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OtherForm(f"one of its batches cannot be read: {error}") from error
    digests = bytes.fromhex(consumed), bytes.fromhex(rows), bytes.fromhex(head)
    return SealedBatch(sequence, file, start, stop, digests[0], first, records, digests[1], *more), digests[2]
