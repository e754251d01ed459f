"""Nothing is lost and nothing counted twice between a connected container and its issuer, whatever happens."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from engines.metering.connected import Billing
from engines.metering.spool import Spool
from licensing.delivery.billing import BillingAnswer
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.usage_report import MeterReport, Reporter
from tests.site import METER, Site
from usage.intake.run import ingest
from usage.quantity import to_micro
from usage.records.output_scan import scan_folders
from usage.records.record import UsageRecord, interpret
from usage.records.recorder import Recorder

DECODER = msgspec.json.Decoder(float_hook=Decimal)
INTERVAL = timedelta(minutes=10)
METERS = (METER, "another meter")
LABELS = {"container_type": "read", "container_version": "3.2.0"}
Sums = Counter[tuple[str, int]]


class Killed(BaseException):
    """The container's process ended here."""


class Issuer:
    """Books reports by their ids: what the real one does, as a dictionary."""

    def __init__(self) -> None:
        self.books: dict[str, UsageRecord] = {}
        self.denial: Denial | None = None

    def check(self) -> BillingAnswer:
        return BillingAnswer(self.denial)

    def book(self, line: bytes) -> BillingAnswer:
        if self.denial is not None and self.denial.code is not DenialCode.OUT_OF_QUOTA:
            return BillingAnswer(self.denial)
        record, *_ = interpret(line)
        assert self.books.setdefault(record.id, record) == record, "one id has one content"
        return BillingAnswer(self.denial, booked=True)

    def booked(self) -> Sums:
        return sums(self.books.values())


class RealIssuer(Issuer):
    """The issuer's own rules, and the vendor's ledger."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        site.add_resource("web-read", sku="S0")
        self._site, self._billing = site, site.billing()

    def book(self, line: bytes) -> BillingAnswer:
        answer = super().book(line)
        if answer.booked:
            report = MeterReport.model_validate(DECODER.decode(line))
            key = self._site.api_keys["web-read"][0]
            assert self._billing.report(report, resource="web-read", api_key=key, now=self._site.now).booked
        return answer


class Network:
    """The way to the issuer, on which requests and answers are lost, doubled, and held up for later."""

    endpoint = "https://issuer.example/web-read"

    def __init__(self, issuer: Issuer, dice: random.Random) -> None:
        self._issuer = issuer
        self._dice = dice
        self._held_up: list[bytes] = []
        self.loss = self.death = 0.0

    def check(self, container: Reporter) -> BillingAnswer:
        assert container.container_type == "read"
        self._may_die()
        return self._lost() or self._issuer.check()

    def report(self, identity: str, record: bytes) -> BillingAnswer:
        self._may_die()
        if lost := self._lost():
            return lost
        if self._held_up and self._dice.random() < 0.2:
            self._issuer.book(self._held_up.pop(self._dice.randrange(len(self._held_up))))
        answer = self._issuer.book(record)
        if self._dice.random() < 0.2:
            self._held_up.append(record)
        if self._dice.random() < 0.1:
            self._issuer.book(record)
        self._may_die()
        assert not answer.booked or msgspec.json.decode(record)["id"] == identity
        return self._lost() or answer

    def _lost(self) -> BillingAnswer | None:
        if self._dice.random() < self.loss:
            code = self._dice.choice([DenialCode.COULD_NOT_CONNECT, DenialCode.BUSY, DenialCode.UNKNOWN])
            return BillingAnswer(Denial(code, "lost", self._dice.choice([None, 5.0])))
        return None

    def _may_die(self) -> None:
        if self._dice.random() < self.death:
            raise Killed


class Container:
    """A container that is started, delivers, reports, is stopped and killed, with a clock in hand."""

    def __init__(self, site: Site, issuer: Issuer, dice: random.Random) -> None:
        self.site, self.dice = site, dice
        self.network = Network(issuer, dice)
        self.delivered: Sums = Counter()
        self.number = 0
        self.start()

    def start(self) -> None:
        identity = f"{self.number:012x}"
        self.recorder = Recorder(self.site.output, service="read", container_id=identity, **LABELS)
        self.billing = Billing(
            self.recorder,
            endpoint=self.network,
            container=Reporter(container_id=identity, **LABELS),
            clock=self.site.clock,
            interval=INTERVAL,
        )

    def end(self) -> None:
        """The process is gone, and with it all that it held."""
        self.billing.stop()
        self.recorder.close()

    def deliver(self) -> None:
        record = self.append()
        if record is not None:
            self.delivered += sums([record])

    def append(self) -> UsageRecord | None:
        if self.billing.state.denial is not None:
            return None
        quantity = Decimal(self.dice.randrange(1, 4_000_000)) / 1_000_000
        return self.recorder.append(self.dice.choice(METERS), quantity, at=self.site.now, api_type="vision.read")

    def look(self) -> None:
        try:
            self.billing.step()
        except Killed:
            self.end()
            self._tear()
            self._begin_anew()

    def restart(self) -> None:
        self.end()
        self._begin_anew()

    def run_disconnected(self) -> None:
        """The same container with a license: what it records then is nobody's to bill."""
        self.end()
        identity = f"{self.number:012x}"
        self.recorder = Recorder(self.site.output, service="read", container_id=identity, **LABELS)
        spool = Spool(self.recorder.folder)
        spool.disconnect(self.recorder.sequence)
        spool.close()
        self.recorder.append(METER, 1, at=self.site.now, api_type="vision.read")
        self.recorder.close()
        self.start()

    def _begin_anew(self) -> None:
        """As the same container, or as one made anew: that has another id."""
        self.number += self.dice.random() < 0.3
        self.start()

    def _tear(self) -> None:
        """The kill came while a line was being written."""
        if self.dice.random() < 0.5:
            with (self.recorder.folder / "billing.spool").open("ab") as file:
                line = b'{"acknowledged":"x"}' if self.dice.random() < 0.5 else b'{"through":9,"reports":[{"first":1'
                file.write(line[: self.dice.randrange(1, len(line))])


