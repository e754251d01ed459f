from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar, Component

from licensing.verdict.verdict import Status
from tests.usage.alerts.states import NOON, a_fact, a_plan_fact, a_state, refused
from usage.alerts.calendar import calendar_file, list_renewals, list_unknown
from usage.alerts.rules import Rules
from usage.alerts.state import State, UnreadableLedger

ENDS = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


def told(**facts: object) -> list[tuple[str, date]]:
    found = list_renewals(a_state(NOON, **facts), Rules(lead_days=90))
    return [(entry.name, entry.at.date()) for entry in found]


def test_a_license_has_a_day_to_start_and_a_day_on_which_it_ends() -> None:
    assert told(licenses=(a_fact(ENDS),)) == [
        ("license-renewal:/license", date(2026, 10, 2)),
        ("license-end:/license", date(2026, 12, 31)),
    ]


def test_grace_has_a_day_where_there_is_any() -> None:
    names = [name for name, _ in told(licenses=(a_fact(ENDS, grace_ends_at=ENDS + timedelta(days=3)),))]
    assert names == ["license-renewal:/license", "license-end:/license", "license-grace-end:/license"]


def test_a_plan_stands_there_unless_something_follows_it() -> None:
    assert [name for name, _ in told(plans=(a_plan_fact(ends_at=ENDS, followed=False),))] == [
        "plan-renewal:read-2026",
        "plan-end:read-2026",
    ]
    assert told(plans=(a_plan_fact(ends_at=ENDS), a_plan_fact(ends_at=ENDS, renews=True, followed=False))) == []


def events(ends: datetime, now: datetime = NOON) -> list[dict[str, object]]:
    state = a_state(now, licenses=(a_fact(ends, path="/a,b;c\nd"),))
    content = calendar_file(list_renewals(state, Rules()), site="plant", now=now)
    assert content.endswith(b"END:VCALENDAR\r\n") and all(len(line) <= 75 for line in content.split(b"\r\n"))
    return [dict(event.items()) for event in Calendar.from_ical(content).walk("VEVENT")]


def test_the_file_is_read_back_with_whole_days() -> None:
    (start, end) = events(ENDS)
    assert end["DTSTART"].dt == date(2026, 12, 31) and start["DTSTART"].dt == date(2026, 11, 1)  # type: ignore[attr-defined]
    assert end["SUMMARY"] == "The license for read ends (plant)"
    assert str(end["DESCRIPTION"]).startswith("/a,b;c\\nd: it ends at 2026-12-31T23:59:59Z")


def file_of(ends: datetime | None, *, earlier: bytes = b"", now: datetime = NOON) -> bytes:
    """The calendar of a site with a license that ends then, or that had one."""
    fact = refused(Status.MISSING) if ends is None else a_fact(ends)
    return calendar_file(list_renewals(a_state(now, licenses=(fact,)), Rules()), site="plant", now=now, earlier=earlier)


def by_uid(content: bytes) -> dict[str, Component]:
    return {str(event["UID"]): event for event in Calendar.from_ical(content).walk("VEVENT")}


def number(event: Component) -> int:
    return int(str(event["SEQUENCE"]))


@pytest.mark.parametrize("moved", [timedelta(days=365), timedelta(days=-30), timedelta(days=-1)], ids=str)
@pytest.mark.parametrize("later", [timedelta(), timedelta(seconds=1), timedelta(days=300)], ids=str)
def test_a_renewal_moves_the_entry_and_its_sequence_rises_whichever_way(moved: timedelta, later: timedelta) -> None:
    first = file_of(ENDS)
    second = file_of(ENDS + moved, earlier=first, now=NOON + later)
    third = file_of(ENDS, earlier=second, now=NOON + later)
    files = [by_uid(content) for content in (first, second, third)]
    assert len({tuple(file) for file in files}) == 1
    for uid in files[0]:
        numbers = [number(file[uid]) for file in files]
        assert numbers == sorted(set(numbers)), numbers


def test_without_the_file_before_the_sequence_rises_with_time() -> None:
    first, second = by_uid(file_of(ENDS)), by_uid(file_of(ENDS - timedelta(days=9), now=NOON + timedelta(seconds=1)))
    assert all(number(second[uid]) > number(first[uid]) > 30_000 for uid in first)


def test_what_did_not_change_stays_as_it_was() -> None:
    first = file_of(ENDS)
    assert file_of(ENDS, earlier=first, now=NOON + timedelta(days=3)) == first


@pytest.mark.parametrize("gone", ["missing", "forgotten"])
def test_a_license_that_went_becomes_a_cancelled_entry_and_comes_back(gone: str) -> None:
    first, later = file_of(ENDS), NOON + timedelta(days=1)
    nothing = calendar_file((), site="plant", now=later, earlier=first)
    second = file_of(None, earlier=first, now=later) if gone == "missing" else nothing
    assert b"METHOD:PUBLISH" in second
    before, cancelled = by_uid(first), by_uid(second)
    assert before.keys() == cancelled.keys()
    assert {str(event["STATUS"]) for event in cancelled.values()} == {"CANCELLED"}
    assert not Calendar.from_ical(second).walk("VALARM")
    again = by_uid(file_of(ENDS, earlier=second, now=later))
    assert {str(event["STATUS"]) for event in again.values()} == {"CONFIRMED"}
    for uid in before:
        assert number(before[uid]) < number(cancelled[uid]) < number(again[uid])


def test_what_cannot_be_looked_at_keeps_its_entries_and_what_is_known_moves() -> None:
    plans, later = (a_plan_fact(ends_at=ENDS, followed=False),), NOON + timedelta(days=1)
    licenses = (a_fact(ENDS), a_fact(ENDS, path="/other"))
    state = a_state(NOON, licenses=licenses, plans=plans)
    first = calendar_file(list_renewals(state, Rules()), site="plant", now=NOON)

    def again(state: State) -> set[tuple[str, str]]:
        entries, unknown = list_renewals(state, Rules()), list_unknown(state)
        content = calendar_file(entries, site="plant", now=later, earlier=first, unknown=unknown)
        return {(str(event["SUMMARY"]), str(event["STATUS"])) for event in by_uid(content).values()}

    before = {(str(event["SUMMARY"]), "CONFIRMED") for event in by_uid(first).values()}
    blind = a_state(later, licenses=(a_fact(ENDS),), ledger=UnreadableLedger("it is not there"))
    assert again(blind) == before
    for status in (Status.UNREADABLE, Status.UNTRUSTED):
        unread = replace(refused(status), path="/other")
        assert again(a_state(later, licenses=(a_fact(ENDS), unread), plans=plans)) == before
    assert {status for _, status in again(a_state(later, plans=plans))} == {"CONFIRMED", "CANCELLED"}


def test_each_entry_reminds() -> None:
    for event in by_uid(file_of(ENDS)).values():
        (alarm,) = event.walk("VALARM")
        assert (str(alarm["ACTION"]), alarm.decoded("TRIGGER")) == ("DISPLAY", timedelta(hours=9))
        assert alarm["DESCRIPTION"]


def test_what_is_no_calendar_is_replaced() -> None:
    assert file_of(ENDS, earlier=b"\xff no calendar") == file_of(ENDS)


def test_the_same_state_is_the_same_file() -> None:
    assert events(ENDS) == events(ENDS)
