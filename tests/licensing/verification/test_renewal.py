from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from licensing.verification import verify
from licensing.verification.renewal import renewal_starts_at
from tests.site import START, Site, a_license, a_plan

END = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("commitment_ends", "lead_days", "expiring_days", "starts"),
    [
        (END, 60, 60, END - 60 * DAY),
        (END, 61, 60, END - 61 * DAY),
        (END, 59, 60, END - 60 * DAY),
        (END, 0, 0, END),
        (END - DAY, 60, 60, END - 61 * DAY),
        (END + DAY, 60, 60, END - 60 * DAY),
        (END - 90 * DAY, 0, 60, END - 90 * DAY),
        (END - 59 * DAY, 0, 60, END - 60 * DAY),
        (END, 3650, 60, END - 3650 * DAY),
    ],
    ids=[
        "lead and warning are the same",
        "a longer lead comes before the warning",
        "never later than the warning",
        "no lead, no warning",
        "the commitment ends a day before the license",
        "the commitment ends a day after the license",
        "a commitment that ends long before the warning",
        "a commitment that ends after the warning has begun",
        "the longest lead there is",
    ],
)
def test_the_renewal_starts_before_the_first_of_the_two_ends(
    site: Site,
    *,
    commitment_ends: datetime,
    lead_days: int,
    expiring_days: int,
    starts: datetime,
) -> None:
    site.install(a_license(expires_at=END, plan=a_plan(ends_at=commitment_ends)))
    verdict = verify(site.license, trust=site.trust, as_of=START, expiring_days=expiring_days)
    assert renewal_starts_at(verdict, lead_days) == starts


def test_grace_is_not_counted_on(site: Site) -> None:
    site.install(a_license(grace_days=30))
    assert renewal_starts_at(site.verify()) == END - 60 * DAY


def test_without_a_license_there_is_nothing_to_renew(site: Site) -> None:
    assert renewal_starts_at(site.verify()) is None


def test_a_verdict_without_a_warning_still_has_a_renewal(site: Site) -> None:
    site.install()
    assert renewal_starts_at(replace(site.verify(), warn_from=None), 10) == END - 10 * DAY
