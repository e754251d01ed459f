"""/swagger of the Read container: real answers of every route and every error are held to it; it promises no others."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator, ValidationError

from engines.engine import Facilities
from engines.read import Limits, Recogniser, read_routes
from engines.read.operations import abandoned
from engines.results.folder import FolderResults
from engines.results.memory import MemoryResults
from engines.results.store import ResultStore
from licensing.core.errors import AzlicError
from tests import pictures
from tests.described import Description
from tests.engines.odd_containers import BrokenMeter, got, silent, unbilled
from tests.engines.read.conftest import busy
from tests.engines.read.test_api import wait_for
from tests.engines.server.refusals import unserved
from tests.serving import serving
from tests.site import Site, counting_engine

SYNC, ASYNC = "/vision/v3.2/read/syncAnalyze", "/vision/v3.2/read/analyze"
OPERATIONS, RESULTS = "/vision/v3.2/read/operations", "/vision/v3.2/read/analyzeResults"
END = datetime(2027, 1, 1, tzinfo=UTC)
BINARY = {"Content-Type": "application/octet-stream"}
LIMITS = Limits(body_bytes=200_000, documents=1)
ALIASES = {"/records/usage-logs": "/records/usage-logs/", "/swagger/": "/swagger"}
"""Paths with a slash more or less than the one that is described."""


class BrokenResults(MemoryResults):
    """A store that fails as nothing should."""

    def put(self, key: str, content: bytes, *, until: datetime | None) -> None:  # noqa: ARG002
        """Raise."""
        raise RuntimeError("a fault")


class Containers:
    """Read containers on one site, and the description that all of them give."""

    def __init__(self, site: Site, recogniser: Recogniser) -> None:
        self.site = site
        self.recogniser = recogniser
        with self.started() as client:
            self.description = Description(client.get("/swagger/v1/swagger.json").json())

    def routes(
        self, limits: Limits = LIMITS, meter: BrokenMeter | None = None, results: ResultStore | None = None
    ) -> Callable[[Facilities], APIRouter]:
        """What makes the Read routes with these parts."""

        def routes(given: Facilities) -> APIRouter:
            return read_routes(
                recogniser=self.recogniser,
                meter=meter or given.meter,
                results=results or MemoryResults(),
                admit=given.admit,
                clock=given.clock,
                limits=limits,
            )

        return routes

    def started(self, routes: Callable[[Facilities], APIRouter] | None = None) -> AbstractContextManager[httpx.Client]:
        """A container, running, and its client."""
        return self.site.start_engine(engine=replace(counting_engine(), routes=routes or self.routes()))

    def silent(self) -> AbstractContextManager[httpx.Client]:
        """A container whose mount does not answer."""
        return silent(self.site, counting_engine(), self.routes())


@pytest.fixture
def containers(site: Site, recogniser: Recogniser) -> Containers:
    site.install()
    return Containers(site, recogniser)


def sign() -> bytes:
    return pictures.encode(pictures.sign(), "PNG")


def requests_refused() -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Each a code that any document may be refused with, by its query, its headers and its body."""
    yield "readingOrder=upwards", BINARY, sign()
    yield "language=xx", BINARY, sign()
    yield "pages=7", BINARY, sign()
    yield "", {"Content-Type": "application/json"}, b'{"url":"http://example.com/a.png"}'
    yield "", {"Content-Type": "text/plain"}, b"text"
    yield "", BINARY | {"Content-Encoding": "gzip"}, gzip.compress(sign())
    yield "", BINARY, b""
    yield "", BINARY, b"neither"
    yield "", BINARY, bytes(LIMITS.body_bytes + 1)
    yield "", BINARY, pictures.png_claiming(20_000, 20)


def posted(client: httpx.Client, *paths: str, body: bytes | None = None) -> Iterator[httpx.Response]:
    """Answers to a document."""
    for path in paths:
        yield client.post(path, content=sign() if body is None else body, headers=BINARY)


def asked_without_the_shared_folder(containers: Containers) -> Iterator[httpx.Response]:
    """Answers of a container whose folder for results is lost."""
    share = containers.site.folder / "share"
    share.mkdir()
    results = FolderResults(share, clock=containers.site.clock, kept=LIMITS.kept, abandoned=abandoned)
    with containers.started(containers.routes(results=results)) as client:
        results.folder.rename(share / "lost")
        yield from posted(client, ASYNC)
        for path in (OPERATIONS, RESULTS):
            yield from got(client, f"{path}/{UUID(int=1)}")


