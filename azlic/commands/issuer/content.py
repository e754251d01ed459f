"""The issuer's content keys, which open sealed files."""

import typer

from azlic import options
from azlic.settings import load_settings


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command("content-keys")(content_keys_command)


def content_keys_command(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List the keys that open sealed files, by id.

    Example: azlic issuer content-keys
    """
    from azlic.render.issuer import CONTENT_KEYS
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.content_keys import list_content_keys

    keys = list_content_keys(open_stocked_issuer(database or load_settings().database))
    CONTENT_KEYS.give(json, keys)
