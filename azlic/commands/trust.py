"""The trust store: which issuers' keys are believed."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import options, output
from azlic.settings import load_settings

app = typer.Typer(help="The trust store: the operator's folder of trusted keys.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="trust")


@app.command()
def add(
    key: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="An Ed25519 public key in PEM form.")],
    trust: options.Trust = None,
) -> None:
    """Trust an issuer's public key.

    Compare the fingerprint with the issuer first, by another way than the file came.

    Example: azlic trust add issuer.pem
    """
    from licensing.trust import TrustStore

    added = TrustStore(trust or load_settings().trust).add(key)
    output.emit(f"trusted: {added.path}\n  key {added.key_id}")


@app.command("list")
def list_keys(trust: options.Trust = None, json: options.Json = False) -> None:
    """List the trusted keys.

    Exit status 1 when a file in the trust store is no key.

    Example: azlic trust list
    """
    from licensing.trust import TrustStore

    store = TrustStore(trust or load_settings().trust)
    held = store.held()
    if json:
        keys = [{"path": str(known.path), "key_id": known.key_id} for known in held.keys]
        unusable = [error.message for error in held.unusable]
        output.emit_json("azlic.trust/v1", {"folder": str(store.folder), "keys": keys, "unusable": unusable})
    else:
        lines = [f"{known.path.name}\n  key {known.key_id}" for known in held.keys]
        where = f"none is in {store.folder}" if store.folder.is_dir() else f"there is no folder {store.folder}"
        output.emit("\n".join(lines) or f"no trusted keys, {where}")
        for error in held.unusable:
            output.tell(f"azlic: {error.message}\n  try: {error.hint}")
    raise typer.Exit(1 if held.unusable else 0)