def everything_asked(containers: Containers) -> Iterator[httpx.Response]:
    """Answers of all routes, good and bad."""
    site = containers.site
    with containers.started() as client:
        for path, _, _ in containers.description.operations():
            yield client.options(path.replace("{month}/{year}", "03/2026").replace("{operation_id}", "x"))
        yield from got(client, "/", "/swagger", "/ready", "/status")
        for query, headers, body in requests_refused():
            for path in (SYNC, ASYNC):
                yield client.post(f"{path}?{query}", content=body, headers=headers)
        yield from posted(client, SYNC)
        with busy(containers.recogniser):
            (begun,) = posted(client, ASYNC)
            yield begun
            location = begun.headers["Operation-Location"]
            yield from got(client, location)
            yield from posted(client, SYNC, ASYNC)
        for path in (OPERATIONS, RESULTS):
            wait_for(client, location)
            yield from got(client, location.replace(OPERATIONS, path), f"{path}/none")
        yield from got(client, "/records/usage-logs/", "/records/usage-logs/03/2026", "/records/usage-logs/13/x")
        site.output.rename(site.folder / "away")
        yield from got(client, "/records/usage-logs/", "/records/usage-logs/03/2026", "/ready", "/status", "/")
        yield from posted(client, SYNC, ASYNC)
        (site.folder / "away").rename(site.output)
        now, site.now = site.now, END
        yield from got(client, "/", "/ready", "/status")
        yield from posted(client, SYNC, ASYNC)
        site.now = now
    with containers.started(containers.routes(Limits(page_seconds=0.05))) as client:
        yield from posted(client, SYNC, ASYNC, body=pictures.chatty_png(b"zTXt", 60, 1_000_000))
    with containers.started(containers.routes(meter=BrokenMeter(AzlicError("it is full", hint="make room")))) as client:
        yield from posted(client, SYNC)
        (begun,) = posted(client, ASYNC)
        wait_for(client, begun.headers["Operation-Location"])
        yield from got(client, begun.headers["Operation-Location"])
    fault = BrokenMeter(RuntimeError("a fault"))
    with containers.started(containers.routes(meter=fault, results=BrokenResults())) as client:
        yield from posted(client, SYNC, ASYNC)
    yield from asked_without_the_shared_folder(containers)
    with containers.silent() as client:
        yield from got(client, "/ready", "/status")
        yield from posted(client, SYNC, ASYNC)
    with unbilled(site, counting_engine(), containers.routes()) as client:
        yield from got(client, "/ready", "/status")
        yield from posted(client, SYNC, ASYNC)
    app = site.container(engine=replace(counting_engine(), routes=containers.routes()))
    assert isinstance(app, FastAPI)
    operations = [(method.upper(), path) for path, method, _ in containers.description.operations()]
    yield from unserved(app, operations)


def test_every_answer_is_as_described_and_every_one_that_is_described_comes(containers: Containers) -> None:
    description = containers.description
    for answer in everything_asked(containers):
        description.check(answer)
    assert description.seen == description.promised


def test_the_description_itself_is_sound(containers: Containers) -> None:
    description = containers.description
    for shape in description.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(shape)
    examples = list(description.examples())
    assert len(examples) > 40
    for value, schema in examples:
        description.hold(value, schema)
    for path, _, operation in description.operations():
        for told in map(description.resolved, operation["responses"].values()):
            assert told["description"] and all("schema" in content for content in told.get("content", {}).values()), (
                path
            )
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (path, parameter["name"])


def test_every_route_is_described_but_for_the_files_of_swagger(containers: Containers) -> None:
    app = containers.site.container(engine=counting_engine())
    assert isinstance(app, FastAPI)
    paths = {context.path for context in iter_route_contexts(app.routes)}
    hidden = paths - {path for path, _, _ in Description(app.openapi()).operations()}
    assert hidden == {*ALIASES, "/swagger/{name}", "/swagger/v1/swagger.json", "/favicon.ico"}
    with serving(app) as url:
        for alias, path in ALIASES.items():
            assert httpx.get(f"{url}{alias}").text == httpx.get(f"{url}{path}").text


GOOD = {"service": "read", "ready": "ready", "message": "x"}


def test_an_answer_that_is_not_as_described_is_noticed(containers: Containers) -> None:
    request = httpx.Request("GET", "http://x/ready")
    containers.description.check(httpx.Response(200, json=GOOD, request=request))
    for bad in (
        httpx.Response(418, json=GOOD, request=request),
        httpx.Response(503, json=GOOD, request=request),
        httpx.Response(200, json=GOOD, headers={"X-More": "1"}, request=request),
        httpx.Response(200, json=GOOD | {"ready": "notReady"}, request=request),
        httpx.Response(200, json=GOOD | {"more": 1}, request=request),
        httpx.Response(200, json={"service": "read", "ready": "ready"}, request=request),
        httpx.Response(200, text="ready", request=request),
        httpx.Response(200, json=GOOD, request=httpx.Request("GET", "http://x/readiness")),
        httpx.Response(200, json=GOOD, request=httpx.Request("PUT", "http://x/ready")),
    ):
        with pytest.raises((AssertionError, ValidationError)):
            containers.description.check(bad)
