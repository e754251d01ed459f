"""Commitment plans: enter them, see them."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

app = typer.Typer(help="Commitment plans, and the meters on them.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="plan")


@app.command("import")
def import_plan(
    license_folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A license folder.")],
    database: options.Database = None,
    trust: options.Trust = None,
) -> None:
    """Enter the plan that a license carries, signed by the issuer.

    Example: azlic plan import /license
    """
    from licensing.database import open_database, writing
    from licensing.errors import AzlicError
    from licensing.trust import TrustStore
    from licensing.verification import verify
    from usage.plans import add_plan, from_document

    settings = load_settings()
    verdict = verify(license_folder, trust=TrustStore(trust or settings.trust), as_of=clock.now())
    if verdict.license is None:
        raise AzlicError(
            f"no plan was taken, the license is {verdict.status}: {verdict.detail}",
            hint=f"azlic verify {license_folder}",
        )
    plan = from_document(verdict.license.plan)
    with writing(open_database(database or settings.database, create=True)) as connection:
        added = add_plan(connection, plan)
    output.emit(f"plan {plan.name}: {'entered' if added else 'is there already, nothing was changed'}")


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    plan_type: Annotated[str, typer.Option("--type", help="The plan type, as Azure names it: Read, STT ...")],
    quota: Annotated[int, typer.Option(min=1, help="What one unit of the tier commits to in each period.")],
    unit: Annotated[str, typer.Option(help="The unit of the quota: Transaction, Hour ...")],
    start: Annotated[str, typer.Option(metavar="DATE", help="The plan's first day (UTC).")],
    end: Annotated[str, typer.Option(metavar="DATE", help="The first day after the plan (UTC).")],
    period: Annotated[str, typer.Option(metavar="month|year", help="How often the quota is given.")],
    meter: Annotated[list[str], typer.Option(help="A meter that draws on the plan; may be given several times.")],
    tier: Annotated[str, typer.Option(help="The tier: T1, T2 ...")] = "T1",
    count: Annotated[int, typer.Option(min=1, help="How many units of the tier.")] = 1,
    database: options.Database = None,
) -> None:
    """Enter a plan by hand.

    Example: azlic plan add read-2026 --type Read --quota 500000 --unit Transaction --period year
    --start 2026-01-01 --end 2027-01-01 --meter CognitiveServices.ComputerVision.Container.Read
    """
    from licensing.database import open_database, writing
    from licensing.errors import BadCall
    from licensing.instants import parse_instant
    from usage.plans import MeterShare, Plan, add_plan
    from usage.quantity import MICRO

    if period not in ("month", "year"):
        raise BadCall(f"there is no period {period!r}", hint="--period month, or --period year")
    plan = Plan(
        name=name,
        plan_type=plan_type,
        tier=tier,
        count=count,
        quota=quota * MICRO,
        unit=unit,
        period="month" if period == "month" else "year",
        starts_at=parse_instant(start),
        ends_at=parse_instant(end),
        meters=tuple(MeterShare(known) for known in sorted(set(meter))),
    )
    with writing(open_database(database or load_settings().database, create=True)) as connection:
        added = add_plan(connection, plan)
    output.emit(f"plan {name}: {'entered' if added else 'is there already, nothing was changed'}")


@app.command("list")
def list_plans(database: options.Database = None, json: options.Json = False) -> None:
    """List the plans.

    Example: azlic plan list
    """
    from azlic.show_report import plan_fields, plans_table
    from licensing.database import open_database, reading
    from usage.plans import plans

    with reading(open_database(database or load_settings().database)) as connection:
        found = plans(connection)
    if json:
        output.emit_json("azlic.plans/v1", {"plans": [plan_fields(plan) for plan in found]})
    else:
        output.emit(plans_table(found))
