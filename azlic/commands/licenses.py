"""Licenses: download one, verify it."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command()(verify)
    program.command()(download)


def verify(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", readable=False, help="The license folder, or license.dat itself.")
    ] = Path("/license"),
    container: options.Container = None,
    image_version: options.ImageVersion = None,
    at: options.At = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Check a license: may it run, until when?

    Says so in words, with the numbered checks behind it and what to do. Opens no socket and writes nothing.
    Exit status 0 when the container may run, 1 when it may not.

    Example: azlic verify /license --container read
    """
    from azlic.show_verdict import verdict_fields, verdict_text
    from licensing.trust import TrustStore
    from licensing.verification import verify as verify_license

    settings = load_settings()
    verdict = verify_license(
        path,
        trust=TrustStore(trust or settings.trust),
        as_of=clock.as_of(at),
        container=container,
        version=image_version,
        expiring_days=settings.expiring_days,
    )
    if json:
        output.emit_json("azlic.verdict/v1", verdict_fields(verdict))
    else:
        output.emit(verdict_text(verdict))
    raise typer.Exit(0 if verdict.may_run else 1)


def download(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The resource's endpoint.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", readable=False, help="The license folder to install into.")
    ],
    container: options.ForContainer,
    image_version: options.ForImageVersion,
    api_key_file: Annotated[
        str,
        typer.Option("--api-key-file", metavar="FILE", help="A file with one of the resource's API keys; - is stdin."),
    ],
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            metavar="FILE",
            readable=False,
            help="The CA (PEM) that must vouch for the endpoint; no other may.  [env: AZLIC_ISSUER_CA]",
        ),
    ] = None,
    allow_plain_http: Annotated[
        bool, typer.Option("--allow-plain-http", help="Send the API key in the clear, to any machine.")
    ] = False,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Download a license (DownloadLicense=True).

    Done on a connected machine. The license is checked against the trust store before it takes the old one's place.
    Redirects are not followed, and proxies in the environment are not asked: the API key goes to the endpoint alone.
    Exit status 1 when the issuer says no or sends no good license, 3 when no issuer answers.

    Example: azlic download https://issuer.example/plant-read ./license --container read --image-version 3.2.0
    --api-key-file key1 --ca issuer-ca.pem
    """
    from azlic.show_verdict import verdict_fields, verdict_text
    from licensing.api_keys import read_api_key
    from licensing.download import Order
    from licensing.download import download as download_license
    from licensing.endpoint import in_the_clear
    from licensing.memory import read_memory
    from licensing.remember import remember_at
    from licensing.trust import TrustStore

    settings = load_settings()
    if allow_plain_http and in_the_clear(endpoint):
        output.tell("warning: the API key goes over the network in the clear; whoever reads it can use it")
    verdict = download_license(
        Order(endpoint, read_api_key(api_key_file), container, image_version),
        folder,
        trust=TrustStore(trust or settings.trust),
        clock=lambda: clock.as_of(None),
        waiting=output.tell_of_waiting,
        slow=output.tell_of_slowness,
        ca=ca or settings.issuer_ca,
        allow_plain_http=allow_plain_http,
        seen=read_memory(settings.database),
    )
    remember_at(settings.database, verdict)
    if json:
        output.emit_json("azlic.verdict/v1", verdict_fields(verdict))
    else:
        output.emit(verdict_text(verdict))
