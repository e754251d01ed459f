from datetime import timedelta
from fractions import Fraction

import pytest

from licensing.core.instants import from_milliseconds
from licensing.verdict.seen import CLOCK_TOLERANCE, Seen, Witness, WitnessKind
from tests.usage.alerts.states import NOON, SECOND, a_fact, a_plan_fact, a_usage, ids, said, stages
from tests.usage.commitments import day
from usage.alerts.conditions.records import DOUBTS
from usage.alerts.rules import Rules
from usage.alerts.state import ChannelFact, Disk, HandingFact, HandOver, TrustFact, UnreadableLedger
from usage.intake.findings import KINDS
from usage.ledger.last_audit import LastAudit
from usage.months import DAY_MS, Month, day_number
from usage.quantity import MICRO
from usage.reporting.activity import ContainerActivity, container_activity
from usage.reporting.daily import DayUse
from usage.reporting.forecast import Pace, project
from usage.reporting.quality import Doubt

GIB = 2**30


def test_a_site_that_is_well_says_nothing() -> None:
    assert said() == []


def test_the_clock_may_be_behind_by_the_tolerance_and_no_second_more() -> None:
    seen = Seen(witnesses=(Witness(WitnessKind.RECORD, NOON + CLOCK_TOLERANCE, "a file"),))
    assert said(clock_behind=seen.clock_behind(NOON)) == []
    assert ids(said(clock_behind=seen.clock_behind(NOON - SECOND))) == ["clock-suspect"]
    issued = a_fact(issued_at=NOON + CLOCK_TOLERANCE)
    assert said(licenses=(issued,)) == []
    assert ids(said(NOON - SECOND, licenses=(issued,))) == ["clock-suspect"]


def test_trust_is_stale_a_whole_day_after_the_days_it_is_good_for() -> None:
    fact = TrustFact("f" * 64, said_at=NOON - timedelta(days=181), ends_at=None, next_list_at=None)
    (alert,) = said(trust=(fact,))
    assert (alert.kind, alert.since) == ("trust-stale", NOON)
    assert said(NOON - SECOND, trust=(fact,)) == []


def test_a_revocation_list_that_is_due_makes_trust_stale() -> None:
    fact = TrustFact("f" * 64, said_at=NOON, ends_at=None, next_list_at=NOON)
    assert said(trust=(fact,)) == []
    assert ids(said(NOON + SECOND, trust=(fact,))) == ["trust-stale:" + "f" * 64]


def test_keys_whose_issuers_word_ends_are_told_ahead() -> None:
    fact = TrustFact("f" * 64, said_at=NOON, ends_at=NOON + timedelta(days=30), next_list_at=None)
    assert stages(said(NOON, trust=(fact,))) == [("trust-ending", "30 days", "warning")]
    assert stages(said(NOON - SECOND, trust=(fact,))) == [("trust-ending", "60 days", "warning")]
    assert stages(said(NOON + timedelta(days=30), trust=(fact,))) == [("trust-ending", "ended", "critical")]


@pytest.mark.parametrize(
    ("used", "stage", "severity"),
    [
        (249_999, None, None),
        (250_000, "50 %", "notice"),
        (374_999, "50 %", "notice"),
        (375_000, "75 %", "notice"),
        (449_999, "75 %", "notice"),
        (450_000, "90 %", "warning"),
        (499_999, "90 %", "warning"),
        (500_000, "100 %", "critical"),
        (900_000, "100 %", "critical"),
    ],
)
def test_a_commitment_is_told_at_its_thresholds(used: int, stage: str | None, severity: str | None) -> None:
    told = [one for one in said(plans=(a_plan_fact(a_usage(used)),)) if one.kind == "commitment-used"]
    assert stages(told) == ([("commitment-used", stage, severity)] if stage else [])


def test_what_is_used_of_one_period_says_nothing_about_the_next() -> None:
    (alert,) = said(plans=(a_plan_fact(a_usage(250_000)),))
    assert alert.id == "commitment-used:read-2026:2026-01-01"


