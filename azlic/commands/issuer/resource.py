"""The resources that pay for containers, and their API keys."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.commands.issuer.container import VersionBelow, VersionFrom
from azlic.commands.issuer.plan import Count, End, Period, PlanType, QuotaSize, Start, Tier, Unit, plan_from_options
from azlic.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(help="The resources that pay for containers.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The resource's name, the last part of its endpoint.")]


def register(issuer: typer.Typer) -> None:
    """Put these commands into the issuer's group."""
    issuer.add_typer(app, name="resource")


@app.command("add")
def add_command(
    name: _Name,
    container: options.ForContainer,
    plan_type: PlanType,
    quota: QuotaSize,
    unit: Unit,
    start: Start,
    end: End,
    period: Period,
    keys_to: options.KeysTo,
    tier: Tier = "T1",
    count: Count = 1,
    subscription: Annotated[
        str, typer.Option(metavar="NAME", help="Whose resource it is; approved once for all of them.")
    ] = "default",
    sku: Annotated[
        str,
        typer.Option(metavar="SKU", help="Its SKU: DC0 for disconnected containers, S0 ... for connected ones."),
    ] = "DC0",
    stops_at_quota: Annotated[
        bool, typer.Option("--stop-at-quota", help="Connected containers stop once its plan is used up.")
    ] = False,
    version_from: VersionFrom = None,
    version_below: VersionBelow = None,
    term: Annotated[
        str, typer.Option(metavar="TIME", help="How long a license runs, 365d or 12h; at most to the plan's end.")
    ] = "365d",
    grace_days: Annotated[int, typer.Option(metavar="N", help="For how many days it may overrun, up to 366.")] = 0,
    database: options.IssuerStore = None,
) -> None:
    """Enter a resource on a commitment plan.

    Its two API keys are written to files once and kept as digests only. More containers go on its list with
    azlic issuer container add.

    Example: azlic issuer resource add plant-read --container read --plan-type Read --quota 500000
    --unit Transaction --period year --start 2026-01-01 --end 2027-01-01 --keys-to api-keys
    """
    from licensing.containers import CONTAINER_TYPES
    from licensing.core.instants import parse_duration, parse_instant
    from licensing.delivery.api_keys import keep_api_key, place_api_key, prepare_folder
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_issuer
    from licensing.issuer.resources import KEY_SLOTS, NewResource, add_resource

    plan = plan_from_options(
        "azlic issuer resource add --help",
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
        version_from=version_from,
        version_below=version_below,
        sku=sku,
        stops_at_quota=stops_at_quota,
    )
    store = open_issuer(database or load_settings().database)
    written = _finish(store, name, keys_to, KEY_SLOTS)
    if not written:
        prepare_folder(keys_to, KEY_SLOTS)
        add_resource(store, resource, now=clock.now(), actor=operator(), keep=partial(keep_api_key, keys_to))
        written = [place_api_key(keys_to, slot) for slot in KEY_SLOTS]
    output.say(f"resource {name}: entered, API keys in {' and '.join(map(str, written))}")


@app.command("key")
def key_command(
    name: _Name,
    slot: Annotated[int, typer.Option(metavar="1|2", min=1, max=2, help="Which of its two API keys.")],
    keys_to: options.KeysTo,
    database: options.IssuerStore = None,
) -> None:
    """Make a new API key in place of one of the two.

    The old one is refused from then on; the other one goes on working.

    Example: azlic issuer resource key plant-read --slot 1 --keys-to new-keys
    """
    from licensing.delivery.api_keys import keep_api_key, place_api_key, prepare_folder
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.resources import new_api_key

    store = open_stocked_issuer(database or load_settings().database)
    written = _finish(store, name, keys_to, [slot])
    if not written:
        prepare_folder(keys_to, [slot])
        new_api_key(store, name, slot, now=clock.now(), actor=operator(), keep=partial(keep_api_key, keys_to))
        written = [place_api_key(keys_to, slot)]
    output.say(f"resource {name}: API key {slot} is new, in {written[0]}")


def _finish(store: "Engine", name: str, folder: Path, slots: Sequence[int]) -> list[Path]:
    """Where the keys are, if a run entered them and broke off before they had their place; else nothing."""
    from licensing.delivery.api_keys import api_key_file, kept_api_key, place_api_key
    from licensing.issuer.resources import is_api_key

    left = [slot for slot in slots if (key := kept_api_key(folder, slot)) and is_api_key(store, name, slot, key)]
    for slot in left:
        place_api_key(folder, slot)
    return [api_key_file(folder, slot) for slot in slots] if left else []


@app.command("quota")
def quota_command(
    name: _Name,
    stop: Annotated[
        bool, typer.Option("--stop/--go-on", help="At the end of its plan's quota: stop, or go on beyond it.")
    ],
    database: options.IssuerStore = None,
) -> None:
    """Say whether connected containers stop at the quota.

    They are OutOfQuota then, as long as nothing is left of the plan that they draw on in the ledger, and where no plan
    is in force. What was delivered is booked all the same.

    Example: azlic issuer resource quota web-read --stop
    """
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.resources import stop_at_quota

    store = open_stocked_issuer(database or load_settings().database)
    changed = stop_at_quota(store, name, stop, now=clock.now(), actor=operator())
    told = "stops at its quota" if stop else "goes on beyond its quota"
    output.say(f"resource {name}: {told}{'' if changed else ', as before'}")


@app.command("list")
def list_command(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List the resources.

    Example: azlic issuer resource list
    """
    from azlic.render.issuer import RESOURCES
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.resources import list_resources

    known = list_resources(open_stocked_issuer(database or load_settings().database), now=clock.now())
    RESOURCES.give(json, known)
