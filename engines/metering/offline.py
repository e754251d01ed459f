"""Metering with no network: usage records in the output mount."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from usage.records.recorder import Recorder


class OfflineMeter:
    """Writes what was delivered into ``Mounts:Output``, a line on the disk for each piece of work.

    ``api_types`` are the meters that the engine declared, and what each one's records call its API.
    """

    def __init__(self, recorder: Recorder, api_types: Mapping[str, str]) -> None:
        self._recorder = recorder
        self._api_types = api_types

    def record(self, meter: str, quantity: Decimal, *, at: datetime) -> None:
        """Append one usage record; it is on the disk when this returns."""
        if meter not in self._api_types:
            raise ValueError(f"the engine did not declare a meter {meter!r}")
        self._recorder.append(meter, quantity, at=at, api_type=self._api_types[meter])
