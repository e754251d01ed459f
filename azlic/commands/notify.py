"""Sending alerts to people and systems."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import Settings, load_settings

if TYPE_CHECKING:
    from usage.alerts.acknowledgements import WatchedAlert
    from usage.alerts.channels.channel import Channel
    from usage.alerts.state import State


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("notify")(notify_command)


def notify_command(
    test: Annotated[bool, typer.Option("--test", help="Send one test message to each channel, and forget it.")] = False,
    channel: Annotated[str | None, typer.Option("--channel", metavar="NAME", help="Only this channel.")] = None,
    trust: options.Trust = None,
    database: options.Database = None,
) -> None:
    """Send each channel the alerts it has not had yet.

    The channels are in channels.toml (setting `channels`, mode 0600): Apprise URLs for mail, syslog, webhooks and
    chat, an Alertmanager, a command. Each alert is told once per stage, and tried again by the next run until it is
    taken; and once that it ended. What somebody has taken note of is not told. Where the ledger is missing, all is
    told each time: nothing remembers what was. Exit status 3 then, and when a channel failed.

    Example: azlic notify --test
    """
    from licensing.core.errors import AzlicError, BadCall
    from usage.alerts.channels.configured import read_channels

    settings = load_settings()
    every = read_channels(settings.channels)
    channels = [one for one in every if channel in (None, one.name)]
    if not every and not test:
        _forget_others(settings, database, keep=())
    if not channels:
        raise BadCall(f"there is no such channel in {settings.channels}", hint="see: azlic notify --help")
    configured = [one.name for one in every]
    failed = (
        _test(settings, channels) if test else _notify(settings, channels, configured, trust=trust, database=database)
    )
    if failed:
        told = "; ".join(f"{name}: {why}" for name, why in failed.items())
        raise AzlicError(f"not every channel accepted it: {told}", hint="fix it; the next azlic notify tries again")


def _notify(
    settings: Settings,
    channels: "Sequence[Channel]",
    configured: Sequence[str],
    *,
    trust: Path | None,
    database: str | None,
) -> dict[str, str]:
    from azlic.monitoring.expected import open_or_make, refuse_missed_ledger
    from azlic.monitoring.site_state import look_at_site
    from licensing.core.errors import AzlicError
    from usage.alerts.message import message_counts
    from usage.alerts.notify import notify_channels, tell_without_memory

    def look() -> "tuple[State, tuple[WatchedAlert, ...]]":
        return look_at_site(settings, trust=trust, database=database, now=clock.as_of(None))

    try:
        refuse_missed_ledger(settings, database)
        engine = open_or_make(settings, database)
    except AzlicError as blind:
        failed = tell_without_memory(channels, look, site=_site(settings))
        told = "".join(f"; {name}: {why}" for name, why in failed.items())
        raise AzlicError(f"{blind.message}{told}", hint=blind.hint) from blind
    _forget_others(settings, database, keep=configured)
    outcome = notify_channels(engine, channels, look, site=_site(settings))
    for name, alerts in outcome.sent.items():
        told = message_counts(alerts, outcome.ended[name])
        output.say(f"{name}: sent {told or 'the present alerts again'}")
    if not outcome.sent and not outcome.failed:
        output.say("nothing new to send")
    return outcome.failed


def _forget_others(settings: Settings, database: str | None, *, keep: Sequence[str]) -> None:
    """Let go of the channels that were taken out of the file, so that none of them fails for ever."""
    from azlic.monitoring.expected import open_or_make, refuse_missed_ledger
    from licensing.db.database import writing
    from usage.alerts.store import forget_channels

    refuse_missed_ledger(settings, database)
    with writing(open_or_make(settings, database)) as connection:
        forget_channels(connection, keep=keep)


def _test(settings: Settings, channels: "Sequence[Channel]") -> dict[str, str]:
    from usage.alerts.alert import Alert, Severity
    from usage.alerts.message import Message
    from usage.alerts.notify import deliver

    now = clock.as_of(None)
    alert = Alert(
        id="test",
        severity=Severity.NOTICE,
        rank=0,
        stage="test",
        since=now,
        subject="this channel",
        meaning="This is a test of the channel: nothing is wrong.",
        action="No action is needed.",
    )
    message = Message(_site(settings), now, (alert,), ())
    failed = {one.name: why for one in channels if (why := deliver(one, message))}
    for one in channels:
        if one.name not in failed:
            output.say(f"{one.name}: accepted a test message")
    return failed


def _site(settings: Settings) -> str:
    """The site's name, or this machine's where it has none."""
    import socket

    return settings.site or socket.gethostname()
