"""What an ingest took, as it is told."""

from dataclasses import dataclass, field

from usage.records.output_scan import PassedOver


@dataclass(slots=True)
class Receipt:
    """What an ingest took: new records, duplicates, conflicts, lines in quarantine, findings about the sources.

    ``ahead`` records are dated more than a day ahead, and wait for their day. ``late`` of the new records came after
    their month was closed, and are booked in an open one. ``pending_bytes`` follow the last whole line of their files
    and wait to be completed; ``unsteady`` files were swapped for others while they were looked at, and wait for the
    next ingest. ``passed_over`` may hold usage and was not taken, and nobody has put it aside yet.
    """

    files: int = 0
    new: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    findings: int = 0
    pending_bytes: int = 0
    unsteady: int = 0
    late: int = 0
    ahead: int = 0
    passed_over: list[PassedOver] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether there is nothing to look into; a line that is still being written is nothing."""
        return not (self.conflicts or self.quarantined or self.ahead or self.findings or self.passed_over)

    @property
    def tells(self) -> bool:
        """Whether there is something that was not known before."""
        return bool(self.new or self.conflicts or self.quarantined or self.ahead or self.findings)
