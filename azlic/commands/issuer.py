"""The issuer's side: resources, API keys, approvals, and the license server."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from azlic import clock, options, output
from azlic.commands import issuer_serve, issuer_trust
from azlic.settings import load_settings

if TYPE_CHECKING:
    from licensing.document import CommittedPlan

app = typer.Typer(help="The license server and its book.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    issuer_serve.register(app)
    issuer_trust.register(app)
    program.add_typer(app, name="issuer")


resource_app = typer.Typer(help="The resources that pay for containers.", no_args_is_help=True)
app.add_typer(resource_app, name="resource")

_OPTIONS = {"name": "NAME", "quantity": "--quota", "starts_at": "--start", "ends_at": "--end"}
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The resource's name, the last part of its endpoint.")]


@app.command()
def init(database: options.IssuerStore = None, keys: options.IssuerKeys = None) -> None:
    """Make the issuer's signing key and its store.

    Example: azlic issuer init
    """
    from licensing.database import open_database
    from licensing.issuer_keys import PUBLIC, create_issuer_keys

    settings = load_settings()
    folder = keys or settings.issuer_keys
    key = create_issuer_keys(folder)
    open_database(database or settings.database, create=True)
    output.emit(f"public key: {folder / PUBLIC}\n  key {key.keyid}")


@resource_app.command("add")
def add_resource(
    name: _Name,
    container: options.ForContainer,
    plan_type: Annotated[
        str, typer.Option("--plan-type", metavar="PLAN", help="The plan type, as Azure names it: Read, STT ...")
    ],
    quota: Annotated[int, typer.Option(metavar="N", help="What one unit of the tier commits to in each period.")],
    unit: Annotated[str, typer.Option(metavar="UNIT", help="The unit of the quota: Transaction, Hour ...")],
    start: Annotated[str, typer.Option(metavar="DATE", help="The plan's first day (UTC).")],
    end: Annotated[str, typer.Option(metavar="DATE", help="The first day after the plan (UTC).")],
    period: Annotated[str, typer.Option(metavar="month|year", help="How often the quota is given.")],
    keys_to: options.KeysTo,
    tier: Annotated[str, typer.Option(metavar="TIER", help="The tier: T1, T2 ...")] = "T1",
    count: Annotated[int, typer.Option(metavar="N", help="How many units of the tier.")] = 1,
    subscription: Annotated[
        str, typer.Option(metavar="NAME", help="Whose resource it is; approved once for all of them.")
    ] = "default",
    term: Annotated[
        str, typer.Option(metavar="TIME", help="How long a license runs, 365d or 12h; at most to the plan's end.")
    ] = "365d",
    grace_days: Annotated[int, typer.Option(metavar="N", help="For how many days it may overrun, up to 366.")] = 0,
    database: options.IssuerStore = None,
) -> None:
    """Enter a resource on a commitment plan.

    Its two API keys are written to files once and kept as digests only.

    Example: azlic issuer resource add plant-read --container read --plan-type Read --quota 500000
    --unit Transaction --period year --start 2026-01-01 --end 2027-01-01 --keys-to api-keys
    """
    from licensing.api_keys import prepare_folder, write_api_key
    from licensing.containers import CONTAINER_TYPES
    from licensing.instants import parse_duration, parse_instant
    from licensing.issuer_book import KEY_SLOTS, NewResource, open_issuer
    from licensing.issuer_book import add_resource as enter

    plan = _plan(
        name=f"{name}-plan",
        plan_type=plan_type,
        tier=tier,
        count=count,
        quota={"quantity": quota, "unit": unit},
        period=period,
        starts_at=parse_instant(start),
        ends_at=parse_instant(end),
        meters=CONTAINER_TYPES[container].meters,
    )
    resource = NewResource(
        name=name,
        subscription=subscription,
        container_type=container,
        plan=plan,
        term=parse_duration(term),
        grace_days=grace_days,
    )
    store = open_issuer(database or load_settings().database)
    prepare_folder(keys_to, KEY_SLOTS)
    written = [
        write_api_key(keys_to, slot, api_key) for slot, api_key in zip(KEY_SLOTS, enter(store, resource), strict=True)
    ]
    output.emit(f"resource {name}: entered, API keys in {' and '.join(map(str, written))}")


def _plan(**fields: Any) -> "CommittedPlan":
    """The plan; what is wrong with it is told by the name of its option."""
    from pydantic import ValidationError

    from licensing.document import CommittedPlan
    from licensing.errors import BadCall
    from licensing.wording import first_fault

    try:
        return CommittedPlan.model_validate(fields)
    except ValidationError as error:
        names, words = first_fault(error)
        field = names[-1] if names else "ends_at"
        option = _OPTIONS.get(field, f"--{field.replace('_', '-')}")
        raise BadCall(f"{option}: {words}", hint="azlic issuer resource add --help") from error


@resource_app.command("key")
def renew_key(
    name: _Name,
    slot: Annotated[int, typer.Option(metavar="1|2", min=1, max=2, help="Which of its two API keys.")],
    keys_to: options.KeysTo,
    database: options.IssuerStore = None,
) -> None:
    """Make a new API key in place of one of the two.

    The old one is refused from then on; the other one goes on working.

    Example: azlic issuer resource key plant-read --slot 1 --keys-to new-keys
    """
    from licensing.api_keys import prepare_folder, write_api_key
    from licensing.issuer_book import new_api_key, open_stocked_issuer

    store = open_stocked_issuer(database or load_settings().database)
    prepare_folder(keys_to, [slot])
    written = write_api_key(keys_to, slot, new_api_key(store, name, slot))
    output.emit(f"resource {name}: API key {slot} is new, in {written}")


@resource_app.command("list")
def list_resources(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List the resources.

    Example: azlic issuer resource list
    """
    from azlic.show_issuer import resource_fields, resources_text
    from licensing.issuer_book import open_stocked_issuer, resources

    known = resources(open_stocked_issuer(database or load_settings().database))
    if json:
        output.emit_json("azlic.resources/v1", {"resources": list(map(resource_fields, known))})
    else:
        output.emit(resources_text(known))


@app.command()
def approve(
    subscription: Annotated[
        str, typer.Argument(metavar="SUBSCRIPTION", help="The subscription of the resources.")
    ] = "default",
    database: options.IssuerStore = None,
) -> None:
    """Approve a subscription for the containers of its resources.

    Example: azlic issuer approve default
    """
    from licensing.issuer_book import approve as approve_subscription
    from licensing.issuer_book import open_stocked_issuer

    store = open_stocked_issuer(database or load_settings().database)
    approve_subscription(store, subscription, now=clock.now())
    output.emit(f"subscription {subscription}: approved")


@app.command()
def issued(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List every license that was given out.

    Example: azlic issuer issued
    """
    from dataclasses import asdict

    from azlic.show_issuer import issued_text
    from licensing.issuer_book import issued as book
    from licensing.issuer_book import open_stocked_issuer

    lines = book(open_stocked_issuer(database or load_settings().database))
    if json:
        output.emit_json("azlic.issued/v1", {"licenses": [asdict(line) for line in lines]})
    else:
        output.emit(issued_text(lines))
