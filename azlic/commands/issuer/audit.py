"""The issuer's audit log."""

import typer

from azlic import options, output
from azlic.settings import load_settings


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command()(audit)


def audit(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """Show who did what, and check that nothing in it was changed.

    Exit status 1, and the first bad line, when the log is not what was written.

    Example: azlic issuer audit
    """
    from azlic.render.issuer import audit_fields, audit_text
    from licensing.issuer.audit import read_audit_log as read_back
    from licensing.issuer.book import open_stocked_issuer

    log = read_back(open_stocked_issuer(database or load_settings().database))
    if json:
        output.emit_json("azlic.issuer-audit/v1", audit_fields(log))
    else:
        output.emit(audit_text(log))
    raise typer.Exit(1 if log.fault else 0)
