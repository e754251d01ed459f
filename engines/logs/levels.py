"""How much the log tells: a least level for each category, by the names and the rules of .NET's logging."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

LEVELS: Mapping[str, int] = {
    "Trace": logging.DEBUG,
    "Debug": logging.DEBUG,
    "Information": logging.INFO,
    "Warning": logging.WARNING,
    "Error": logging.ERROR,
    "Critical": logging.CRITICAL,
    "None": logging.CRITICAL + 1,
}
DEFAULT = "Default"
OURS = "azlic"
"""What the names of our categories begin with."""
_BY_NAME = {name.lower(): level for name, level in LEVELS.items()}
_NAMES = {level: name for name, level in LEVELS.items() if name not in ("Trace", "None")}


def level_name(level: int) -> str:
    """The name of a record's level."""
    return _NAMES.get(level) or next((name for least, name in sorted(_NAMES.items()) if level <= least), "Critical")


@dataclass(frozen=True, slots=True)
class Levels(logging.Filter):
    """The least level of each category, by the beginning of its name; the longest that fits counts.

    ``own`` are the rules of one target of the log, ``shared`` those of all: these count where no own rule fits.
    ``Default`` is said of our own categories. Of the libraries' nothing but errors is told, unless a rule names them:
    what they say may be a client's.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)

    def least(self, category: str) -> int:
        """The least level that is told of a category."""
        name = category.lower()
        for rules in (self.own, self.shared):
            named = [each for each in rules if each != DEFAULT.lower() and _begins(name, each)]
            if named:
                return _BY_NAME[rules[max(named, key=len)].lower()]
            if DEFAULT.lower() in rules:
                return self._default(name, _BY_NAME[rules[DEFAULT.lower()].lower()])
        return self._default(name, logging.INFO)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is told."""
        return record.levelno >= self.least(record.name)

    @property
    def lowest(self) -> int:
        """The least level that is told of any category."""
        stated = [_BY_NAME[value.lower()] for rules in (self.own, self.shared) for value in rules.values()]
        return min([logging.INFO, *stated])

    @staticmethod
    def _default(name: str, level: int) -> int:
        return level if _begins(name, OURS) else max(level, logging.ERROR)


def _begins(name: str, beginning: str) -> bool:
    return name == beginning or name.startswith(f"{beginning}.")
