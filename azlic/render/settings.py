"""The settings in force, for people and for scripts."""

import os
from collections.abc import Iterator, Mapping

from azlic.lines import joined, wrap
from azlic.monitoring.effective import Effective, EffectiveSettings, Source
from azlic.output import style
from azlic.render.answer import Answer
from azlic.render.text import named_value
from licensing.core.text import printable

_CELLS = max(map(len, ("settings file", "expiring_days")))


def settings_text(found: EffectiveSettings) -> str:
    """What is wrong first; then each setting with its value, and behind it in brackets where it comes from."""
    lines = [style(line, "red") for fault in found.faults for line in wrap(f"wrong: {printable(fault)}", "", "  ")]
    lines += named_value("settings file", str(found.file), "" if found.is_there else "there is none", _CELLS)
    for setting in found.settings:
        lines += _setting(setting)
    return joined(lines)


def _setting(setting: Effective) -> Iterator[str]:
    if setting.fault:
        said = wrap(f"wrong: {printable(setting.fault)}", f"{setting.name:<{_CELLS}}  ", " " * (_CELLS + 2))
        yield from (style(line, "red") for line in said)
    else:
        yield from named_value(setting.name, _value(setting.value), _source(setting), _CELLS)


def _source(setting: Effective) -> str:
    """Where it comes from. The file is named above."""
    if setting.source is Source.FILE:
        return "settings file"
    return setting.place or setting.source.value


def _value(value: object) -> str:
    if value is None or value in ("", (), {}):
        return "-"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}={_value(item)}" for name, item in value.items())
    if isinstance(value, tuple):
        return (os.pathsep if not isinstance(value[0], int) else ", ").join(map(str, value))
    return str(value)


def _settings_fields(found: EffectiveSettings) -> object:
    """``value`` is null where the setting has none, and where it is wrong."""
    return {
        "file": found.file,
        "file_exists": found.is_there,
        "sound": found.is_sound,
        "faults": found.faults,
        "settings": {
            setting.name: {
                "value": setting.value,
                "source": setting.source,
                "place": setting.place or None,
                "fault": setting.fault or None,
            }
            for setting in found.settings
        },
    }


SETTINGS = Answer("azlic.settings/v1", settings_text, _settings_fields)
