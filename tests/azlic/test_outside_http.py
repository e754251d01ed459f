"""HTTP from outside, damaged in every way: what a server is sent, and what it answers to whoever asks.

A server answers in HTTP and goes on; who asks says in words what is wrong, once.
"""

import json
import random
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from engines.read import Limits, Recogniser
from licensing.containers.status import NoStatus, ask_status
from licensing.core.errors import AzlicError
from licensing.delivery.protocol import KEY_HEADER, LICENSE_MEDIA_TYPE
from licensing.doctor.billing import Endpoint, endpoint_checks
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import seal
from tests.azlic.hostile import leaks
from tests.azlic.outside import damaged
from tests.azlic.web.pages import page_of
from tests.engines.read.conftest import Container
from tests.licensing.issuer.test_http import raw
from tests.licensing.orders import an_order, fetch
from tests.serving import answering, serving
from tests.site import Site, a_license
from tests.usage.alerts.test_notify import MESSAGE
from tests.usage.reports import WORDS, body
from usage.alerts.channels.alertmanager import Alertmanager
from usage.alerts.channels.channel import ChannelFailed
from usage.months import Month
from usage.readings.polling import pull


def request(path: str, content: str = "", *headers: str, method: str = "POST") -> bytes:
    """A request as a client sends it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join([*lines, "", content]).encode()


def multipart(path: str) -> bytes:
    return request(
        path,
        '--b\r\nContent-Disposition: form-data; name="token"; filename="x"\r\n\r\nabcdefgh\r\n--b--\r\n',
        "Content-Type: multipart/form-data; boundary=b",
    )


ORDER = json.dumps({"container_type": "read", "container_version": "3.2.0"})
REQUESTS: dict[str, list[bytes]] = {
    "the license server": [
        request("/plant-read/license", ORDER, f"{KEY_HEADER}: 5ec7e7", "Content-Type: application/json"),
        multipart("/plant-read/license"),
    ],
    "the page": [
        request("/", method="GET"),
        request("/report/2026-03", "", "Cookie: azlic_session=1.2", "Authorization: Bearer x", method="GET"),
        request("/login", "token=abc", "Content-Type: application/x-www-form-urlencoded"),
        request("/records/usage-logs/03/2026", "", "Range: bytes=0-3", "If-None-Match: *", method="GET"),
        multipart("/login"),
    ],
    "a container": [
        request("/status", method="GET"),
        request("/records/usage-logs/03/2026", method="GET"),
        request("/ready", method="GET"),
        request("/swagger", method="GET"),
    ],
    "the Read container": [
        request("/vision/v3.2/read/analyze?language=en&pages=1-2", "no picture", "Content-Type: image/png"),
        request("/vision/v3.2/read/analyze", '{"url": "http://x"}', "Content-Type: application/json"),
        request("/vision/v3.2/read/analyzeResults/00000000-0000-4000-8000-000000000000", method="GET"),
        multipart("/vision/v3.2/read/analyze"),
    ],
}
"""What each of our servers is sent, by the server's name."""


def answer(content: bytes, kind: str, *headers: str, status: str = "200 OK") -> bytes:
    """An answer as a server sends it."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content


class GivenUp(AzlicError):
    """Nobody waits here until an issuer is there again."""


def download(site: Site, url: str) -> object:
    def give_up(*_: object) -> None:
        raise GivenUp("the issuer asks to wait", hint="wait")

    return fetch(site, an_order(f"{url}/plant-read"), give_up)


def notify(_: Site, url: str) -> None:
    Alertmanager("pager", url).send(MESSAGE)


def diagnose(site: Site, url: str) -> str:
    endpoint = Endpoint(f"{url}/plant-read", api_key="5ec7e75ec7e7", seconds=60)
    return " ".join(f"{check.found} {check.do}" for check in endpoint_checks(endpoint, clock=site.clock))


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks over HTTP, what is answered where nothing is damaged, and in what it ends where it is not taken."""

    ask: Callable[[Site, str], object]
    answers: Callable[[Site], list[bytes]]
    refusal: type[Exception] | tuple[type[Exception], ...] = AzlicError


