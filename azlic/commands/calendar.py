"""Renewals as calendar entries."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

_MAX_BYTES = 16 * 2**20


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("calendar")(calendar_command)


def calendar_command(
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", readable=False, help="Where to write it; stdout if left out."),
    ] = None,
    trust: options.Trust = None,
    database: options.Database = None,
) -> None:
    """Write renewals as an iCalendar file.

    A day for each license and plan: when its renewal has to be started (setting `lead_days`), and when it ends. Written
    again later into the same FILE, the same entries move instead of appearing twice, and what is gone is cancelled.

    Where the ledger cannot be read, the entries that it would tell of stay as they were in FILE; exit status 3 then.

    Example: azlic calendar -o renewals.ics
    """
    from azlic.monitoring.site_state import look_at_site, rules_of
    from licensing.core.errors import AzlicError
    from licensing.core.files import write_whole
    from licensing.core.text import counted
    from usage.alerts.calendar import calendar_file, list_renewals, list_unknown
    from usage.alerts.state import UnreadableLedger

    settings, now = load_settings(), clock.as_of(None)
    state, _ = look_at_site(settings, trust=trust, database=database, now=now)
    entries = list_renewals(state, rules_of(settings))
    earlier, unknown = _earlier(out), list_unknown(state)
    content = calendar_file(entries, site=settings.site, now=now, earlier=earlier, unknown=unknown)
    if out is None:
        output.emit_with_crlf(content.decode())
    else:
        write_whole(out, content, mode=0o644)
        number = sum(not entry.cancelled for entry in entries)
        output.say(f"{out}: {counted(number, 'entry', 'entries')}")
    if isinstance(state.ledger, UnreadableLedger):
        kept = f"what {out} had of them stays as it was" if earlier else "they are left out"
        raise AzlicError(
            f"nothing is known of plans, {kept}: {state.ledger.error}",
            hint="name the ledger with --database, or mount it",
        )


def _earlier(out: Path | None) -> bytes:
    """The file that is to be replaced, where there is one that can be read."""
    import contextlib

    from licensing.core.files import FileTooLarge, read_capped

    with contextlib.suppress(OSError, FileTooLarge):
        return read_capped(out, _MAX_BYTES) if out is not None else b""
    return b""
