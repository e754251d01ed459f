"""A ledger held against checkpoints that were kept elsewhere: the same, cut, forked or rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from usage.auditing.faults import AuditCheck
from usage.auditing.walk import Walk
from usage.ledger.checkpoints import Checkpoint


class CheckpointStanding(StrEnum):
    """How a ledger compares with a checkpoint."""

    SAME = "same"
    CUT = "cut"
    FORKED = "forked"
    REWRITTEN = "rewritten"
    OTHER_LEDGER = "other-ledger"


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint and where it was kept: a file's name, an export, an acknowledgement."""

    name: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of a checkpoint, in one word and in words for people."""

    kept: KeptCheckpoint
    standing: CheckpointStanding
    detail: str


def compare_checkpoints(against: Sequence[KeptCheckpoint], *, origin: str | None, walk: Walk) -> tuple[Compared, ...]:
    """Hold each checkpoint against the ledger; every one that does not hold is a fault. In the order of their sizes.

    1. One that is larger than the ledger: its tail was cut off, or it is an old copy.
    2. One whose head the ledger has at its size: nothing up to there was changed.
    3. Another head there, but a smaller checkpoint stands: the ledger went another way after that one, as one does that
       was restored from a backup and went on, or whose later batches were rewritten.
    4. Another head there, and no smaller one stands: all of it was rewritten, as far as these checkpoints can tell.
    5. One that bears another name and has none of this ledger's heads is of another ledger.
    """
    ordered = sorted(against, key=lambda kept: kept.checkpoint.size)
    agreed = [kept.checkpoint.size for kept in ordered if walk.heads.get(kept.checkpoint.size) == kept.checkpoint.head]
    found = [_compare_one(kept, origin, walk, [size for size in agreed if size]) for kept in ordered]
    for compared in found:
        if compared.standing is not CheckpointStanding.SAME:
            walk.faults.add(AuditCheck.AGAINST, compared.kept.name, compared.detail)
    return tuple(found)


def _compare_one(kept: KeptCheckpoint, origin: str | None, walk: Walk, agreed: Sequence[int]) -> Compared:
    size = kept.checkpoint.size
    below = max((known for known in agreed if known < size), default=0)
    if origin is not None and origin != kept.checkpoint.origin:
        detail = f"it is of the ledger {kept.checkpoint.origin}, and this one is {origin}"
        return Compared(kept, CheckpointStanding.OTHER_LEDGER, detail)
    if size > walk.sequence:
        gone = f"batches {walk.sequence + 1} to {size}" if size > walk.sequence + 1 else f"batch {size}"
        detail = f"the ledger's tail was cut off, or it is an older copy: {gone} are missing"
        return Compared(kept, CheckpointStanding.CUT, detail)
    if walk.heads.get(size) == kept.checkpoint.head:
        return Compared(kept, CheckpointStanding.SAME, f"nothing up to batch {size} was changed")
    if below:
        detail = (
            f"the ledger forked: it is the same up to batch {below}, and another one before it reaches batch {size}."
            " It was restored from a backup and went on, or its later batches were rewritten"
        )
        return Compared(kept, CheckpointStanding.FORKED, detail)
    detail = (
        f"the ledger was rewritten: its batches 1 to {size} are not those that it had then, though each may follow"
        " from the one before. An earlier checkpoint, if there is one, shows from where on"
    )
    return Compared(kept, CheckpointStanding.REWRITTEN, detail)
