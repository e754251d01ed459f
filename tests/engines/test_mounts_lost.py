"""A running container whose mounts fill up or go away, and come back: it says so, once, and goes on by itself."""

import logging
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response

from engines.host import Host, host_app
from engines.permit import LicensePermit
from engines.server.process import make_server
from engines.server.usage_logs import usage_logs_routes
from licensing.containers import READ
from licensing.verification.gate import Gate
from tests.serving import running, serving
from tests.site import CONTAINER_ID, Site
from tests.usage.forked import only_root
from tests.waiting import eventually
from usage.months import Month
from usage.records.output_mount import MountReport

Trouble = Callable[[Site], AbstractContextManager[None]]


@contextmanager
def moved_away(site: Site) -> Iterator[None]:
    away = site.output.rename(site.folder / "away")
    yield
    away.rename(site.output)


@contextmanager
def an_empty_folder_in_its_place(site: Site) -> Iterator[None]:
    with moved_away(site):
        site.output.mkdir()
        yield
        site.output.rmdir()  # nothing was written there


@contextmanager
def a_file_in_its_place(site: Site) -> Iterator[None]:
    with moved_away(site):
        site.output.write_bytes(b"")
        yield
        site.output.unlink()


@contextmanager
def its_records_moved_away(site: Site) -> Iterator[None]:
    away = (site.output / "read").rename(site.output / "moved")
    yield
    away.rename(site.output / "read")


@contextmanager
def a_pipe_in_the_place_of_the_usage_file(site: Site) -> Iterator[None]:
    path = site.output / "read" / CONTAINER_ID / "usage-2026-03-01.jsonl"
    away = path.rename(site.folder / "away")
    os.mkfifo(path)
    yield
    away.rename(path)


@contextmanager
def full(site: Site) -> Iterator[None]:
    filler = site.output / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    yield
    filler.unlink()


