"""The catalogue of containers, and the tags of their images."""

from typing import Annotated

import typer

from azlic import options, output


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command()(containers)
    program.command()(tags)


def containers(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One container, by its name or its image, in full.")
    ] = None,
    json: options.Json = False,
) -> None:
    """List the containers there are, and what they need.

    Of one: its image, its mounts, cores and memory, the plans that pay for it, and whether it can run disconnected.

    Example: azlic containers read
    """
    from azlic.render.containers import container_fields, container_text, containers_text
    from licensing.containers import CONTAINER_TYPES, find_container

    kinds = list(CONTAINER_TYPES.values()) if name is None else [find_container(name)[0]]
    if json:
        output.emit_json("azlic.containers/v1", {"containers": [container_fields(kind) for kind in kinds]})
    else:
        output.emit(containers_text(kinds) if name is None else container_text(kinds[0]))


def tags(
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
    container has locales. Exit status 1 when there is no tag for the locale.

    Example: azlic tags tags.json --locale de-DE --newest
    """
    from azlic.render.containers import newest_text, tags_fields, tags_text
    from licensing.containers.tags import read_tags

    listed = read_tags(file)
    found = listed.of_locale(locale) if locale else listed.known
    picked = listed.newest(locale or "")
    if json:
        output.emit_json("azlic.tags/v1", tags_fields(listed, found, picked))
    elif locale and picked is None:
        output.tell(f"azlic: no tag is for the locale {locale!r}\n  try: one of {', '.join(listed.locales) or 'none'}")
    else:
        output.emit(newest_text(listed, locale) if newest else tags_text(listed, found))
    raise typer.Exit(1 if picked is None else 0)
