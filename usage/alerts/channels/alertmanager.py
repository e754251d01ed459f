"""Prometheus' Alertmanager as a channel, by its API v2: it groups, silences and repeats by its own rules."""

import json
from datetime import timedelta

import httpx

from licensing.core.errors import BadCall
from licensing.core.instants import iso
from licensing.core.web_address import parse_web_address
from usage.alerts.alert import Alert, EndedAlert
from usage.alerts.channels.channel import ChannelFailed
from usage.alerts.message import Message

HOLD = timedelta(hours=3)
"""An alert that is not sent again for so long is taken to be over: longer than from one `azlic notify` to the next."""
_SECONDS = 15.0
_JSON = {"Content-Type": "application/json"}


class Alertmanager:
    """Posts all present alerts each time, and each that ended once: Alertmanager knows them by their labels."""

    repeats = True

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        address = parse_web_address(url)
        if address is None:
            raise BadCall(
                f"channel {name!r}: its Alertmanager address is not a valid URL",
                hint='for example alertmanager = "http://alertmanager.example:9093"',
            )
        self._url = address.copy_with(path=f"{address.path.rstrip('/')}/api/v2/alerts")

    def send(self, message: Message) -> None:
        """Post them once; proxies of the environment are not asked, redirects not followed and nothing of the answer
        but its status is read.
        """
        posted = [_payload(alert, message) for alert in message.present or message.alerts]
        posted += [_end(one, message) for one in message.ended]
        try:
            with (
                httpx.Client(trust_env=False, timeout=_SECONDS) as client,
                client.stream("POST", self._url, content=json.dumps(posted), headers=_JSON) as answer,
            ):
                status, taken = answer.status_code, answer.is_success
        except httpx.HTTPError as error:  # its text may repeat the address, and that a password
            raise ChannelFailed(f"Alertmanager could not be reached ({type(error).__name__})") from None
        if not taken:
            raise ChannelFailed(f"Alertmanager answered with status {status}")


def _payload(alert: Alert, message: Message) -> dict[str, object]:
    return {
        "labels": _labels(alert, message),
        "annotations": {
            "summary": f"{alert.subject}: {alert.stage}",
            "description": alert.meaning,
            "action": alert.action,
        },
        "startsAt": iso(alert.since),
        "endsAt": iso(message.as_of + HOLD),
    }


def _end(ended: EndedAlert, message: Message) -> dict[str, object]:
    return {
        "labels": _labels(ended, message),
        "annotations": {"summary": f"{ended.id}: ended"},
        "startsAt": iso(ended.since),
        "endsAt": iso(ended.ended_at),
    }


def _labels(alert: Alert | EndedAlert, message: Message) -> dict[str, str]:
    """What Alertmanager knows an alert by."""
    return {
        "alertname": f"Azlic{alert.kind.title().replace('-', '')}",
        "id": alert.id,
        "severity": alert.severity.word,
        "site": message.site,
    }
