"""A message: the alerts that are sent together, in words and as fields."""

from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import iso
from usage.alerts.alert import Alert, severity_counts


class Message(NamedTuple):
    """What a channel is given: ``alerts`` are those it was not sent before, ``present`` all there are now."""

    site: str
    as_of: datetime
    alerts: tuple[Alert, ...]
    present: tuple[Alert, ...]

    @property
    def title(self) -> str:
        """A line for the subject of a mail."""
        return f"azlic {self.site}: {severity_counts(self.alerts)}"

    @property
    def text(self) -> str:
        """Each alert in three lines: what, what it means, what to do."""
        return "\n\n".join(
            f"{alert.severity.word.upper()} {alert.id} ({alert.stage}, since {alert.since:%Y-%m-%d})\n"
            f"{alert.meaning}\n-> {alert.action}"
            for alert in self.alerts
        )

    def fields(self) -> dict[str, object]:
        """The message under the schema ``azlic.notice/v1``."""
        return {
            "schema": "azlic.notice/v1",
            "site": self.site,
            "as_of": iso(self.as_of),
            "title": self.title,
            "text": self.text,
            "alerts": [alert.fields() for alert in self.alerts],
        }
