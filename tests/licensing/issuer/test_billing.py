"""What an issuer asks a connected container, and that what it reports is booked once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from licensing.delivery.denial import DenialCode
from licensing.delivery.protocol import KEY_HEADER
from licensing.delivery.usage_report import MeterReport, Reporter
from licensing.issuer.audit import read_audit_log
from licensing.issuer.billing import BadReport, Billed
from licensing.issuer.book import approve, withdraw
from licensing.issuer.http import MAX_REQUEST_BYTES
from licensing.issuer.resources import list_resources, new_api_key, stop_at_quota
from tests.site import METER, OPERATOR, START, Site, a_plan
from usage.auditing.run import audit

NAME = "web-read"
ON_BOTH = pytest.mark.databases("sqlite", "postgresql")
CONTAINER = {"containerType": "read", "containerVersion": "3.2.0", "containerId": "0123456789ab"}
BODY = {
    "id": "01900000-0000-7000-8000-00000000000a",
    **CONTAINER,
    "meter": {"name": METER, "quantity": 7},
    "requestTime": int(START.timestamp()) * 1000,
    "apiType": "vision.read",
}


@pytest.fixture
def connected(site: Site) -> Site:
    """A site whose issuer has a resource for connected containers, ``web-read``."""
    site.add_resource(NAME, sku="S0")
    return site


def reporter(**changes: str) -> Reporter:
    fields = {"container_type": "read", "container_version": "3.2.0", "container_id": "0123456789ab"}
    return Reporter(**(fields | changes))


def a_report(identity: str = "1", quantity: str = "7", **changes: object) -> MeterReport:
    meter = {"name": METER, "quantity": Decimal(quantity)}
    return MeterReport.model_validate(BODY | {"id": identity, "meter": meter} | changes)


def check(site: Site, key: str | None = None, *, resource: str = NAME, **changes: str) -> DenialCode | None:
    api_key = site.api_keys[resource][0] if key is None else key
    billed = site.billing().check(reporter(**changes), resource=resource, api_key=api_key, now=site.now)
    return None if billed.denial is None else billed.denial.code


def book(site: Site, report: MeterReport, key: str | None = None, resource: str = NAME) -> Billed:
    api_key = site.api_keys[resource][0] if key is None else key
    return site.billing().report(report, resource=resource, api_key=api_key, now=site.now)


def booked(site: Site) -> int:
    """What the vendor's report says was used, in millionths."""
    return sum(usage.month for usage in site.report("2026-03").usages)


@pytest.mark.parametrize("slot", [0, 1])
def test_either_key_is_valid(connected: Site, slot: int) -> None:
    assert check(connected, connected.api_keys[NAME][slot]) is None


def test_a_key_that_was_replaced_is_invalid_and_the_other_goes_on(connected: Site) -> None:
    old = connected.api_keys[NAME][0]
    new_api_key(connected.issuer_store, NAME, 1, now=connected.now, actor=OPERATOR)
    assert check(connected, old) is DenialCode.INVALID
    assert check(connected, connected.api_keys[NAME][1]) is None


def test_the_key_of_another_resource_and_a_container_of_another_kind_are_a_mismatch(connected: Site) -> None:
    connected.add_resource("other-read", sku="S1")
    assert check(connected, connected.api_keys["other-read"][0]) is DenialCode.MISMATCH
    assert check(connected, container_type="speech-to-text") is DenialCode.MISMATCH


def test_a_subscription_must_be_approved(connected: Site) -> None:
    withdraw(connected.issuer_store, f"{NAME}-subscription", now=connected.now, actor=OPERATOR)
    assert check(connected) is DenialCode.UNAUTHORIZED
    approve(connected.issuer_store, f"{NAME}-subscription", now=connected.now, actor=OPERATOR)
    assert check(connected) is None


def test_the_sku_of_disconnected_containers_runs_no_connected_ones(connected: Site) -> None:
    connected.add_resource()
    assert check(connected, resource="plant-read") is DenialCode.UNAUTHORIZED


