"""What the settings say of the log: its targets, and how much each tells."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engines.logs.background import Background
from engines.logs.disk import MEGABYTE, LogFile
from engines.logs.levels import DEFAULT, Levels

SHARED = "logging:loglevel:"
CONSOLE = "logging:console:"
DISK = "logging:disk:"
_LEVEL = "loglevel"
FLUENTD_PORT = 24224


@dataclass(frozen=True, slots=True)
class FluentdSettings:
    """The listener that gets the log."""

    host: str
    port: int = FLUENTD_PORT


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log of a container: on stderr always; on the disk and to Fluentd where that was asked for."""

    console: Levels = field(default_factory=Levels)
    console_json: bool = False
    disk: Levels | None = None
    file_bytes: int | None = MEGABYTE
    fluentd: FluentdSettings | None = None
    shared: Levels = field(default_factory=Levels)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "LogSettings":
        """Read them from values by their keys in lower case, which have been checked."""
        shared = _levels(values, SHARED.removesuffix(f"{_LEVEL}:"))
        size = int(values.get(f"{DISK}maxfilesize", "1"))
        host = values.get("fluentd:host")
        return cls(
            console=Levels(_levels(values, CONSOLE), shared),
            console_json=values.get(f"{CONSOLE}format", "").lower() == "json",
            disk=Levels(_levels(values, DISK), shared) if values.get(f"{DISK}format") else None,
            file_bytes=size * MEGABYTE if size > 0 else None,
            fluentd=FluentdSettings(host, int(values.get("fluentd:port", FLUENTD_PORT))) if host else None,
            shared=Levels(shared=shared),
        )

    def begin(self) -> "Logs":
        """Listen to the log, for the targets besides stderr; what the disk gets waits until that is there."""
        logs = Logs(self)
        for handler in logs.handlers():
            logging.getLogger().addHandler(handler)
            logging.getLogger().setLevel(min(logging.getLogger().level, *(each.lowest for each in self._all())))
        return logs

    def _all(self) -> Iterator[Levels]:
        yield from (self.console, self.shared)
        if self.disk is not None:
            yield self.disk


class Logs:
    """The targets of a container's log besides stderr."""

    def __init__(self, settings: LogSettings) -> None:
        self._file_bytes = settings.file_bytes
        self._disk: Background | None = None
        self._fluentd: Background | None = None
        if settings.disk is not None:
            self._disk = Background("the output mount")
            self._disk.addFilter(settings.disk)
        if settings.fluentd is not None:
            from engines.logs.fluentd import Fluentd  # noqa: PLC0415 - few need it

            self._fluentd = Background(f"Fluentd at {settings.fluentd.host}:{settings.fluentd.port}")
            self._fluentd.addFilter(settings.shared)
            self._fluentd.open(Fluentd(settings.fluentd.host, settings.fluentd.port))

    def handlers(self) -> list[logging.Handler]:
        """What the log is to be handed to."""
        return [each for each in (self._disk, self._fluentd) if each is not None]

    def open(self, folder: Path) -> None:
        """Write to the disk from now on: to the folder of the container's usage records, which is there."""
        if self._disk is not None:
            self._disk.open(LogFile(folder, file_bytes=self._file_bytes))

    def close(self) -> None:
        """Write what waits, and listen no more."""
        for handler in self.handlers():
            logging.getLogger().removeHandler(handler)
            handler.close()


def _levels(values: Mapping[str, str], target: str) -> dict[str, str]:
    """The rules of one target: its default, and those that name a category."""
    own = f"{target}{_LEVEL}"
    rules = {key.removeprefix(f"{own}:"): value for key, value in values.items() if key.startswith(f"{own}:")}
    if own in values:
        rules.setdefault(DEFAULT.lower(), values[own])
    return rules
