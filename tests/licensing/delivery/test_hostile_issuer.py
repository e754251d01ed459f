"""Issuers that mean no good, or cannot do better: the old license stays, the end is near, and the words are clear."""

import base64
import gzip
import json
import logging
import socket
from collections.abc import Callable, Iterator
from itertools import cycle

import pytest
import stamina
from fastapi import Response

from licensing.core.errors import AzlicError, NoGoodLicense
from licensing.delivery.denial import DenialCode
from licensing.delivery.downloading import ATTEMPTS, AttemptTimes, Denied
from licensing.delivery.protocol import LICENSE_MEDIA_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES
from tests.licensing.orders import KEY, Answers, an_order, as_license, fetch, files, sealed
from tests.serving import answering, until_gone
from tests.site import Site

IN_A_HURRY = AttemptTimes(seconds=0.2, slow_seconds=0.02)
Script = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def _without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture
def before(site: Site) -> dict[str, bytes]:
    """The license folder as it is before anybody is asked."""
    site.install()
    return files(site)


def ok(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {LICENSE_MEDIA_TYPE}", *headers, "", ""]).encode()


def dribble(start: bytes, *parts: bytes) -> Script:
    """Send a start at once, and then the parts for ever, one every hundredth of a second."""

    def script(connection: socket.socket) -> None:
        connection.sendall(start)
        for part in cycle(parts):
            connection.sendall(part)
            until_gone(connection, 0.01)

    return script


def flood(start: bytes, part: bytes) -> Script:
    """Send a start, and then a part again and again, as fast as it is taken."""

    def script(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(part)

    return script


def say(content: bytes) -> Script:
    return lambda connection: connection.sendall(content)


def nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


NEVER_WHOLE: dict[str, Script] = {
    "no answer at all": nothing,
    "a byte of the status line at a time": dribble(b"", b"H"),
    "a byte of the headers at a time": dribble(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "a header at a time": dribble(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "a byte of the body at a time": dribble(ok("Content-Length: 4000"), b" "),
    "a chunk of a byte at a time": dribble(ok("Transfer-Encoding: chunked"), b"1\r\n \r\n"),
    "please wait, for ever": dribble(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
}


@pytest.mark.parametrize("case", NEVER_WHOLE)
def test_an_answer_that_is_never_whole_ends_at_the_limit(site: Site, before: dict[str, bytes], case: str) -> None:
    slow: list[int] = []
    with answering(NEVER_WHOLE[case]) as url, pytest.raises(Denied) as denied:
        fetch(site, an_order(url), slow=slow.append, times=IN_A_HURRY)
    assert denied.value.message == f"CouldNotConnect: {url}: no complete answer within 0.2 s (asked {ATTEMPTS} times)"
    assert slow == [1, 2, 3, 4, 5]
    assert files(site) == before


BROKEN: dict[str, Script] = {
    "gone at once": say(b""),
    "gone in the headers": say(b"HTTP/1.1 200 OK\r\nContent-"),
    "gone in the body": say(ok("Content-Length: 4000") + b"{"),
    "gone in a chunk": say(ok("Transfer-Encoding: chunked") + b"ff\r\n{"),
    "another language": say(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "headers without end": flood(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
    "a header without end": flood(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 10_000),
    "two lengths": say(ok("Content-Length: 1", "Content-Length: 2") + b"{}"),
}


NO_HTTP = {"gone at once", "gone in the headers", "another language"}
"""Such a port speaks another protocol, TLS for one: asking again would not change that."""


@pytest.mark.parametrize("case", BROKEN)
def test_an_answer_that_breaks_off_is_no_answer(site: Site, before: dict[str, bytes], case: str) -> None:
    told: list[DenialCode] = []
    with answering(BROKEN[case]) as url, pytest.raises(Denied) as denied:
        fetch(site, an_order(url), lambda denial, *_: told.append(denial.code))
    assert denied.value.denial.code is DenialCode.COULD_NOT_CONNECT and denied.value.exit_status == 3
    again = 0 if case in NO_HTTP else ATTEMPTS - 1
    assert told == [DenialCode.COULD_NOT_CONNECT] * again
    assert files(site) == before


TOO_LARGE: dict[str, Script] = {
    "by one byte": say(ok(f"Content-Length: {MAX_ENVELOPE_BYTES + 1}") + b" " * (MAX_ENVELOPE_BYTES + 1)),
    "without end": flood(ok(), b" " * 10_000),
    "in chunks without end": flood(ok("Transfer-Encoding: chunked"), b"1000\r\n" + b" " * 4096 + b"\r\n"),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_an_answer_larger_than_any_license_is_refused_while_it_comes(
    site: Site, before: dict[str, bytes], case: str
) -> None:
    with answering(TOO_LARGE[case]) as url, pytest.raises(NoGoodLicense, match="larger than any license"):
        fetch(site, an_order(url))
    assert files(site) == before


def test_the_largest_answer_is_read(site: Site) -> None:
    with Answers(as_license(b" " * MAX_ENVELOPE_BYTES)).served() as endpoint, pytest.raises(NoGoodLicense) as refused:
        fetch(site, an_order(endpoint))
    assert "is malformed" in refused.value.message


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_packed_answer_is_never_unpacked(site: Site, before: dict[str, bytes], encoding: str) -> None:
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    packed = Response(bomb, media_type=LICENSE_MEDIA_TYPE, headers={"Content-Encoding": encoding})
    with Answers(packed).served() as endpoint, pytest.raises(NoGoodLicense, match=f"is compressed as '{encoding}'"):
        fetch(site, an_order(endpoint))
    assert files(site) == before


def test_no_packing_is_asked_for(site: Site) -> None:
    seen: list[bytes] = []
    not_found = say(b"HTTP/1.1 404 Not Found\r\n\r\n")
    with answering(not_found, seen=seen) as url, pytest.raises(Denied):
        fetch(site, an_order(url))
    assert b"Accept-Encoding: identity\r\n" in seen[0] and seen[0].count(KEY.encode()) == 1


@pytest.mark.parametrize("media_type", ["text/html", "application/json", None])
def test_an_answer_that_does_not_call_itself_a_license_is_none(
    site: Site, before: dict[str, bytes], media_type: str | None
) -> None:
    answer = Response(sealed(site, serial=2).body, media_type=media_type)
    with Answers(answer).served() as endpoint, pytest.raises(NoGoodLicense, match="the answer is of type") as refused:
        fetch(site, an_order(endpoint))
    assert "whether something on the way answered instead" in refused.value.hint
    assert files(site) == before


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_not_sent_elsewhere(
    site: Site, before: dict[str, bytes], status: int
) -> None:
    elsewhere = Answers(sealed(site, serial=2))
    with elsewhere.served() as other:
        moved = Answers(Response(b"", status, {"Location": f"{other}/license"}))
        with moved.served() as endpoint, pytest.raises(Denied, match=rf"^Unknown: .*answered {status}") as denied:
            fetch(site, an_order(endpoint))
    assert (moved.asked, elsewhere.asked) == (1, 0)
    assert f"to go to {other}/license" in denied.value.message and "is never forwarded" in denied.value.hint
    assert files(site) == before


def test_a_good_license_for_somebody_else_is_not_installed(site: Site, before: dict[str, bytes]) -> None:
    speech = {"type": "speech-to-text", "repositories": ["r"], "version_from": "3", "version_below": "4"}
    newer = speech | {"type": "read", "version_from": "4", "version_below": "5"}
    for container, status in ((speech, "wrong-container"), (newer, "wrong-image")):
        answers = Answers(sealed(site, serial=2, container=container))
        with answers.served() as endpoint, pytest.raises(NoGoodLicense, match=f"is {status} and was not installed"):
            fetch(site, an_order(endpoint))
    assert files(site) == before


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_denial_that_repeats_the_key_is_told_without_it(site: Site, status: int) -> None:
    code = {401: "Invalid", 403: "Mismatch", 500: "Unknown"}[status]
    padding = "x" * 270
    words = f"{padding} key \\u200b{KEY[:9]}\\u001b{KEY[9:]} is wrong"
    told: list[str] = []
    answer = Response(f'{{"code": "{code}", "message": "{words}"}}', status)
    with Answers(answer).served() as endpoint, pytest.raises(AzlicError) as refused:
        fetch(site, an_order(endpoint), lambda denial, *_: told.append(denial.detail))
    said = "".join([refused.value.message, *told])
    assert "[secret]" in said and KEY[:9] not in said


def test_a_reason_or_a_place_that_repeats_the_key_is_told_without_it(site: Site) -> None:
    answer = f"HTTP/1.1 302 {KEY}\r\nLocation: https://elsewhere.example/?key={KEY}\r\nContent-Length: 0\r\n\r\n"
    with answering(say(answer.encode())) as url, pytest.raises(Denied) as denied:
        fetch(site, an_order(url))
    assert KEY not in denied.value.message and "elsewhere.example" in denied.value.message


OTHER_KEY = "Zq7" + "".join(chr(ord("A") + (7 * at * at + at) % 26) for at in range(60))
"""A key in which no eight letters come twice, with capitals that a proxy may fold."""


def pieces_of(key: str) -> set[str]:
    return {key[at : at + 8].lower() for at in range(len(key) - 7)}


def payload_with(words: str) -> bytes:
    payload = base64.b64encode(json.dumps({"customer": words}).encode()).decode()
    return json.dumps({"payload": payload, "payloadType": "t", "signatures": []}).encode()


ECHOES: dict[str, bytes] = {
    "the reason": b"HTTP/1.1 500 KEY\r\n\r\n",
    "the version": b"KEY 200 OK\r\n\r\n",
    "the status": b"HTTP/1.1 KEY OK\r\n\r\n",
    "a place to go to": b"HTTP/1.1 307 Go\r\nLocation: http://x.example/KEY\r\n\r\n",
    "a place that is none": b"HTTP/1.1 307 Go\r\nLocation: KEY\r\n\r\n",
    "a time to wait": b"HTTP/1.1 503 Busy\r\nRetry-After: KEY\r\n\r\n",
    "a type": b"HTTP/1.1 200 OK\r\nContent-Type: text/KEY\r\n\r\n",
    "a type with more": b"HTTP/1.1 200 OK\r\nContent-Type: KEY; charset=KEY\r\n\r\n",
    "a packing": b"HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Encoding: KEY\r\n\r\n",
    "a transfer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: KEY\r\n\r\n",
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: KEY\r\n\r\n",
    "a header line without a colon": b"HTTP/1.1 200 OK\r\nKEY\r\n\r\n",
    "a name with a blank": b"HTTP/1.1 200 OK\r\nKEY KEY: a\r\n\r\n",
    "a value with a zero byte": b"HTTP/1.1 200 OK\r\nX: KEY\0\r\n\r\n",
    "a chunk line": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nKEY\r\n",
    "a broken end of a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naKEY\r\n",
    "a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nKEY\r\n\r\n",
    "a denial": b'HTTP/1.1 401 No\r\n\r\n{"code": "Invalid", "message": "KEY"}',
    "a code": b'HTTP/1.1 401 No\r\n\r\n{"code": "KEY", "message": "KEY"}',
    "a body": b"HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\n\r\nKEY",
    "a name in a body": b'HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\n\r\n{"KEY": "KEY", "KEY": 1}',
}


@pytest.mark.parametrize(
    "spelling",
    [
        str.lower,
        *(pytest.param(one, marks=pytest.mark.long) for one in (str, lambda key: key[:41], lambda key: key[5:] * 3)),
    ],
)
@pytest.mark.parametrize("place", ECHOES)
def test_wherever_an_answer_repeats_the_key_it_is_told_without_it(
    site: Site,
    before: dict[str, bytes],
    place: str,
    spelling: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)  # as servers log: azlic.output.log_to_stderr keeps httpx to that
    told: list[str] = []
    answer = ECHOES[place].replace(b"KEY", spelling(OTHER_KEY).encode()).replace(b"TYPE", LICENSE_MEDIA_TYPE.encode())
    with answering(say(answer)) as url, pytest.raises(AzlicError) as refused:
        fetch(site, an_order(url, api_key=OTHER_KEY), lambda denial, *_: told.append(denial.detail))
    said = "\n".join([refused.value.message, refused.value.hint or "", caplog.text, *told]).lower()
    assert not [piece for piece in pieces_of(OTHER_KEY) if piece in said]
    assert len(refused.value.message) < 1000 and files(site) == before


@pytest.mark.parametrize("words", [OTHER_KEY, f"for {OTHER_KEY.lower()} only"])
def test_a_license_that_holds_the_key_is_not_kept(site: Site, before: dict[str, bytes], words: str) -> None:
    answer = as_license(payload_with(words))
    with Answers(answer).served() as endpoint, pytest.raises(NoGoodLicense, match="holds the API key") as refused:
        fetch(site, an_order(endpoint, api_key=OTHER_KEY))
    assert OTHER_KEY.lower() not in refused.value.message.lower() and files(site) == before


def test_a_short_key_is_in_a_license_by_chance(site: Site, before: dict[str, bytes]) -> None:
    with Answers(sealed(site, serial=2)).served() as endpoint:
        assert fetch(site, an_order(endpoint, api_key="read")).may_run
    assert files(site) != before