@ON_BOTH
def test_a_report_is_booked_once_however_often_it_comes(connected: Site) -> None:
    assert [book(connected, a_report()).booked for _ in range(3)] == [True] * 3
    assert book(connected, a_report(), connected.api_keys[NAME][1]).booked
    assert booked(connected) == 7_000_000
    assert not audit(connected.ledger).faults


@ON_BOTH
def test_an_id_with_other_content_is_refused_and_counts_nothing(connected: Site) -> None:
    book(connected, a_report())
    with pytest.raises(BadReport, match="other content"):
        book(connected, a_report(quantity="8"))
    assert booked(connected) == 7_000_000
    book(connected, a_report("2", quantity="1"))
    assert booked(connected) == 8_000_000
    assert not audit(connected.ledger).faults


def test_what_a_denied_key_reports_is_not_booked(connected: Site) -> None:
    billed = book(connected, a_report(), "nobody's")
    assert billed.denial is not None and (billed.denial.code, billed.booked) == (DenialCode.INVALID, False)
    assert booked(connected) == 0


@ON_BOTH
@pytest.mark.parametrize("quantity", ["0.0000001", "1e300", "99999999999999"])
def test_what_is_no_quantity_is_refused_and_counts_nothing(connected: Site, quantity: str) -> None:
    with pytest.raises(BadReport):
        book(connected, a_report(quantity=quantity))
    assert booked(connected) == 0


@ON_BOTH
def test_connected_and_disconnected_use_draw_on_one_plan_and_the_quota_ends_both(connected: Site) -> None:
    connected.enter_plan(a_plan(quota={"quantity": 10, "unit": "Transaction"}))
    connected.install()
    with connected.start_engine() as client:
        client.post("/count/2").raise_for_status()
    connected.ingest()
    assert book(connected, a_report()) == Billed(None, booked=True)
    (usage,) = connected.report("2026-03").plans
    assert (usage.used, {row.site for row in usage.usages}) == (9_000_000, {"", f"connected:{NAME}"})

    stop_at_quota(connected.issuer_store, NAME, True, now=connected.now, actor=OPERATOR)
    assert check(connected) is None
    beyond = book(connected, a_report("2", quantity="1"))
    assert beyond.booked and beyond.denial is not None
    assert beyond.denial.code is DenialCode.OUT_OF_QUOTA and "commits to 10 Transaction" in beyond.denial.detail
    assert (check(connected), booked(connected)) == (DenialCode.OUT_OF_QUOTA, 10_000_000)
    stop_at_quota(connected.issuer_store, NAME, False, now=connected.now, actor=OPERATOR)
    assert check(connected) is None


def test_a_resource_that_stops_at_its_quota_is_out_of_it_once_its_plan_is_over(connected: Site) -> None:
    assert stop_at_quota(connected.issuer_store, NAME, True, now=connected.now, actor=OPERATOR)
    assert not stop_at_quota(connected.issuer_store, NAME, True, now=connected.now, actor=OPERATOR)
    assert list_resources(connected.issuer_store, now=connected.now)[0].stops_at_quota
    connected.now = a_plan().ends_at - timedelta(microseconds=1)
    assert check(connected) is None
    connected.now = a_plan().ends_at
    assert check(connected) is DenialCode.OUT_OF_QUOTA


@ON_BOTH
def test_every_report_and_every_denial_is_a_line_of_the_audit_log(connected: Site) -> None:
    check(connected)
    check(connected, "nobody's")
    book(connected, a_report())
    book(connected, a_report())
    log = read_audit_log(connected.issuer_store)
    actions = [entry.action for entry in log.entries]
    assert actions[-3:] == ["billing denial", "usage report", "usage report again"]
    assert log.entries[-2].detail["quantity"] == "7" and log.fault is None


@ON_BOTH
def test_reports_that_come_at_once_are_each_booked_once(site: Site) -> None:
    site.wait_seconds = 120  # the last of them waits for all others, however busy the machine is
    site.add_resource(NAME, sku="S0")
    billing, key = site.billing(), site.api_keys[NAME][0]

    def send(number: int) -> Billed:
        return billing.report(a_report(str(number % 6)), resource=NAME, api_key=key, now=site.now)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(24)))
    assert answers == [Billed(None, booked=True)] * 24
    log = read_audit_log(site.issuer_store)
    assert [entry.action for entry in log.entries].count("usage report") == 6 and log.fault is None
    assert booked(site) == 6 * 7_000_000 and not audit(site.ledger).faults


