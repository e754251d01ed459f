"""The catalogue of containers, and the tags of their images."""

from typing import Annotated

import typer

from azlic import options, output


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("containers")(containers_command)
    program.command("tags")(tags_command)


def containers_command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One container, by its name or its image, in full.")
    ] = None,
    json: options.Json = False,
) -> None:
    """List the containers there are, and what they need.

    Of one: its image, its mounts, cores and memory, the plans that pay for it, and whether it can run disconnected.

    Example: azlic containers read
    """
    from azlic.render.containers import CONTAINERS
    from licensing.containers import CONTAINER_TYPES, find_container

    kinds = list(CONTAINER_TYPES.values()) if name is None else [find_container(name)[0]]
    CONTAINERS.give(json, kinds)


def tags_command(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="What https://REGISTRY/v2/REPOSITORY/tags/list answered, or a tag a line; - is stdin."
        ),
    ],
    locale: Annotated[
        str | None, typer.Option("--locale", metavar="LOCALE", help="Only the images for this locale, as en-US.")
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="Only the newest release: of the locale, or of every one.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Sort a registry's tags; pick the newest.

    Tags are sorted by their version, the newest first; those of another form are listed apart. latest is en-US where a
    container has locales. Exit status 1 when there is no tag for the locale, or no telling
    which is the newest.

    Example: azlic tags tags.json --locale de-DE --newest
    """
    from azlic.render.containers import TAGS, WantedTags
    from licensing.containers.tags import read_tags

    wanted = WantedTags(read_tags(file), locale, newest)
    if locale and wanted.newest is None and not json:
        known = ", ".join(wanted.tags.locales) or "none"
        output.tell(f"azlic: no tag is for the locale {locale!r}", f"  try: one of {known}")
    elif newest and wanted.newest is None and wanted.tags.others and not json:
        output.tell(
            "azlic: cannot tell which is the newest: the list has tags of a form that is not known here",
            "  try: azlic tags FILE lists them all; choose by the container's release notes",
        )
    else:
        TAGS.give(json, wanted)
    listed = wanted.tags.known and not locale and not newest
    raise typer.Exit(1 if wanted.newest is None and not listed else 0)
