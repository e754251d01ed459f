"""Apprise as a channel: mail, syslog, webhooks and the chat systems of an intranet, by URL."""

import logging

from apprise import Apprise, NotifyFormat, NotifyType

from licensing.core.errors import BadCall
from usage.alerts.alert import Severity
from usage.alerts.channels.channel import ChannelFailed
from usage.alerts.message import Message

_TYPES = {Severity.NOTICE: NotifyType.INFO, Severity.WARNING: NotifyType.WARNING, Severity.CRITICAL: NotifyType.FAILURE}


class ByApprise:
    """Sends through an Apprise URL. The URL holds passwords: it is never shown, nor what Apprise logs about it."""

    repeats = False

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._apprise = Apprise()
        if not self._apprise.add(url):
            raise BadCall(
                f"channel {name!r}: Apprise does not support its URL",
                hint="for example mailtos://, syslog://, json://HOST/PATH; see docs/alerts.md",
            )

    def send(self, message: Message) -> None:
        """Send it once."""
        worst = max((alert.severity for alert in message.alerts), default=None)
        sent = self._apprise.notify(
            title=message.title,
            body=message.text,
            notify_type=_TYPES[worst] if worst else NotifyType.SUCCESS,
            body_format=NotifyFormat.TEXT,
        )
        if not sent:
            raise ChannelFailed("Apprise could not deliver it")
