"""What changes in a plan: units, what comes at its end, its name; and a plan that was entered by mistake."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from azlic import clock, options, output
from azlic.commands.plan_notes import changing_plans
from azlic.settings import load_settings
from licensing.core.text import plural

if TYPE_CHECKING:
    from datetime import datetime

    from usage.plans.model import Plan

Name = Annotated[str, typer.Argument(metavar="NAME", help="The plan, by its name or its full ARM id.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="Since when it stands (UTC), if not since today.")
]


def register(app: typer.Typer) -> None:
    """Put these commands among those of plans."""
    app.command("amend")(amend_command)
    app.command("end")(end_command)
    app.command("renew")(renew_command)
    app.command("rename")(rename_command)
    app.command("remove")(remove_command)


class NextStated(NamedTuple):
    """What was stated of a next term."""

    tier: str | None = None
    units: int | None = None
    quota: int | None = None
    ends_at: "datetime | None" = None


def amend_command(
    name: Name,
    units: Annotated[int, typer.Option(help="How many units more; -1 takes back one entered by mistake.")],
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day they count (UTC).")],
    quota: Annotated[
        int | None, typer.Option(min=0, help="What they add to that period, where it is stated; else pro-rated.")
    ] = None,
    database: options.Database = None,
) -> None:
    """Add units to a plan in mid-term.

    For the rest of the period they add floor(quota x units x days left / days in the period), the first day included;
    each later period gets them in full. A closed month does not change any more: the answer then names the first day
    that is open.

    Example: azlic plan amend read-2026 --units 1 --from 2026-07-01
    """
    from licensing.core.instants import parse_instant
    from licensing.db.database import open_ledger
    from licensing.db.readonly import view_of
    from licensing.issuer.audit import operator
    from usage.ledger.closed_months import last_closed_month
    from usage.plans.amendments import amend_plan, ways_to_add_more
    from usage.plans.store import find_plan
    from usage.quantity import MICRO, group_digits

    stated = None if quota is None else quota * MICRO
    with changing_plans(open_ledger(database or load_settings().database, upgrade=True)) as connection:
        day = parse_instant(start)
        change = amend_plan(connection, name, units, day, quota=stated, now=clock.now(), entered_by=operator())
        plan = find_plan(connection, name, day)
        closed = last_closed_month(view_of(connection))
    name, unit = plan.name, plan.unit
    if change is None:
        output.say(f"plan {name}: these units were already added, nothing was changed")
        output.tell(f"to add as many once more: {ways_to_add_more(plan, units, day, closed)}")
    else:
        how = "pro-rated" if change.prorated else "as stated"
        added = f"{change.units:+,} {plural(change.units, 'unit')} from {change.effective_at:%Y-%m-%d}"
        output.say(f"plan {name}: {added}, {group_digits(change.quota)} {unit} in that period, {how}")


def end_command(name: Name, start: From = None, database: options.Database = None) -> None:
    """Let a plan end at its end, instead of renewing itself.

    This is only a note in the ledger: set it where the plan was bought, too. azlic plan renew takes it back.

    Example: azlic plan end read-2026
    """
    from licensing.db.database import open_ledger, reading
    from licensing.db.readonly import view_of
    from usage.plans.book import read_book
    from usage.reporting.daily import daily_use
    from usage.reporting.draws import afterwards, allocate

    target = database or load_settings().database
    plan, changed = _note(name, start, target, auto_renew=False)
    with reading(open_ledger(target)) as connection:
        view = view_of(connection)
        book = read_book(view, plan.ends_at + timedelta(days=1))
        draws = allocate(book, daily_use(view, plan.starts_at, plan.ends_at))
    later = afterwards(book, plan, draws)
    output.say(
        f"plan {plan.name}: {'no longer renews itself' if changed else 'did not renew itself, nothing was changed'}",
        f"  It ends at {plan.ends_at:%Y-%m-%d} 00:00 UTC. What is used from then on {later.words}; every report"
        " shows it so.",
        "  This is only noted here: set the plan to not renew itself where it was bought, too.",
    )


def renew_command(
    name: Name,
    tier: Annotated[str | None, typer.Option(help="The tier of its next term, if it is another.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="How many units of it.")] = None,
    quota: Annotated[int | None, typer.Option(min=1, help="What one unit of it commits to in each period.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="The first day after the next term (UTC).")] = None,
    start: From = None,
    database: options.Database = None,
) -> None:
    """Let a plan renew itself at its end.

    It goes on as it is, or with what is stated of its next term. This is only a note in the ledger: set it where the
    plan was bought, too. Once the next term has begun, reports draw on it; what Azure or a license then says of it
    takes its place.

    Example: azlic plan renew read-2026

    Example: azlic plan renew read-2026 --tier T2 --quota 2000000 --count 1
    """
    from azlic.render.plans import renewal
    from licensing.core.instants import parse_instant
    from usage.quantity import MICRO

    stated = NextStated(tier, count, None if quota is None else quota * MICRO, parse_instant(end) if end else None)
    plan, changed = _note(name, start, database, auto_renew=True, stated=stated)
    output.say(f"plan {plan.name}: {renewal(plan)}{'' if changed else ', as before'}")
    output.tell("this is only noted here: set it where the plan was bought, too")


def _note(
    name: str, start: str | None, database: str | None, *, auto_renew: bool, stated: NextStated | None = None
) -> "tuple[Plan, bool]":
    from licensing.core.instants import parse_instant
    from licensing.db.database import open_ledger
    from licensing.issuer.audit import operator
    from usage.plans.renewals import day_of_change, note_renewal, stated_term
    from usage.plans.store import find_plan

    now = clock.now()
    with changing_plans(open_ledger(database or load_settings().database, upgrade=True)) as connection:
        plan = find_plan(connection, name, now)
        noted = note_renewal(
            connection,
            plan,
            auto_renew=auto_renew,
            next_term=None if stated is None else stated_term(plan, **stated._asdict()),
            effective_at=parse_instant(start) if start else day_of_change(plan, now),
            now=now,
            entered_by=operator(),
        )
        return find_plan(connection, plan.name), noted is not None


def rename_command(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it is called from now on.")],
    database: options.Database = None,
) -> None:
    """Give a plan another short name; its terms, use and ARM id stay.

    Example: azlic plan rename DisconnectedContainer-Read read-hall-7
    """
    from licensing.db.database import open_ledger
    from usage.plans.store import rename_plan

    with changing_plans(open_ledger(database or load_settings().database, upgrade=True)) as connection:
        before = rename_plan(connection, name, new)
    output.say(f"plan {before.name}: now called {new}")


def remove_command(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: options.Database = None,
) -> None:
    """Remove a plan that was entered by mistake.

    Only where nothing was used of it and no month of it is closed; else it stays, and may end at its end.

    Example: azlic plan remove read-2062 --yes
    """
    from licensing.db.database import open_ledger
    from usage.plans.store import remove_plan

    ledger = open_ledger(database or load_settings().database, upgrade=True)
    with changing_plans(ledger) as connection:
        plan = remove_plan(connection, name, yes=yes)
    if not yes:
        output.confirm(f"Remove plan {plan.title}?")
        with changing_plans(ledger) as connection:
            remove_plan(connection, plan.name, yes=True)
    output.say(f"plan {plan.name}: removed")
