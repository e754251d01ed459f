"""The log of a running Read container in all its places: what is in a line, and what never is."""

import io
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import cycle
from typing import NamedTuple
from uuid import UUID

import httpx
import msgpack
import pytest
from fastapi import APIRouter, FastAPI

from engines.container import container_app
from engines.engine import Facilities
from engines.logs.levels import Levels
from engines.logs.lines import JsonLines
from engines.logs.settings import FluentdSettings, LogSettings
from engines.options import ContainerOptions
from engines.read import Limits, Recogniser, read_routes
from engines.results.memory import MemoryResults
from engines.server.process import make_server
from tests import pictures
from tests.engines.server.refusals import asked
from tests.serving import running
from tests.site import CONTAINER_ID, Site, counting_engine
from tests.waiting import eventually
from usage.records.container_log import LOG_NAME

SECRET = "s3cr3t0123456789abcdef"
SYNC, ASYNC = "/vision/v3.2/read/syncAnalyze", "/vision/v3.2/read/analyze"
EVERYTHING = Levels({"default": "Trace"}, {"default": "Trace"})
Line = dict[str, object]


class Listener:
    """A listener of Fluentd's forward protocol, on a real socket."""

    def __init__(self) -> None:
        self.received = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(OSError):
            client, _ = self._socket.accept()
            with client:
                while more := client.recv(65_536):
                    self.received += more

    @property
    def events(self) -> list[tuple[str, float, Line]]:
        """What came in whole: tag, instant, line."""
        unpacker = msgpack.Unpacker(ext_hook=lambda _, data: int.from_bytes(data[:4], "big"))
        unpacker.feed(self.received)
        return [(tag, at, line) for tag, at, line in unpacker]

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


class Watched(NamedTuple):
    """A container, and all the places of its log."""

    client: httpx.Client
    port: int
    stderr: io.StringIO
    listener: Listener
    site: Site

    @property
    def disk(self) -> list[Line]:
        """The lines in the output mount."""
        path = self.site.output / "read" / CONTAINER_ID / LOG_NAME
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    @property
    def places(self) -> dict[str, list[Line]]:
        """The lines that are in each place now."""
        return {
            "stderr": [json.loads(line) for line in self.stderr.getvalue().splitlines()],
            "disk": self.disk,
            "Fluentd": [line for _, _, line in self.listener.events],
        }

    def line_of(self, request_id: str) -> dict[str, Line]:
        """The line of a request in each place, once it is there."""

        def found() -> dict[str, Line]:
            return {
                place: line
                for place, lines in self.places.items()
                for line in lines
                if line.get("requestId") == request_id and line["category"] == "azlic.requests"
            }

        assert eventually(lambda: len(found()) == 3)
        return found()


@contextmanager
def started(site: Site, recogniser: Recogniser) -> Iterator[Watched]:
    def routes(given: Facilities) -> APIRouter:
        return read_routes(
            recogniser=recogniser,
            meter=given.meter,
            results=MemoryResults(),
            admit=given.admit,
            clock=given.clock,
            limits=Limits(body_bytes=200_000),
        )

    site.install()
    listener, stderr, root = Listener(), io.StringIO(), logging.getLogger()
    console = logging.StreamHandler(stderr)
    console.setFormatter(JsonLines())
    console.addFilter(EVERYTHING)
    settings = LogSettings(EVERYTHING, disk=EVERYTHING, fluentd=FluentdSettings("127.0.0.1", listener.port))
    before = root.level
    root.addHandler(console)
    logs = replace(settings, shared=EVERYTHING).begin()
    try:
        app = container_app(
            replace(counting_engine(), routes=routes),
            ContainerOptions(license=site.license, output=site.output),
            trust=site.trust,
            clock=site.clock,
            container_id=CONTAINER_ID,
            logs=logs,
        )
        assert isinstance(app, FastAPI)
        with (
            running(make_server(app)) as port,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        ):
            yield Watched(client, port, stderr, listener, site)
    finally:
        logs.close()
        root.removeHandler(console)
        root.setLevel(before)
        listener.close()


@pytest.fixture
def watched(site: Site, recogniser: Recogniser) -> Iterator[Watched]:
    with started(site, recogniser) as container:
        yield container


def sign() -> bytes:
    return pictures.encode(pictures.sign(), "PNG")