def sums(records: Iterable[UsageRecord]) -> Sums:
    found: Sums = Counter()
    for record in records:
        found[record.meter.name, record.request_time // 86_400_000] += to_micro(record.meter.quantity)
    return found


def walk(site: Site, issuer: Issuer, *, seed: int, steps: int) -> Container:
    """So many things happen to a container; then all is well again, and it has time to report."""
    dice = random.Random(seed)
    container = Container(site, issuer, dice)
    for _ in range(steps):
        what = dice.random()
        if what < 0.5:
            container.deliver()
        elif what < 0.9:
            site.sleep(minutes=dice.choice([1, 5, 10, 10, 30]))
            container.look()
        elif what < 0.94:
            container.network.loss = dice.choice([0, 0, 0.1, 0.5, 1])
            container.network.death = dice.choice([0, 0.05, 0.3])
        elif what < 0.96:
            code = dice.choice([None, None, DenialCode.INVALID, DenialCode.OUT_OF_QUOTA, DenialCode.MISMATCH])
            issuer.denial = None if code is None else Denial(code, "said no")
        elif what < 0.97:
            container.run_disconnected()
        elif what < 0.99 or container.billing.state.stopped:
            container.restart()
        else:
            site.sleep(days=-1)  # somebody set the clock
        assert issuer.booked() <= container.delivered, "never more than was delivered"
    container.network.loss = container.network.death = 0
    issuer.denial = None
    container.restart()
    site.sleep(hours=1)
    container.look()
    container.end()
    return container


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_delivered_is_booked(site: Site, seed: int) -> None:
    issuer = Issuer()
    container = walk(site, issuer, seed=seed, steps=600)
    assert issuer.booked() == container.delivered and sum(container.delivered.values()) > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3, 6))
def test_what_was_delivered_is_booked_after_ten_thousand_steps(site: Site, seed: int) -> None:
    issuer = Issuer()
    container = walk(site, issuer, seed=seed, steps=10_000)
    assert issuer.booked() == container.delivered


@pytest.mark.long
def test_what_was_delivered_is_in_the_vendors_ledger(site: Site) -> None:
    issuer = RealIssuer(site)
    container = walk(site, issuer, seed=7, steps=2_000)
    assert issuer.booked() == container.delivered
    used = sum(usage.month for month in ("2026-02", "2026-03") for usage in site.report(month).usages)
    assert used == sum(container.delivered.values())


def test_a_site_ingests_the_records_and_not_the_spool(site: Site) -> None:
    container = walk(site, Issuer(), seed=8, steps=60)
    receipt = ingest(site.ledger, [site.output], now=site.now)
    assert receipt.clean and receipt.new > 0
    used = sum(usage.month for usage in site.report("2026-03").usages)
    licensed = sum(1 for record in _all_records(site) if record.meter.quantity == 1)
    assert used == sum(container.delivered.values()) + licensed * 1_000_000


def _all_records(site: Site) -> list[UsageRecord]:
    lines = [line for file in scan_folders([site.output]).files for line in Path(file.path).read_bytes().splitlines()]
    return [interpret(line)[0] for line in lines]
