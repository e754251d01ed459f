"""The issuer's side: resources, keys, approvals, and the license server."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

app = typer.Typer(help="The license server and its book.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="issuer")


resource_app = typer.Typer(help="The resources that pay for containers.", no_args_is_help=True)
app.add_typer(resource_app, name="resource")

_PRIVATE, _PUBLIC = "issuer-key.pem", "issuer.pem"


@app.command()
def init(database: options.Database = None, keys: options.IssuerKeys = None) -> None:
    """Make the issuer's signing key and its store.

    Example: azlic issuer init
    """
    from licensing.database import open_database
    from licensing.errors import AzlicError
    from licensing.keys import create_key_pair

    settings = load_settings()
    folder = keys or settings.issuer_keys
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise AzlicError(f"{folder} cannot be made: {error.strerror}", hint="choose another with --keys") from error
    key = create_key_pair(folder / _PRIVATE, folder / _PUBLIC)
    open_database(database or settings.database, create=True)
    output.emit(f"public key: {folder / _PUBLIC}\n  key {key.keyid}")


@resource_app.command("add")
def add_resource(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    container: Annotated[str, typer.Option("--container", metavar="TYPE", help="The container type it licenses.")],
    plan_type: Annotated[str, typer.Option("--plan-type", help="The plan type, as Azure names it: Read, STT ...")],
    quota: Annotated[int, typer.Option(min=1, help="What one unit of the tier commits to in each period.")],
    unit: Annotated[str, typer.Option(help="The unit of the quota: Transaction, Hour ...")],
    start: Annotated[str, typer.Option(metavar="DATE", help="The plan's first day (UTC).")],
    end: Annotated[str, typer.Option(metavar="DATE", help="The first day after the plan (UTC).")],
    period: Annotated[str, typer.Option(metavar="month|year", help="How often the quota is given.")],
    key_file: Annotated[
        Path, typer.Option("--keys-to", metavar="FOLDER", help="Where key1 and key2 are written, 0600.")
    ],
    tier: Annotated[str, typer.Option(help="The tier: T1, T2 ...")] = "T1",
    count: Annotated[int, typer.Option(min=1, help="How many units of the tier.")] = 1,
    subscription: Annotated[str, typer.Option(help="Whose resource it is; approved once for all of them.")] = "default",
    term: Annotated[
        str, typer.Option(metavar="TIME", help="How long a license runs, 365d or 12h; at most to the plan's end.")
    ] = "365d",
    grace_days: Annotated[int, typer.Option(min=0, max=366, help="For how long it may overrun.")] = 0,
    database: options.Database = None,
) -> None:
    """Enter a resource on a commitment plan. Its two keys are written to files once and kept as digests only.

    Example: azlic issuer resource add plant-read --container read --plan-type Read --quota 500000
    --unit Transaction --period year --start 2026-01-01 --end 2027-01-01 --keys-to keys
    """
    from pydantic import ValidationError

    from licensing.containers import CONTAINER_TYPES
    from licensing.database import open_database
    from licensing.document import CommittedPlan, Quota
    from licensing.errors import BadCall
    from licensing.files import write_whole
    from licensing.instants import parse_duration, parse_instant
    from licensing.issuer import NewResource
    from licensing.issuer import add_resource as enter

    if container not in CONTAINER_TYPES:
        raise BadCall(f"there is no container type {container!r}", hint=f"one of: {', '.join(CONTAINER_TYPES)}")
    try:
        plan = CommittedPlan(
            name=f"{name}-plan",
            plan_type=plan_type,
            tier=tier,
            count=count,
            quota=Quota(quantity=quota, unit=unit),
            period=period,
            starts_at=parse_instant(start),
            ends_at=parse_instant(end),
            meters=CONTAINER_TYPES[container].meters,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = first["loc"][0] if first["loc"] else "plan"
        raise BadCall(f"{where}: {first['msg']}", hint="azlic issuer resource add --help") from error
    store = open_database(database or load_settings().database, create=True)
    key_file.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = enter(
        store,
        NewResource(
            name=name,
            subscription=subscription,
            container_type=container,
            plan=plan,
            term=parse_duration(term),
            grace_days=grace_days,
        ),
    )
    for slot, secret in enumerate(secrets, start=1):
        write_whole(key_file / f"key{slot}", secret.encode() + b"\n", mode=0o600)
    output.emit(f"resource {name}: entered, keys in {key_file}/key1 and {key_file}/key2")


@app.command()
def approve(
    subscription: Annotated[str, typer.Argument(metavar="SUBSCRIPTION")] = "default",
    database: options.Database = None,
) -> None:
    """Approve a subscription for the containers of its resources.

    Example: azlic issuer approve default
    """
    from licensing.database import open_database
    from licensing.issuer import approve as approve_subscription

    approve_subscription(
        open_database(database or load_settings().database, create=True), subscription, now=clock.now()
    )
    output.emit(f"subscription {subscription}: approved")


@app.command()
def serve(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:5080",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="What clients call this server, if it is not the address itself.")
    ] = None,
    database: options.Database = None,
    keys: options.IssuerKeys = None,
) -> None:
    """Answer DownloadLicense over HTTP until SIGTERM.

    Example: azlic issuer serve --listen 127.0.0.1:5080
    """
    from engines.container import listen as bind
    from engines.container import serve as serve_app
    from licensing.database import open_database
    from licensing.errors import BadCall
    from licensing.issuer import Issuer
    from licensing.issuer_http import issuer_app
    from licensing.keys import load_signer

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise BadCall(f"--listen {listen!r} is not of the form HOST:PORT", hint="for example 127.0.0.1:5080")
    settings = load_settings()
    folder = keys or settings.issuer_keys
    signer = load_signer(folder / _PRIVATE, folder / _PUBLIC)
    store = open_database(database or settings.database, create=True)
    listener = bind(host.strip("[]"), int(port))
    base_url = url or f"http://{host}:{listener.getsockname()[1]}"
    output.log_to_stderr()
    output.tell(f"Now listening on: {base_url}")
    serve_app(issuer_app(Issuer(store, signer, base_url=base_url), clock=clock.now), listener)


@app.command()
def issued(database: options.Database = None, json: options.Json = False) -> None:
    """List every license that was given out.

    Example: azlic issuer issued
    """
    from dataclasses import asdict

    from licensing.database import open_database
    from licensing.issuer import issued as book

    lines = book(open_database(database or load_settings().database))
    if json:
        output.emit_json("azlic.issued/v1", {"licenses": [asdict(line) for line in lines]})
        return
    output.emit(
        "\n".join(
            f"{line.issued_at}  {line.license_id} serial {line.serial}  {line.resource} {line.container_type}"
            f" until {line.expires_at}"
            for line in lines
        )
        or "no license was given out yet"
    )