@pytest.mark.parametrize(("missing", "runs_out"), [(214 * 10, False), (214 * 10 - 1, True)], ids=["lasts", "does not"])
def test_a_commitment_that_ends_before_its_period_is_told(missing: int, runs_out: bool) -> None:
    """Ten a day, and 214 days are left on 1 June."""
    usage = a_usage(500_000 - missing, day("2026-06-01"))
    pace = Pace(4, Fraction(10 * MICRO), None, None)
    ahead = project(
        pace, used=usage.used, committed=usage.committed, at=day("2026-06-01"), ends_at=usage.period_ends_at
    )
    told = said(plans=(a_plan_fact(usage._replace(projection=ahead)),))
    assert ("commitment-running-out" in {alert.kind for alert in told}) is runs_out


def test_a_plan_that_nothing_follows_is_told_ahead_and_one_that_is_followed_or_renews_is_not() -> None:
    ends = NOON + timedelta(days=30)
    alone = a_plan_fact(ends_at=ends, followed=False)
    assert stages(said(plans=(alone,))) == [("plan-ending", "30 days", "warning")]
    assert stages(said(NOON - SECOND, plans=(alone,))) == [("plan-ending", "60 days", "warning")]
    assert said(plans=(a_plan_fact(ends_at=ends),)) == []
    assert said(plans=(a_plan_fact(ends_at=ends, followed=False, renews=True),)) == []


def test_a_plan_that_has_ended_is_told_while_its_meters_are_used_on_no_plan() -> None:
    assert said(plans=(a_plan_fact(ends_at=NOON, followed=False),)) == []
    over = a_plan_fact(ends_at=NOON, followed=False, used_after=True)
    assert stages(said(plans=(over,))) == [("plan-ending", "ended", "critical")]
    assert stages(said(NOON - SECOND, plans=(over,))) == [("plan-ending", "1 day", "critical")]


def test_a_container_is_silent_from_the_midnight_that_breaks_its_habit() -> None:
    uses = [
        DayUse(20_000 - ago, "", "read", "a", "m", 1, 1, from_milliseconds((20_000 - ago) * DAY_MS))
        for ago in (9, 7, 5, 3, 1)
    ]
    midnight = from_milliseconds(20_002 * DAY_MS)
    told = {
        at: said(at, containers=container_activity(uses, day_number(at)))
        for at in (midnight - SECOND, midnight, midnight + SECOND)
    }
    assert told[midnight - SECOND] == []
    assert ids(told[midnight]) == ids(told[midnight + SECOND]) == ["container-silent:read/a"]
    assert told[midnight][0].since == midnight


def test_ten_times_as_many_doubts_are_a_stage_worse_and_one_more_is_not() -> None:
    ranks = [said(doubts=(Doubt("quarantine", number, NOON),))[0].rank for number in (1, 9, 10, 99, 100)]
    assert ranks == [1, 1, 2, 2, 3]


def test_every_kind_of_finding_has_its_words_and_a_new_one_is_told_too() -> None:
    assert set(DOUBTS) == set(KINDS) | {"quarantine", "conflict", "ahead"}
    assert stages(said(doubts=(Doubt("unheard-of", 1, NOON),))) == [("unheard-of", "1 or more", "warning")]


def test_a_month_waits_for_its_close_some_days_after_its_end() -> None:
    due = day("2026-06-06")
    months = (Month(2026, 5),)
    assert said(due - SECOND, pending_months=months) == []
    (alert,) = said(due, pending_months=months)
    assert (alert.id, alert.since, alert.subject) == ("month-close-pending", due, "month 2026-05")
    assert said(due, Rules(close_days=0), pending_months=months) == []


def test_each_month_more_makes_it_worse() -> None:
    one, two = (said(pending_months=months)[0] for months in ((Month(2026, 4),), (Month(2026, 3), Month(2026, 4))))
    assert two.weight > one.weight and two.subject == "month 2026-03 and 1 more"


def test_a_receipt_is_overdue_after_its_days() -> None:
    waiting = HandOver(waits_since=NOON - timedelta(days=45), receipt_at=None)
    assert ids(said(hand_over=waiting)) == ["receipt-overdue"]
    assert said(NOON - SECOND, hand_over=waiting) == []
    assert said(rules=Rules(receipt_days=0), hand_over=waiting) == []


