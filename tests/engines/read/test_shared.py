"""Two Read containers behind a balancer that takes turns, with one folder for their results."""

import io
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from engines.catalogue import results_of
from engines.engine import Facilities
from engines.read import Limits, Recogniser
from engines.read.operations import abandoned
from engines.results.folder import FolderResults
from engines.results.memory import MemoryResults
from engines.results.store import ResultStore
from tests import pictures
from tests.engines.odd_containers import BrokenMeter
from tests.engines.read.conftest import Container, busy, talking_to
from tests.engines.read.test_api import ASYNC, send, texts, wait_for
from tests.engines.speech.process import recorded
from tests.serving import free_port, serving
from tests.site import START, Site, a_license, a_plan
from tests.waiting import eventually

LIMITS = Limits(documents=32)


def sharing(recogniser: Recogniser, folder: Path) -> Container:
    """A container that shares its results in a folder."""

    def now() -> datetime:
        return container.now

    results = FolderResults(folder, clock=now, kept=timedelta(hours=48), abandoned=abandoned)
    container = Container(recogniser, LIMITS, results)
    return container


def balancer(urls: Iterable[str]) -> FastAPI:
    """Each request to the next container, or to the one after it where that is gone."""
    several = list(urls)
    turn = itertools.cycle(range(len(several)))
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def forward(request: Request, path: str) -> Response:
        headers = {name: request.headers[name] for name in ("host", "content-type") if name in request.headers}
        first, body = next(turn), await request.body()
        async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
            for number in range(len(several)):
                url = f"{several[(first + number) % len(several)]}/{path}?{request.url.query}"
                try:
                    answer = await client.request(request.method, url, content=body, headers=headers)
                except httpx.TransportError:
                    continue
                kept = {name: answer.headers[name] for name in ("operation-location",) if name in answer.headers}
                return Response(answer.content, answer.status_code, kept, answer.headers.get("content-type"))
        return Response(status_code=502)

    return app


def sign(text: str) -> bytes:
    return pictures.encode(pictures.sign(text), "PNG")


@pytest.mark.parametrize("rounds", [2, pytest.param(5, marks=pytest.mark.long)])
def test_all_documents_come_through_two_containers_and_a_balancer(
    recogniser: Recogniser, tmp_path: Path, rounds: int
) -> None:
    vision = pytest.importorskip("azure.cognitiveservices.vision.computervision")
    credentials = pytest.importorskip("msrest.authentication").CognitiveServicesCredentials("none")
    containers = [sharing(recogniser, tmp_path) for _ in range(2)]
    with ExitStack() as running:
        urls = [running.enter_context(serving(each.app)) for each in containers]
        client = vision.ComputerVisionClient(running.enter_context(serving(balancer(urls))), credentials)
        documents = ["ONE", "TWO", "THREE", "FOUR"] * rounds
        begun = [client.read_in_stream(io.BytesIO(sign(text)), raw=True) for text in documents]
        ids = [each.headers["Operation-Location"].rpartition("/")[2] for each in begun]
        read = [until_read(client, operation) for operation in ids]
    assert read == documents
    assert [len(each.recorded) for each in containers] == [2 * rounds, 2 * rounds]


def until_read(client: object, operation: str) -> str:
    """The text that the official client gets in the end."""
    ask = client.get_read_result  # type: ignore[attr-defined]
    assert eventually(lambda: ask(operation).status not in ("notStarted", "running"))
    return " ".join(line.text for page in ask(operation).analyze_result.read_results for line in page.lines)


def test_another_container_answers_also_after_the_first_has_stopped(recogniser: Recogniser, tmp_path: Path) -> None:
    one, other = (sharing(recogniser, tmp_path) for _ in range(2))
    with talking_to(other.app) as client:
        with talking_to(one.app) as first:
            location = send(first, sign("GONE"), ASYNC).headers["Operation-Location"]
        path = httpx.URL(location).path
        answer = wait_for(client, path)
        assert texts(answer) == ["GONE"]
        other.sleep(hours=48)
        gone = client.get(path)
    assert (gone.status_code, gone.json()["code"]) == (404, "NotFound")
    assert "give all containers behind a balancer the same one" in gone.json()["message"]


def test_without_a_shared_folder_the_answer_says_what_to_do(recogniser: Recogniser) -> None:
    with talking_to(Container(recogniser, LIMITS).app) as client:
        gone = client.get("/vision/v3.2/read/operations/00000000-0000-4000-8000-000000000000")
    assert gone.status_code == 404
    assert "give all of them one folder as Mounts:Shared" in gone.json()["message"]


