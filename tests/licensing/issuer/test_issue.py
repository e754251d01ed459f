import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from licensing.core.errors import BadCall
from licensing.db.database import reading, writing
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.protocol import LicenseRequest
from licensing.issuer.audit import read_audit_log
from licensing.issuer.book import approve, list_issued
from licensing.issuer.issue import Issuer
from licensing.issuer.resources import list_resources, new_api_key
from licensing.issuer.tables import DownloadRow, ResourceContainerRow
from tests.licensing.issuers import an_issuer, ask, code, given
from tests.site import OPERATOR, START, Site, a_plan

pytestmark = pytest.mark.databases("sqlite", "postgresql")

PLAN_STARTS, PLAN_ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def issuer(site: Site) -> Issuer:
    """An issuer with one approved resource, ``plant-read``."""
    site.add_resource()
    return an_issuer(site)


@pytest.mark.parametrize("slot", [0, 1])
def test_either_key_gets_the_license(site: Site, issuer: Issuer, slot: int) -> None:
    license_ = given(site, ask(issuer, site.api_keys["plant-read"][slot]))
    assert license_.resource.endpoint == "https://issuer.example/plant-read"
    assert (license_.site, license_.container.type, license_.plan) == ("hall 7", "read", a_plan())
    assert [line.key_slot for line in list_issued(site.issuer_store)] == [slot + 1]


@pytest.mark.parametrize("key", ["", "nobody's", "0" * 64, "é"])
def test_rule_1_an_unknown_key_is_invalid(issuer: Issuer, key: str) -> None:
    assert code(ask(issuer, key)) is DenialCode.INVALID


@pytest.mark.parametrize("resource", ["other-read", "nowhere", "PLANT-READ"])
def test_rule_2_the_key_of_another_resource_is_a_mismatch(site: Site, issuer: Issuer, resource: str) -> None:
    site.add_resource("other-read")
    assert code(ask(issuer, site.api_keys["plant-read"][0], resource=resource)) is DenialCode.MISMATCH


@pytest.mark.parametrize("container", ["speech-to-text", "translator"])
def test_rule_3_a_container_of_another_kind_is_a_mismatch(site: Site, issuer: Issuer, container: str) -> None:
    assert code(ask(issuer, site.api_keys["plant-read"][0], container=container)) is DenialCode.MISMATCH


def test_rule_4_a_subscription_must_be_approved(site: Site, issuer: Issuer) -> None:
    site.add_resource("new-read", approved=False)
    key = site.api_keys["new-read"][0]
    assert code(ask(issuer, key, resource="new-read")) is DenialCode.UNAUTHORIZED
    approve(site.issuer_store, "new-read-subscription", now=site.now, actor=OPERATOR)
    assert given(site, ask(issuer, key, resource="new-read")).serial == 1


def test_rule_5_only_the_disconnected_sku_pays_for_disconnected_containers(site: Site, issuer: Issuer) -> None:
    site.add_resource("standard", sku="S0")
    answer = ask(issuer, site.api_keys["standard"][0], resource="standard")
    assert code(answer) is DenialCode.UNAUTHORIZED
    assert isinstance(answer, Denial) and "has SKU S0, and only DC0" in answer.detail


def test_rule_6_the_container_must_be_on_the_resources_list(site: Site, issuer: Issuer) -> None:
    with writing(site.issuer_store) as connection:
        connection.execute(delete(ResourceContainerRow))
    assert code(ask(issuer, site.api_keys["plant-read"][0])) is DenialCode.UNAUTHORIZED


@pytest.mark.parametrize("version", ["3.1.9", "4", "4.0-preview"])
def test_rule_8_the_version_must_be_one_that_the_resource_licenses(site: Site, issuer: Issuer, version: str) -> None:
    key = site.api_keys["plant-read"][0]
    answer = ask(issuer, key, version=version)
    assert code(answer) is DenialCode.MISMATCH
    assert isinstance(answer, Denial) and "versions 3.2 up to, not including, 4" in answer.detail
    assert list_issued(site.issuer_store) == []
    assert given(site, ask(issuer, key)).serial == 1


