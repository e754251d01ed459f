"""Commitment plans: enter and show them, and map meters to them."""

from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.commands import plan_changes, plan_rules
from azlic.commands.plan_changes import Name
from azlic.commands.plan_import import import_command, period_from_options, tell_lack
from azlic.commands.plan_notes import changing_plans
from azlic.settings import load_settings

app = typer.Typer(help="Commitment plans, and the meters on them.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="plan")


app.command("import")(import_command)
plan_changes.register(app)
app.add_typer(plan_rules.app, name="rule")


@app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    plan_type: Annotated[str, typer.Option("--type", help="The plan type, as Azure names it: Read, STT ...")],
    quota: Annotated[int, typer.Option(min=1, help="What one unit of the tier commits to in each period.")],
    unit: Annotated[str, typer.Option(help="The unit of the quota: Transaction, Hour ...")],
    start: Annotated[str, typer.Option(metavar="DATE", help="The plan's first day (UTC).")],
    end: Annotated[str, typer.Option(metavar="DATE", help="The first day after the plan (UTC).")],
    period: Annotated[str, typer.Option(metavar="month|year", help="How often the quota is given.")],
    meter: Annotated[
        list[str] | None,
        typer.Option(metavar="METER", help="A meter that draws on it, 1 to 1; may be given several times."),
    ] = None,
    tier: Annotated[str, typer.Option(help="The tier: T1, T2 ...")] = "T1",
    count: Annotated[int, typer.Option(min=1, help="How many units of the tier.")] = 1,
    auto_renew: Annotated[bool, typer.Option("--auto-renew", help="It renews itself at its end.")] = False,
    database: options.Database = None,
) -> None:
    """Enter a plan by hand.

    Example: azlic plan add read-2026 --type Read --quota 500000 --unit Transaction --period year
    --start 2026-01-01 --end 2027-01-01 --meter CognitiveServices.ComputerVision.Container.Read
    """
    from azlic.monitoring.expected import open_or_make
    from azlic.render.plans import entry_text
    from licensing.core.instants import parse_instant
    from usage.plans.azure_entry import EnteredPlan
    from usage.plans.model import Plan
    from usage.plans.shares import share_of
    from usage.plans.store import add_plan, refuse_stray_blanks
    from usage.quantity import MICRO

    refuse_stray_blanks(name)
    plan = Plan(
        name=name,
        plan_type=plan_type,
        tier=tier,
        count=count,
        quota=quota * MICRO,
        unit=unit,
        period=period_from_options(period),
        starts_at=parse_instant(start),
        ends_at=parse_instant(end),
        auto_renew=auto_renew,
        meters=tuple(share_of(each, unit) for each in meter or ()),
    )
    with changing_plans(open_or_make(load_settings(), database)) as connection:
        added = add_plan(connection, plan)
    output.say(*entry_text(EnteredPlan(plan, added)).split("\n"))
    if added:
        tell_lack(plan)


@app.command("list")
def list_command(database: options.Database = None, json: options.Json = False) -> None:
    """List the plans.

    Example: azlic plan list
    """
    from azlic.render.plans import PLANS
    from licensing.db.database import open_ledger, reading
    from usage.plans.store import list_plans

    with reading(open_ledger(database or load_settings().database)) as connection:
        found = list_plans(connection, clock.as_of(None))
    PLANS.give(json, found)


@app.command("show")
def show_command(name: Name, database: options.Database = None, json: options.Json = False) -> None:
    """Show a plan, and what each of its periods commits to.

    Example: azlic plan show read-2026
    """
    from azlic.render.plans import PLAN
    from licensing.db.database import open_ledger, reading
    from licensing.db.readonly import view_of
    from usage.plans.book import read_book, shares_by_month
    from usage.plans.places import read_container_types
    from usage.plans.read import plans_after
    from usage.plans.store import find_plan, list_plans

    with reading(open_ledger(database or load_settings().database)) as connection:
        plan = find_plan(connection, name, clock.as_of(None))
        container_types = read_container_types(view_of(connection))
        after = plans_after(plan, list_plans(connection))
        shares = shares_by_month(read_book(view_of(connection)), plan)
    PLAN.give(json, plan, container_types, after, shares)


@app.command("map")
def map_command(
    name: Name,
    meter: Annotated[str, typer.Argument(metavar="METER", help="The meter, as its records name it.")],
    units: Annotated[int, typer.Option(min=1, help="This many of the plan's unit ...")] = 1,
    per: Annotated[int, typer.Option(min=1, help="... per this many of the meter's.")] = 1,
    remove: Annotated[bool, typer.Option("--remove", help="Stop it from drawing on the plan.")] = False,
    database: options.Database = None,
) -> None:
    """Let a meter draw on a plan, in a stated ratio.

    Another ratio replaces the one before, for all months that are not closed: those keep theirs.

    Example: azlic plan map speech-2026 Speech.Seconds --units 1 --per 3600
    """
    from azlic.render.words import share_words
    from licensing.db.database import open_ledger
    from usage.plans.model import MeterShare
    from usage.plans.store import find_plan, map_meter, unmap_meter

    share = MeterShare(meter, units, per)
    with changing_plans(open_ledger(database or load_settings().database, upgrade=True)) as connection:
        unit = find_plan(connection, name).unit
        before = unmap_meter(connection, name, meter) if remove else map_meter(connection, name, share)
    if remove:
        told = f"meter {meter} draws on it no longer"
    elif before == share:
        told = f"meter {meter} already draws on it in this ratio, nothing was changed"
    else:
        told = f"meter {meter} draws on it: {share_words(share, unit)}"
        told += f" (before: {share_words(before, unit)})" if before else ""
    output.say(f"plan {name}: {told}")