@pytest.fixture
def client(connected: Site) -> Iterator[httpx.Client]:
    with connected.license_server(bills=True) as server, httpx.Client(base_url=f"{server}/{NAME}") as client:
        client.headers[KEY_HEADER] = connected.api_keys[NAME][0]
        yield client


def test_over_http_the_key_is_checked_and_a_report_is_booked(connected: Site, client: httpx.Client) -> None:
    state = {"apiStatus": "Valid", "apiStatusMessage": "Api Key is valid, no action needed."}
    assert client.post("/billing/status", json=CONTAINER).json() == state
    answer = client.post("/billing/usage", json={"usageRequestBody": BODY})
    assert answer.json() == {"id": BODY["id"]} | state
    exact = BODY | {"id": "2", "meter": {"name": METER, "quantity": 0.1}}
    client.post("/billing/usage", json={"usageRequestBody": exact}).raise_for_status()
    assert booked(connected) == 7_100_000


@pytest.mark.parametrize(
    "body",
    [
        {},
        BODY,
        {"usageRequestBody": {}},
        {"usageRequestBody": BODY | {"serial": 1}},
        {"usageRequestBody": BODY | {"id": ""}},
        {"usageRequestBody": BODY | {"id": "a\nb"}},
        {"usageRequestBody": BODY | {"meter": {"name": METER, "quantity": -1}}},
        {"usageRequestBody": BODY | {"meter": {"name": METER, "quantity": "x"}}},
        {"usageRequestBody": BODY | {"meter": {"name": METER, "quantity": 1e-7}}},
        {"usageRequestBody": BODY | {"requestTime": 0}},
        {"usageRequestBody": BODY | {"requestTime": 10**18}},
        {"usage_request_body": BODY},
    ],
)
def test_what_is_no_report_is_a_bad_request(connected: Site, client: httpx.Client, body: object) -> None:
    answer = client.post("/billing/usage", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert booked(connected) == 0


def test_a_denial_has_its_status_and_no_key_in_it(connected: Site, client: httpx.Client) -> None:
    for path, body in (("status", CONTAINER), ("usage", {"usageRequestBody": BODY})):
        answer = client.post(f"/billing/{path}", json=body, headers={KEY_HEADER: "wrong-key"})
        assert (answer.status_code, answer.json()["code"]) == (401, "Invalid")
        assert "wrong-key" not in answer.text
        large = client.post(f"/billing/{path}", content=b" " * (MAX_REQUEST_BYTES + 1))
        assert (large.status_code, large.json()["code"]) == (413, "RequestTooLarge")


@ON_BOTH
def test_while_the_ledger_is_held_the_answer_is_busy_and_nothing_is_lost(connected: Site) -> None:
    connected.wait_seconds = 0.02
    from licensing.db.lock import holding

    with connected.license_server(bills=True) as server, httpx.Client(base_url=f"{server}/{NAME}") as client:
        client.headers[KEY_HEADER] = connected.api_keys[NAME][0]
        with holding(connected.ledger):
            busy = client.post("/billing/usage", json={"usageRequestBody": BODY})
        assert (busy.status_code, busy.json()["code"], busy.headers["Retry-After"]) == (503, "BillingEndpointBusy", "5")
        assert client.post("/billing/usage", json={"usageRequestBody": BODY}).status_code == 200
    assert booked(connected) == 7_000_000


def test_an_issuer_without_a_ledger_bills_nobody(connected: Site) -> None:
    headers = {KEY_HEADER: connected.api_keys[NAME][0]}
    with connected.license_server() as server, httpx.Client(base_url=f"{server}/{NAME}", headers=headers) as client:
        asked = {"status": CONTAINER, "usage": {"usageRequestBody": BODY}}
        for path, body in asked.items():
            answer = client.post(f"/billing/{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
        assert client.post("/billing/status", json={}).json()["apiStatus"] == "Valid"
