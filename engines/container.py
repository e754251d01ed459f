"""A container's life: download its license and end, or pass the gate, record, serve, and stop when told to."""

import logging
import os
import re
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Unpack

from fastapi import FastAPI

from engines.engine import Engine, EngineImage, Facilities
from engines.host import Host, host_app
from engines.logs.settings import Logs
from engines.metering.connected import Billing
from engines.metering.offline import OfflineMeter
from engines.metering.spool import Spool
from engines.models import Models
from engines.options import ContainerOptions
from engines.permit import BillingPermit, LicensePermit, Permit
from licensing.core.errors import AzlicError, BadCall
from licensing.core.text import command_word
from licensing.delivery.api_keys import read_api_key
from licensing.delivery.usage_report import Reporter
from licensing.history.read import read_memory
from licensing.trust.store import TrustStore
from licensing.verdict.seen import NOTHING_SEEN, Seen
from licensing.verdict.verdict import Cause, Verdict
from licensing.verification import Here, verify
from licensing.verification.gate import Gate
from licensing.verification.mounts import NoLicense, find_license
from usage.records.output_mount import MountReport
from usage.records.recorder import Recorder

if TYPE_CHECKING:
    from licensing.delivery.downloading import Slow, Waiting

_DOCKER_ID = re.compile(r"[0-9a-f]{12}")
log = logging.getLogger("azlic.container")


def download_license(
    engine: EngineImage,
    options: ContainerOptions,
    *,
    trust: TrustStore,
    clock: Callable[[], datetime],
    waiting: "Waiting | None" = None,
    slow: "Slow | None" = None,
    seen: Seen = NOTHING_SEEN,
    **here: Unpack[Here],
) -> Verdict:
    """The ``DownloadLicense=True`` run: fetch this engine's license into ``Mounts:License``, if it is good ``here``."""
    from licensing.delivery.downloading import Order, download  # noqa: PLC0415 - a container that serves asks nobody

    assert options.billing and options.api_key  # noqa: S101 - parse_options saw to it
    order = Order(options.billing, options.api_key, engine.kind.name, engine.version)
    return download(
        order,
        options.license,
        trust=trust,
        clock=clock,
        waiting=waiting,
        slow=slow,
        ca=options.ca,
        seen=seen,
        **here,
    )


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
            model=image.model,
            site=place.site,
            instance=place.instance_name,
            seen=remembered.with_witnesses(seen.witnesses),
        )

    return verdict


def has_license(options: ContainerOptions) -> bool:
    """Whether there is a license where it belongs, good or not: then it counts, and nothing is reported anywhere."""
    try:
        find_license(options.license)
    except NoLicense:
        return False
    return True


def connected(options: ContainerOptions) -> ContainerOptions | None:
    """The options of a connected container, its API key read; None where a license counts, or nothing bills.

    Raises ``BadCall`` for an endpoint without a key or a key without one, and for an endpoint that would get the key in
    the clear; ``AzlicError`` for a key that cannot be read.
    """
    if not (options.billing or options.has_key) or has_license(options):
        return None
    if not (options.billing and options.has_key):
        raise BadCall(
            f"there is no license in {options.license}, and a connected container needs both Billing and ApiKey",
            hint="add Billing={ENDPOINT_URI} and ApiKeyFile=FILE, or put the license there",
        )
    from licensing.delivery.endpoint import check_endpoint  # noqa: PLC0415 - with it comes what asks over HTTP

    check_endpoint(options.billing)
    return replace(options, api_key=options.api_key or read_api_key(str(options.api_key_file)))


def unlock(
    models: Models, image: EngineImage, folder: Path, *, trust: TrustStore, now: datetime, place: ContainerPlace = HERE
) -> Models | Verdict:
    """Sealed models with the license in ``folder``, that opens them; or the verdict that keeps them closed."""
    verdict = examine(image, folder, trust, place)(now, Seen())
    return replace(models, license=verdict.license) if verdict.may_run else verdict


def container_app(
    engine: Engine,
    options: ContainerOptions,
    *,
    trust: TrustStore,
    clock: Callable[[], datetime],
    container_id: str,
    place: ContainerPlace = HERE,
    logs: Logs | None = None,
    interval: timedelta | None = None,
) -> FastAPI | Verdict:
    """The container, ready to be served, or the verdict that keeps it from starting.

    ``logs`` are opened beside its usage records. One that is ``connected`` has no license: it reports to its endpoint
    at an ``interval``, 10 to 15 minutes unless stated. Raises ``AzlicError`` when the output mount cannot take usage
    records: what cannot be recorded is not served.
    """
    bills = connected(options)
    if bills is None and (options.billing or options.has_key):
        log.warning("Billing and ApiKey have no effect: the license in '%s' counts.", options.license)
    gate = Gate(options.license, examine(engine, options.license, trust, place))
    if bills is None and not (verdict := gate.verdict(clock())).may_run:
        return verdict
    recorder = _recorder(engine, options.output, container_id)
    if logs is not None:
        logs.open(recorder.folder)
    log.info("Using '%s' for writing usage records.", recorder.folder)
    meter = OfflineMeter(recorder, engine.meters)
    permit: Permit = LicensePermit(gate)
    billing: Billing | None = None
    try:
        if bills is not None:
            billing = _billing(bills, engine, recorder, clock, interval)
            permit = BillingPermit(billing)
        else:
            _leave_billing(recorder)
    except BaseException:
        recorder.close()
        raise
    host = Host(
        kind=engine.kind,
        version=engine.version,
        permit=permit,
        recording_fault=meter.fault,
        report=MountReport(options.output, service=engine.kind.service),
        clock=clock,
    )
    facilities = Facilities(host.admit, meter, clock, options.own)
    if billing is not None:
        billing.start()

    def closing() -> None:
        engine.close()
        if billing is not None:
            billing.stop()
        recorder.close()

    return host_app(host, engine.routes(facilities), closing=closing)


def _billing(
    options: ContainerOptions,
    engine: Engine,
    recorder: Recorder,
    clock: Callable[[], datetime],
    interval: timedelta | None,
) -> Billing:
    from licensing.delivery.billing import BillingEndpoint  # noqa: PLC0415 - a container with a license asks nobody

    assert options.billing and options.api_key  # noqa: S101 - connected() saw to it
    log.info("There is no license in '%s': use is reported to '%s'.", options.license, options.billing)
    reporter = Reporter(
        container_type=engine.kind.name, container_version=engine.version, container_id=recorder.folder.name
    )
    return Billing(
        recorder,
        endpoint=BillingEndpoint(options.billing, options.api_key, clock, options.ca),
        container=reporter,
        clock=clock,
        interval=interval or timedelta(seconds=600 + secrets.randbelow(301)),
    )


def _leave_billing(recorder: Recorder) -> None:
    """Let what a container records under its license be no connected use, where it was connected before."""
    spool = Spool(recorder.folder)
    try:
        spool.disconnect(recorder.sequence)
    finally:
        spool.close()


def to_mend(verdict: Verdict) -> str | None:
    """The command that lets this process read its license, where that is what keeps it from starting."""
    return _chown(verdict.path) if verdict.cause is Cause.CLOSED else None


def _chown(mount: Path) -> str:
    return f"chown -R {os.geteuid()}:{os.getegid()} {command_word(str(mount))}"


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
