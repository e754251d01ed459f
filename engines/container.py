"""A container's life: download its license and end, or pass the gate, record, serve, and stop when told to."""

import asyncio
import errno
import logging
import os
import re
import secrets
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI

from engines.host import Host, host_app
from engines.models import Models
from engines.options import ContainerOptions
from engines.server.swagger import swagger_assets
from licensing.containers import ContainerType
from licensing.core.errors import AzlicError
from licensing.delivery.downloading import Order, Slow, Waiting, download
from licensing.delivery.tls import public_roots
from licensing.history.read import read_memory
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Cause, Verdict
from licensing.verification import verify
from licensing.verification.gate import Gate
from usage.records.output_mount import MountReport
from usage.records.recorder import Recorder

_DOCKER_ID = re.compile(r"[0-9a-f]{12}")
_LISTEN_HINTS = {
    errno.EADDRINUSE: "choose another port, or stop what uses this one",
    errno.EACCES: "choose a port from 1024 up: those below are root's",
}
log = logging.getLogger("azlic.container")


@dataclass(frozen=True, slots=True)
class EngineImage:
    """One kind of container of ours, as a license knows it: its type and its version."""

    kind: ContainerType
    version: str


@dataclass(frozen=True, slots=True)
class Engine(EngineImage):
    """An image whose engine is loaded, and what makes its routes.

    ``routes`` gets the gate's dependency, a function that records a quantity as delivered, and the clock; ``close``
    lets go of what the engine holds.
    """

    api_type: str
    routes: Callable[[Callable[[], None], Callable[[int], None], Callable[[], datetime]], APIRouter]
    close: Callable[[], None]


def download_license(
    image: EngineImage,
    options: ContainerOptions,
    *,
    trust: TrustStore,
    clock: Callable[[], datetime],
    waiting: Waiting | None = None,
    slow: Slow | None = None,
) -> Verdict:
    """The ``DownloadLicense=True`` run: fetch this image's license into ``Mounts:License``."""
    assert options.billing and options.api_key  # noqa: S101 - parse_options saw to it
    order = Order(options.billing, options.api_key, image.kind.name, image.version)
    return download(order, options.license, trust=trust, clock=clock, waiting=waiting, slow=slow, ca=options.ca)


class ContainerPlace(NamedTuple):
    """Where a container runs: its site, where that has a name, and the instance that a license may be bound to.

    ``ledger`` is asked for what the site has seen before, where this user may read it.
    """

    site: str | None = None
    instance: str = ""
    ledger: str | None = None

    @property
    def instance_name(self) -> str:
        """The instance's name: the one given, or else the host's."""
        return self.instance or socket.gethostname()


HERE = ContainerPlace()


def examine(
    image: EngineImage, folder: Path, trust: TrustStore, place: ContainerPlace
) -> Callable[[datetime, Seen], Verdict]:
    """What the gate asks: may this image run here with the license in ``folder``?"""

    def verdict(now: datetime, seen: Seen) -> Verdict:
        remembered = read_memory(place.ledger) if place.ledger else Seen()
        return verify(
            folder,
            trust=trust,
            as_of=now,
            container=image.kind.name,
            version=image.version,
            site=place.site,
            instance=place.instance_name,
            seen=remembered.with_witnesses(seen.witnesses),
        )

    return verdict


def find_models(
    image: EngineImage, options: ContainerOptions, *, trust: TrustStore, now: datetime, place: ContainerPlace = HERE
) -> Models | Verdict | None:
    """The models an engine is to load, None for its own; or the verdict that keeps sealed ones closed."""
    if options.models is None:
        return None
    models = Models(options.models)
    if not models.are_sealed:
        return models
    verdict = examine(image, options.license, trust, place)(now, Seen())
    return replace(models, license=verdict.license) if verdict.may_run else verdict


def container_app(
    engine: Engine,
    options: ContainerOptions,
    *,
    trust: TrustStore,
    clock: Callable[[], datetime],
    container_id: str,
    place: ContainerPlace = HERE,
) -> FastAPI | Verdict:
    """The container, ready to be served, or the verdict that keeps it from starting.

    Raises ``AzlicError`` when the output mount cannot take usage records: what cannot be recorded is not served.
    """
    gate = Gate(options.license, examine(engine, options.license, trust, place))
    verdict = gate.verdict(clock())
    if not verdict.may_run:
        return verdict
    recorder = _recorder(engine, options.output, container_id)
    log.info("Using '%s' for writing usage records.", recorder.folder)
    host = Host(
        kind=engine.kind,
        version=engine.version,
        gate=gate,
        report=MountReport(options.output, service=engine.kind.service),
        clock=clock,
    )

    def record(quantity: int) -> None:
        recorder.append(engine.kind.meters[0], quantity, at=clock(), api_type=engine.api_type)

    def closing() -> None:
        engine.close()
        recorder.close()

    return host_app(host, engine.routes(host.admit, record, clock), closing=closing)


def to_mend(verdict: Verdict) -> str | None:
    """The command that lets this process read its license, where that is what keeps it from starting."""
    return _chown(verdict.path) if verdict.cause is Cause.CLOSED else None


def _chown(mount: Path) -> str:
    return f"chown -R {os.geteuid()}:{os.getegid()} {mount}"


def _recorder(engine: Engine, output: Path, container_id: str) -> Recorder:
    try:
        return Recorder(
            output,
            service=engine.kind.service,
            container_type=engine.kind.name,
            container_version=engine.version,
            container_id=container_id,
        )
    except AzlicError as error:
        if isinstance(error.__cause__, PermissionError):
            user = f"user {os.geteuid()}:{os.getegid()} may not write there"
            raise AzlicError(f"{error.message}: {user}", hint=_chown(output)) from error
        raise


def own_container_id(environ: Mapping[str, str]) -> str:
    """The container's id: the host name where Docker gave one, else a new one, as every new container gets."""
    name = environ.get("HOSTNAME") or socket.gethostname()
    return name if _DOCKER_ID.fullmatch(name) else secrets.token_hex(6)


def preload() -> None:
    """Answer one request, to ourselves, so that all a server loads late is loaded before the right to read it goes."""
    app = FastAPI()
    app.get("/")(lambda: {})
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            asyncio.run(_ask(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        finally:
            server.should_exit = True
            thread.join()
    swagger_assets()


async def _ask(url: str) -> None:
    """Ask once, as a download does: its client loads half of itself, and the public CAs, only then."""
    "localhost".encode("idna")  # the codec too
    async with httpx.AsyncClient(verify=public_roots(), trust_env=False) as client:
        (await client.get(url)).raise_for_status()


def drop_privileges(uid: int, gid: int) -> None:
    """Go on as another user, for good. Raises ``AzlicError`` when this process may not."""
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as error:
        raise AzlicError(
            f"this process may not become user {uid}:{gid}: {error.strerror}",
            hint="start it as root, or leave --user away and start it as that user",
        ) from error


def serve(app: FastAPI, listener: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
    """Answer on a socket that is bound already, until SIGTERM or SIGINT; both end it in good order."""
    # a client is whoever the socket says, not who its X-Forwarded-For says
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, proxy_headers=False)
    if tls is not None:
        config.ssl_context_factory = lambda _config, _default: tls
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:  # before uvicorn listens for it, and when uvicorn raises it once more at its end
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Bind the address a server will answer on. Raises ``AzlicError`` when it is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named so that asyncio turns Nagle's algorithm off: it would hold every answer for 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise AzlicError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint=_LISTEN_HINTS.get(error.errno or 0, "give an address of this machine: 127.0.0.1, or 0.0.0.0 for all"),
        ) from error
    return listener
