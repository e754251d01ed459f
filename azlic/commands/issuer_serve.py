"""The license server."""

from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command()(serve)


def serve(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:5080",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="What clients call this server, if it is not the address itself.")
    ] = None,
    database: options.IssuerStore = None,
    keys: options.IssuerKeys = None,
) -> None:
    """Answer DownloadLicense over HTTP until SIGTERM.

    Example: azlic issuer serve --listen 127.0.0.1:5080
    """
    from engines.container import listen as bind
    from engines.container import serve as serve_app
    from licensing.errors import BadCall
    from licensing.issuer import Issuer
    from licensing.issuer_book import open_stocked_issuer
    from licensing.issuer_http import issuer_app
    from licensing.issuer_keys import issuer_signer

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise BadCall(f"--listen {listen!r} is not of the form HOST:PORT", hint="for example 127.0.0.1:5080")
    settings = load_settings()
    signer = issuer_signer(keys or settings.issuer_keys)
    store = open_stocked_issuer(database or settings.database)
    listener = bind(host.strip("[]"), int(port))
    base_url = url or f"http://{host}:{listener.getsockname()[1]}"
    output.log_to_stderr()
    output.tell(f"Now listening on: {base_url}")
    serve_app(issuer_app(Issuer(store, signer, base_url=base_url), clock=clock.now), listener)
