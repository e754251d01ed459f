from datetime import UTC, datetime, timedelta

import pytest

from licensing.core.errors import BadCall
from licensing.delivery.denial import Denial, DenialCode
from licensing.issuer.book import withdraw
from licensing.issuer.plans import plan_of, set_plan
from licensing.issuer.resources import list_resources
from licensing.signing.document import CommittedPlan
from tests.licensing.issuers import an_issuer, ask, code, given
from tests.site import OPERATOR, START, Site, a_plan

pytestmark = pytest.mark.databases("sqlite", "postgresql")

END_2026, END_2027 = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
NEXT = a_plan("read-2027", starts_at=END_2026, ends_at=END_2027)


@pytest.fixture
def resource(site: Site) -> Site:
    """A site whose issuer has a resource on a plan for 2026."""
    site.add_resource()
    return site


def put_on(site: Site, plan: CommittedPlan, now: datetime = START) -> bool:
    return set_plan(site.issuer_store, "plant-read", plan, now=now, actor=OPERATOR)


def download(site: Site, now: datetime) -> bytes | Denial:
    return ask(an_issuer(site), site.api_keys["plant-read"][0], now=now)


def test_a_plan_that_ended_and_was_renewed_goes_on_with_the_same_license(resource: Site) -> None:
    before = given(resource, download(resource, START))
    late = END_2026 + timedelta(days=5)
    assert code(download(resource, late)) is DenialCode.OUT_OF_QUOTA
    assert put_on(resource, NEXT, late)
    after = given(resource, download(resource, late))
    assert (after.license_id, after.serial) == (before.license_id, before.serial + 1)
    assert (before.expires_at, after.expires_at, after.plan) == (END_2026, END_2027, NEXT)


def test_a_plan_entered_ahead_of_time_leaves_the_present_one_in_force_until_it_begins(resource: Site) -> None:
    assert not put_on(resource, NEXT)
    last, first = END_2026 - timedelta(seconds=1), END_2026
    assert [given(resource, download(resource, now)).plan.name for now in (START, last, first)] == [
        "read-2026",
        "read-2026",
        "read-2027",
    ]
    (known,) = list_resources(resource.issuer_store, now=START)
    assert (known.plan, known.next_plan) == (a_plan(), NEXT)
    (known,) = list_resources(resource.issuer_store, now=first)
    assert (known.plan, known.next_plan) == (NEXT, None)


def test_a_present_plan_may_be_replaced_without_losing_the_next(resource: Site) -> None:
    put_on(resource, NEXT)
    assert put_on(resource, a_plan("larger", tier="T2"))
    assert given(resource, download(resource, START)).plan.tier == "T2"
    assert given(resource, download(resource, END_2026)).plan == NEXT


def test_a_next_plan_that_has_begun_is_the_present_one(resource: Site) -> None:
    put_on(resource, NEXT)
    following = a_plan("read-2028", starts_at=END_2027, ends_at=END_2027 + timedelta(days=366))
    assert not put_on(resource, following, now=END_2026)
    assert plan_of(resource.issuer_store, "plant-read", now=END_2026) == NEXT
    assert put_on(resource, a_plan("mended", starts_at=END_2026, ends_at=END_2027), now=END_2026)
    assert given(resource, download(resource, END_2026)).plan.name == "mended"
    assert given(resource, download(resource, END_2027)).plan == following


def test_a_plan_of_nothing_is_refused(resource: Site) -> None:
    with pytest.raises(BadCall, match="there is no resource nowhere"):
        set_plan(resource.issuer_store, "nowhere", NEXT, now=START, actor=OPERATOR)
    with pytest.raises(BadCall, match="the tier ' T1' is empty, or has spaces"):
        put_on(resource, a_plan(tier=" T1"))


def test_an_approval_that_is_withdrawn_ends_the_downloads(resource: Site) -> None:
    given(resource, download(resource, START))
    who = {"now": START, "actor": OPERATOR}
    assert withdraw(resource.issuer_store, "plant-read-subscription", **who)  # type: ignore[arg-type]
    assert not withdraw(resource.issuer_store, "plant-read-subscription", **who)  # type: ignore[arg-type]
    assert code(download(resource, START)) is DenialCode.UNAUTHORIZED
    with pytest.raises(BadCall, match="there is no subscription nobody"):
        withdraw(resource.issuer_store, "nobody", now=START, actor=OPERATOR)
