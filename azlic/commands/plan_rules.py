"""Rules: which of several plans of the same meter takes what was used."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.commands.plan_changes import Name
from azlic.commands.plan_notes import changing_plans
from azlic.settings import load_settings

if TYPE_CHECKING:
    from usage.plans.model import Rule

app = typer.Typer(help="Which of several plans of a meter takes what was used.", no_args_is_help=True)
Site = Annotated[str | None, typer.Option(metavar="SITE", help="What this site used; - is this one itself.")]
Resource = Annotated[str | None, typer.Option(metavar="RESOURCE", help="What ran under adopted licenses of it.")]
Container = Annotated[str | None, typer.Option(metavar="ID", help="What this container used, or containers of a type.")]
Folder = Annotated[Path | None, typer.Option("--output", metavar="DIR", help="What was taken from below this folder.")]


def _rule(site: str | None, resource: str | None, container: str | None, folder: Path | None) -> "Rule":
    from licensing.core.errors import BadCall
    from usage.plans.model import Rule

    found: list[Rule] = [
        *([Rule("site", site)] if site is not None else ()),
        *([Rule("resource", resource)] if resource is not None else ()),
        *([Rule("container", container)] if container is not None else ()),
        *([Rule("output", _resolved(folder))] if folder is not None else ()),
    ]
    if len(found) != 1:
        raise BadCall("a rule names one thing", hint="one of --site, --resource, --container, --output")
    return found[0]


def _resolved(folder: Path) -> str:
    """The folder as the ledger names what was taken from it: without links, and as it is named from the root."""
    from licensing.core.errors import BadCall

    try:
        return str(folder.resolve())
    except (OSError, RuntimeError) as error:
        raise BadCall(f"the folder {folder} leads nowhere: {error}", hint="name the output folder itself") from error


@app.command("add")
def add_command(
    name: Name,
    site: Site = None,
    resource: Resource = None,
    container: Container = None,
    folder: Folder = None,
    database: options.Database = None,
) -> None:
    """Let a plan take what was used somewhere.

    A rule is needed where several plans have the same meter; one plan alone takes all.

    The most specific rule decides: a container's id, then an output folder, a resource, a site, and a type of
    container. What no rule decides is shown as undecided, and stands against closing the month.

    Example: azlic plan rule add read-hall-7 --site hall-7
    """
    from licensing.db.database import open_ledger
    from licensing.db.readonly import view_of
    from licensing.issuer.audit import operator
    from usage.plans.places import find_idle
    from usage.plans.store import add_rule

    rule = _rule(site, resource, container, folder)
    with changing_plans(open_ledger(database or load_settings().database, upgrade=True)) as connection:
        added = add_rule(connection, name, rule, now=clock.now(), entered_by=operator())
        is_idle = bool(find_idle(view_of(connection), [rule]))
    told = "goes to it" if added else "goes to it already, nothing was changed"
    output.say(f"plan {name}: {rule.scope} {rule.value} {told}")
    if is_idle:
        output.tell("note: nothing was taken from there so far that this rule decides; see: azlic report")
        if rule.scope == "resource":
            output.tell("note: the resource is known of licenses that were adopted with it: azlic adopt --resource")


@app.command("list")
def list_command(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The plan; all of them if left out.")] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List the rules of plans, the most specific first.

    A rule that decides nothing of what was used so far is marked.

    Example: azlic plan rule list
    """
    from azlic.render.plans import RULES
    from licensing.db.database import open_ledger, reading
    from licensing.db.readonly import view_of
    from usage.plans.places import find_idle, read_container_types
    from usage.plans.store import find_plan, list_plans

    with reading(open_ledger(database or load_settings().database)) as connection:
        found = list_plans(connection) if name is None else [find_plan(connection, name, clock.now())]
        view = view_of(connection)
        container_types = read_container_types(view)
        idle = find_idle(view, {rule for plan in found for rule in plan.rules})
    RULES.give(json, found, container_types, idle)


@app.command("remove")
def remove_command(
    name: Name,
    site: Site = None,
    resource: Resource = None,
    container: Container = None,
    folder: Folder = None,
    database: options.Database = None,
) -> None:
    """Take a rule of a plan away again; it stays on record.

    Example: azlic plan rule remove read-hall-7 --site hall-7
    """
    from licensing.db.database import open_ledger
    from licensing.issuer.audit import operator
    from usage.plans.store import remove_rule

    rule = _rule(site, resource, container, folder)
    as_named = str(folder.absolute()) if folder is not None else None
    with changing_plans(open_ledger(database or load_settings().database, upgrade=True)) as connection:
        rule = remove_rule(connection, name, rule, as_named=as_named, now=clock.now(), entered_by=operator())
    output.say(f"plan {name}: {rule.scope} {rule.value} goes to it no longer")
