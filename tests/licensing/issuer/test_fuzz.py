"""Whatever is sent to the issuer, it answers in its one form and goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.delivery.protocol import KEY_HEADER
from tests.licensing.issuer.test_http import BODY, raw
from tests.site import Site

FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.sampled_from([*BODY, "site", "serial"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=4),
    max_leaves=8,
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "LICENSE"])
PATHS = st.text(st.characters(codec="utf-8"), max_size=30).map(quote)
KEYS = st.binary(max_size=300).map(lambda key: bytes(byte for byte in key if byte > 32 and byte != 127))
BYTES = st.binary(max_size=200)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all examples."""
    site = Site(Path(tmp_path_factory.mktemp("site")))
    site.add_resource()
    yield site
    site.close()


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with site.license_server() as server, httpx.Client(base_url=server) as client:
        yield client


def check_form(answer: httpx.Response) -> None:
    if answer.status_code != 200 and answer.request.method != "HEAD":
        assert set(answer.json()) == {"code", "message"}
        assert all(isinstance(value, str) for value in answer.json().values())


@FUZZ
@given(body=JSON)
def test_any_json_is_answered_in_the_one_form(site: Site, client: httpx.Client, body: object) -> None:
    headers = {KEY_HEADER: site.api_keys["plant-read"][0]}
    answer = client.post("/plant-read/license", content=json.dumps(body), headers=headers)
    assert answer.status_code in (200, 400, 403)
    check_form(answer)


@FUZZ
@given(method=METHODS, path=PATHS, key=KEYS)
def test_any_path_method_and_key_is_answered_in_the_one_form(
    client: httpx.Client, method: str, path: str, key: bytes
) -> None:
    headers = [(KEY_HEADER.encode(), key)]
    for place in (f"/{path}", f"/{path}/license"):
        answer = client.request(method, place, content=json.dumps(BODY), headers=headers)
        assert answer.status_code in (200, 401, 403, 404, 405)
        check_form(answer)


@FUZZ
@given(content=BYTES | BYTES.map(lambda rest: b"POST /plant-read/license HTTP/1.1\r\n" + rest))
def test_bytes_that_are_no_request_do_no_harm(
    client: httpx.Client, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = raw(client, content)
    assert not answer or answer.startswith(b"HTTP/1.")
    assert b"Traceback" not in answer and "Traceback" not in caplog.text
    assert client.get("/healthz").status_code == 200
