"""The license server."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.commands.listening import is_in_the_clear, open_tls, parse_address, show_url
from azlic.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from licensing.issuer.billing import Billing

_WARN_DAYS = 30


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command("serve")(serve_command)


def serve_command(
    listen: options.Listen = "127.0.0.1:5080",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The URL that clients use, if it is not the address itself.")
    ] = None,
    tls_certificate: options.TlsCertificate = None,
    tls_key: options.TlsKey = None,
    allow_plain_http: Annotated[
        bool,
        typer.Option("--allow-plain-http", help="Listen without TLS for other machines: API keys come in the clear."),
    ] = False,
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", metavar="PATH|URL", help="The ledger that connected containers' use is booked into."),
    ] = None,
    database: options.IssuerStore = None,
    keys: options.IssuerKeys = None,
) -> None:
    """Answer DownloadLicense over HTTP until SIGTERM.

    Without TLS it listens on the loopback only, unless --allow-plain-http is given. With --ledger, connected containers
    are answered too, and their use is booked: azlic report --database LEDGER holds it against the plans.

    Example: azlic issuer serve --listen 0.0.0.0:5443 --url https://issuer.example:5443
    --tls-certificate issuer-tls.pem --tls-key issuer-tls-key.pem
    """
    from engines.server import process
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.http import issuer_app
    from licensing.issuer.issue import Issuer
    from licensing.issuer.keys import issuer_signer

    host, port = parse_address(listen, example="127.0.0.1:5080")
    tls = open_tls(tls_certificate, tls_key)
    danger = "API keys sent in the clear"
    in_the_clear = is_in_the_clear(host, encrypted=tls is not None, allowed=allow_plain_http, danger=danger)
    settings = load_settings()
    signer = issuer_signer(keys or settings.issuer_keys)
    store = open_stocked_issuer(database or settings.database)
    billing = _billing(store, ledger) if ledger else None
    listener = process.listen(host, port)
    address = show_url(host, listener.getsockname()[1], encrypted=tls is not None)
    base_url = url or settings.issuer_url or address
    output.log_to_stderr()
    if in_the_clear:
        output.tell("warning: API keys come over the network in the clear; whoever reads one can use it")
    if tls_certificate:
        _warn_of_end(tls_certificate)
    output.tell(f"Now listening on: {address}")
    if base_url != address:
        output.tell(f"licenses name it: {base_url}")
    issuer = Issuer(store, signer, base_url=base_url)
    process.serve(issuer_app(issuer, clock=clock.now, billing=billing), listener, tls=tls)


def _billing(store: "Engine", ledger: str) -> "Billing":
    from licensing.db.database import open_ledger
    from licensing.issuer.billing import Billing
    from usage.connected.books import VendorLedger

    return Billing(store, VendorLedger(open_ledger(ledger, create=True)))


def _warn_of_end(certificate: Path) -> None:
    from licensing.core.instants import iso
    from licensing.delivery.tls import certificate_ends

    ends, now = certificate_ends(certificate), clock.now()
    if ends <= now:
        output.tell(f"warning: the certificate {certificate} has expired, at {iso(ends)}: clients refuse it")
    elif ends <= now + timedelta(days=_WARN_DAYS):
        output.tell(f"warning: the certificate {certificate} ends at {iso(ends)}: clients refuse it from then on")
