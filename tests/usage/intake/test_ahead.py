"""Records that are dated more than a day ahead: they wait, count in no month and are no witness, and none is lost."""

from datetime import timedelta

import pytest

from licensing.core.errors import BadCall
from licensing.db.database import reading, writing
from licensing.history.read import read_seen
from licensing.history.remember import advance
from licensing.verdict.seen import WitnessKind
from tests.site import START
from tests.usage.commitments import day
from tests.usage.ledgers import check_arithmetic
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import Mount
from usage.closing.close import examine
from usage.intake.quarantine import QuarantinedLine, discard, list_quarantined, retry
from usage.months import Month
from usage.quantity import MICRO

pytestmark = pytest.mark.databases("sqlite", "postgresql")

FAR = day("2029-05-04")
DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)


def waiting(mount: Mount) -> list[QuarantinedLine]:
    with reading(mount.ledger) as connection:
        return list(list_quarantined(connection))


def used(mount: Mount, month: str) -> float:
    return sum(row.month for row in mount.site.report(month).usages) / MICRO


def test_a_record_dated_ahead_waits_counts_nowhere_and_is_no_witness(mount: Mount) -> None:
    mount.write([a_line("a"), a_line("b", 5, at=FAR), a_line("c", 2)])
    receipt = mount.site.ingest()
    assert (receipt.new, receipt.ahead, receipt.quarantined, receipt.clean) == (2, 1, 0, False)
    (line,) = waiting(mount)
    assert (line.kind, line.line, line.content) == ("ahead", 2, a_line("b", 5, at=FAR))
    assert used(mount, "2026-03") == 3 and used(mount, "2029-05") == 0
    with reading(mount.ledger) as connection:
        assert read_seen(connection).clock_behind(START) is None
    assert mount.site.report("2026-03").quality.ahead == 1


@pytest.mark.parametrize(("span", "waits"), [(DAY, 0), (DAY + MS, 1)])
def test_a_day_is_the_limit(mount: Mount, span: timedelta, waits: int) -> None:
    mount.write([a_line("a", at=START + span)])
    assert mount.site.ingest().ahead == waits


def test_its_day_comes_and_the_next_ingest_takes_it_once(mount: Mount) -> None:
    mount.write([a_line("a", at=START + 3 * DAY), a_line("b", 5, at=FAR)])
    assert mount.site.ingest().ahead == 2
    mount.site.sleep(days=3)
    assert (mount.site.ingest().new, mount.ids()) == (1, ["a"])
    mount.site.now = FAR
    assert mount.site.ingest().new == 1
    assert (used(mount, "2029-05"), waiting(mount)) == (5, [])
    mount.write([a_line("a", at=START + 3 * DAY), a_line("b", 5, at=FAR)], "usage-copy.jsonl")
    again = mount.site.ingest()
    assert (again.new, again.ahead, again.duplicates) == (0, 0, 2)
    check_arithmetic(mount.ledger)


def test_a_clock_that_fell_back_makes_no_right_record_wait(mount: Mount) -> None:
    with writing(mount.ledger) as connection:
        advance(connection, WitnessKind.EVALUATION, START, "verify")
    mount.site.now = day("1970-01-02")
    mount.write([a_line("a")])
    assert (mount.site.ingest().new, waiting(mount)) == (1, [])


def test_in_a_chain_nothing_is_missing_while_one_waits_nor_wrong_once_it_is_taken(mount: Mount) -> None:
    first = a_chain(2)
    wild = a_chain(3, after=first, at=FAR)
    mount.write([*first, *wild, *a_chain(2, after=[*first, *wild])])
    assert mount.site.ingest().ahead == 3
    assert mount.findings() == []
    mount.site.now = FAR
    assert mount.site.ingest().new == 3
    assert (mount.findings(), len(mount.ids())) == ([], 7)
    mount.write([*first, *wild], "usage-copy.jsonl")
    assert mount.site.ingest().new == 0
    assert mount.findings() == []


def test_the_operator_states_when_it_was_written(mount: Mount) -> None:
    chain = a_chain(1, at=FAR)
    mount.write(chain)
    mount.site.ingest()
    with pytest.raises(BadCall, match="future"):
        retry(mount.ledger, [1], now=START, dated=START + DAY)
    assert retry(mount.ledger, [1], now=START).ahead == 1
    assert retry(mount.ledger, [1], now=START, dated=START - DAY).new == 1
    assert (used(mount, "2026-02"), waiting(mount), mount.findings()) == (1, [], [])
    mount.site.now = FAR
    mount.write(chain, "usage-copy.jsonl")
    again = mount.site.ingest()
    assert (again.new, again.conflicts, again.duplicates) == (0, 0, 1)
    check_arithmetic(mount.ledger)


def test_what_was_discarded_is_not_taken_later(mount: Mount) -> None:
    mount.write([a_line("b", 5, at=FAR)])
    mount.site.ingest()
    discard(mount.ledger, [1], reason="a test record", now=START)
    mount.site.now = FAR
    mount.write([a_line("b", 5, at=FAR)], "usage-copy.jsonl")
    assert (mount.site.ingest().new, used(mount, "2029-05")) == (0, 0)


def test_only_a_line_that_is_dated_ahead_can_be_dated(mount: Mount) -> None:
    mount.write([b"bad"])
    mount.site.ingest()
    with pytest.raises(BadCall, match="not dated ahead"):
        retry(mount.ledger, [1], now=START, dated=START)


def test_it_stands_against_closing_the_month_it_may_be_of(mount: Mount) -> None:
    mount.write([a_line("b", 5, at=FAR)])
    mount.site.ingest()
    mount.site.now = day("2026-04-02")
    found = examine(mount.ledger, Month(2026, 3), now=mount.site.now)
    assert [item.kind for item in found.obstacles] == ["ahead"]
    retry(mount.ledger, [1], now=mount.site.now, dated=START)
    assert examine(mount.ledger, Month(2026, 3), now=mount.site.now).obstacles == ()
