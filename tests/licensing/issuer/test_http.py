import contextlib
import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from licensing.delivery.protocol import KEY_HEADER, LICENSE_MEDIA_TYPE
from licensing.issuer.http import MAX_REQUEST_BYTES
from licensing.issuer.issue import Issuer
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import parse_envelope
from tests.site import Site

BODY = {"container_type": "read", "container_version": "3.2.0"}


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """A client of a license server that knows ``plant-read`` and waits only a moment for a lock."""
    site.wait_seconds = 0.02
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
    assert key not in answer.text and "issuer.db" not in answer.text and "resource_key" not in answer.text


def test_the_server_says_that_it_lives_and_shows_no_schema(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3


def test_what_nobody_thought_of_is_unknown_and_logged_in_one_line(
    site: Site, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("with " + site.api_keys["plant-read"][0])

    monkeypatch.setattr(Issuer, "download", explode)
    answer = ask(client, site.api_keys["plant-read"][0])
    assert (answer.status_code, answer.json()["code"]) == (500, "Unknown")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "azlic.issuer"]
    assert re.fullmatch(r"a download failed: ZeroDivisionError at .*test_http\.py:\d+", line)
    assert "Traceback" not in caplog.text


def flat(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a denial, which has the one form there is."""
    assert set(answer.json()) == {"code", "message"}
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("method", "path", "refused"),
    [
        ("GET", "/plant-read/license", (405, "MethodNotAllowed")),
        ("DELETE", "/healthz", (405, "MethodNotAllowed")),
        ("POST", "/", (404, "NotFound")),
        ("POST", "/license", (404, "NotFound")),
        ("POST", "/plant-read/license/", (404, "NotFound")),
        ("POST", "/a/b/license", (404, "NotFound")),
        ("GET", "/%00%ff%2e%2e/x", (404, "NotFound")),
    ],
)
def test_another_path_or_method_is_refused_in_the_same_form(
    client: httpx.Client, method: str, path: str, refused: tuple[int, str]
) -> None:
    assert flat(client.request(method, path, json=BODY)) == refused


NO_JSON = {
    "nothing": b"",
    "torn": b"{",
    "no text": b"\xff",
    "a key twice": b'{"container_type": "a", "container_type": "b"}',
    "nested deep": b"[" * 10_000,
    "not a number": b"NaN",
    "huge": b"1" * 5000,
}


@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON)
def test_a_body_that_is_no_json_is_a_bad_request(site: Site, client: httpx.Client, content: bytes) -> None:
    headers = {KEY_HEADER: site.api_keys["plant-read"][0]}
    assert flat(client.post("/plant-read/license", content=content, headers=headers)) == (400, "BadRequest")


def test_a_body_is_read_up_to_its_limit(site: Site, client: httpx.Client) -> None:
    headers = {KEY_HEADER: site.api_keys["plant-read"][0]}
    fits = json.dumps(BODY).encode().ljust(MAX_REQUEST_BYTES)
    assert client.post("/plant-read/license", content=fits, headers=headers).status_code == 200
    too_large = client.post("/plant-read/license", content=fits + b" ", headers=headers)
    assert flat(too_large) == (413, "RequestTooLarge")


def test_a_body_without_end_is_refused_while_it_comes(site: Site, client: httpx.Client) -> None:
    key = site.api_keys["plant-read"][0]
    sent = 0

    def without_end() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 4096
            yield b" " * 4096

    with contextlib.suppress(httpx.TransportError):  # the server answers and hangs up
        client.post("/plant-read/license", content=without_end(), headers={KEY_HEADER: key})
    assert sent < 50_000_000
    assert ask(client, key).status_code == 200


def raw(client: httpx.Client, content: bytes) -> bytes:
    """What the server says to bytes that no client of HTTP would send."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=60) as connection:
        answer = b""
        with contextlib.suppress(OSError):
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        return answer


@pytest.mark.parametrize("header", [b"X: " + b"x" * 200_000, b"X: y\r\n" * 40_000, b"Content-Length: -1", b"X"])
def test_headers_without_measure_are_refused_and_the_server_lives_on(client: httpx.Client, header: bytes) -> None:
    answer = raw(client, b"POST /plant-read/license HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert client.get("/healthz").status_code == 200


HEAD = f"POST /plant-read/license HTTP/1.1\r\nHost: x\r\n{KEY_HEADER}: k\r\nContent-Length: 100\r\n".encode()


def test_a_client_that_goes_away_in_its_request_leaves_no_trace(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    raw(client, HEAD + b"\r\n{")
    assert client.get("/healthz").status_code == 200
    assert "Traceback" not in caplog.text and not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("seconds", [60, 0.2])
def test_slow_clients_end_at_the_limit_and_keep_nobody_waiting(site: Site, seconds: float) -> None:
    site.add_resource()
    with contextlib.ExitStack() as opened:
        url = opened.enter_context(site.license_server(request_seconds=seconds))
        client = opened.enter_context(httpx.Client(base_url=url, timeout=60))
        address = (client.base_url.host, client.base_url.port or 0)
        slow = [opened.enter_context(socket.create_connection(address, timeout=60)) for _ in range(100)]
        for number, connection in enumerate(slow):
            connection.sendall(HEAD if number % 2 else HEAD + b"\r\n{")
        if seconds == 60:
            assert ask(client, site.api_keys["plant-read"][0]).status_code == 200
        else:
            assert slow[0].recv(65536).startswith(b"HTTP/1.1 408 ")