def test_a_request_is_one_line_in_every_place_under_the_id_that_its_client_got(watched: Watched) -> None:
    answer = watched.client.post(SYNC, content=sign())
    for line in watched.line_of(answer.headers["apim-request-id"]).values():
        assert line.keys() == {"instant", "level", "category", "message", "requestId", "durationMs"}
        assert (line["level"], line["message"]) == ("Information", f"POST {SYNC}: 200")
        assert isinstance(line["durationMs"], float) and line["durationMs"] > 0
    (tag, at, line) = next(event for event in watched.listener.events if event[2].get("durationMs"))
    assert tag == "azlic.container" and str(line["instant"]).startswith("20") and at > 1_700_000_000


def test_what_only_looks_is_told_for_debugging_and_refusals_have_their_ids(watched: Watched) -> None:
    refused = watched.client.post(f"{SYNC}?pages=x", content=sign()).json()["requestId"]
    assert {line["message"] for line in watched.line_of(refused).values()} == {f"POST {SYNC}: 400"}
    unknown = watched.client.get(f"/vision/v3.2/read/operations/{SECRET}")
    of_unknown = watched.line_of(unknown.json()["requestId"]).values()
    assert {line["level"] for line in of_unknown} == {"Debug"}
    assert {line["message"] for line in of_unknown} == {"GET /vision/v3.2/read/operations/{operation_id}: 404"}
    asked(watched.port, b"GET / HTTP/1.1\nHost: x\n\n")
    assert eventually(lambda: "Refused: 400 BadRequest" in [line["message"] for line in watched.disk])


def test_no_key_and_no_text_is_in_any_place_whatever_is_asked(watched: Watched, site: Site) -> None:
    client, word = watched.client, "MIND"
    headers = {"Ocp-Apim-Subscription-Key": SECRET, "Authorization": f"Bearer {SECRET}", "X-Other": SECRET}
    bodies = [
        sign(),
        SECRET.encode(),
        f'{{"url":"http://{SECRET}.example/{SECRET}"}}'.encode(),
        b"%PDF-1.7\n" + SECRET.encode() * 50,
        sign()[:200] + SECRET.encode(),
        b"II*\x00" + SECRET.encode() * 10,
        b"\xff\xd8\xff\xe1\x00\x40Exif\x00\x00" + SECRET.encode(),
    ]
    texts = []
    for body, name in zip(bodies, cycle(("language", "pages", "page")), strict=False):
        for path in (SYNC, ASYNC, f"/{SECRET}", f"/vision/v3.2/read/{SECRET}"):
            for query in (f"subscription-key={SECRET}", f"{name}={SECRET}"):
                texts.append(client.post(f"{path}?{query}", content=body, headers=headers).text)
    for path in ("/ready", "/records/usage-logs/", f"/records/usage-logs/{SECRET}/{SECRET}", f"/{SECRET}?{SECRET}"):
        client.get(path, headers=headers)
        client.request(SECRET[:12], path, headers=headers)
    for raw in (
        f"GET /{SECRET} {SECRET}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{SECRET}\r\n\r\n",
        f"POST {SYNC} HTTP/9.{SECRET}",
    ):
        asked(watched.port, raw.encode() + b"\r\n\r\n")
    assert word in "".join(texts)
    last = client.post(SYNC, content=sign()).headers["apim-request-id"]
    watched.line_of(last)
    for place, lines in watched.places.items():
        written = json.dumps(lines)
        assert len(lines) > 60, place
        assert SECRET not in written and SECRET[:12] not in written and word not in written, place


def test_a_fault_is_told_with_its_place_and_without_its_words(site: Site, recogniser: Recogniser) -> None:
    with started(site, recogniser) as watched:
        try:
            try:
                SECRET.encode("utf-16").decode()
            except UnicodeDecodeError as error:
                raise RuntimeError(f"cannot read {SECRET}") from error
        except RuntimeError:
            logging.getLogger("azlic.container").exception("A fault.")
        assert eventually(lambda: all(any("exception" in line for line in lines) for lines in watched.places.values()))
        for place, lines in watched.places.items():
            (told,) = [str(line["exception"]) for line in lines if "exception" in line]
            assert SECRET not in told, place
            assert told.startswith("  File ") and "builtins.UnicodeDecodeError\nThen:\n" in told
            assert told.endswith("builtins.RuntimeError") and "test_logs.py" in told
        UUID(watched.client.get("/nothing").json()["requestId"])
