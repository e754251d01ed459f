"""The trust store: which issuers' keys are trusted, and what those issuers have stated since."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

app = typer.Typer(help="The trust store: the operator's folder of trusted keys.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="trust")


@app.command("add")
def add_command(
    key: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="An Ed25519 public key in PEM form.")],
    trust: options.Trust = None,
) -> None:
    """Trust an issuer's public key.

    Compare the fingerprint with the issuer first, over another channel than the file's.

    Example: azlic trust add issuer.pem
    """
    from licensing.trust.store import TrustStore

    store = TrustStore(trust or load_settings().trust)
    before = store.files()
    added = store.add(key)
    output.say(f"{'there already' if added.path in before else 'trusted'}: {added.path}", f"  key {added.key_id}")


@app.command("update")
def update_command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", readable=False, help="Rotation documents and revocation lists."),
    ],
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Take an issuer's rotations and revocations.

    In any order; all of them are taken, or none. Exit status 1 when one of them is refused.

    Example: azlic trust update rotation-1.json revocations.json
    """
    from azlic.render.trust import TRUST_UPDATE, warnings
    from licensing.trust.store import TrustStore
    from licensing.trust.updating import update_trust

    settings = load_settings()
    store, now = TrustStore(trust or settings.trust), clock.now()
    taken = update_trust(store, files, as_of=now)
    TRUST_UPDATE.give(json, taken)
    for warning in warnings(store.load(), now, settings):
        output.tell(f"azlic: {warning}")


@app.command("list")
def list_command(trust: options.Trust = None, at: options.At = None, json: options.Json = False) -> None:
    """List the trusted keys, by issuer.

    Exit status 1 when a file in the trust store cannot be used, or an issuer's last rotation has expired.

    Example: azlic trust list
    """
    from azlic.render.trust import TRUST, warnings
    from licensing.trust.store import TrustStore

    settings = load_settings()
    store, as_of = TrustStore(trust or settings.trust), clock.as_of(at)
    held = store.load()
    TRUST.give(json, store, held, as_of)
    if not json:
        for warning in warnings(held, as_of, settings):
            output.tell(f"azlic: {warning}", "  try: azlic trust update, with what the issuer has signed since")
        for error in held.unusable:
            output.tell(f"azlic: {error.message}", f"  try: {error.hint}")
    expired = any(stated.rotation and stated.rotation.is_expired(as_of) for stated in held.issuers.values())
    raise typer.Exit(1 if held.unusable or expired else 0)
