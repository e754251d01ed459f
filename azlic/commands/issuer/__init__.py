"""The issuer's side: resources, API keys, approvals, and the license server."""

import typer

from azlic import options, output
from azlic.commands.issuer import (
    audit,
    container,
    content,
    licenses,
    plan,
    resource,
    serve,
    sites,
    subscription,
    trust,
    usage,
)
from azlic.settings import load_settings

_NOUNS = (
    resource,
    container,
    plan,
    subscription,
    licenses,
    content,
    sites,
    trust,
    audit,
    serve,
    usage,
)
app = typer.Typer(help="The license server and its store.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="issuer")


@app.command("init")
def init_command(database: options.IssuerStore = None, keys: options.IssuerKeys = None) -> None:
    """Make the issuer's signing key and its store.

    Example: azlic issuer init
    """
    from licensing.issuer.book import create_issuer
    from licensing.issuer.keys import PUBLIC, create_issuer_keys

    settings = load_settings()
    folder = keys or settings.issuer_keys
    create_issuer(database or settings.database)
    key = create_issuer_keys(folder)
    output.say(f"public key: {folder / PUBLIC}", f"  key {key.keyid}")


for _noun in _NOUNS:
    _noun.register(app)
