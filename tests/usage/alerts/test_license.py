from datetime import timedelta

import pytest

from licensing.verdict.verdict import Cause, Status
from tests.usage.alerts.states import NOON, SECOND, a_fact, ids, refused, said, stages
from usage.alerts.rules import Rules

ENDS = NOON


def test_a_license_that_runs_for_long_says_nothing() -> None:
    assert said(licenses=(a_fact(),)) == []


@pytest.mark.parametrize("days", [90, 60, 30, 14, 7, 1])
def test_each_stage_begins_so_many_days_before_the_end_to_the_second(days: int) -> None:
    crossing = ENDS - timedelta(days=days)
    before = stages(said(crossing - SECOND, licenses=(a_fact(ENDS),)))
    at = stages(said(crossing, licenses=(a_fact(ENDS),)))
    after = stages(said(crossing + SECOND, licenses=(a_fact(ENDS),)))
    word = "critical" if days <= 7 else "warning" if days <= 60 else "notice"
    assert at == after == [("license-expiring", f"{days} day{'s' if days > 1 else ''}", word)]
    assert before != at


def test_the_end_is_exclusive_and_so_is_that_of_the_grace() -> None:
    fact = a_fact(ENDS, grace_ends_at=ENDS + timedelta(days=5))
    told = [
        stages(said(at, licenses=(fact,)))
        for at in (ENDS - SECOND, ENDS, ENDS + timedelta(days=5) - SECOND, ENDS + timedelta(days=5))
    ]
    assert told == [
        [("license-expiring", "1 day", "critical")],
        [("license-expired", "in grace", "critical")],
        [("license-expired", "in grace", "critical")],
        [("license-expired", "ended", "critical")],
    ]
    (ended,) = said(ENDS + timedelta(days=50), licenses=(fact,))
    assert ended.since == ENDS and ended.rank > -1


def test_a_license_begins_at_its_first_second() -> None:
    fact = a_fact(begins=NOON)
    assert ids(said(NOON - SECOND, licenses=(fact,))) == ["license-not-yet-valid:/license"]
    assert said(NOON, licenses=(fact,)) == []


def test_a_stage_is_worse_than_the_one_before_and_dated_back_to_the_first() -> None:
    found = [said(ENDS - timedelta(days=days), licenses=(a_fact(ENDS),))[0] for days in (90, 60, 30, 14, 7, 1)]
    assert [alert.weight for alert in found] == sorted(alert.weight for alert in found)
    assert {alert.since for alert in found} == {ENDS - timedelta(days=90)}
    assert {alert.id for alert in found} == {"license-expiring:/license"}


def test_the_first_warning_is_never_later_than_the_time_it_takes_to_buy() -> None:
    rules = Rules(stages=(30, 7), lead_days=120)
    assert rules.stages_for("read") == (120, 30, 7)
    at = ENDS - timedelta(days=120)
    assert stages(said(at, rules, licenses=(a_fact(ENDS),))) == [("license-expiring", "120 days", "warning")]
    assert said(at - SECOND, rules, licenses=(a_fact(ENDS),)) == []


def test_thresholds_are_those_of_the_container_where_it_has_its_own() -> None:
    rules = Rules(stages=(90,), stages_of={"read": (180, 10)}, lead_days=30)
    at = ENDS - timedelta(days=100)
    assert ids(said(at, rules, licenses=(a_fact(ENDS), a_fact(ENDS, path="/b", container="layout")))) == [
        "license-expiring:/license"
    ]


@pytest.mark.parametrize(
    ("status", "cause", "kind"),
    [
        (Status.MISSING, None, "license-missing"),
        (Status.UNREADABLE, Cause.CLOSED, "license-unreadable"),
        (Status.MALFORMED, None, "license-invalid"),
        (Status.UNTRUSTED, Cause.UNKNOWN_KEY, "license-invalid"),
        (Status.UNTRUSTED, Cause.CHANGED, "license-changed"),
        (Status.CONFLICTING, None, "license-changed"),
        (Status.REVOKED, None, "license-invalid"),
        (Status.SUPERSEDED, None, "license-invalid"),
        (Status.WRONG_INSTANCE, Cause.OTHER_SITE, "license-invalid"),
        (Status.OPAQUE, None, "license-opaque"),
        (Status.OPAQUE, Cause.ADOPTED_CHANGED, "license-changed"),
    ],
)
def test_what_is_no_good_has_a_kind_of_its_own(status: Status, cause: Cause | None, kind: str) -> None:
    """x509-certificate-exporter #312: a file that is missing gave no series at all."""
    (alert,) = said(licenses=(refused(status, cause=cause),))
    assert (alert.kind, alert.stage) == (kind, status)
    assert "/license" in alert.action


@pytest.mark.parametrize("status", ["valid", "expiring", "grace", "not-yet-valid", "expired", "clock-suspect"])
def test_what_dates_decide_cannot_be_told_without_its_dates(status: str) -> None:
    with pytest.raises(ValueError, match="decided by dates"):
        refused(Status(status))


def test_an_end_that_the_operator_stated_is_told_as_stated() -> None:
    (alert,) = said(ENDS - timedelta(days=3), licenses=(a_fact(ENDS, stated=True),))
    assert "stated by the operator" in alert.meaning


def test_an_end_at_the_dawn_of_the_calendar_is_no_error() -> None:
    assert ids(said(licenses=(a_fact(NOON.replace(year=1)),))) == ["license-expired:/license"]


def test_what_is_worst_is_told_first() -> None:
    told = said(
        licenses=(a_fact(NOON + timedelta(days=80), path="/a"), refused(Status.MISSING), a_fact(NOON, path="/b")),
    )
    assert [alert.kind for alert in told] == ["license-expired", "license-missing", "license-expiring"]
