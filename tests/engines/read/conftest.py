"""One recogniser for all tests of the Read engine, and a container to send documents to."""

import threading
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from engines.read import TESSDATA, Limits, Recogniser, read_routes
from engines.results.memory import MemoryResults
from engines.results.store import ResultStore
from engines.server.errors import Refusal
from engines.server.process import make_server
from licensing.core.errors import AzlicError
from tests.serving import running
from tests.site import METER


@pytest.fixture(scope="session")
def recogniser() -> Iterator[Recogniser]:
    recogniser = Recogniser(threads=2)
    yield recogniser
    recogniser.close()


@pytest.fixture(scope="session")
def tessdata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """English, and what Debian's packages tesseract-ocr-deu, -fra and -ell bring."""
    folder = tmp_path_factory.mktemp("tessdata")
    found = {path.name: path for path in Path("/usr/share/tesseract-ocr").glob("*/tessdata/*.traineddata")}
    ours = {path.name: path for path in TESSDATA.iterdir()}
    for name in ("eng", "deu", "fra", "ell", "osd"):
        model = (found | ours).get(f"{name}.traineddata")
        if model is None:
            pytest.skip(f"needs tesseract-ocr-{name}")
        (folder / model.name).symlink_to(model)
    return folder


@pytest.fixture(scope="session")
def several(tessdata: Path) -> Iterator[Recogniser]:
    recogniser = Recogniser(threads=1, tessdata=tessdata)
    yield recogniser
    recogniser.close()


class Container:
    """A Read container with a license, a recorder and a clock in hand."""

    def __init__(self, recogniser: Recogniser, limits: Limits, results: ResultStore | None = None) -> None:
        self.now = datetime(2027, 1, 1, tzinfo=UTC)
        self.licensed = True
        self.disk_full = False
        self.recorded: list[Decimal] = []
        self.asked = threading.Event()
        self.admissions = 0
        self.app = FastAPI()
        self.app.include_router(
            read_routes(
                recogniser=recogniser,
                meter=self,
                results=results or MemoryResults(),
                admit=self._admit,
                clock=lambda: self.now,
                limits=limits,
            )
        )

    def sleep(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    def _admit(self) -> Refusal | None:
        self.admissions += 1
        self.asked.set()
        return None if self.licensed else Refusal("LicenseExpired", "the license has ended")

    def record(self, meter: str, quantity: Decimal, *, at: datetime) -> None:
        """The container's meter."""
        assert (meter, at) == (METER, self.now)
        if self.disk_full:
            raise AzlicError("the disk is full", hint="make room")
        self.recorded.append(quantity)


@pytest.fixture
def container(recogniser: Recogniser) -> Container:
    return Container(recogniser, Limits(body_bytes=2_000_000, documents=2))


@contextmanager
def talking_to(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of a real server on a loopback socket."""
    with running(make_server(app)) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


@contextmanager
def busy(recogniser: Recogniser) -> Iterator[None]:
    """All threads of the recogniser have something else to do until the block ends."""
    done = threading.Event()
    others = [recogniser.pool.submit(done.wait) for _ in range(recogniser.threads)]
    try:
        yield
    finally:
        done.set()
        wait(others)


@pytest.fixture
def client(container: Container) -> Iterator[httpx.Client]:
    with talking_to(container.app) as client:
        yield client
