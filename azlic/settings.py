"""Where things live and when to warn: the command line over ``AZLIC_*`` variables over ``azlic.toml`` over defaults.

Read without pydantic-settings, which alone would cost ``verify`` half of its start-up (docs/adr/0002).
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from licensing.core import strict_toml
from licensing.core.errors import BadCall
from licensing.core.files import unreadable
from licensing.core.user import read_user

_MAX_BYTES = 64 * 1024


class Settings(NamedTuple):
    """Everything that can be set once for all commands; ``named`` are those that somebody did set."""

    database: str
    trust: Path
    issuer_keys: Path
    issuer_url: str
    issuer_ca: Path | None
    site: str
    instance: str
    site_keys: Path
    head_office: Path
    expiring_days: int
    trust_days: int
    lead_days: int
    nonroot: str
    licenses: tuple[Path, ...]
    stages: tuple[int, ...]
    stages_of: Mapping[str, tuple[int, ...]]
    close_days: int
    receipt_days: int
    closed_sites: tuple[str, ...]
    channels: Path
    outputs: tuple[Path, ...]
    textfile: Path | None
    backups: Path
    pull: Mapping[str, str]
    named: frozenset[str]


NAMES = tuple(name for name in Settings._fields if name != "named")
Places = Mapping[str, tuple[str, Any]]
"""What is set, by name: where, a file or a variable, and the value as it stands there."""


def settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the settings file is, whether there is one or not."""
    return Path(environ["AZLIC_CONFIG"]) if "AZLIC_CONFIG" in environ else _config("azlic.toml")


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"AZLIC_{name.upper()}"


def is_variable(name: str) -> bool:
    """Whether an environment variable of azlic's means something."""
    return name in _VARIABLES.values() or name in {"AZLIC_CONFIG", "AZLIC_DEBUG"} or name.startswith(_FOR_DEVELOPERS)


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises ``BadCall`` naming the file or variable, the setting, and what is wrong with it.
    """
    from_file = read_settings_file(environ)
    if unknown := sorted(set(from_file) - set(NAMES)):
        raise unknown_setting(settings_file(environ), unknown[0])
    settings = settings_of(places_of(from_file, environ))
    return settings._replace(named=settings.named | {name for name in NAMES if variable_of(name) in environ})


def unknown_setting(path: Path, name: str) -> BadCall:
    """What is wrong with a file that sets what is no setting."""
    return BadCall(f"{path}: there is no setting {name!r}", hint=f"settings are: {', '.join(NAMES)}")


def places_of(from_file: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Places:
    """What is set and where: a variable wins over the file; an empty one sets nothing."""
    path = str(settings_file(environ))
    places = {name: (path, value) for name, value in from_file.items() if name in NAMES}
    return places | {
        name: (variable, environ[variable]) for name, variable in _VARIABLES.items() if environ.get(variable)
    }


def settings_of(places: Places) -> Settings:
    """The settings by what is set, all others by their defaults. Raises ``BadCall`` for a value that is none."""
    return Settings(
        database=_text(places, "database") or str(_data("azlic.db")),
        trust=Path(_text(places, "trust") or _config("trust.d")),
        issuer_keys=Path(_text(places, "issuer_keys") or _data("issuer-keys")),
        issuer_url=_text(places, "issuer_url") or "",
        issuer_ca=Path(ca) if (ca := _text(places, "issuer_ca")) else None,
        site=_text(places, "site") or "",
        instance=_text(places, "instance") or "",
        site_keys=Path(_text(places, "site_keys") or _data("site-keys")),
        head_office=Path(_text(places, "head_office") or _config("head-office.pem")),
        expiring_days=_days(places, "expiring_days", default=60),
        trust_days=_days(places, "trust_days", default=180),
        lead_days=_days(places, "lead_days", default=60),
        nonroot=_user(places, "nonroot", default="65532:65532"),
        licenses=_paths(places, "licenses") if "licenses" in places else (Path("/license"),),
        stages=_stages(*places.get("stages", ("", (90, 60, 30, 14, 7, 1)))),
        stages_of=_stages_of(places),
        close_days=_days(places, "close_days", default=5),
        receipt_days=_days(places, "receipt_days", default=45),
        closed_sites=_names(places, "closed_sites"),
        channels=Path(_text(places, "channels") or _config("channels.toml")),
        outputs=_paths(places, "outputs") if "outputs" in places else (Path("/output"),),
        textfile=Path(folder) if (folder := _text(places, "textfile")) else None,
        backups=Path(_text(places, "backups") or _data("backups")),
        pull=_addresses(places, "pull"),
        named=frozenset(places),
    )


_VARIABLES = {name: variable_of(name) for name in NAMES}
_FOR_DEVELOPERS = ("AZLIC_TEST_", "AZLIC_BENCH_", "AZLIC_COMPLETE")


def _text(places: Places, name: str) -> str | None:
    where, value = places.get(name, ("", None))
    if value is not None and not (isinstance(value, str) and value):
        raise BadCall(f"{where}: {name} is not text", hint=f'for example {name} = "/srv/azlic"')
    return value


def listed_in(variable: str, separator: str) -> list[str]:
    """What a variable lists: ``[]`` and ``{}`` are none of it, as in the settings file; an empty one sets nothing."""
    return [] if variable.strip() in ("[]", "{}") else variable.split(separator)


def _paths(places: Places, name: str) -> tuple[Path, ...]:
    """Folders: a list in the settings file, separated by colons in a variable."""
    where, value = places.get(name, ("", ()))
    listed = listed_in(value, os.pathsep) if isinstance(value, str) else value
    if not (isinstance(listed, list | tuple) and all(isinstance(path, str) and path for path in listed)):
        raise BadCall(f"{where}: {name} is not a list of folders", hint=f'for example {name} = ["/srv/licenses"]')
    return tuple(map(Path, listed))


def _names(places: Places, name: str) -> tuple[str, ...]:
    """Names: a list in the settings file, separated by commas in a variable."""
    where, value = places.get(name, ("", ()))
    listed = [one.strip() for one in listed_in(value, ",")] if isinstance(value, str) else value
    if not (isinstance(listed, list | tuple) and all(isinstance(one, str) and one for one in listed)):
        raise BadCall(f"{where}: {name} is not a list of names", hint=f'for example {name} = ["hall-7"]')
    return tuple(listed)


def _stages(where: str, value: Any) -> tuple[int, ...]:
    """Days before an end: a list in the settings file, separated by commas in a variable."""
    listed = [day.strip() for day in listed_in(value, ",")] if isinstance(value, str) else value
    if not (
        isinstance(listed, list | tuple) and listed and all(re.fullmatch("[0-9]{1,4}", str(day)) for day in listed)
    ):
        raise BadCall(f"{where}: stages are not days before an end", hint="for example stages = [90, 60, 30, 14, 7, 1]")
    return tuple(sorted({int(day) for day in listed}, reverse=True))


def _stages_of(places: Places) -> dict[str, tuple[int, ...]]:
    """The same for single container types: a table in the settings file, read:30,7;speech-to-text:60 in a variable."""
    where, value = places.get("stages_of", ("", {}))
    if isinstance(value, str):
        value = dict(part.partition(":")[::2] for part in listed_in(value, ";"))
    if not isinstance(value, dict):
        raise BadCall(f"{where}: stages_of is not a table", hint="for example [stages_of] read = [120, 60, 30]")
    return {container.strip(): _stages(where, days) for container, days in value.items()}


def _addresses(places: Places, name: str) -> dict[str, str]:
    """Addresses by name: a table in the settings file, translator=http://translator:5000;... in a variable."""
    where, value = places.get(name, ("", {}))
    if isinstance(value, str):
        value = dict(part.partition("=")[::2] for part in listed_in(value, ";"))
    if not (isinstance(value, dict) and all(isinstance(text, str) and text for pair in value.items() for text in pair)):
        raise BadCall(
            f"{where}: {name} is not a table of addresses",
            hint=f'for example [{name}] translator = "http://translator:5000"',
        )
    return dict(value)


