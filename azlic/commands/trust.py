"""The trust store: which issuers' keys are believed."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import options, output
from azlic.settings import load_settings

app = typer.Typer(help="The operator's folder of trusted public keys.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="trust")


@app.command()
def add(
    key: Annotated[Path, typer.Argument(metavar="FILE", help="An Ed25519 public key in PEM form.")],
    trust: options.Trust = None,
) -> None:
    """Trust an issuer's public key. Compare the fingerprint with the issuer first, by another way than the file came.

    Example: azlic trust add issuer.pem
    """
    from licensing.trust import TrustStore

    added = TrustStore(trust or load_settings().trust).add(key)
    output.emit(f"trusted: {added.path}\n  key {added.key_id}")


@app.command("list")
def list_keys(trust: options.Trust = None, json: options.Json = False) -> None:
    """List the trusted keys.

    Example: azlic trust list
    """
    from licensing.trust import TrustStore

    store = TrustStore(trust or load_settings().trust)
    keys = store.keys()
    if json:
        fields = [{"path": str(known.path), "key_id": known.key_id} for known in keys]
        output.emit_json("azlic.trust/v1", {"folder": str(store.folder), "keys": fields})
        return
    output.emit("\n".join(f"{known.key_id}  {known.path}" for known in keys) or f"no keys in {store.folder}")
