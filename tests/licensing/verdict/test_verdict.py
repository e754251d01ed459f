from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from licensing.verdict.verdict import Status
from tests.site import START, Site, a_license

END = datetime(2027, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("at", "days"),
    [
        (END - timedelta(days=2), 2),
        (END - timedelta(days=2) + TICK, 1),
        (END - TICK, 0),
        (END, 0),
        (END + TICK, -1),
        (END + timedelta(days=1), -1),
    ],
)
def test_days_left_are_rounded_down(site: Site, at: datetime, days: int) -> None:
    site.install()
    assert site.verify(at).days_left == days


def test_the_answer_says_when_it_will_change(site: Site) -> None:
    site.install(a_license(not_before=START + timedelta(days=1), grace_days=7))
    at, changes = START, []
    while (following := site.verify(at).changes_at) is not None:
        changes.append(following)
        at = following
    assert changes == [START + timedelta(days=1), END - timedelta(days=60), END, END + timedelta(days=7)]


def test_without_a_license_nothing_is_known_about_days(site: Site) -> None:
    verdict = site.verify()
    assert (verdict.days_left, verdict.changes_at, verdict.license, verdict.key_id) == (None, None, None, None)


@pytest.mark.parametrize("status", Status)
def test_only_valid_expiring_and_grace_let_the_container_run(site: Site, status: Status) -> None:
    site.install()
    assert replace(site.verify(), status=status).may_run is (status in {"valid", "expiring", "grace"})
