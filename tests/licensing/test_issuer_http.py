import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from licensing import database
from licensing.document import LICENSE_TYPE
from licensing.envelope import parse_envelope
from licensing.protocol import KEY_HEADER, LICENSE_MEDIA_TYPE
from tests.site import Site

BODY = {"container_type": "read", "container_version": "3.2.0"}


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """A client of a license server that knows ``plant-read`` and waits only a moment for a lock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "BUSY_SECONDS", 0.02)
        site.add_resource()
        with site.license_server() as server, httpx.Client(base_url=server) as client:
            yield client


def ask(client: httpx.Client, key: str | None, body: object = BODY, resource: str = "plant-read") -> httpx.Response:
    headers = {} if key is None else {KEY_HEADER: key}
    return client.post(f"/{resource}/license", json=body, headers=headers)


def test_a_license_is_answered_as_an_envelope(site: Site, client: httpx.Client) -> None:
    answer = ask(client, site.api_keys["plant-read"][0])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, LICENSE_MEDIA_TYPE)
    assert parse_envelope(answer.content).payload_type == LICENSE_TYPE


@pytest.mark.parametrize("key", [None, "", "wrong", "x" * 257], ids=["no key", "an empty key", "wrong", "too long"])
def test_without_a_good_key_the_answer_is_invalid(client: httpx.Client, key: str | None) -> None:
    answer = ask(client, key)
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message"}
    assert answer.json()["code"] == "Invalid"


def test_a_denial_says_why_without_the_key(site: Site, client: httpx.Client) -> None:
    key = site.api_keys["plant-read"][0]
    answer = ask(client, key, resource="other-read")
    assert (answer.status_code, answer.json()["code"]) == (403, "Mismatch")
    assert key not in answer.text


@pytest.mark.parametrize(
    "body",
    [{}, [], "read", BODY | {"container_version": "latest"}, BODY | {"serial": 7}, BODY | {"site": "a\nb"}],
    ids=["empty", "a list", "a text", "a version without a number", "an unknown field", "a line break"],
)
def test_a_request_that_is_not_usable_is_a_bad_request(site: Site, client: httpx.Client, body: object) -> None:
    answer = ask(client, site.api_keys["plant-read"][0], body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert "body" in answer.json()["message"]


def test_while_the_store_is_locked_the_answer_is_busy_with_a_time_to_wait(site: Site, client: httpx.Client) -> None:
    key = site.api_keys["plant-read"][0]
    with closing(sqlite3.connect(site.folder / "issuer.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        busy = ask(client, key)
        other.execute("ROLLBACK")
    assert (busy.status_code, busy.json()["code"], busy.headers["Retry-After"]) == (503, "BillingEndpointBusy", "5")
    assert ask(client, key).status_code == 200


def test_a_store_that_fails_is_unknown(site: Site, client: httpx.Client) -> None:
    key = site.api_keys["plant-read"][0]
    with closing(sqlite3.connect(site.folder / "issuer.db")) as other:
        other.execute("DROP TABLE issuer_resource_key")
    answer = ask(client, key)
    assert (answer.status_code, answer.json()["code"]) == (500, "Unknown")
    assert key not in answer.text


def test_the_server_says_that_it_lives_and_shows_no_schema(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3
