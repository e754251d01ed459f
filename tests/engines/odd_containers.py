"""Containers that are out of order, each in its way: what they answer is described too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import NamedTuple

import httpx
from fastapi import APIRouter

from engines.container import HERE, examine
from engines.engine import EngineImage, Facilities
from engines.host import Host, host_app
from engines.metering.billing_state import BillingState, begin
from engines.permit import BillingPermit, LicensePermit
from licensing.verification.gate import Gate
from tests.serving import serving
from tests.site import Site
from usage.records.output_mount import MountReport


class BrokenMeter(NamedTuple):
    """A meter that cannot be written, or that fails as nothing should."""

    error: Exception

    def record(self, meter: str, quantity: Decimal, *, at: datetime) -> None:  # noqa: ARG002
        """Raise it."""
        raise self.error


@contextmanager
def silent(site: Site, image: EngineImage, routes: Callable[[Facilities], APIRouter]) -> Iterator[httpx.Client]:
    """A container whose mount does not answer."""
    until = Event()

    def look() -> None:
        until.wait(60)

    host = Host(
        kind=image.kind,
        version=image.version,
        permit=LicensePermit(Gate(site.license, examine(image, site.license, site.trust, HERE))),
        recording_fault=look,
        report=MountReport(site.output, service=image.kind.service),
        clock=site.clock,
        mount_seconds=0.01,
    )
    router = routes(Facilities(host.admit, BrokenMeter(RuntimeError("nothing is done")), site.clock, {}))
    with serving(host_app(host, router, closing=until.set)) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client
        until.set()


class _Unbilled(NamedTuple):
    """Billing that nobody has answered yet."""

    state: BillingState


@contextmanager
def unbilled(site: Site, image: EngineImage, routes: Callable[[Facilities], APIRouter]) -> Iterator[httpx.Client]:
    """A connected container whose key was not checked yet."""
    host = Host(
        kind=image.kind,
        version=image.version,
        permit=BillingPermit(_Unbilled(begin(site.now, interval=timedelta(minutes=10)))),
        recording_fault=lambda: None,
        report=MountReport(site.output, service=image.kind.service),
        clock=site.clock,
    )
    router = routes(Facilities(host.admit, BrokenMeter(RuntimeError("nothing is done")), site.clock, {}))
    app = host_app(host, router, closing=lambda: None)
    with serving(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def got(client: httpx.Client, *paths: str) -> Iterator[httpx.Response]:
    """Answers to GET, and to HEAD."""
    for path in paths:
        yield client.get(path)
        yield client.head(path)