def test_a_document_of_a_container_that_was_taken_for_gone_is_not_charged(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    one = sharing(recogniser, tmp_path)
    other = FolderResults(tmp_path, clock=lambda: one.now, kept=timedelta(hours=48), abandoned=abandoned)
    with talking_to(one.app) as client:
        with busy(recogniser):
            location = send(client, sign("LATE"), ASYNC).headers["Operation-Location"]
            key = location.rpartition("/")[2]

            def is_failed() -> bool:
                other.look()
                return b'"failed"' in (other.get(key, now=one.now) or b"")

            assert eventually(is_failed)
        answer = wait_for(client, location)
        assert answer.json()["error"]["code"] == "InternalServerError"
        assert "send the document again" in answer.json()["error"]["message"]
    assert one.recorded == []


def test_a_folder_that_is_lost_refuses_documents_and_questions_and_takes_them_again(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    container = sharing(recogniser, tmp_path)
    with talking_to(container.app) as client:
        location = send(client, sign("KEPT"), ASYNC).headers["Operation-Location"]
        wait_for(client, location)
        (tmp_path / "read-results").rename(tmp_path / "away")
        for refused in (client.get(location), send(client, sign("LOST"), ASYNC)):
            assert (refused.status_code, refused.json()["code"]) == (503, "ResultsUnavailable")
        assert texts(send(client, sign("SYNC"))) == ["SYNC"]
        (tmp_path / "away").rename(tmp_path / "read-results")
        assert texts(client.get(location)) == ["KEPT"]
    assert container.recorded == [1, 1]


class SilentResults(MemoryResults):
    """Shared results that do not answer, as network storage whose server is gone."""

    shared = True

    def __init__(self) -> None:
        super().__init__()
        self.back = threading.Event()

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """Wait, and then answer."""
        self.back.wait(60)
        return super().get(key, now=now)


def test_a_folder_that_does_not_answer_is_given_up_and_holds_up_nothing_else(recogniser: Recogniser) -> None:
    results = SilentResults()
    with talking_to(Container(recogniser, Limits(stored_seconds=0.01), results).app) as client:
        for _ in range(20):
            silent = client.get("/vision/v3.2/read/operations/x")
            assert (silent.status_code, silent.json()["code"]) == (503, "ResultsUnavailable")
        assert texts(send(client, sign("SYNC"))) == ["SYNC"]
        results.back.set()
        assert eventually(lambda: client.get("/vision/v3.2/read/operations/x").status_code == 404)


@pytest.mark.parametrize(
    ("named", "exists", "kind"),
    [(True, True, FolderResults), (False, True, FolderResults), (False, False, MemoryResults)],
)
def test_the_folder_is_the_named_one_or_the_documented_one_where_it_is_there(
    tmp_path: Path, *, named: bool, exists: bool, kind: type[ResultStore]
) -> None:
    folder = tmp_path / "share"
    if exists:
        folder.mkdir()
    options = {"Mounts:Shared": str(folder)} if named else {}
    given = Facilities(lambda: None, BrokenMeter(RuntimeError("nothing is done")), lambda: START, options)
    assert type(results_of(given, tmp_path / "none" if named else folder)) is kind


@contextmanager
def processes(site: Site, share: Path) -> Iterator[list["Process"]]:
    """Two containers as processes of their own, each at an address that it keeps over its kills."""
    several = [Process(site, share, share.with_name(f"log-{number}")) for number in range(2)]
    try:
        yield several
    finally:
        for process in several:
            process.kill()


class Process:
    """A container that is killed and started again at the same address."""

    def __init__(self, site: Site, share: Path, log: Path) -> None:
        trust = ["--trust", str(site.trust.folder)]
        mounts = [f"Mounts:License={site.license}", f"Mounts:Output={site.output}", f"Mounts:Shared={share}"]
        self._command = [sys.executable, "-m", "azlic", "engine", "read", *trust, "eula=accept", *mounts]
        self._port = free_port()
        self._log = log
        self.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*self._command, f"urls=http://127.0.0.1:{self._port}"], stderr=log)
        assert eventually(lambda: "Now listening on" in self._log.read_text())

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()


@pytest.mark.long
def test_two_hundred_documents_come_through_kills_and_each_is_counted_once(site: Site, tmp_path: Path) -> None:
    ends = datetime(9000, 1, 1, tzinfo=UTC)
    site.install(a_license(expires_at=ends, plan=a_plan(ends_at=ends)))
    share = tmp_path / "share"
    share.mkdir()
    delivered: list[str] = []
    with processes(site, share) as containers, serving(balancer(each.url for each in containers)) as url:

        def deliver(number: int) -> None:
            """Send a document again until its text is there, as a client does."""
            text = f"SIGN {number}"
            with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
                while True:
                    begun = send(client, sign(text), ASYNC)
                    if begun.status_code != 202:
                        continue
                    path = httpx.URL(begun.headers["Operation-Location"]).path
                    answer = wait_for(client, path)
                    if answer.json()["status"] == "succeeded":
                        delivered.append(answer.json()["analyzeResult"]["readResults"][0]["lines"][0]["text"])
                        return

        with ThreadPoolExecutor(8) as clients:
            jobs = [clients.submit(deliver, number) for number in range(200)]
            for kill in range(6):
                assert eventually(lambda: len(delivered) >= 25 * (kill + 1), seconds=300)  # noqa: B023
                containers[kill % 2].kill()
                containers[kill % 2].start()
            for job in jobs:
                job.result(600)
        folder = share / "read-results"
        assert eventually(lambda: not any(any((folder / state).iterdir()) for state in ("running", "claimed", "lost")))
    assert len(delivered) == 200
    ended = [json.loads(path.read_bytes().partition(b"\n")[2])["status"] for path in (folder / "ended").iterdir()]
    assert set(ended) <= {"succeeded", "failed"}
    succeeded = ended.count("succeeded")
    assert 200 <= succeeded <= recorded(site.output) <= succeeded + 6
