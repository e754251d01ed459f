"""A message: the alerts that are sent together, in words and as fields."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import iso
from licensing.core.text import printable
from usage.alerts.alert import Alert, EndedAlert, severity_counts


class Message(NamedTuple):
    """What a channel is given: ``alerts`` are those it was not sent before, ``present`` all there are now.

    ``ended`` are those it was sent that are over.
    """

    site: str
    as_of: datetime
    alerts: tuple[Alert, ...]
    present: tuple[Alert, ...]
    ended: tuple[EndedAlert, ...] = ()

    @property
    def title(self) -> str:
        """A line for the subject of a mail."""
        return printable(f"azlic {self.site}: {message_counts(self.alerts, len(self.ended))}")

    @property
    def text(self) -> str:
        """Each alert in three lines: what, what it means, what to do; and a line for each that ended."""
        told: list[tuple[str, ...]] = [
            (
                f"{alert.severity.word.upper()} {alert.id} ({alert.stage}, since {alert.since:%Y-%m-%d})",
                alert.meaning,
                f"-> {alert.action}",
            )
            for alert in self.alerts
        ]
        told += [(f"ENDED {one.id} (since {one.since:%Y-%m-%d}, over at {iso(one.ended_at)})",) for one in self.ended]
        return "\n\n".join("\n".join(map(printable, lines)) for lines in told)

    def fields(self) -> dict[str, object]:
        """The message under the schema ``azlic.notice/v1``."""
        return {
            "schema": "azlic.notice/v1",
            "site": self.site,
            "as_of": iso(self.as_of),
            "title": self.title,
            "text": self.text,
            "alerts": [alert.fields() for alert in self.alerts],
            "ended": [one.fields() for one in self.ended],
        }


def message_counts(alerts: Iterable[Alert], ended: int) -> str:
    """How many a message tells of: ``1 critical, 2 ended``."""
    return ", ".join(filter(None, (severity_counts(alerts), f"{ended:,} ended" if ended else "")))
