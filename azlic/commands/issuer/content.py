"""The issuer's content keys, which open sealed files."""

import typer

from azlic import options, output
from azlic.settings import load_settings


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command("content-keys")(content_keys)


def content_keys(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List the keys that open sealed files, by id.

    Example: azlic issuer content-keys
    """
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.content_keys import list_content_keys as every

    keys = every(open_stocked_issuer(database or load_settings().database))
    if json:
        output.emit_json("azlic.content-keys/v1", {"content_keys": [key._asdict() for key in keys]})
    else:
        lines = (f"{key.key_id}\n  {key.container_type}, sealed {key.created_at}" for key in keys)
        output.emit("\n".join(lines) or "nothing was sealed yet")
