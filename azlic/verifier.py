"""How a license is verified at this site: by its trust store, its name and its days, whoever asks."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from azlic.settings import Settings
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from licensing.verification import Here, verify


class Verifier(NamedTuple):
    """The trust and the settings that every verdict here rests on."""

    trust: TrustStore
    settings: Settings

    @classmethod
    def of(cls, settings: Settings, trust: Path | None) -> "Verifier":
        """The verifier of some settings; ``trust`` is another trust store than theirs."""
        return cls(TrustStore(trust or settings.trust), settings)

    def here(self, *, image: str | None = None, instance: str | None = None) -> Here:
        """What every license is held against here; what is None is not compared, or is as the settings have it."""
        return {
            "image": image,
            "site": self.settings.site or None,
            "instance": instance or self.settings.instance or None,
            "expiring_days": self.settings.expiring_days,
            "trust_days": self.settings.trust_days,
        }

    def verify(
        self,
        path: Path,
        as_of: datetime,
        seen: Seen,
        *,
        container: str | None = None,
        version: str | None = None,
        image: str | None = None,
        instance: str | None = None,
    ) -> Verdict:
        """The verdict on the license in one place; what is None is not compared, or is as the settings have it."""
        return verify(
            path,
            trust=self.trust,
            as_of=as_of,
            container=container,
            version=version,
            seen=seen,
            **self.here(image=image, instance=instance),
        )
