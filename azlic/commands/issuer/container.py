"""The containers a resource may license."""

from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.commands.issuer.plan import OfResource
from azlic.settings import load_settings

if TYPE_CHECKING:
    from licensing.issuer.terms import NewContainer

app = typer.Typer(help="The containers on a resource's list.", no_args_is_help=True)

VersionFrom = Annotated[
    str | None, typer.Option("--version-from", metavar="VERSION", help="The first image version it is for.")
]
VersionBelow = Annotated[
    str | None, typer.Option("--version-below", metavar="VERSION", help="The first image version it is not for.")
]
Repository = Annotated[
    list[str] | None,
    typer.Option("--repository", metavar="IMAGE", help="An image it may be; may be given several times."),
]
Instance = Annotated[
    list[str] | None,
    typer.Option("--instance", metavar="NAME", help="A container that may run on it; may be given several times."),
]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The one model it may load.")]
Term = Annotated[
    str | None, typer.Option("--term", metavar="TIME", help="How long a license runs; the resource's if left out.")
]
GraceDays = Annotated[
    int | None,
    typer.Option("--grace-days", metavar="N", help="For how many days it may overrun; the resource's if left out."),
]


def register(issuer: typer.Typer) -> None:
    """Put these commands into the issuer's group."""
    issuer.add_typer(app, name="container")


def _terms(
    container: str,
    version_from: str | None,
    version_below: str | None,
    repository: list[str] | None,
    instance: list[str] | None,
    term: str | None,
    grace_days: int | None,
    model: str | None,
) -> "NewContainer":
    from licensing.core.instants import parse_duration
    from licensing.issuer.terms import NewContainer

    return NewContainer(
        container_type=container,
        version_from=version_from,
        version_below=version_below,
        repositories=tuple(repository or ()),
        instances=tuple(instance or ()),
        term=parse_duration(term) if term else None,
        grace_days=grace_days,
        model=model,
    )


@app.command("add")
def add_command(
    resource: OfResource,
    container: options.ForContainer,
    version_from: VersionFrom = None,
    version_below: VersionBelow = None,
    repository: Repository = None,
    instance: Instance = None,
    model: Model = None,
    term: Term = None,
    grace_days: GraceDays = None,
    database: options.IssuerStore = None,
) -> None:
    """Put a container on a resource's list.

    It gets a license id of its own. It must be of the resource's kind. Which meters draw on the resource's plan is
    said with azlic issuer plan set.

    Example: azlic issuer container add plant-speech --container speech-to-text --term 90d
    """
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.containers import add_container

    terms = _terms(container, version_from, version_below, repository, instance, term, grace_days, model)
    store = open_stocked_issuer(database or load_settings().database)
    license_id = add_container(store, resource, terms, now=clock.now(), actor=operator())
    output.say(f"resource {resource}: {container} is on its list", f"  license {license_id}")


@app.command("set")
def set_command(
    resource: OfResource,
    container: options.ForContainer,
    version_from: VersionFrom = None,
    version_below: VersionBelow = None,
    repository: Repository = None,
    instance: Instance = None,
    model: Model = None,
    term: Term = None,
    grace_days: GraceDays = None,
    database: options.IssuerStore = None,
) -> None:
    """Replace the terms of a container's licenses.

    All of them: what is left out goes back to its default. They count from the next download.

    Example: azlic issuer container set plant-read --container read --version-from 3.2 --version-below 5
    """
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.containers import set_container

    terms = _terms(container, version_from, version_below, repository, instance, term, grace_days, model)
    store = open_stocked_issuer(database or load_settings().database)
    license_id = set_container(store, resource, terms, now=clock.now(), actor=operator())
    output.say(f"resource {resource}: {container} has these terms from the next download on", f"  license {license_id}")


@app.command("renew-id")
def renew_id_command(
    resource: OfResource, container: options.ForContainer, database: options.IssuerStore = None
) -> None:
    """Begin a new license in place of a revoked one.

    Until then every download of this container is denied. The new license has an id of its own, and serials from 1.

    Example: azlic issuer container renew-id plant-read --container read
    """
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.containers import renew_license_id

    store = open_stocked_issuer(database or load_settings().database)
    license_id = renew_license_id(store, resource, container, now=clock.now(), actor=operator())
    output.say(f"resource {resource}: {container} may be downloaded again", f"  license {license_id}")


@app.command("list")
def list_command(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List the containers of every resource.

    Example: azlic issuer container list
    """
    from azlic.render.issuer import CONTAINERS
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.containers import list_containers

    known = list_containers(open_stocked_issuer(database or load_settings().database))
    CONTAINERS.give(json, known)
