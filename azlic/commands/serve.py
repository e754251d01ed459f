"""The site as a web page."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.commands.listening import is_in_the_clear, open_tls, parse_address, show_url
from azlic.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from azlic.web.access import Doors
    from azlic.web.site import WatchedSite
    from licensing.verification.watch import Watched


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("serve")(serve_command)


def serve_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", readable=False, help="License folders, folders of them, or license.dat.  [licenses]"
        ),
    ] = None,
    listen: options.Listen = "127.0.0.1:5090",
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", readable=False, help="Admit whoever has the token in this file."),
    ] = None,
    trust_header: Annotated[
        str | None, typer.Option("--trust-header", metavar="NAME", help="Admit whom the proxy names in this header.")
    ] = None,
    proxy: Annotated[
        str | None, typer.Option("--proxy", metavar="ADDRESS", help="The one address that may send --trust-header.")
    ] = None,
    tls_certificate: options.TlsCertificate = None,
    tls_key: options.TlsKey = None,
    allow_plain_http: Annotated[
        bool,
        typer.Option("--allow-plain-http", help="Listen without TLS for other machines: the token comes in the clear."),
    ] = False,
    trust: options.Trust = None,
    database: options.Database = None,
) -> None:
    """Show the site as a web page, until SIGTERM.

    Licenses with their days, commitments, containers, ingest; /metrics for Prometheus, /healthz, and
    /records/usage-logs/ for the whole site. It only reads. It listens on the loopback unless told otherwise; for
    other machines it needs a token or a trusted proxy, and TLS.

    Example: azlic serve /license --listen 127.0.0.1:5090
    """
    from azlic.sd_notify import Supervisor
    from azlic.web.app import site_app
    from engines.server import process

    settings = load_settings()
    host, port = parse_address(listen, example="127.0.0.1:5090")
    doors = _doors(host, token_file, trust_header, proxy)
    tls = open_tls(tls_certificate, tls_key)
    danger = "the token and the page read by others"
    if is_in_the_clear(host, encrypted=tls is not None, allowed=allow_plain_http, danger=danger):
        output.tell("warning: the token and the page go over the network in the clear")
    watched = settings._replace(licenses=tuple(paths)) if paths else settings
    site = _site(watched, trust or settings.trust, database or settings.database, lambda: clock.as_of(None))
    listener = process.listen(host, port)
    output.log_to_stderr()
    output.tell(f"Now listening on: {show_url(host, listener.getsockname()[1], encrypted=tls is not None)}")
    process.serve(site_app(site, doors, tls=tls is not None), listener, tls=tls, ready=Supervisor().ready)


def _doors(host: str, token_file: Path | None, header: str | None, proxy: str | None) -> "Doors":
    from ipaddress import ip_address

    from azlic.web.access import LOOPBACK_NAMES, Doors, read_token
    from licensing.core.errors import BadCall
    from licensing.core.web_address import is_loopback

    if (header is None) != (proxy is None):
        raise BadCall(
            "--trust-header and --proxy go together", hint="a header is trusted from one given address, or not at all"
        )
    if not (token_file or header or is_loopback(host)):
        raise BadCall(
            f"--listen {host} would show the site to anybody who can reach this machine",
            hint="give --token-file FILE, or --trust-header NAME with --proxy ADDRESS; or listen on 127.0.0.1",
        )
    try:
        address = str(ip_address(proxy)) if proxy else ""
    except ValueError as error:
        raise BadCall(f"--proxy {proxy!r} is not an address", hint="for example 10.0.0.2") from error
    return Doors(
        clock=clock.now,
        token=read_token(token_file) if token_file else "",
        header=(header or "").lower(),
        proxy=address,
        names=LOOPBACK_NAMES | {f"[{host}]" if ":" in host else host.lower()},
    )


def _site(settings: Settings, trust: Path, ledger: str, now: "Callable[[], datetime]") -> "WatchedSite":
    """The licenses of the settings and the ledger, as the page looks at them."""
    from functools import partial

    from azlic.monitoring.site_state import look_at_site
    from azlic.web.site import WatchedSite
    from licensing.db.database import only_reading, open_ledger

    return WatchedSite(
        name=settings.site,
        watched=_watch(settings, trust, ledger),
        ledger=only_reading(open_ledger(ledger)),
        clock=now,
        lead_days=settings.lead_days,
        look=partial(look_at_site, settings, trust=trust, database=ledger),
    )


def _watch(settings: Settings, trust: Path, ledger: str) -> "Watched":
    from azlic.verifier import Verifier
    from licensing.history.read import read_memory
    from licensing.verification.watch import Watched

    verifier = Verifier.of(settings, trust)
    return Watched(settings.licenses, verifier.verify, verifier.trust.folder, lambda: read_memory(ledger))
