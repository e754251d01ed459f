"""What the audit proves of each table: each belongs to exactly one class, here and in docs/audit.md.

A table is *bound* where the chain holds every column of every row, *derived* where the audit computes it again and
compares, and *advisory* where it may be lost or changed unnoticed: then its line says what that costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class TableClass(StrEnum):
    """How much of a table the audit proves."""

    BOUND = "bound"
    DERIVED = "derived"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Kept:
    """A table's class; ``why`` says by what it is bound, from what it follows, or what losing it costs.

    ``free`` are the columns of a derived table that do not follow from others: what changing them costs is in ``why``.
    """

    of: TableClass
    why: str
    free: frozenset[str] = frozenset()


def _bound(why: str) -> Kept:
    return Kept(TableClass.BOUND, why)


def _derived(why: str, *free: str) -> Kept:
    return Kept(TableClass.DERIVED, why, frozenset(free))


def _advisory(why: str) -> Kept:
    return Kept(TableClass.ADVISORY, why)


_ISSUERS = _derived("empty in a site's ledger: it belongs to an issuer's store, which has an audit of its own")

TABLES: Mapping[str, Kept] = MappingProxyType(
    {
        "batch": _bound("each head binds the batch and the head before it"),
        "record": _bound("the digest of its batch"),
        "series": _bound("the digest of the batch that introduced it"),
        "correction": _bound("the digest of the batch that booked it"),
        "closed_month": _bound("the batch that closed it"),
        "closed_total": _bound("the batch that closed its month"),
        "closed_plan": _bound("the batch that closed its month"),
        "closed_period": _bound("the batch that closed its month, and computed again from its terms and the use"),
        "closed_place": _bound("the batch that closed its month"),
        "plan": _bound("an entry for each plan that was entered, changed or removed"),
        "plan_meter": _bound("the entries of its plan"),
        "plan_change": _bound("an entry for each amendment"),
        "plan_renewal": _bound("an entry for each change of what comes at a plan's end"),
        "plan_rule": _bound("an entry for each rule put up or taken away"),
        "quarantine": _bound("an entry for each line put there, and for its settlement"),
        "finding": _bound("an entry for each finding, and for its settlement"),
        "gap": _bound("an entry for each gap, and for each number that came later"),
        "entry": _bound("the digest of the batch that booked it"),
        "reading_source": _bound("an entry for each source of readings"),
        "reading": _bound("an entry for each reading as it came"),
        "reading_rounding": _bound("an entry for each time it was stated"),
        "origin": _bound("an entry for the name that the ledger was given"),
        "export": _bound("an entry for each export, and for its acknowledgement"),
        "handing_site": _bound("an entry for each site, and for each export accepted of it"),
        "accepted_export": _bound("an entry for each export accepted"),
        "accepted_license": _bound("an entry for each license accepted"),
        "adopted_license": _bound("an entry for each license adopted or removed"),
        "seen_statement": _bound("an entry for each signed statement seen"),
        "witness_strike": _bound("an entry for each strike"),
        "clock_reset": _bound("an entry for each reset"),
        "failed_audit": _bound("an entry for each audit that failed, and for the one that passed after it"),
        "total": _derived("the sums of the records by day and series"),
        "chain": _derived(
            "not behind each container's newest record; ahead, or with another digest, its next record is a finding",
            "digest",
            "sequence",
        ),
        "counter": _derived(
            "the sum of the month's records booked from readings; `epoch` only counts restarts", "epoch"
        ),
        "store": _derived("one row, which says that this is a site's ledger"),
        "alembic_version": _derived("one row, the schema of this version"),
        "source": _advisory(
            "a file that is not known again is read from its start, and nothing counts twice; one marked as read"
            " further than it was loses what stands between. That none is behind its last batch is checked"
        ),
        "witness": _advisory(
            "a clock that was set back is noticed only beside later witnesses. That none is behind the newest files"
            " that were taken is checked"
        ),
        "acknowledged_alert": _advisory("an alert that was acknowledged is told again, or one is kept quiet"),
        "open_alert": _advisory("an alert that goes on seems to have begun later"),
        "notice": _advisory("a notice is sent again, or not at all"),
        "told_alert": _advisory("a channel is not told that an alert has ended"),
        "known_license": _advisory("licenses are verified again; what a folder held before it vanished is forgotten"),
        "audit_outcome": _advisory(
            "that an audit passed, and when, is forgotten; that one failed is not: `failed_audit`"
        ),
        "issuer_subscription": _ISSUERS,
        "issuer_resource": _ISSUERS,
        "issuer_resource_key": _ISSUERS,
        "issuer_resource_container": _ISSUERS,
        "issuer_download": _ISSUERS,
        "issuer_revocation": _ISSUERS,
        "issuer_revocation_list": _ISSUERS,
        "issuer_content_key": _ISSUERS,
        "issuer_site": _ISSUERS,
        "issuer_site_resource": _ISSUERS,
        "issuer_answer": _ISSUERS,
        "issuer_audit": _ISSUERS,
    }
)

ISSUERS = tuple(name for name, kept in TABLES.items() if kept is _ISSUERS)
"""The tables of an issuer's store, which every database has."""
