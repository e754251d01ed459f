import pytest

from licensing.core.errors import BadCall
from licensing.db.database import reading
from licensing.db.readonly import view_of
from tests.site import CONTAINER_ID, START
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, rows
from usage.closing.blockers import find_blockers
from usage.intake.backlog import read_backlog
from usage.intake.findings import KINDS, Finding, OpenGap, list_findings, open_gaps, settle
from usage.ledger.tables.records import FindingRow
from usage.months import Month
from usage.reporting.quality import Doubt, read_doubts

pytestmark = pytest.mark.databases("sqlite", "postgresql")

TOMORROW = "usage-2026-03-02.jsonl"
LATER = START.replace(year=2027)


def open_findings(mount: Mount) -> list[Finding]:
    with reading(mount.ledger) as connection:
        return list(list_findings(connection))


@pytest.fixture
def doubtful(mount: Mount) -> Mount:
    """A mount with a gap of two records, and a file that is gone."""
    lines = a_chain(5)
    mount.write([lines[0], *lines[3:]])
    mount.write([a_line("a")], TOMORROW)
    mount.ingest()
    mount.path(TOMORROW).unlink()
    mount.ingest()
    return mount


def test_findings_say_what_is_wrong_where_and_since_when(doubtful: Mount) -> None:
    gap, gone = open_findings(doubtful)
    assert (gap.kind, gap.container_id, gap.line, gap.found_at) == ("gap", CONTAINER_ID, 2, START)
    assert gap.file.endswith(TODAY)
    assert (gone.kind, gone.container_id, gone.line) == ("vanished", None, 0)
    assert f"had been read up to byte {len(a_line('a')) + 1}, and is gone" in gone.detail


def test_a_settled_finding_is_kept_with_its_reason_and_not_said_again(doubtful: Mount) -> None:
    assert settle(doubtful.ledger, [2, 2], reason="moved to the archive", now=LATER) == 1
    assert [finding.key for finding in open_findings(doubtful)] == [1]
    with reading(doubtful.ledger) as connection:
        assert [finding.settled_why for finding in list_findings(connection, settled=True)] == [
            None,
            "moved to the archive",
        ]
    assert doubtful.ingest().findings == 0


def test_a_gap_that_was_settled_is_settled_for_everybody(doubtful: Mount) -> None:
    settle(doubtful.ledger, [1, 2], reason="the disk was lost", now=LATER)
    with reading(doubtful.ledger) as connection:
        assert (open_gaps(connection), read_doubts(view_of(connection))) == ([], ())
        assert open_gaps(connection, settled=True) == [OpenGap(CONTAINER_ID, 2, 3, finding=1)]
        assert find_blockers(connection, Month(2026, 3), read_backlog(connection, []), now=doubtful.site.now) == ()
    doubtful.site.enter_plan()
    quality = doubtful.site.report("2026-03").quality
    assert (quality.missing_records, quality.vanished, quality.settled_findings, quality.clean) == (0, 0, 2, True)


CHANGES: dict[str, tuple[str, list[bytes]]] = {
    "cut off": ("shrunk", [a_line("a")]),
    "begun anew": ("rewritten", [a_line("c"), a_line("d"), a_line("e")]),
    "emptied": ("shrunk", []),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_that_was_settled_is_no_missing_source_of_a_report(mount: Mount, change: str) -> None:
    kind, lines = CHANGES[change]
    mount.write([a_line("a"), a_line("b")])
    mount.ingest()
    mount.path(TODAY).write_bytes(b"".join(line + b"\n" for line in lines))
    mount.ingest()
    found = open_findings(mount)
    assert [finding.kind for finding in found] == [kind]
    settle(mount.ledger, [finding.key for finding in found], reason="the disk was full", now=LATER)
    mount.site.enter_plan()
    quality = mount.site.report("2026-03").quality
    assert (quality.vanished, quality.clean) == (0, True)


def test_what_is_left_of_a_settled_gap_stays_settled_and_a_new_gap_does_not(doubtful: Mount) -> None:
    settle(doubtful.ledger, [1], reason="the disk was lost", now=LATER)
    lines = a_chain(8)
    doubtful.write(lines[1:2], "late.jsonl")
    doubtful.write(lines[6:7], "later.jsonl")
    doubtful.ingest()
    with reading(doubtful.ledger) as connection:
        assert open_gaps(connection) == [OpenGap(CONTAINER_ID, 6, 6, finding=3)]
        assert [doubt for doubt in read_doubts(view_of(connection)) if doubt.kind == "gap"] == [
            Doubt("gap", 1, START, first=3)
        ]


def test_each_of_two_gaps_rests_with_its_own_last_record(mount: Mount) -> None:
    lines = a_chain(5)
    mount.write(lines[::2])
    mount.ingest()
    mount.write(lines[1:2], "late.jsonl")
    mount.ingest()
    with reading(mount.ledger) as connection:
        assert open_gaps(connection) == [OpenGap(CONTAINER_ID, 4, 4, finding=2)]
        assert [finding.key for finding in list_findings(connection)] == [2]


def test_the_finding_of_a_gap_rests_once_everything_has_arrived(doubtful: Mount) -> None:
    with reading(doubtful.ledger) as connection:
        assert open_gaps(connection) == [OpenGap(CONTAINER_ID, 2, 3, finding=1)]
    doubtful.write(a_chain(5)[1:3], "late.jsonl")
    doubtful.ingest()
    with reading(doubtful.ledger) as connection:
        assert (open_gaps(connection), len(list_findings(connection))) == ([], 1)
        assert [finding.settled_why for finding in list_findings(connection, settled=True)].count(None) == 1


@pytest.mark.parametrize("reason", ["", "\t"])
def test_nothing_is_settled_without_a_reason(doubtful: Mount, reason: str) -> None:
    with pytest.raises(BadCall, match="needs a reason"):
        settle(doubtful.ledger, [1], reason=reason, now=LATER)


def test_an_unknown_number_is_a_bad_call_and_changes_nothing(doubtful: Mount) -> None:
    settle(doubtful.ledger, [2], reason="known", now=LATER)
    for number in (2, 99):
        with pytest.raises(BadCall, match=f"there is no open finding {number}"):
            settle(doubtful.ledger, [1, number], reason="unknown", now=LATER)
    assert [finding.key for finding in open_findings(doubtful)] == [1]


def test_every_kind_has_words(doubtful: Mount) -> None:
    assert {row.kind for row in rows(doubtful.ledger, FindingRow)} <= set(KINDS)
