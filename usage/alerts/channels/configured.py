"""Channels: where alerts are sent. They are in a file of their own, since their addresses hold secrets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from licensing.core import strict_toml
from licensing.core.errors import BadCall
from licensing.core.files import FileTooLarge, read_capped
from licensing.core.text import command_word
from usage.alerts.channels.channel import Channel

_EXAMPLE = '[mail] with apprise = "mailtos://...", alertmanager = "http://..." or command = ["/usr/local/bin/page"]'
_MAX_BYTES = 64 * 1024


def read_channels(path: Path) -> tuple[Channel, ...]:
    """The channels in a file, in its order.

    Raises ``BadCall`` where there is none, where others may read it, or for what is not a channel; never with its text.
    """
    try:
        content, mode = read_capped(path, _MAX_BYTES), path.stat().st_mode
    except FileNotFoundError:
        raise BadCall(f"there is no channels file {path}", hint=f"make it, mode 0600: {_EXAMPLE}") from None
    except (OSError, FileTooLarge) as error:
        raise BadCall(f"{path} cannot be read: {error}", hint="run as a user who may read it") from error
    if mode & 0o027:
        raise BadCall(
            f"{path} contains secrets, and others may read or change it", hint=f"chmod 600 {command_word(str(path))}"
        )
    try:
        tables = strict_toml.loads(content)
    except ValueError:
        raise BadCall(f"{path} is not TOML in UTF-8", hint=_EXAMPLE) from None
    return tuple(_channel(path, name, table) for name, table in tables.items())


def _channel(path: Path, name: str, table: Any) -> Channel:
    if not isinstance(table, Mapping) or len(table) != 1 or not name.isprintable():
        raise BadCall(f"{path}: channel {name!r} must name exactly one kind of delivery", hint=_EXAMPLE)
    ((way, where),) = table.items()
    if way == "command" and isinstance(where, list) and where and all(isinstance(word, str) and word for word in where):
        from usage.alerts.channels.command import Command  # noqa: PLC0415 - each way loads what it needs, and no other

        return Command(name, tuple(where))
    if way in ("apprise", "alertmanager") and isinstance(where, str) and where:
        if way == "apprise":
            from usage.alerts.channels.apprise import ByApprise  # noqa: PLC0415

            return ByApprise(name, where)
        from usage.alerts.channels.alertmanager import Alertmanager  # noqa: PLC0415

        return Alertmanager(name, where)
    raise BadCall(f"{path}: channel {name!r} names no known kind of delivery", hint=_EXAMPLE)