def _user(places: Places, name: str, *, default: str) -> str:
    where, value = places.get(name, ("", default))
    if read_user(str(value)) is None:
        raise BadCall(f"{where}: {name} is not of the form UID:GID", hint=f'for example {name} = "{default}"')
    return str(value)


def _days(places: Places, name: str, *, default: int) -> int:
    where, value = places.get(name, ("", default))
    if not str(value).isdecimal() or len(str(value)) > 4 or int(value) > 3650:
        raise BadCall(f"{where}: {name} is not a number of days from 0 to 3650", hint=f"for example {name} = {default}")
    return int(value)


def read_settings_file(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What the settings file holds, as it stands there; nothing where there is none. Raises ``BadCall``."""
    path, must_exist = settings_file(environ), "AZLIC_CONFIG" in environ
    if must_exist and not environ["AZLIC_CONFIG"]:
        raise BadCall("AZLIC_CONFIG is empty: it names no settings file", hint="unset it, or let it name the file")
    try:
        with path.open("rb") as file:  # /dev/null is a way to say that there are none
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        if must_exist:
            raise BadCall(f"there is no settings file {path}", hint="AZLIC_CONFIG names it") from None
        return {}
    except OSError as error:
        raise unreadable(f"the settings file {path}", error) from error
    if len(content) > _MAX_BYTES:
        raise BadCall(
            f"{path} is larger than {_MAX_BYTES} bytes", hint="a settings file is short: let AZLIC_CONFIG name it"
        )
    try:
        return strict_toml.loads(content)
    except ValueError as error:
        raise BadCall(f"{path}: {error}", hint="the file is TOML, in UTF-8") from error


def _data(name: str) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/azlic", name)
    from platformdirs import user_data_path

    return user_data_path("azlic") / name


def _config(name: str) -> Path:
    if os.geteuid() == 0:
        return Path("/etc/azlic", name)
    from platformdirs import user_config_path

    return user_config_path("azlic") / name
