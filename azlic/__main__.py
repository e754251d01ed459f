"""The program: one place where errors become words and an exit status."""

import gc
import os
import sys
from types import SimpleNamespace

# What the start of a short command can do without (docs/adr/0002): looking for garbage every 700 objects while modules
# load, and searching every installed package for pydantic plugins, which have no business in a verification. The module
# that would search is not even loaded: it brings along the parsers of mail and of zip files.
gc.set_threshold(100_000, 50, 50)
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
sys.modules.setdefault("pydantic.plugin._loader", SimpleNamespace(get_plugins=tuple))  # type: ignore[arg-type]

from azlic.app import command_line  # noqa: E402
from azlic.output import outlets, tell  # noqa: E402
from licensing.core.errors import AzlicError  # noqa: E402


def main() -> int:
    """Run the command line in ``sys.argv``; returns the exit status: 0 fine, 1 "no", 2 bad command line, 3 failed."""
    with outlets():
        try:
            return _answer(sys.argv[1:])
        except Exception:  # with AZLIC_DEBUG, or while an error was told
            import traceback

            traceback.print_exc()
            return 3


def _answer(words: list[str]) -> int:
    if words[:1] == ["check"]:
        from azlic.commands.check import run_as_plugin

        return run_as_plugin(lambda: command_line(words)(words, standalone_mode=False))
    try:
        command_line(words)()
    except AzlicError as error:
        complain(error.message, hint=error.hint)
        return error.exit_status
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except OSError as error:
        if os.environ.get("AZLIC_DEBUG"):
            raise
        where = f"{error.filename}: " if error.filename else ""
        complain(
            f"the system refused: {where}{error.strerror or error}",
            hint="check the path, who may use it, and the free space on its disk",
        )
        return 3
    except Exception as error:
        if os.environ.get("AZLIC_DEBUG"):
            raise
        return _tell_of(error, words)
    return 0


def _tell_of(error: Exception, words: list[str]) -> int:
    """Tell of an error that nobody foresaw, unless a word is to blame that no database and no document can hold."""
    if isinstance(error, UnicodeEncodeError) and any(error.object in word for word in words):
        complain(f"{error.object} on the command line is no UTF-8", hint="let the terminal or the script write UTF-8")
        return 2
    complain(
        f"azlic ran into an unexpected error: {type(error).__name__}: {error}",
        hint="azlic audit tells whether somebody changed the ledger; else run it again with AZLIC_DEBUG=1 and"
        " report what it prints",
    )
    return 3


def complain(message: str, *, hint: str) -> None:
    """Tell a person on stderr what happened and what to try."""
    tell(f"azlic: {message}", f"  try: {hint}")


def run() -> None:
    """The console script. It ends at once: tearing down a thousand modules would take longer than ``verify``."""
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # nobody reads on, and the answer stays what it is
    except OSError:
        status = status or 3
    os._exit(status)


if __name__ == "__main__":
    run()
