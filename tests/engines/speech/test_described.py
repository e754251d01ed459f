"""/swagger of the speech container: real answers to recordings are held to it; it promises no others."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

import httpx
import pytest
from fastapi import APIRouter
from jsonschema import Draft202012Validator

from engines.catalogue import hearing
from engines.engine import Facilities
from engines.metering.meter import Meter
from engines.server.errors import Refusal
from engines.server.refused import Unserved
from engines.speech import Limits, SpeechModel, speech_routes
from engines.speech.api import PATH
from engines.speech.pinned_model import NAME
from licensing.core.errors import AzlicError
from tests.described import Description
from tests.engines.odd_containers import BrokenMeter, silent, unbilled
from tests.engines.speech.process import speech_license
from tests.engines.speech.recordings import as_wav, said, silence
from tests.site import Site

LIMITS = Limits(body_bytes=300_000, recording_seconds=3)
END = datetime.fromisoformat("9999-01-01T00:00:00Z")


class Containers:
    """Speech containers on one site, and the description that all of them give."""

    def __init__(self, site: Site, model: SpeechModel) -> None:
        self.site = site
        self.model = model
        self.engine = replace(hearing(model, NAME), close=lambda: None)
        with self.started() as client:
            self.description = Description(client.get("/swagger/v1/swagger.json").json())

    def routes(
        self, limits: Limits = LIMITS, meter: Meter | None = None, admit: Callable[[], Refusal | None] | None = None
    ) -> Callable[[Facilities], APIRouter]:
        """What makes the routes with these parts."""

        def routes(given: Facilities) -> APIRouter:
            return speech_routes(
                model=self.model,
                meter=meter or given.meter,
                admit=admit or given.admit,
                clock=given.clock,
                limits=limits,
            )

        return routes

    def started(self, routes: Callable[[Facilities], APIRouter] | None = None) -> AbstractContextManager[httpx.Client]:
        """A container, running, and its client."""
        return self.site.start_engine(engine=replace(self.engine, routes=routes or self.routes()))


@pytest.fixture
def containers(site: Site, model: SpeechModel) -> Containers:
    site.install(speech_license())
    return Containers(site, model)


WAV = as_wav(silence(0.1))


def post(
    client: httpx.Client, content: bytes = WAV, query: str = "", mode: str = "conversation", **headers: str
) -> httpx.Response:
    """Answer to a recording."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"{PATH.replace('{mode}', mode)}?{query}", content=content, headers=named)


def fail() -> None:
    """Fail as nothing should."""
    raise RuntimeError("a fault")


def everything_asked(containers: Containers) -> Iterator[httpx.Response]:
    """Answers to recordings, good and bad."""
    site = containers.site
    with containers.started() as client:
        yield client.options(PATH.replace("{mode}", "interactive"))
        yield post(client, as_wav(said(), form="OGG", subtype="VORBIS"), "format=Detailed&language=en-US", "dictation")
        yield post(client)
        yield post(client, query="format=long")
        yield post(client, mode="whispering")
        yield post(client, b"no recording")
        yield post(client, b"")
        yield post(client, as_wav(silence(4)))
        yield post(client, bytes(LIMITS.body_bytes + 1))
        yield post(client, Content_Encoding="gzip")
        now, site.now = site.now, END
        yield post(client)
        site.now = now
        site.output.rename(site.folder / "away")
        yield post(client)
        (site.folder / "away").rename(site.output)
    with containers.started(containers.routes(Limits(streams=0))) as client:
        yield post(client)
    full = BrokenMeter(AzlicError("it is full", hint="make room"))
    with containers.started(containers.routes(meter=full)) as client:
        yield post(client, as_wav(said()))
    with containers.started(containers.routes(admit=fail)) as client:
        yield post(client)
    with silent(site, containers.engine, containers.routes()) as client:
        yield post(client)
    with unbilled(site, containers.engine, containers.routes()) as client:
        yield post(client)


def test_every_answer_is_as_described_and_every_one_that_is_described_comes(containers: Containers) -> None:
    description = containers.description
    for answer in everything_asked(containers):
        description.check(answer)
    by_connections = {each.code for each in Unserved}  # which every container's connections are held to
    own = {told for told in description.promised if told[1] == PATH and told[3] not in by_connections}
    assert description.seen == own


def test_the_description_itself_is_sound(containers: Containers) -> None:
    description = containers.description
    for shape in description.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(shape)
    for value, schema in description.examples():
        description.hold(value, schema)
    (operation,) = (one for path, method, one in description.operations() if (path, method) == (PATH, "post"))
    assert all(parameter["description"] for parameter in operation["parameters"])
    assert set(operation["requestBody"]["content"]) >= {"audio/wav", "audio/flac", "audio/ogg"}
