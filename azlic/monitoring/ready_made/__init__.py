"""Files that come with azlic, made ready for this installation: units, a cron line, rules, a dashboard, commands."""

import sys
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from licensing.core.errors import BadCall
from licensing.core.files import make_folder, write_whole


def this_program() -> Path:
    """The path of the azlic that runs."""
    return Path(sys.executable).with_name("azlic")


def fill_rules(*, lead_days: int) -> dict[str, bytes]:
    """The rules, dashboards and commands by name: with this program's own path and the site's lead time."""
    values = {"@AZLIC@": str(this_program()), "@LEAD_DAYS@": str(lead_days)}
    folder = files(__name__).joinpath("rules")
    return {entry.name: _fill(entry.read_text("utf-8"), values) for entry in sorted(folder.iterdir(), key=_name)}


def _name(entry: object) -> str:
    return str(getattr(entry, "name", ""))


def _fill(text: str, values: Mapping[str, str]) -> bytes:
    for name, value in values.items():
        text = text.replace(name, value)
    return text.encode()


def write_out(folder: Path, contents: Mapping[str, bytes], *, replace: bool, closed: Iterable[str] = ()) -> list[Path]:
    """Write files into a folder; gives those that were not there, or not the same.

    Raises ``BadCall`` where another file of that name exists, unless it is to be replaced; then none is written.
    Those named in ``closed`` are for their owner alone.
    """
    make_folder(folder, "the folder", "FOLDER", mode=0o755)
    changed = {folder / name: content for name, content in contents.items() if not _same(folder / name, content)}
    if others := sorted(path for path in changed if path.exists() and not replace):
        raise BadCall(f"{others[0]} already exists, with other content", hint="compare them; --yes replaces it")
    for path, content in changed.items():
        write_whole(path, content, mode=0o600 if path.name in closed else 0o644)
    return list(changed)


def _same(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
