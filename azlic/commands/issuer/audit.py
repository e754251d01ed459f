"""The issuer's audit log."""

import typer

from azlic import options
from azlic.settings import load_settings


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command("audit")(audit_command)


def audit_command(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """Show who did what, and check that nothing was changed.

    Exit status 1, and the first bad line, when the log was changed.

    Example: azlic issuer audit
    """
    from azlic.render.issuer import AUDIT_LOG
    from licensing.issuer.audit import read_audit_log
    from licensing.issuer.book import open_stocked_issuer

    log = read_audit_log(open_stocked_issuer(database or load_settings().database))
    AUDIT_LOG.give(json, log)
    raise typer.Exit(1 if log.fault else 0)
