"""What every serving process shares: its address, what is loaded beforehand, its privileges."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from engines.server.process import drop_privileges, listen
from licensing.core.errors import AzlicError
from tests.site import Site, a_plan
from tests.usage.forked import NONROOT, as_nonroot, in_child, only_root


@only_root
def test_privileges_that_were_dropped_are_gone_for_good() -> None:
    def drop() -> object:
        drop_privileges(NONROOT, NONROOT)
        with pytest.raises(PermissionError):
            os.setuid(0)
        with pytest.raises(PermissionError):
            os.setgid(0)
        return os.getresuid(), os.getresgid(), os.getgroups()

    assert in_child(drop) == str(((NONROOT,) * 3, (NONROOT,) * 3, []))


@only_root
def test_only_root_may_become_another_user() -> None:
    def drop() -> str:
        with pytest.raises(AzlicError) as refused:
            drop_privileges(1, 1)
        return refused.value.message

    assert as_nonroot(drop).startswith("this process may not become user 1:1")


def test_an_address_that_is_taken_is_an_error() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AzlicError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "hint"),
    [("192.0.2.1", "give an address of this machine"), ("no.such.host.invalid", "give an address of this machine")],
)
def test_an_address_of_another_machine_has_a_hint_of_its_own(host: str, hint: str) -> None:
    with pytest.raises(AzlicError, match=f"cannot listen on {host}:0") as refused:
        listen(host, 0)
    assert refused.value.hint.startswith(hint)


@only_root
def test_a_port_of_roots_has_a_hint_of_its_own() -> None:
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("every user may listen on port 80 here")

    def bind() -> object:
        with pytest.raises(AzlicError) as refused:
            listen("127.0.0.1", 80)
        return refused.value.hint

    assert as_nonroot(bind) == "choose a port from 1024 up: those below are root's"


NOTHING_MORE_TO_LOAD = """
import sys
from pathlib import Path

from engines.server.process import preload

preload()
from tests.licensing.orders import an_order
from tests.site import Site
from licensing.delivery.downloading import download
from licensing.trust.store import TrustStore
from azlic.clock import now

class Closed:
    def find_spec(self, name, *_):
        raise ImportError(f"{name} lies in a folder that is closed by now")

sys.meta_path[:] = [Closed()]
import certifi
certifi.where = None
endpoint, key, folder, trust = sys.argv[1:]
order = an_order(endpoint, api_key=key)
print(download(order, Path(folder), trust=TrustStore(Path(trust)), clock=now).path)
"""


def test_what_was_preloaded_is_enough_for_a_download(site: Site) -> None:
    site.add_resource(plan=a_plan(ends_at=datetime(9000, 1, 1, tzinfo=UTC)))
    with site.license_server() as server:
        words = [f"{server}/plant-read", site.api_keys["plant-read"][0], str(site.license), str(site.trust.folder)]
        command = [sys.executable, "-c", NOTHING_MORE_TO_LOAD, *words]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert (ended.returncode, ended.stdout) == (0, f"{site.license}\n"), ended.stderr


FEW_FILES = """
import resource
from fastapi import FastAPI
from engines.server.process import listen, serve

resource.setrlimit(resource.RLIMIT_NOFILE, (20, 1024))
app = FastAPI()
app.get("/")(lambda: "fine")
listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
serve(app, listener)
"""


@pytest.mark.long
def test_clients_without_a_request_do_not_use_up_the_files_of_a_process() -> None:
    command = [sys.executable, "-c", FEW_FILES]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process, ExitStack() as clients:
        assert process.stdout is not None and process.stderr is not None
        address = "127.0.0.1", int(process.stdout.readline())
        for number in range(400):
            client = clients.enter_context(socket.create_connection(address, timeout=60))
            if number % 20 == 0:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(1)
        process.terminate()
        assert (process.wait(60), process.stderr.read()) == (0, "")


CIRCLES = """
import gc
from fastapi import FastAPI
from engines.server.process import listen, serve

gc.set_threshold(100_000, 50, 50)  # as the program sets it

class Circle:
    left = 0

    def __init__(self) -> None:
        Circle.left += 1
        self.itself = self

    def __del__(self) -> None:
        Circle.left -= 1

def leave() -> int:
    for _ in range(500):
        Circle()
    return Circle.left

app = FastAPI()
app.get("/")(leave)
listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
serve(app, listener)
"""


@pytest.mark.long
def test_what_clients_leave_does_not_gather() -> None:
    with subprocess.Popen([sys.executable, "-c", CIRCLES], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with httpx.Client(base_url=f"http://127.0.0.1:{process.stdout.readline().strip()}", timeout=60) as client:
            left = [client.get("/").json() for _ in range(60)]
        process.terminate()
        assert process.wait(60) == 0
    assert max(left) < 10_000, "of 30,000"
