"""Seal an image's models, so that only a license opens them."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("seal")(seal_command)


def seal_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", readable=False, help="The folder with the plain models.")],
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", readable=False, help="The new folder for the sealed ones.")
    ],
    container: options.ForContainer,
    database: options.IssuerStore = None,
    json: options.Json = False,
) -> None:
    """Seal an image's model files under a new key.

    Every file below the folder is encrypted to a file of its name and .sealed. The key goes into the issuer's store,
    and from there into every license of this container type that is downloaded from then on. It is never shown.

    Example: azlic seal models --to sealed-models --container read
    """
    from azlic.render.issuer import SEALED
    from azlic.render.progress import counting_bytes
    from licensing.containers import container_type
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.content_keys import seal_folder

    store = open_stocked_issuer(database or load_settings().database)
    kind = container_type(container)
    with counting_bytes("seal") as progress:
        sealed = seal_folder(store, folder, to, kind=kind, actor=operator(), now=clock.now(), progress=progress)
    SEALED.give(json, to, kind.name, sealed)
