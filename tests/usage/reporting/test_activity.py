import pytest

from licensing.core.instants import from_milliseconds
from usage.months import DAY_MS
from usage.reporting.activity import Activity, container_activity
from usage.reporting.daily import DayUse

TODAY = 20_000


def days(*used: int, container: str = "a", site: str = "") -> list[DayUse]:
    """Use so many days before today."""
    return [
        DayUse(TODAY - before, site, "read", container, "m", 1, 1, from_milliseconds((TODAY - before) * DAY_MS))
        for before in used
    ]


@pytest.mark.parametrize(
    ("used", "standing", "quiet", "habit"),
    [
        ((6, 5, 4, 3, 2, 1), Activity.IN_USE, 0, 0),
        ((6, 5, 4, 3, 2), Activity.SILENT, 1, 0),
        ((5, 4, 3, 2, 1, 0), Activity.IN_USE, 0, 0),
        ((15, 12, 9, 6, 3), Activity.IN_USE, 2, 2),
        ((16, 13, 10, 7, 4), Activity.SILENT, 3, 2),
        ((4, 3, 2, 1), Activity.NEW, 0, None),
        ((50, 49, 48, 47), Activity.NEW, 46, None),
        ((95, 94, 93, 92, 91), Activity.SILENT, 90, 0),
        ((96, 95, 94, 93, 92), Activity.GONE, 91, 0),
    ],
    ids=[
        "every day",
        "every day, but not yesterday",
        "today as well",
        "every third day, and the next is today",
        "every third day, and one was missed",
        "four days are no habit",
        "four days long ago are none either",
        "without a record for 90 days",
        "without a record for 13 weeks",
    ],
)
def test_a_container_is_silent_past_its_own_habit(
    used: tuple[int, ...], standing: Activity, quiet: int, habit: int | None
) -> None:
    (found,) = container_activity(days(*used), TODAY)
    assert (found.standing, found.quiet_days, found.habit) == (standing, quiet, habit)


def test_a_pause_of_long_ago_is_no_habit() -> None:
    recent = range(2, 92)
    (with_pause,) = container_activity(days(*recent, 300), TODAY)
    assert with_pause.habit == 0


def test_use_dated_ahead_is_not_silence() -> None:
    (found,) = container_activity(days(6, 5, 4, 3, -2), TODAY)
    assert found.quiet_days == 0 and found.standing is Activity.IN_USE


def test_any_meter_of_a_container_breaks_its_silence_and_sites_are_apart() -> None:
    used = [*days(5, 4, 3, 2, 1), *days(9, 8, 7, 6, 5, site="north"), *days(1, container="b")]
    assert [(one.site, one.container_id, one.standing) for one in container_activity(used, TODAY)] == [
        ("", "a", Activity.IN_USE),
        ("", "b", Activity.NEW),
        ("north", "a", Activity.SILENT),
    ]


def test_the_last_record_is_told_to_the_instant() -> None:
    late = DayUse(TODAY - 1, "", "read", "a", "n", 1, 1, from_milliseconds(TODAY * DAY_MS - 1))
    (found,) = container_activity([*days(1), late], TODAY)
    assert found.last_at == late.last_at


def test_no_use_has_no_containers() -> None:
    assert container_activity([], TODAY) == ()
