"""/status, compared letter for letter; asked of a real socket."""

import json
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.containers.status import HEALTHY, MAX_BYTES, ApiStatus, NoStatus, ask_status, parse_status
from licensing.core.errors import BadCall
from licensing.delivery.denial import DenialCode
from tests.serving import answering, until_gone
from tests.site import Site


def body(**fields: object) -> bytes:
    return json.dumps({"service": "pii", "apiStatus": "Valid", "apiStatusMessage": "ok."} | fields).encode()


def http(content: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


@pytest.mark.parametrize("said", ApiStatus)
def test_only_valid_and_non_metered_are_healthy(said: ApiStatus) -> None:
    assert parse_status(body(apiStatus=said.value)).healthy is (said in {"Valid", "NonMetered"})


def test_invalid_contains_valid_and_is_not_healthy() -> None:
    found = parse_status(body(apiStatus="Invalid", apiStatusMessage="the Api Key is not valid"))
    assert found.api_status is ApiStatus.INVALID and not found.healthy
    assert ApiStatus.INVALID not in HEALTHY


def test_every_denial_is_a_status_too() -> None:
    assert {code.value for code in DenialCode} <= {status.value for status in ApiStatus}


@pytest.mark.parametrize(
    "said", ["valid", "VALID", "Valid ", " Valid", "nonmetered", "Non-Metered", "Healthy", "", None, True, ["Valid"]]
)
def test_another_text_is_no_status_however_near_it_comes(said: object) -> None:
    with pytest.raises(NoStatus, match="unknown apiStatus"):
        parse_status(body(apiStatus=said))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'"Valid"', b"Valid", b"\xff", b'{"apiStatus":"Valid",'])
def test_what_no_container_answers_is_no_status(content: bytes) -> None:
    with pytest.raises(NoStatus):
        parse_status(content)


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_no_answer_breaks_the_reader(content: bytes) -> None:
    with pytest.raises(NoStatus):
        parse_status(content)


def test_its_words_are_fit_for_a_terminal() -> None:
    found = parse_status(body(service="a\x1b[31m\n", apiStatusMessage="x" * 1000))
    assert found.service == "a[31m" and len(found.message) == 300


def test_our_own_container_is_asked_over_http(site: Site) -> None:
    site.install()
    with site.start_engine() as client:
        url = str(client.base_url)
        assert ask_status(url) == ("read", "NonMetered", ask_status(f"{url}/status").message)
        site.sleep(days=400)
        ended = ask_status(url)
    assert ended.api_status is ApiStatus.INVALID and "ended" in ended.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(b"<html>Sign in</html>"), "is not a status"),
        (http(body(), "503 Busy"), "says Valid, and answers 503"),
        (http(b" " * (MAX_BYTES + 1)), "larger than 65,536 bytes"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", "is not a status"),
        (b"no http at all\r\n\r\n", "."),
        (b"", "."),
    ],
)
def test_an_answer_that_is_none_says_why(answer: bytes, words: str) -> None:
    with answering(lambda connection: connection.sendall(answer)) as url, pytest.raises(NoStatus) as no:
        ask_status(url)
    assert re.search(words, str(no.value))


def test_nothing_that_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NoStatus, match="connection"):
        ask_status(f"http://127.0.0.1:{port}")


def test_an_answer_that_comes_a_byte_at_a_time_does_not_last_longer() -> None:
    def drip(connection: socket.socket) -> None:
        for byte in http(body()):
            connection.sendall(bytes([byte]))
            until_gone(connection, 0.05)

    with answering(drip) as url, pytest.raises(NoStatus, match=r"within 0\.3 s"):
        ask_status(url, seconds=0.3)


@pytest.mark.parametrize(
    "url",
    ["", "plant", "ws://127.0.0.1:5000", "http://", "http://u:secret@h", "http://h?q", "http://h:99999", "http://h#f"],
)
def test_an_address_that_cannot_be_meant_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadCall) as no:
        ask_status(url)
    assert "secret" not in no.value.message + no.value.hint
