"""The commitment plan of a resource."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

if TYPE_CHECKING:
    from licensing.signing.document import CommittedPlan

app = typer.Typer(help="The commitment plans of the resources.", no_args_is_help=True)

OfResource = Annotated[
    str, typer.Argument(metavar="RESOURCE", help="The resource's name, the last part of its endpoint.")
]
PlanType = Annotated[
    str, typer.Option("--plan-type", metavar="PLAN", help="The plan type, as Azure names it: Read, STT ...")
]
QuotaSize = Annotated[
    int, typer.Option("--quota", metavar="N", help="What one unit of the tier commits to in each period.")
]
Unit = Annotated[str, typer.Option("--unit", metavar="UNIT", help="The unit of the quota: Transaction, Hour ...")]
Start = Annotated[str, typer.Option("--start", metavar="DATE", help="The plan's first day (UTC).")]
End = Annotated[str, typer.Option("--end", metavar="DATE", help="The first day after the plan (UTC).")]
Period = Annotated[str, typer.Option("--period", metavar="month|year", help="How often the quota is given.")]
Tier = Annotated[str, typer.Option("--tier", metavar="TIER", help="The tier: T1, T2 ...")]
Count = Annotated[int, typer.Option("--count", metavar="N", help="How many units of the tier.")]

_OPTIONS = {"name": "--name", "quantity": "--quota", "starts_at": "--start", "ends_at": "--end", "meters": "--meter"}


def register(issuer: typer.Typer) -> None:
    """Put these commands into the issuer's group."""
    issuer.add_typer(app, name="plan")


def plan_from_options(hint: str, **fields: Any) -> "CommittedPlan":
    """The plan; what is wrong with it is reported under the name of its option."""
    from pydantic import ValidationError

    from licensing.core.errors import BadCall
    from licensing.core.validation_messages import first_fault
    from licensing.signing.document import CommittedPlan

    try:
        return CommittedPlan.model_validate(fields)
    except ValidationError as error:
        names, words = first_fault(error)
        field = next((name for name in reversed(names) if not name.isdecimal()), "ends_at")
        option = _OPTIONS.get(field, f"--{field.replace('_', '-')}")
        raise BadCall(f"{option}: {words}", hint=hint) from error


@app.command("set")
def set_command(
    resource: OfResource,
    plan_type: PlanType,
    quota: QuotaSize,
    unit: Unit,
    start: Start,
    end: End,
    period: Period,
    tier: Tier = "T1",
    count: Count = 1,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The plan's name; the resource's and the first day if left out.")
    ] = None,
    meter: Annotated[
        list[str] | None,
        typer.Option(metavar="METER", help="A meter that draws on it; those of the plan before if left out."),
    ] = None,
    database: options.IssuerStore = None,
) -> None:
    """Give a resource another plan.

    One that starts later takes over at its start, any other counts at once. Between the end of the present plan and a
    later start every download is denied: such a gap is warned about, and so is a plan that is over already. Licenses
    go on under their id, with rising serials; each ends with the plan it was given under.

    Example: azlic issuer plan set plant-read --plan-type Read --quota 500000 --unit Transaction
    --period year --start 2027-01-01 --end 2028-01-01
    """
    from licensing.core.instants import parse_instant
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.plans import doubt, plan_of, set_plan

    now = clock.now()
    store = open_stocked_issuer(database or load_settings().database)
    before = plan_of(store, resource, now=now)
    starts_at = parse_instant(start)
    plan = plan_from_options(
        "azlic issuer plan set --help",
        name=f"{resource}-plan-{starts_at:%Y-%m-%d}" if name is None else name,
        plan_type=plan_type,
        tier=tier,
        count=count,
        quota={"quantity": quota, "unit": unit},
        period=period,
        starts_at=starts_at,
        ends_at=parse_instant(end),
        meters=tuple(meter) if meter else before.meters,
    )
    at_once = set_plan(store, resource, plan, now=now, actor=operator())
    if doubted := doubt(before, plan, now=now):
        output.tell(f"warning: {doubted}")
    begins = "counts from now on" if at_once else f"takes over from {before.name} at {starts_at:%Y-%m-%d}"
    output.say(f"resource {resource}: plan {plan.name} {begins}")