def licenses(site: Site) -> list[bytes]:
    signed = seal(a_license().to_bytes(), LICENSE_TYPE, site.signer)
    busy = json.dumps({"code": "Busy", "message": "later"}).encode()
    return [
        answer(signed, LICENSE_MEDIA_TYPE, "Set-Cookie: a=b; expires=Thu, 01 Jan 2026 00:00:00 GMT; path=/"),
        answer(busy, "application/json", "Retry-After: 3", status="503 Busy"),
        answer(busy, "application/json", "Retry-After: Thu, 01 Jan 2026 00:00:00 GMT", status="429 Slow down"),
        answer(b"", "text/html", "Location: https://other.example/", "Content-Encoding: gzip", status="302 Found"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ]


STATUS = json.dumps({"service": "read", "apiStatus": "Valid", "apiStatusMessage": "Api Key is valid"}).encode()
ASKING = {
    "download": Asking(download, licenses),
    "pull": Asking(
        lambda site, url: " ".join(one.reason for one in pull(url, [Month(2026, 3)], clock=site.clock).failures),
        lambda _: [answer(body({WORDS: 4}), "application/json"), answer(b"", "text/plain", status="500 No")],
    ),
    "doctor": Asking(
        lambda _, url: " ".join(ask_status(url)), lambda _: [answer(STATUS, "application/json")], NoStatus
    ),
    "diagnose": Asking(diagnose, licenses),
    "notify": Asking(
        notify, lambda _: [answer(b"{}", "application/json"), answer(b"", "x", status="400 No")], ChannelFailed
    ),
}
"""Every place that asks over HTTP."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(Path(tmp_path_factory.mktemp("http")))
    site.add_resource()
    site.install()
    yield site
    site.close()


@pytest.fixture(scope="module")
def servers(site: Site) -> Iterator[dict[str, httpx.Client]]:
    recogniser = Recogniser(threads=1)
    with ExitStack() as stack:
        urls = {
            "the license server": stack.enter_context(site.license_server()),
            "the page": stack.enter_context(page_of(site)),
            "a container": str(stack.enter_context(site.start_engine()).base_url),
            "the Read container": stack.enter_context(serving(Container(recogniser, Limits()).app)),
        }
        yield {name: stack.enter_context(httpx.Client(base_url=url)) for name, url in urls.items()}
    recogniser.close()


def fault_of_server(name: str, client: httpx.Client, seed: int) -> str | None:
    rng = random.Random(f"{name} {seed}")
    content = damaged(rng.choice(REQUESTS[name]), rng)
    said = raw(client, content)
    head = said.partition(b"\r\n")[0]
    if b"Traceback" in said or (said and not re.match(rb"HTTP/1\.1 [1234]\d\d ", head)):
        return f"{name}, seed {seed}: {content[:300]!r} was answered with {said[:300]!r}"
    return None


def fault_of_client(name: str, site: Site, seed: int) -> str | None:
    rng, asking = random.Random(f"{name} {seed}"), ASKING[name]
    content = damaged(rng.choice(asking.answers(site)), rng)

    def script(client: socket.socket) -> None:
        client.sendall(content)

    with answering(script) as url:
        try:
            said = str(asking.ask(site, url))
        except asking.refusal as error:
            said = str(error)
            if not said:
                return f"{name}, seed {seed}: nothing is said"
        except Exception as error:
            return f"{name}, seed {seed}: {content[:300]!r} ended in {error!r}"
    found = leaks(said)
    return f"{name}, seed {seed}: {found} came out of {said[:300]!r}" if found else None


def test_what_a_server_is_sent_is_answered_in_http(
    servers: dict[str, httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    assert servers.keys() == REQUESTS.keys()
    assert [
        fault for name, client in servers.items() for seed in range(8) if (fault := fault_of_server(name, client, seed))
    ] == []
    assert "Traceback" not in caplog.text


def test_what_a_server_answers_is_taken_or_refused_in_words(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    assert [fault for name in ASKING for seed in range(6) if (fault := fault_of_client(name, site, seed))] == []
    assert "Traceback" not in caplog.text


@pytest.mark.long
def test_whatever_a_server_is_sent_it_goes_on(
    servers: dict[str, httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    faults = [
        fault
        for name, client in servers.items()
        for seed in range(1000)
        if (fault := fault_of_server(name, client, seed))
    ]
    assert faults == [] and "Traceback" not in caplog.text


@pytest.mark.long
def test_whatever_a_server_answers_is_taken_or_refused_in_words(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    assert [fault for name in ASKING for seed in range(6, 200) if (fault := fault_of_client(name, site, seed))] == []
    assert "Traceback" not in caplog.text
