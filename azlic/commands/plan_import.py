"""Take plans over: from a license, or from Azure's own JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.commands.plan_notes import changing_plans
from azlic.settings import load_settings
from licensing.core.text import command_word, name_word

if TYPE_CHECKING:
    from usage.plans.azure_entry import ImportedPlans
    from usage.plans.model import Period, Plan


def import_command(
    path: Annotated[
        Path,
        typer.Argument(metavar="FOLDER|FILE", help="A license folder, or Azure's own JSON in a file.", readable=False),
    ],
    period: Annotated[
        str | None, typer.Option(metavar="month|year", help="How often Azure's quota is given: its JSON does not say.")
    ] = None,
    tiers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Azure's commitment tiers, for a plan without its quota.")
    ] = None,
    meter: Annotated[
        list[str] | None,
        typer.Option(metavar="METER", help="A meter that draws on it, 1 to 1; may be given several times."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="Since when what Azure changed counts (UTC), if not since today."),
    ] = None,
    database: options.Database = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Enter the plan of a license, or Azure's own plans.

    A license is verified first. Azure's plans are the JSON that `az cognitiveservices account commitment-plan list`
    prints, or one plan of it. Each is known by its ARM id, whatever it is called here: what was changed in Azure since
    (units, whether it renews itself, its next term) is noted with its day. Exit status 1 when a plan of a list was
    refused or left out; the others are taken.

    Example: azlic plan import /license

    Example: azlic plan import plans.json --period year
    """
    if path.suffix == ".json" or (path.is_file() and path.name != "license.dat"):
        _import_azure(
            path, period_from_options(period, asked=True), tiers, meter or [], database, start=start, json=json
        )
    else:
        _import_license(path, database, trust, stray=bool(period or tiers or meter or start), json=json)


def _import_license(folder: Path, database: str | None, trust: Path | None, *, stray: bool, json: bool) -> None:
    from azlic.monitoring.expected import open_or_make
    from azlic.verifier import Verifier
    from licensing.core.errors import BadCall, NoGoodLicense
    from licensing.history.read import read_memory
    from licensing.history.remember import remember_verdict
    from licensing.verdict.verdict import Status
    from usage.plans.azure_entry import EnteredPlan, ImportedPlans
    from usage.plans.store import add_plan, from_document

    settings = load_settings()
    target = database or settings.database
    seen = read_memory(target)
    verdict = Verifier.of(settings, trust).verify(folder, clock.as_of(None), seen)
    if verdict.license is None:
        raise NoGoodLicense(
            f"no plan was taken, the license is {verdict.status}: {verdict.detail}",
            hint=f"azlic verify {command_word(str(folder))}",
        )
    if verdict.status in (Status.REVOKED, Status.CONFLICTING):
        raise NoGoodLicense(f"no plan was taken: {verdict.detail}", hint=f"azlic verify {command_word(str(folder))}")
    if stray:
        raise BadCall(
            "a license states its period, quota and meters itself",
            hint=f"azlic plan import {command_word(str(folder))}",
        )
    plan = from_document(verdict.license.plan)
    with changing_plans(open_or_make(settings, database)) as connection:
        added = add_plan(connection, plan)
        remember_verdict(connection, verdict)
    _give(json, ImportedPlans((EnteredPlan(plan, added),), ()), (), ())


def _import_azure(
    path: Path,
    period: "Period",
    tiers: Path | None,
    meters: list[str],
    database: str | None,
    *,
    start: str | None,
    json: bool,
) -> None:
    from azlic.monitoring.expected import open_or_make
    from licensing.core.instants import parse_instant
    from licensing.issuer.audit import operator
    from usage.plans.azure_decode import read_json
    from usage.plans.azure_entry import enter_plans
    from usage.plans.azure_import import parse_plans, parse_tiers

    known = parse_tiers(read_json(tiers), tiers.name) if tiers else {}
    found = parse_plans(read_json(path), path.name, period=period, tiers=known, meters=meters)
    since = parse_instant(start) if start else None
    with changing_plans(open_or_make(load_settings(), database)) as connection:
        done = enter_plans(connection, found, start=since, now=clock.now(), entered_by=operator())
    if len(done.refused) == 1 and not (done.entered or found.left_out):
        raise done.refused[0].error
    _give(json, done, found.left_out, found.notes)
    if not (done.entered or done.refused or found.left_out):
        output.tell(f"no plan in {path}")
    for note in found.notes:
        output.tell(f"note: {note}")
    for left in found.left_out:
        output.tell(f"left out: {left}")
    for refused in done.refused:
        output.tell(f"refused: {refused.name}: {refused.error.message}", f"  try: {refused.error.hint}")
    raise typer.Exit(1 if found.left_out or done.refused else 0)


def _give(json: bool, done: "ImportedPlans", left_out: Sequence[str], notes: Sequence[str]) -> None:
    from azlic.render.plans import PLAN_IMPORT

    if json or done.entered:
        PLAN_IMPORT.give(json, done, left_out, notes)
    for entry in done.entered:
        if entry.added:
            tell_lack(entry.plan)


def tell_lack(plan: "Plan") -> None:
    """Say what a plan that was entered still lacks."""
    if not plan.meters:
        output.tell(f"no meter draws on it yet: azlic plan map {name_word(plan.name)} METER --units 1 --per 1")


def period_from_options(period: str | None, *, asked: bool = False) -> "Period":
    """The period as the operator stated it. Raises ``BadCall``, with the reason where we had to ask."""
    from licensing.core.errors import BadCall

    if period in ("month", "year"):
        return "month" if period == "month" else "year"
    why = (
        "Azure's JSON does not say whether the quota is given each month or each year, and what is published disagrees"
    )
    raise BadCall(
        f"there is no period {period!r}" if period else "the period of the quota has to be stated",
        hint=f"{why}; check your contract, then: " * asked + "--period month, or --period year",
    )
