"""A site without a network: its key, its request for a license, and the installing of the license that comes back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

if TYPE_CHECKING:
    from licensing.delivery.request import HeldLicense

app = typer.Typer(help="This site: the key that it signs with.", no_args_is_help=True)

_SiteKeys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FOLDER", readable=False, help="The site's key folder.  [env: AZLIC_SITE_KEYS]"),
]


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("request")(request_command)
    program.command("install")(install_command)
    program.add_typer(app, name="site")


@app.command("init")
def init_command(keys: _SiteKeys = None) -> None:
    """Make this site's signing key.

    Give the public key to the issuer, and its fingerprint over another channel.

    Example: azlic site init
    """
    from licensing.signing.site_keys import PUBLIC, create_site_keys

    folder = keys or load_settings().site_keys
    key = create_site_keys(folder)
    output.say(f"public key: {folder / PUBLIC}", f"  key {key.keyid}")


def request_command(
    resource: Annotated[str, typer.Option("--resource", metavar="NAME", help="The resource that pays.")],
    container: options.ForContainer,
    image_version: options.ForImageVersion,
    file: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", readable=False, help="Where to write the request.")
    ],
    instance: Annotated[
        list[str] | None,
        typer.Option("--instance", metavar="NAME", help="Bind the license to a container of this name; repeatable."),
    ] = None,
    held: Annotated[
        Path | None,
        typer.Option("--held", metavar="PATH", readable=False, help="The license in hand; its serial is sent along."),
    ] = None,
    keys: _SiteKeys = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Request a license with a signed file.

    For a site that never touches the issuer's network: carry the file to the issuer, and bring license.dat back for
    azlic install. Each file is answered once; asked again, it gets the same license.

    Example: azlic request --resource plant-read --container read --image-version 3.2.0 -o request.dsse
    """
    from azlic.render.requests import REQUEST
    from licensing.delivery.request import new_request, write_request
    from licensing.signing.site_keys import site_signer

    settings = load_settings()
    now = clock.now()
    wanted = new_request(
        site=settings.site,
        resource=resource,
        container_type=container,
        container_version=image_version,
        instances=instance or None,
        held=_current(held, trust or settings.trust, resource, container) if held else None,
        now=now,
    )
    signer = site_signer(keys or settings.site_keys)
    write_request(file, wanted, signer)
    REQUEST.give(json, wanted, file, signer.public_key.keyid)


def _current(path: Path, trust: Path, resource: str, container: str) -> "HeldLicense":
    from licensing.delivery.request import current_license
    from licensing.trust.store import TrustStore
    from licensing.verification import verify

    verdict = verify(path, trust=TrustStore(trust), as_of=clock.as_of(None))
    return current_license(verdict, resource=resource, container=container)


def install_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The license.dat to install.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", readable=False, help="The license folder to install into.")
    ],
    container: options.ForContainer,
    image_version: options.ForImageVersion,
    image: options.Image = None,
    instance: options.Instance = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Install a license from a file.

    It is checked as azlic verify does here before it takes the old one's place; where it is not valid, the old one
    stays and the exit status is 1.

    Example: azlic install /media/stick/license.dat /license --container read --image-version 3.2.0
    """
    from azlic.render.verdict import VERDICT
    from azlic.verifier import Verifier
    from licensing.delivery.installing import install, read_carried
    from licensing.history.read import read_memory
    from licensing.history.remember import remember_at

    settings = load_settings()
    verifier = Verifier.of(settings, trust)
    verdict = install(
        read_carried(file),
        folder,
        container=container,
        version=image_version,
        trust=verifier.trust,
        as_of=clock.as_of(None),
        seen=read_memory(settings.database),
        **verifier.here(image=image, instance=instance),
    )
    if not remember_at(settings.database, verdict):
        output.tell(f"its serial is not remembered: there is no ledger {settings.database}; verify --record creates it")
    VERDICT.give(json, verdict, lead_days=settings.lead_days)
