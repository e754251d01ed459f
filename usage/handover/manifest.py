"""The manifest of an export: what it holds, of which ledger, from which head to which. It alone is signed.

It names every other member by its digest, so that the signature covers them all.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from licensing.signing.document import BadDocument, Count, Instant, Label, StrictModel, parse_document
from usage.handover.errors import OtherForm
from usage.ledger.checkpoints import Checkpoint
from usage.months import Month

EXPORT_TYPE = "application/vnd.azlic.usage-export.v1+json"
MAX_MANIFEST_BYTES = 1024 * 1024

RECORDS, TOTALS = "records", "totals"
SHEETS = ("totals.csv", "closes.csv", "corrections.csv")
MEMBERS = {
    RECORDS: ("batches.jsonl", "contents.jsonl", "series.json", *SHEETS),
    TOTALS: ("batches.jsonl", "totals.json", "series.json", *SHEETS),
}
"""The members of each kind of export, in their order in the file; ``manifest.json`` stands behind them."""


def _a_month(text: str) -> str:
    if not text.isascii() or str(Month.parse(text)) != text:
        raise ValueError("it is not a month")
    return text


Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MonthName = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"), AfterValidator(_a_month)]
Reason = Annotated[str, StringConstraints(max_length=1000)]


class Member(StrictModel):
    """Another file in the export: its name, the digest of its bytes (SHA-256) and their number."""

    name: Label
    sha256: Digest
    size: Annotated[int, Field(ge=0, le=2**53 - 1)]


class Position(StrictModel):
    """A place in a ledger's chain: how many batches, and the head behind the last of them. Before the first: 0."""

    size: Annotated[int, Field(ge=0, le=2**53 - 1)]
    head: Digest


class Close(StrictModel):
    """A month that was closed among the exported batches; ``reason`` says why although something was open."""

    month: MonthName
    batch: Count
    closed_at: Instant
    reason: Reason
    totals: Digest


class Manifest(StrictModel):
    """What an export says of itself.

    It continues from ``previous``, where export number ``follows`` ended if there was one, and ends at ``checkpoint``.
    """

    site: Label
    origin: Label
    number: Count
    holds: Literal["records", "totals"]
    month: MonthName | None = None
    first_batch: Count
    last_batch: Count
    previous: Position
    follows: Count | None = None
    head: Digest
    checkpoint: Annotated[str, StringConstraints(max_length=400)]
    records: Annotated[int, Field(ge=0, le=2**53 - 1)]
    closes: tuple[Close, ...]
    tool: Label
    created_at: Instant
    members: tuple[Member, ...]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.last_batch < self.first_batch or self.previous.size != self.first_batch - 1:
            raise ValueError("its first and last batch and the one before are not consecutive")
        if self.checkpoint != str(Checkpoint(self.origin, self.last_batch, bytes.fromhex(self.head))):
            raise ValueError("its checkpoint is not that of its origin, last batch and head")
        if tuple(member.name for member in self.members) != MEMBERS[self.holds]:
            raise ValueError("its members are not those of an export")
        return self

    def to_bytes(self) -> bytes:
        """The payload that gets signed: UTF-8 JSON; what is not stated stays out."""
        return self.model_dump_json(exclude_none=True).encode()


def parse_manifest(payload: bytes) -> Manifest:
    """Read a manifest from bytes whose signature has been checked. Raises ``OtherForm``."""
    try:
        return parse_document(payload, Manifest)
    except BadDocument as error:
        raise OtherForm(f"its manifest cannot be used: {error}") from error
