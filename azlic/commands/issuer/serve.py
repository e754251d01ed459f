"""The license server."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

if TYPE_CHECKING:
    import ssl


_WARN_DAYS = 30


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command()(serve)


def serve(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:5080",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="What clients call this server, if it is not the address itself.")
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(
            "--tls-certificate",
            metavar="FILE",
            readable=False,
            help="The server's certificate (PEM), then the CAs between.",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", readable=False, help="Its key (PEM), closed to others.")
    ] = None,
    allow_plain_http: Annotated[
        bool,
        typer.Option("--allow-plain-http", help="Listen without TLS for other machines: API keys come in the clear."),
    ] = False,
    database: options.IssuerStore = None,
    keys: options.IssuerKeys = None,
) -> None:
    """Answer DownloadLicense over HTTP until SIGTERM.

    Without TLS it listens on the loopback only, unless --allow-plain-http is given.

    Example: azlic issuer serve --listen 0.0.0.0:5443 --url https://issuer.example:5443
    --tls-certificate issuer-tls.pem --tls-key issuer-tls-key.pem
    """
    from engines.container import listen as bind
    from engines.container import serve as serve_app
    from licensing.core.errors import BadCall
    from licensing.delivery.endpoint import is_loopback
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.http import issuer_app
    from licensing.issuer.issue import Issuer
    from licensing.issuer.keys import issuer_signer

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise BadCall(f"--listen {listen!r} is not of the form HOST:PORT", hint="for example 127.0.0.1:5080")
    tls = _tls(tls_certificate, tls_key)
    in_the_clear = tls is None and not is_loopback(host.strip("[]"))
    if in_the_clear and not allow_plain_http:
        raise BadCall(
            f"--listen {listen} without TLS would have API keys sent in the clear",
            hint="give --tls-certificate and --tls-key, or listen on 127.0.0.1 behind a proxy that does TLS",
        )
    settings = load_settings()
    signer = issuer_signer(keys or settings.issuer_keys)
    store = open_stocked_issuer(database or settings.database)
    listener = bind(host.strip("[]"), int(port))
    address = f"{'https' if tls else 'http'}://{host}:{listener.getsockname()[1]}"
    base_url = url or settings.issuer_url or address
    output.log_to_stderr()
    if in_the_clear:
        output.tell("warning: API keys come over the network in the clear; whoever reads one can use it")
    if tls_certificate:
        _warn_of_end(tls_certificate)
    output.tell(f"Now listening on: {address}")
    if base_url != address:
        output.tell(f"licenses name it: {base_url}")
    serve_app(issuer_app(Issuer(store, signer, base_url=base_url), clock=clock.now), listener, tls=tls)


def _warn_of_end(certificate: Path) -> None:
    from licensing.core.instants import iso
    from licensing.delivery.tls import certificate_ends

    ends, now = certificate_ends(certificate), clock.now()
    if ends <= now:
        output.tell(f"warning: the certificate {certificate} has expired, at {iso(ends)}: clients refuse it")
    elif ends <= now + timedelta(days=_WARN_DAYS):
        output.tell(f"warning: the certificate {certificate} ends at {iso(ends)}: clients refuse it from then on")


def _tls(certificate: Path | None, key: Path | None) -> "ssl.SSLContext | None":
    from licensing.core.errors import BadCall
    from licensing.delivery.tls import server_context

    if certificate and key:
        return server_context(certificate, key)
    if certificate or key:
        raise BadCall("--tls-certificate and --tls-key go together", hint="give both, or neither")
    return None
