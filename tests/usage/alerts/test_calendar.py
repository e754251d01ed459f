from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar

from tests.usage.alerts.states import NOON, a_fact, a_plan_fact, a_state
from usage.alerts.calendar import calendar_file, list_renewals
from usage.alerts.rules import Rules

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


def test_a_renewed_license_moves_its_entry_and_adds_none() -> None:
    before, after = events(ENDS), events(ENDS + timedelta(days=365))
    assert [event["UID"] for event in before] == [event["UID"] for event in after]
    assert all(int(new["SEQUENCE"]) > int(old["SEQUENCE"]) for old, new in zip(before, after, strict=True))  # type: ignore[call-overload]


def test_the_same_state_is_the_same_file() -> None:
    assert events(ENDS) == events(ENDS)
