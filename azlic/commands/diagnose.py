"""Everything between a container and its work, from the processor to the billing endpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options
from azlic.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licensing.doctor.check import Check


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("diagnose")(diagnose_command)


def diagnose_command(
    billing: Annotated[
        str | None, typer.Option("--billing", metavar="URL", help="The resource's endpoint, which is to be reached.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Leave the network out.")] = False,
    api_key_file: Annotated[
        str | None,
        typer.Option("--api-key-file", metavar="FILE", help="Check the API key in this file, too; - is stdin."),
    ] = None,
    ca: options.IssuerCa = None,
    license_: options.LicenseFolder = Path("/license"),
    outputs: options.OutputFolders = None,
    container: options.Container = None,
    image_version: options.ImageVersion = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Try the way to the billing endpoint, and look at the machine.

    One verdict a line, in the order in which one needs the other: proxies, name, connection, TLS with the issuer of the
    certificate, HTTP, this clock against the server's, the API key; AVX2, cores, memory, clock source, both mounts.
    Nothing is downloaded and nothing changed. azlic doctor says more of machine and mounts.

    Exit status 0 when nothing is wrong (there may be warnings), 1 when something is, 3 when something could not be
    examined.

    Example: azlic diagnose --billing https://issuer.example/plant-read --api-key-file key1
    """
    from azlic.render.diagnosis import DIAGNOSIS
    from licensing.core.errors import BadCall
    from licensing.doctor.diagnosis import Diagnosis, site_checks
    from licensing.doctor.examination import Site, examine
    from licensing.doctor.identity import NONROOT, find_user
    from licensing.history.read import read_memory
    from licensing.trust.store import TrustStore

    if offline is (billing is not None):
        raise BadCall(
            "diagnose needs the endpoint, or to be told to leave the network out",
            hint="give --billing URL, or --offline, and not both",
        )
    settings = load_settings()
    site = Site(
        license=license_,
        outputs=tuple(outputs or [Path("/output")]),
        nonroot=find_user(NONROOT, nonroot=settings.nonroot),
        container=container,
        version=image_version,
        name=settings.site or None,
        instance=settings.instance or None,
    )
    way = [] if billing is None else list(_way(billing, api_key_file, ca or settings.issuer_ca))
    examination = examine(
        site,
        trust=TrustStore(trust or settings.trust),
        as_of=clock.as_of(None),
        seen=read_memory(settings.database),
        expiring_days=settings.expiring_days,
    )
    found = Diagnosis(examination.as_of, (*way, *site_checks(examination)))
    DIAGNOSIS.give(json, found)
    raise typer.Exit(found.exit_status)


def _way(billing: str, api_key_file: str | None, ca: Path | None) -> "Iterator[Check]":
    import os

    from licensing.delivery.api_keys import read_api_key
    from licensing.delivery.endpoint import check_endpoint
    from licensing.doctor.billing import Endpoint, endpoint_checks, proxy_check

    check_endpoint(billing)
    api_key = read_api_key(api_key_file) if api_key_file else None
    yield proxy_check(os.environ)
    yield from endpoint_checks(Endpoint(billing, api_key, ca), clock=clock.now)
