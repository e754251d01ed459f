"""A connected container over HTTP: its issuer, its ledger and the container answer on loopback sockets."""

import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from fastapi import APIRouter, Depends, Response

from engines.container import connected
from engines.engine import Engine, Facilities
from engines.options import ContainerOptions
from engines.server.errors import require_admission
from licensing.core.errors import AzlicError, BadCall
from licensing.issuer.resources import new_api_key, stop_at_quota
from licensing.verdict.verdict import Verdict
from tests.serving import free_port
from tests.site import CONTAINER_ID, METER, OPERATOR, Site, a_plan, counting_engine
from tests.waiting import eventually
from usage.auditing.run import audit

NAME = "web-read"
VALID = "Api Key is valid, no action needed."
LEFT = "What was used last is not reported"


@pytest.fixture
def connected_site(site: Site) -> Site:
    site.add_resource(NAME, sku="S0")
    return site


class Walk:
    """An issuer that comes and goes at one address, and a container that reports to it."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        self.site, self._stack = site, stack
        self.port = free_port()
        self.client: httpx.Client | None = None
        self._issuer = ExitStack()
        stack.push(self._issuer)
        self._container = ExitStack()
        stack.push(self._container)

    def open_issuer(self) -> None:
        self._issuer.enter_context(self.site.license_server(bills=True, port=self.port))

    def close_issuer(self) -> None:
        self._issuer.close()

    def start(self, *, key: int = 0, container_id: str = CONTAINER_ID, engine: Engine | None = None) -> httpx.Client:
        self._container.close()
        self.client = self._container.enter_context(
            self.site.start_engine(
                engine=engine,
                container_id=container_id,
                billing=f"http://127.0.0.1:{self.port}/{NAME}",
                api_key=self.site.api_keys[NAME][key],
            )
        )
        return self.client

    def stop(self) -> None:
        self._container.close()

    def becomes(self, status: str) -> httpx.Response:
        """Wait until ``/status`` says so; gives its last answer."""
        assert self.client is not None
        client, last = self.client, [self.client.get("/status")]

        def has_become() -> bool:
            last.append(client.get("/status"))
            return bool(last[-1].json()["apiStatus"] == status)

        assert eventually(has_become), last[-1].json()
        return last[-1]

    def later(self, status: str) -> httpx.Response:
        self.site.sleep(minutes=10)
        return self.becomes(status)

    def booked(self) -> int:
        return sum(usage.month for usage in self.site.report("2026-03").usages)


@pytest.fixture
def walk(connected_site: Site) -> Iterator[Walk]:
    with ExitStack() as stack:
        yield Walk(connected_site, stack)


def test_the_whole_walk(walk: Walk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "azlic.container")
    walk.open_issuer()
    client = walk.start()
    status = walk.becomes("Valid")
    assert status.json() == {"service": "read", "apiStatus": "Valid", "apiStatusMessage": VALID}
    assert client.get("/ready").json() == {"service": "read", "ready": "ready", "message": VALID}
    assert "Ready: Api Key is valid, no action needed." in client.get("/").text
    client.post("/count/3").raise_for_status()

    walk.close_issuer()
    down = walk.later("CouldNotConnect")
    assert (down.status_code, down.headers["Retry-After"]) == (503, "600")
    refused = client.post("/count/1")
    assert (refused.status_code, refused.json()["code"]) == (503, "BillingNotValid")
    assert refused.json()["message"].startswith("CouldNotConnect: ") and refused.headers["Retry-After"] == "600"
    assert client.get("/ready").status_code == 503
    assert "Not ready: CouldNotConnect" in client.get("/").text
    assert walk.booked() == 0

    walk.open_issuer()
    walk.later("Valid")
    client.post("/count/4").raise_for_status()
    assert walk.booked() == 3_000_000

    new_api_key(walk.site.issuer_store, NAME, 1, now=walk.site.now, actor=OPERATOR)
    assert walk.later("Invalid").status_code == 503
    assert client.post("/count/1").status_code == 503
    client = walk.start(key=1)
    walk.becomes("Valid")
    assert walk.booked() == 7_000_000
    client.post("/count/5").raise_for_status()
    walk.stop()  # what is left is reported before it ends, and on a slow machine a little later
    assert eventually(lambda: walk.booked() == 12_000_000)
    assert not audit(walk.site.ledger).faults
    said = re.findall(r"Billing is (\w+)", caplog.text)
    assert said == ["Valid", "CouldNotConnect", "Valid", "Invalid", "Valid"]
    assert not any(key in caplog.text for key in walk.site.api_keys[NAME])


def test_what_a_container_left_behind_is_said_and_reported_by_the_next_one(
    walk: Walk, caplog: pytest.LogCaptureFixture
) -> None:
    walk.open_issuer()
    client = walk.start()
    walk.becomes("Valid")
    client.post("/count/3").raise_for_status()
    walk.close_issuer()
    walk.stop()
    assert walk.booked() == 0 and caplog.text.count(LEFT) == 1
    walk.open_issuer()
    walk.start(container_id="ba9876543210")
    walk.becomes("Valid")
    assert walk.booked() == 3_000_000
    walk.stop()
    assert caplog.text.count(LEFT) == 1


def test_after_ten_tries_it_serves_no_more_until_it_is_started_again(walk: Walk) -> None:
    client = walk.start()

    def says(words: str) -> bool:
        return eventually(lambda: words in client.get("/status").json()["apiStatusMessage"])

    for left in range(9, 0, -1):
        assert says(f"trying {left} more times")
        walk.site.sleep(minutes=10)
    assert says("until it is started again")
    walk.open_issuer()
    walk.site.sleep(hours=1)
    assert "Retry-After" not in client.get("/status").headers
    walk.start()
    walk.becomes("Valid")


def test_work_in_hand_is_finished_and_counted_when_the_endpoint_goes(walk: Walk) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def routes(given: Facilities) -> APIRouter:
        router = APIRouter()

        @router.post("/slow", dependencies=[Depends(require_admission(given.admit))])
        def slow() -> Response:
            begun.set()
            assert go_on.wait(60)
            given.meter.record(METER, Decimal(2), at=given.clock())
            return Response(status_code=204)

        return router

    walk.open_issuer()
    client = walk.start(engine=replace(counting_engine(), routes=routes))
    walk.becomes("Valid")
    answers: list[int] = []

    def ask() -> None:
        answers.append(httpx.post(f"{client.base_url}/slow", timeout=60).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(60)
    walk.close_issuer()
    walk.later("CouldNotConnect")
    go_on.set()
    asking.join()
    assert answers == [204]
    walk.open_issuer()
    walk.later("Valid")
    assert walk.booked() == 2_000_000


def test_a_plan_that_is_used_up_is_out_of_quota_and_all_of_it_is_booked(walk: Walk) -> None:
    walk.site.enter_plan(a_plan(quota={"quantity": 5, "unit": "Transaction"}))
    stop_at_quota(walk.site.issuer_store, NAME, True, now=walk.site.now, actor=OPERATOR)
    walk.open_issuer()
    client = walk.start()
    walk.becomes("Valid")
    client.post("/count/6").raise_for_status()
    assert "6 are used" in walk.later("OutOfQuota").json()["apiStatusMessage"]
    assert walk.booked() == 6_000_000


def test_a_license_counts_before_an_endpoint(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.install()
    with site.start_engine(billing="http://127.0.0.1:9/web-read", api_key="x" * 32) as client:
        assert client.get("/status").json()["apiStatus"] == "NonMetered"
        client.post("/count/1").raise_for_status()
    assert caplog.text.count("Billing and ApiKey have no effect") == 1
    assert not list(site.output.rglob("billing.spool"))


def test_an_expired_license_does_not_make_a_container_connected(site: Site) -> None:
    site.install()
    site.sleep(days=400)
    refused = site.container(billing="http://127.0.0.1:9/web-read", api_key="x" * 32)
    assert isinstance(refused, Verdict) and refused.status == "expired"


@pytest.mark.parametrize(
    ("billing", "api_key", "said"),
    [
        ("https://issuer.example/web-read", None, "needs both Billing and ApiKey"),
        (None, "x" * 32, "needs both Billing and ApiKey"),
        ("http://issuer.example/web-read", "x" * 32, "in the clear"),
        ("web-read", "x" * 32, "is not an endpoint"),
    ],
)
def test_what_cannot_be_connected_is_refused(site: Site, billing: str | None, api_key: str | None, said: str) -> None:
    with pytest.raises(BadCall, match=said):
        connected(ContainerOptions(license=site.license, output=site.output, billing=billing, api_key=api_key))


def test_the_key_is_read_from_its_file_where_it_is_needed(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    file = site.folder / "key1"
    options = ContainerOptions(
        license=site.license, output=site.output, billing="https://issuer.example/x", api_key_file=str(file)
    )
    with pytest.raises(AzlicError, match="API key file"):
        connected(options)
    file.write_text("0123456789abcdef\n")
    found = connected(options)
    assert found is not None and found.api_key == "0123456789abcdef"
    site.install()
    assert connected(options) is None and not caplog.records  # the container itself says so


def test_what_is_recorded_under_a_license_is_never_billed(walk: Walk) -> None:
    walk.open_issuer()
    client = walk.start()
    walk.becomes("Valid")
    client.post("/count/1").raise_for_status()
    walk.stop()
    walk.site.install()
    with walk.site.start_engine() as licensed:
        licensed.post("/count/10").raise_for_status()
    (walk.site.license / "license.dat").unlink()
    walk.start()
    walk.becomes("Valid")
    walk.stop()
    assert walk.booked() == 1_000_000
    spool = (walk.site.output / "read" / CONTAINER_ID / "billing.spool").read_text()
    assert [line for line in map(json.loads, spool.splitlines()) if "disconnected_after" in line]
