"""Where things live and when to warn: the command line over ``AZLIC_*`` variables over ``azlic.toml`` over defaults."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from licensing.errors import AzlicError, BadCall


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


class Settings(BaseModel):
    """Everything that can be set once for all commands."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database: str = Field(default_factory=lambda: str(_data("azlic.db")))
    trust: Path = Field(default_factory=lambda: _config("trust.d"))
    issuer_keys: Path = Field(default_factory=lambda: _data("issuer-keys"))
    expiring_days: Annotated[int, Field(ge=0, le=3650)] = 60


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises ``BadCall`` naming the file or variable, the setting, and what is wrong with it.
    """
    path = Path(environ["AZLIC_CONFIG"]) if "AZLIC_CONFIG" in environ else _config("azlic.toml")
    from_file = _read(path, must_exist="AZLIC_CONFIG" in environ)
    variables = {name: f"AZLIC_{name.upper()}" for name in Settings.model_fields}
    from_environment = {name: environ[key] for name, key in variables.items() if key in environ}
    try:
        return Settings.model_validate(from_file | from_environment)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        where = variables[name] if name in from_environment else str(path)
        raise BadCall(
            f"{where}: {name}: {first['msg']}", hint=f"settings are: {', '.join(Settings.model_fields)}"
        ) from error


def _read(path: Path, *, must_exist: bool) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if must_exist:
            raise BadCall(f"there is no settings file {path}", hint="AZLIC_CONFIG names it") from None
        return {}
    except OSError as error:
        raise AzlicError(
            f"the settings file {path} cannot be read: {error.strerror}", hint="check who may read it"
        ) from error
    except ValueError as error:
        raise BadCall(f"{path}: {error}", hint="the file is TOML, in UTF-8") from error