@pytest.mark.parametrize(
    ("now", "runs"),
    [(PLAN_STARTS - TICK, False), (PLAN_STARTS, True), (PLAN_ENDS - TICK, True), (PLAN_ENDS, False)],
    ids=["just before it starts", "as it starts", "just before it ends", "as it ends"],
)
def test_rule_9_a_plan_must_be_in_force(site: Site, issuer: Issuer, now: datetime, runs: bool) -> None:
    answer = ask(issuer, site.api_keys["plant-read"][0], now=now)
    assert isinstance(answer, bytes) if runs else code(answer) is DenialCode.OUT_OF_QUOTA


def test_the_rules_are_asked_in_their_order(site: Site, issuer: Issuer) -> None:
    """Each request breaks one rule more than the one before, and hears of the earliest it breaks."""
    late = PLAN_ENDS
    site.add_resource("new-read", approved=False)
    key, new_key = site.api_keys["plant-read"][0], site.api_keys["new-read"][0]
    with writing(site.issuer_store) as connection:
        connection.execute(delete(ResourceContainerRow).where(ResourceContainerRow.resource == "new-read"))
    assert [
        code(ask(issuer, key, now=late)),
        code(ask(issuer, new_key, resource="new-read", now=late)),
        code(ask(issuer, new_key, resource="new-read", container="speech-to-text", now=late)),
        code(ask(issuer, new_key, container="speech-to-text", now=late)),
        code(ask(issuer, "nobody's", container="speech-to-text", now=late)),
    ] == [
        DenialCode.OUT_OF_QUOTA,
        DenialCode.UNAUTHORIZED,
        DenialCode.MISMATCH,
        DenialCode.MISMATCH,
        DenialCode.INVALID,
    ]


def test_a_denial_takes_no_serial_and_leaves_no_line_in_the_book(site: Site, issuer: Issuer) -> None:
    key = site.api_keys["plant-read"][0]
    ask(issuer, key, now=PLAN_ENDS)
    ask(issuer, key, container="speech-to-text")
    assert list_issued(site.issuer_store) == []
    assert given(site, ask(issuer, key)).serial == 1


def test_the_serial_of_a_license_only_rises_and_each_resource_has_its_own(site: Site, issuer: Issuer) -> None:
    site.add_resource("other-read")
    keys = site.api_keys
    first = [given(site, ask(issuer, keys["plant-read"][n % 2])) for n in range(3)]
    other = given(site, ask(issuer, keys["other-read"][0], resource="other-read"))
    assert [license_.serial for license_ in [*first, other]] == [1, 2, 3, 1]
    assert len({license_.license_id for license_ in first}) == 1
    assert other.license_id != first[0].license_id


def test_two_who_download_at_once_never_share_a_serial(site: Site, issuer: Issuer) -> None:
    keys = site.api_keys["plant-read"]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda key: [ask(issuer, key) for _ in range(50)], keys))
    serials = [[given(site, answer).serial for answer in mine] for mine in answers]
    assert sorted(serials[0] + serials[1]) == list(range(1, 101))
    assert serials == [sorted(mine) for mine in serials]
    assert [line.serial for line in list_issued(site.issuer_store)] == list(range(1, 101))


def test_a_license_runs_for_its_term_but_never_past_the_plan(site: Site, issuer: Issuer) -> None:
    site.add_resource("short", term=timedelta(days=30), grace_days=3)
    short = given(site, ask(issuer, site.api_keys["short"][0], resource="short"))
    assert (short.expires_at, short.grace_days) == (START + timedelta(days=30), 3)
    assert given(site, ask(issuer, site.api_keys["plant-read"][0])).expires_at == PLAN_ENDS


def test_a_license_begins_when_it_is_asked_for_in_whole_seconds(site: Site, issuer: Issuer) -> None:
    now = START + timedelta(microseconds=999_999)
    license_ = given(site, ask(issuer, site.api_keys["plant-read"][0], now=now))
    assert license_.issued_at == license_.not_before == START


def test_the_book_names_each_license_and_the_digest_of_its_bytes(site: Site, issuer: Issuer) -> None:
    answer = ask(issuer, site.api_keys["plant-read"][1])
    license_ = given(site, answer)
    (line,) = list_issued(site.issuer_store)
    assert (line.license_id, line.serial, line.resource) == (license_.license_id, 1, "plant-read")
    assert (line.issued_at, line.expires_at) == ("2026-03-01T08:00:00Z", "2027-01-01T00:00:00Z")
    with reading(site.issuer_store) as connection:
        digest = connection.execute(select(DownloadRow.digest)).scalar_one()
    assert isinstance(answer, bytes) and digest == hashlib.sha256(answer).digest()


