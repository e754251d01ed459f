"""The command line, put together."""

from typing import Annotated

import typer

import azlic
from azlic.commands import container, issuer, licenses, plan, trust, usage

app = typer.Typer(
    name="azlic",
    help="Know, prove and be warned: licenses and usage of AI containers that have no network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"azlic {azlic.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Know, prove and be warned: licenses and usage of AI containers that have no network.

    Exit status: 0 fine, 1 "no" (not valid, findings), 2 bad command line, 3 the environment failed.
    """


app.command("verify")(licenses.verify)
app.command("download")(licenses.download)
app.command("engine", context_settings={"ignore_unknown_options": True})(container.engine)
app.command("ingest")(usage.ingest)
app.command("report")(usage.report)
app.add_typer(plan.app, name="plan")
app.add_typer(trust.app, name="trust")
app.add_typer(issuer.app, name="issuer")
