"""Each setting as it is in force, and where it comes from; a settings file that is wrong is told, not refused."""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from azlic.settings import (
    NAMES,
    Places,
    is_variable,
    places_of,
    read_settings_file,
    settings_file,
    settings_of,
    unknown_setting,
    variable_of,
)
from licensing.core.errors import AzlicError
from licensing.core.text import without_password


class Source(StrEnum):
    """What a setting comes from; the later one wins."""

    DEFAULT = "default"
    FILE = "file"
    VARIABLE = "variable"
    OPTION = "option"


class Effective(NamedTuple):
    """A setting: what it comes to, None where its value is none, and then what is wrong with it.

    ``place`` is the file, the variable or the option that it comes from. A password in it is not shown.
    """

    name: str
    value: object
    source: Source
    place: str
    fault: str


class EffectiveSettings(NamedTuple):
    """All settings. ``faults`` are what is wrong with the settings file and the variables, beside single values."""

    file: Path
    is_there: bool
    settings: tuple[Effective, ...]
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every command would take these settings."""
        return not self.faults and not any(setting.fault for setting in self.settings)


def effective_settings(options: Mapping[str, str | None], environ: Mapping[str, str] = os.environ) -> EffectiveSettings:
    """The settings, as options of the command line, by the setting's name, leave them."""
    file, faults = settings_file(environ), []
    from_file: Mapping[str, object] = {}
    try:
        from_file = read_settings_file(environ)
    except AzlicError as error:
        faults.append(_told(error))
    faults += [_told(unknown_setting(file, name)) for name in sorted(set(from_file) - set(NAMES))]
    faults += [
        f"the variable {name} sets nothing: there is no such setting"
        for name in sorted(environ)
        if name.startswith("AZLIC_") and not is_variable(name)
    ]
    given = {name: (_option(name), value) for name, value in options.items() if value is not None}
    places = {**places_of(from_file, environ), **given}
    return EffectiveSettings(
        file=file,
        is_there=file.exists(),
        settings=tuple(_effective(name, places, given, environ) for name in NAMES),
        faults=tuple(faults),
    )


def _effective(name: str, places: Places, given: Places, environ: Mapping[str, str]) -> Effective:
    source, place = Source.DEFAULT, ""
    if name in places:
        source, place = Source.FILE, places[name][0]
    if name in given:
        source = Source.OPTION
    elif environ.get(variable_of(name)):
        source = Source.VARIABLE
    try:
        value: object = getattr(settings_of({name: places[name]} if name in places else {}), name)
    except AzlicError as error:
        return Effective(name, None, source, place, _told(error))
    return Effective(name, _without_passwords(value), source, place, "")


def _without_passwords(value: object) -> object:
    if isinstance(value, str):
        return without_password(value)
    return {name: _without_passwords(item) for name, item in value.items()} if isinstance(value, Mapping) else value


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _told(error: AzlicError) -> str:
    return f"{error.message}; {error.hint}"
