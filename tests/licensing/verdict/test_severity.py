from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from licensing.verdict.severity import WORST_FIRST, status_counts, worst_first
from licensing.verdict.verdict import RUNNING, Status
from licensing.verification import verify
from tests.site import START, Site, a_license


def test_every_status_has_one_place() -> None:
    assert sorted(WORST_FIRST) == sorted(Status)


def test_every_refusal_is_worse_than_every_permission() -> None:
    assert set(WORST_FIRST[-len(RUNNING) :]) == RUNNING


def test_valid_is_the_last_and_what_was_revoked_the_first() -> None:
    assert (WORST_FIRST[0], WORST_FIRST[-1]) == (Status.REVOKED, Status.VALID)


def test_the_worst_comes_first_then_what_ends_first_then_by_path(site: Site) -> None:
    for number, days in enumerate((300, 200, 200)):
        site.install(a_license(expires_at=START + timedelta(days=days)), site.folder / f"l{number}")
    site.install(a_license(expires_at=datetime(2026, 3, 20, tzinfo=UTC)), site.folder / "soon")
    names = ("l2", "l0", "soon", "nowhere", "l1")
    verdicts = [verify(site.folder / name, trust=site.trust, as_of=START) for name in names]
    assert [verdict.path.name for verdict in worst_first(verdicts)] == ["nowhere", "soon", "l1", "l2", "l0"]


def test_statuses_are_counted_worst_first(site: Site) -> None:
    one = replace(site.verify(), path=Path("x"))
    statuses = (Status.VALID, Status.EXPIRED, Status.VALID)
    found = status_counts(replace(one, status=status) for status in statuses)
    assert list(found.items()) == [(Status.EXPIRED, 1), (Status.VALID, 2)]