def test_a_request_without_a_key_is_answered_in_the_transaction_of_who_vouches_for_it(
    site: Site, issuer: Issuer
) -> None:
    request = LicenseRequest(container_type="read", container_version="3.2.0", site="hall 7")
    with writing(site.issuer_store) as connection:
        answer = issuer.answer(connection, request, resource="plant-read", now=START)
    assert given(site, answer).serial == 1
    assert [(line.key_slot, line.site) for line in list_issued(site.issuer_store)] == [(0, "hall 7")]
    assert read_audit_log(site.issuer_store).entries[-1].actor == "plant-read offline request"


@pytest.mark.databases("sqlite")
def test_keys_are_kept_as_digests_only(site: Site, issuer: Issuer) -> None:
    keys = site.api_keys["plant-read"]
    ask(issuer, keys[0])
    site.close()
    kept = b"".join(path.read_bytes() for path in site.folder.glob("issuer.db*"))
    for key in keys:
        assert hashlib.sha256(key.encode()).digest() in kept
        assert key.encode() not in kept
        assert bytes.fromhex(key) not in kept


def test_the_two_keys_of_a_resource_are_256_bits_each_and_no_two_alike(site: Site) -> None:
    for name in ("a", "b"):
        site.add_resource(name)
    keys = [key for pair in site.api_keys.values() for key in pair]
    assert len(set(keys)) == 4
    assert {len(bytes.fromhex(key)) for key in keys} == {32}


def test_a_name_that_is_taken_is_refused_and_its_keys_stay(site: Site, issuer: Issuer) -> None:
    key = site.api_keys["plant-read"][0]
    with pytest.raises(BadCall, match="already"):
        site.add_resource()
    assert given(site, ask(issuer, key)).serial == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "plant/read"}, "is not a valid resource name"),
        ({"subscription": ""}, "the subscription '' is empty"),
        ({"term": timedelta(milliseconds=999)}, "shorter than a second"),
        ({"term": timedelta(days=-1)}, "shorter than a second"),
        ({"grace_days": -1}, "from 0 to 366 days"),
        ({"version_from": "4", "version_below": "3.2"}, "the version range is empty"),
        ({"version_from": "latest"}, "does not begin with a version number"),
        ({"plan": a_plan(plan_type=" ")}, "the plan type ' ' is empty"),
    ],
)
def test_a_resource_no_license_could_be_made_from_is_refused_when_it_is_entered(
    site: Site, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(BadCall, match=said):
        site.add_resource(**({"name": "plant-read"} | changes))  # type: ignore[arg-type]
    assert list_resources(site.issuer_store, now=START) == []


def test_a_container_type_may_be_written_in_any_case(site: Site) -> None:
    site.add_resource(container_type="Read")
    (known,) = list_resources(site.issuer_store, now=START)
    assert [container.container_type for container in known.containers] == ["read"]


def test_a_new_key_takes_the_place_of_the_old_one_alone(site: Site, issuer: Issuer) -> None:
    first, second = site.api_keys["plant-read"]
    new = new_api_key(site.issuer_store, "plant-read", 1, now=START, actor=OPERATOR)
    assert code(ask(issuer, first)) is DenialCode.INVALID
    assert [given(site, ask(issuer, key)).serial for key in (second, new)] == [1, 2]


@pytest.mark.parametrize(("resource", "slot"), [("nowhere", 1), ("plant-read", 3)])
def test_a_key_of_nothing_cannot_be_made_new(site: Site, issuer: Issuer, resource: str, slot: int) -> None:
    with pytest.raises(BadCall, match=f"resource {resource} has no key {slot}"):
        new_api_key(site.issuer_store, resource, slot, now=START, actor=OPERATOR)


def test_an_unknown_container_type_or_subscription_is_refused(site: Site) -> None:
    with pytest.raises(BadCall, match="'translator'") as refused:
        site.add_resource(container_type="translator")
    assert "read, speech-to-text" in refused.value.hint
    with pytest.raises(BadCall, match="there is no subscription nobody"):
        approve(site.issuer_store, "nobody", now=site.now, actor=OPERATOR)


def test_resources_of_one_subscription_are_approved_together(site: Site, issuer: Issuer) -> None:
    for name in ("a", "b"):
        site.add_resource(name, subscription="shared", approved=name == "b")
    assert given(site, ask(issuer, site.api_keys["a"][0], resource="a")).serial == 1