@contextmanager
def unmounted(site: Site) -> Iterator[None]:
    subprocess.run(["mount", "--bind", site.output, site.folder / "kept"], check=True)
    subprocess.run(["umount", "--lazy", site.output], check=True)
    yield
    subprocess.run(["mount", "--move", site.folder / "kept", site.output], check=True)


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """Mounted anew while the container runs, so that it may only be read: its usage file is still open below."""
    subprocess.run(["mount", "--bind", site.output, site.output], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", site.output], check=True)
    yield
    subprocess.run(["umount", "--lazy", site.output], check=True)


ANYWHERE: list[Trouble] = [
    moved_away,
    an_empty_folder_in_its_place,
    a_file_in_its_place,
    its_records_moved_away,
    a_pipe_in_the_place_of_the_usage_file,
]
ON_A_DISK_OF_ITS_OWN: list[Trouble] = [full, unmounted, read_only]


@pytest.fixture
def disk(site: Site) -> Iterator[None]:
    """A file system of its own below the output folder, where this user may mount one."""
    (site.folder / "kept").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", site.output], check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    subprocess.run(["mount", "--make-private", site.output], check=True)
    yield
    subprocess.run(["umount", "--lazy", site.output], check=True)


def test_an_output_mount_that_is_lost_is_said_and_taken_again(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    check_troubles(site, caplog, ANYWHERE)


@only_root
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_an_output_disk_that_is_full_or_lost_is_said_and_taken_again(
    site: Site, caplog: pytest.LogCaptureFixture, disk: None
) -> None:
    check_troubles(site, caplog, ON_A_DISK_OF_ITS_OWN)


@only_root
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_an_output_disk_that_may_only_be_read_is_said_once_and_taken_again_by_itself(
    site: Site, caplog: pytest.LogCaptureFixture, disk: None
) -> None:
    site.install()
    with caplog.at_level(logging.INFO, "azlic.container"), site.start_engine() as client:
        subprocess.run(["mount", "-o", "remount,ro", site.output], check=True)
        for _ in range(3):
            assert states(client) == [503, 503]
            assert "Read-only file system" in client.get("/ready").json()["message"]
            assert client.post("/count/1").json()["code"] == "UsageNotRecorded"
        assert "<p>Not ready: usage records cannot be written to " in client.get("/").text
        subprocess.run(["mount", "-o", "remount,rw", site.output], check=True)
        assert eventually(lambda: "work is taken in." in caplog.text, 60)  # though nobody asks
        assert states(client) == [200, 200]
        client.post("/count/1").raise_for_status()
    assert [record.levelname for record in caplog.records if "No work is taken in" in record.getMessage()] == ["ERROR"]
    assert site.ingest().new == 1


def check_troubles(site: Site, caplog: pytest.LogCaptureFixture, troubles: list[Trouble]) -> None:
    site.install()
    with caplog.at_level(logging.INFO, "azlic.container"), site.start_engine() as client:
        for trouble in troubles:
            client.post("/count/1").raise_for_status()
            assert states(client) == [200, 200], trouble
            with trouble(site):
                for _ in range(2):
                    assert states(client) == [503, 503], trouble
                    refused = client.post("/count/1")
                    assert (refused.status_code, refused.json()["code"]) == (503, "UsageNotRecorded"), trouble
                message = refused.json()["message"]
                assert message.startswith("usage records cannot be written to ")
                assert client.get("/ready").json()["message"] == message
                assert client.get("/status").json()["apiStatusMessage"] == message
                assert "<p>Not ready: usage records cannot be written to " in client.get("/").text
        assert states(client) == [200, 200]
        client.post("/count/1").raise_for_status()
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "azlic.container"]
    told = [level for level, text in said if "No work is taken in" in text or "work is taken in." in text]
    assert told == ["ERROR", "INFO"] * len(troubles)
    receipt = site.ingest()
    assert (receipt.new, receipt.quarantined, receipt.findings) == (len(troubles) + 1, 0, 0)


def states(client: httpx.Client) -> list[int]:
    return [client.get(path).status_code for path in ("/ready", "/status")]


@contextmanager
def license_moved_away(site: Site) -> Iterator[None]:
    away = site.license.rename(site.folder / "away")
    yield
    away.rename(site.license)


@contextmanager
def an_empty_license_folder(site: Site) -> Iterator[None]:
    with license_moved_away(site):
        site.license.mkdir()
        yield
        site.license.rmdir()


@contextmanager
def a_pipe_in_the_place_of_the_license(site: Site) -> Iterator[None]:
    path = site.license / "license.dat"
    away = path.rename(site.folder / "away")
    os.mkfifo(path)
    yield
    away.rename(path)


def test_a_license_mount_that_is_lost_is_said_and_taken_again(site: Site) -> None:
    site.install()
    with site.start_engine() as client:
        for trouble in (license_moved_away, an_empty_license_folder, a_pipe_in_the_place_of_the_license):
            assert states(client) == [200, 200], trouble
            with trouble(site):
                assert states(client) == [503, 503], trouble
                assert client.post("/count/1").json()["code"] == "LicenseNotValid"
                assert "<p>Not ready" in client.get("/").text
        client.post("/count/1").raise_for_status()


def test_a_mount_that_does_not_answer_counts_as_lost_and_everything_else_goes_on(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.install()
    answers = threading.Event()
    hangs = threading.Event()

    def look() -> None:
        if hangs.is_set():
            assert answers.wait(60)

    gate = Gate(site.license, lambda now, _: site.verify(now))
    host = Host(
        READ,
        "3.2.0",
        LicensePermit(gate),
        look,
        MountReport(site.output, service="read"),
        site.clock,
        mount_seconds=0.05,
    )
    router = APIRouter()
    router.get("/result")(asynchronous)
    served = serving(host_app(host, router, closing=lambda: None))
    with (
        caplog.at_level(logging.INFO, "azlic.container"),
        served as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        assert eventually(lambda: "License valid" in caplog.text, 60)
        hangs.set()
        for _ in range(6):  # more than there are threads to look with
            assert states(client) == [503, 503]
        assert client.get("/ready").json()["message"] == "a mount has not answered for 0.05 seconds"
        assert client.get("/result").text == '"kept"'
        answers.set()
        assert eventually(lambda: states(client) == [200, 200], 60)


async def asynchronous() -> str:
    return "kept"


def test_many_who_ask_what_was_used_keep_nobody_from_the_rest() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def report(_: Month | None) -> Response:
        asked.set()
        assert go_on.wait(60)
        return Response("used")

    app = FastAPI()
    app.include_router(usage_logs_routes(report))
    app.get("/other")(lambda: "fine")
    server = make_server(app)
    with running(server) as port, ExitStack() as many:
        asking = [many.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in range(50)]
        for one in asking:
            one.sendall(b"GET /records/usage-logs/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert asked.wait(60)
        assert eventually(lambda: len(server.server_state.tasks) == 50, 60)
        assert httpx.get(f"http://127.0.0.1:{port}/other", timeout=60).text == '"fine"'
        go_on.set()
        for one in asking:
            with one.makefile("rb") as answer:
                assert answer.read().endswith(b"used")