@pytest.mark.parametrize(
    ("free", "total", "word"),
    [
        (2 * GIB, 100 * GIB, None),
        (2 * GIB - 1, 100 * GIB, "warning"),
        (GIB, 10 * GIB, None),
        (GIB - 1, 10 * GIB, "warning"),
        (GIB // 4, 100 * GIB, "warning"),
        (GIB // 4 - 1, 100 * GIB, "critical"),
        (0, 1, "critical"),
    ],
)
def test_a_disk_is_nearly_full_by_its_share_and_by_its_bytes(free: int, total: int, word: str | None) -> None:
    told = said(disks=(Disk("/var/lib/azlic", free, total),))
    assert [alert.severity.word for alert in told] == ([word] if word else [])


def test_an_audit_that_failed_is_told_until_one_passes() -> None:
    assert ids(said(audit=LastAudit(NOON, False, "batch 7 was edited"))) == ["audit-failed"]
    assert said(audit=LastAudit(NOON, True, "")) == []


def test_a_channel_that_fails_is_an_alert_itself() -> None:
    assert ids(said(channels=(ChannelFact("mail", 3, "refused"),))) == ["channel-failing:mail"]


def test_a_ledger_that_cannot_be_asked_is_told_and_hides_no_license() -> None:
    told = ids(said(ledger=UnreadableLedger("no"), licenses=(a_fact(NOON),)))
    assert told == ["ledger-unreadable", "license-expired:/license"]


def test_what_has_no_date_of_its_own_is_dated_by_who_saw_it_first() -> None:
    earlier = NOON - timedelta(days=3)
    (alert,) = said(disks=(Disk("/d", 0, 1),), seen_since={"disk-nearly-full:/d": earlier})
    assert alert.since == earlier


def test_a_condition_that_fails_is_an_alert_and_silences_no_other() -> None:
    broken = object()  # as a fault of azlic's own would leave it
    told = ids(said(disks=(broken,), clock_behind="the clock is behind", licenses=(a_fact(NOON),)))
    assert {"condition-failed:disk", "clock-suspect", "license-expired:/license"} <= set(told)


def heard(site: str, container: str, last: str) -> ContainerActivity:
    days = [DayUse(day_number(day(last)) - n, site, "read", container, "m", 1, 1, day(last)) for n in range(10)]
    return container_activity(days, day_number(NOON))[0]


def test_a_site_that_is_silent_is_told_once_and_a_part_of_one_by_its_containers() -> None:
    silent = [heard("hall-7", name, "2026-05-20") for name in ("a", "b", "c")]
    lively = heard("hall-7", "d", "2026-05-31")
    (alert,) = said(containers=tuple(silent))
    assert (alert.id, alert.severity.word) == ("site-silent:hall-7", "warning")
    assert "3 containers" in alert.meaning and "2026-05-20" in alert.meaning
    told = ids(said(containers=(*silent, lively)))
    assert told == [f"container-silent:hall-7/read/{name}" for name in ("a", "b", "c")]
    here = ids(said(containers=tuple(heard("", name, "2026-05-20") for name in ("a", "b"))))
    assert here == ["container-silent:read/a", "container-silent:read/b"]


def test_head_office_says_which_site_has_not_handed_over_which_months_once_a_site() -> None:
    due = day("2026-05-01") + timedelta(days=45)
    april = HandingFact("hall-7", day("2026-04-20"))
    assert said(due - SECOND, handing=(april,)) == []
    (alert,) = said(due, handing=(april,))
    assert (alert.id, alert.since) == ("hand-over-missing:hall-7", due) and "2026-04 is not" in alert.meaning
    (later,) = said(day("2026-09-01"), handing=(april,))
    assert "2026-04 to 2026-06 are not" in later.meaning
    never = HandingFact("hall-8", None)
    assert ids(said(due, handing=(april, never))) == ["hand-over-missing:hall-7", "hand-over-missing:hall-8"]
    assert said(due, Rules(receipt_days=0), handing=(april, never)) == []
    assert ids(said(due, Rules(closed_sites=("hall-7",)), handing=(april, never))) == ["hand-over-missing:hall-8"]
    (other,) = said(due, Rules(closed_sites=("hall-7",)), handing=(april, never))
    assert 'closed_sites = ["hall-7", "hall-8"]' in other.action
    assert said(due, handing=(HandingFact("hall-7", day("2026-05-02")),)) == []
