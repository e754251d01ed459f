"""A whole site in a temporary folder, with a clock in hand: real issuer, real mounts, real container, real ledger."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import httpx
from fastapi import APIRouter, Depends, FastAPI, Response
from securesystemslib.signer import Signer
from sqlalchemy import Engine as Database

from engines.container import container_app
from engines.engine import Engine, Facilities
from engines.options import ContainerOptions
from engines.server.errors import require_admission
from licensing.containers import READ
from licensing.core.http_request import REQUEST_SECONDS
from licensing.db.database import BUSY_SECONDS, open_database, open_ledger, reading, writing
from licensing.db.store_kind import StoreKind
from licensing.delivery.downloading import Order, Waiting, download
from licensing.issuer.billing import Billing
from licensing.issuer.book import approve
from licensing.issuer.http import issuer_app
from licensing.issuer.issue import Issuer
from licensing.issuer.resources import NewResource, add_resource
from licensing.signing.document import LICENSE_TYPE, CommittedPlan, License, LicensedContainer, LicensedResource, Quota
from licensing.signing.envelope import seal
from licensing.signing.keys import create_key_pair, load_signer
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from licensing.verification import verify
from tests.serving import serving
from tests.tables import put_tables
from usage.connected.books import VendorLedger
from usage.intake.run import ingest
from usage.ledger.receipt import Receipt
from usage.months import Month
from usage.plans.store import add_plan, from_document
from usage.records.usage_files import SIZES, ReadSizes
from usage.reporting.report import MonthlyReport, monthly_report

METER = READ.meters[0]
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
LICENSE_ID = "01900000-0000-7000-8000-000000000001"
CONTAINER_ID = "0123456789ab"
OPERATOR = "the issuer's operator"

NewDatabase = Callable[[str], str]
"""Gives the path or URL of a new database by its name."""


def a_plan(name: str = "read-2026", **changes: object) -> CommittedPlan:
    """A Read plan over the year 2026: 500,000 transactions."""
    fields: dict[str, object] = {
        "name": name,
        "plan_type": "Read",
        "tier": "T1",
        "quota": Quota(quantity=500_000, unit="Transaction"),
        "period": "year",
        "starts_at": datetime(2026, 1, 1, tzinfo=UTC),
        "ends_at": datetime(2027, 1, 1, tzinfo=UTC),
        "meters": READ.meters,
    }
    return CommittedPlan.model_validate(fields | changes)


def a_license(**changes: object) -> License:
    """A Read license from ``START`` to the end of 2026."""
    fields: dict[str, object] = {
        "license_id": LICENSE_ID,
        "serial": 1,
        "container": LicensedContainer(
            type="read", repositories=READ.repositories, version_from="3.2", version_below="4"
        ),
        "resource": LicensedResource(name="plant-read", endpoint="https://issuer.example/plant-read"),
        "issued_at": START,
        "not_before": START,
        "expires_at": datetime(2027, 1, 1, tzinfo=UTC),
        "plan": a_plan(),
    }
    return License.model_validate(fields | changes)


def counting_engine() -> Engine:
    """A container of the Read type whose work is to count: ``POST /count/{pages}`` delivers that many pages."""

    def routes(given: Facilities) -> APIRouter:
        router = APIRouter()

        @router.post("/count/{pages}", dependencies=[Depends(require_admission(given.admit))])
        def count(pages: Decimal) -> Response:
            given.meter.record(METER, pages, at=given.clock())
            return Response(status_code=204)

        return router

    meters = {METER: "vision.read"}
    return Engine(kind=READ, version="3.2.0", meters=meters, routes=routes, close=lambda: None)


class Site:
    """An issuer, an operator, a container and its two mounts. ``now`` is the only clock; ``sleep`` moves it."""

    def __init__(self, folder: Path, new_database: NewDatabase | None = None) -> None:
        self.folder = folder
        self.new_database = new_database or (lambda name: str(folder / f"{name}.db"))
        self.now = START
        self.wait_seconds: float = BUSY_SECONDS
        self.license = folder / "license"
        self.output = folder / "output"
        self.license.mkdir()
        self.output.mkdir()
        self.trust = TrustStore(folder / "trust.d")
        keys = folder / "issuer-keys"
        keys.mkdir()
        create_key_pair(keys / "issuer-key.pem", keys / "issuer.pem")
        self.public_key = keys / "issuer.pem"
        self.signer: Signer = load_signer(keys / "issuer-key.pem", self.public_key)
        self.trust.add(self.public_key)
        self.api_keys: dict[str, list[str]] = {}
        self._issuer_store: Database | None = None
        self._ledger: Database | None = None

    def clock(self) -> datetime:
        return self.now

    def sleep(self, **span: float) -> None:
        self.now += timedelta(**span)

    def install(self, license_: License | None = None, folder: Path | None = None) -> Path:
        """Put a signed license into a folder, as if it had been downloaded and carried there."""
        target = (folder or self.license) / "license.dat"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(seal((license_ or a_license()).to_bytes(), LICENSE_TYPE, self.signer))
        return target

    def verify(
        self, at: datetime | None = None, *, container: str | None = "read", seen: Seen | None = None
    ) -> Verdict:
        return verify(self.license, trust=self.trust, as_of=at or self.now, container=container, seen=seen)

    @property
    def issuer_store(self) -> Database:
        if self._issuer_store is None:
            target = self.new_database("issuer")
            put_tables(target, StoreKind.ISSUER, 0o600)
            self._issuer_store = open_database(
                target, StoreKind.ISSUER, create=True, mode=0o600, wait_seconds=self.wait_seconds
            )
        return self._issuer_store

    def add_resource(self, name: str = "plant-read", *, approved: bool = True, **changes: object) -> None:
        fields: dict[str, object] = {
            "name": name,
            "subscription": f"{name}-subscription",
            "container_type": "read",
            "plan": a_plan(),
        }
        resource = NewResource(**(fields | changes))  # type: ignore[arg-type]
        self.api_keys[name] = list(add_resource(self.issuer_store, resource, now=self.now, actor=OPERATOR))
        if approved:
            approve(self.issuer_store, resource.subscription, now=self.now, actor=OPERATOR)

    @contextlib.contextmanager
    def license_server(
        self, *, request_seconds: float = REQUEST_SECONDS, bills: bool = False, port: int = 0
    ) -> Iterator[str]:
        """The real license server on a loopback port; gives its address. One that ``bills`` books into our ledger."""
        issuer = Issuer(self.issuer_store, self.signer, base_url="http://issuer.example")
        billing = self.billing() if bills else None
        app = issuer_app(issuer, clock=self.clock, billing=billing, request_seconds=request_seconds)
        with serving(app, port=port) as url:
            yield url

    def billing(self) -> Billing:
        """The issuer's rules of connected containers; the ledger is the vendor's."""
        return Billing(self.issuer_store, VendorLedger(self.ledger))

    def download(self, server: str, resource: str = "plant-read", **changes: str) -> Verdict:
        """The DownloadLicense step over HTTP, into the site's license folder."""
        waiting: Waiting | None = None
        order = {
            "endpoint": f"{server}/{resource}",
            "api_key": self.api_keys.get(resource, ["none"])[0],
            "container_type": "read",
            "container_version": "3.2.0",
        }
        return download(Order(**(order | changes)), self.license, trust=self.trust, clock=self.clock, waiting=waiting)

    def container(
        self, *, engine: Engine | None = None, container_id: str = CONTAINER_ID, **billing: str
    ) -> FastAPI | Verdict:
        """The container as it starts now: its application, or the verdict that keeps it from starting.

        ``billing`` and ``api_key`` make it a connected one, which reports every ten minutes of the clock in hand.
        """
        options = ContainerOptions(license=self.license, output=self.output, **billing)  # type: ignore[arg-type]
        return container_app(
            engine or counting_engine(),
            options,
            trust=self.trust,
            clock=self.clock,
            container_id=container_id,
            interval=timedelta(minutes=10),
        )

    @contextlib.contextmanager
    def start_engine(
        self, *, engine: Engine | None = None, container_id: str = CONTAINER_ID, **billing: str
    ) -> Iterator[httpx.Client]:
        """A running container on a loopback port, and a client that talks to it."""
        app = self.container(engine=engine, container_id=container_id, **billing)
        assert isinstance(app, FastAPI), app
        with serving(app) as url, httpx.Client(base_url=url, timeout=60) as client:
            yield client

    @cached_property
    def database(self) -> str:
        """Where the site's ledger is: a path, or a URL."""
        return self.new_database("azlic")

    @property
    def ledger(self) -> Database:
        if self._ledger is None:
            put_tables(self.database, StoreKind.SITE, 0o640)
            self._ledger = open_ledger(self.database, create=True, wait_seconds=self.wait_seconds)
        return self._ledger

    def ingest(self, sizes: ReadSizes = SIZES, *, now: datetime | None = None) -> Receipt:
        return ingest(self.ledger, [self.output], now=now or self.now, sizes=sizes)

    def enter_plan(self, plan: CommittedPlan | None = None) -> None:
        with writing(self.ledger) as connection:
            add_plan(connection, from_document(plan or a_plan()))

    def report(self, month: str) -> MonthlyReport:
        with reading(self.ledger) as connection:
            return monthly_report(connection, Month.parse(month), as_of=self.now)

    def close(self) -> None:
        for database in (self._issuer_store, self._ledger):
            if database is not None:
                database.dispose()
