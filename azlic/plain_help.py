"""Help texts in the customer's words: an argument by its name, without the type it has in Python."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

_TYPE = re.compile(r" <[^<>]*>$")
_WORD = re.compile(r"""(?:--?[a-z-]+ )?(?:"[^"]*"|[^\s"])+""")  # an option with its value is one


class PlainCommand(TyperCommand):
    """A command whose help says ``PATH...`` where typer would say ``PATH... <list[Path]>``."""

    def format_help_text(self, _ctx: Any, formatter: Any) -> None:
        """Write what the command is for, and its examples so that each can be copied into a shell."""
        text, *examples = inspect.cleandoc(self.help or "").split("Example: ")
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text.rstrip())
            for example in examples:
                formatter.write_paragraph()
                formatter.write(copyable(f"Example: {example}", formatter.width, indent=formatter.current_indent))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options, each with its help."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                is_argument = param.param_type_name == "argument"
                name = _TYPE.sub("", record[0]) if is_argument else record[0]
                sections["Arguments" if is_argument else "Options"].append((name, record[1]))
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def copyable(example: str, width: int, *, indent: int) -> str:
    """An example in lines of at most ``width``, broken at blanks alone; all but the last end in a backslash."""
    first, *words = _WORD.findall(" ".join(example.split()))
    lines = [" " * indent + first]
    for word in words:
        if len(lines[-1]) + len(word) + 3 <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * (indent + 4) + word)
    return " \\\n".join(lines) + "\n"


def grouped_help(titles: Mapping[str, Iterable[str]]) -> type[TyperGroup]:
    """A group whose help lists its commands below these titles."""

    class GroupedHelp(TyperGroup):
        """Writes a section for each title; its commands keep one column for their names."""

        def format_commands(self, _ctx: Any, formatter: Any) -> None:
            width = max(map(len, self.commands))
            with formatter.section("Commands"):
                for title, names in titles.items():
                    known = [(name, self.commands[name]) for name in names if name in self.commands]
                    room = formatter.width - formatter.current_indent - 4 - width
                    if known:
                        with formatter.section(title):
                            formatter.write_dl(
                                [(f"{name:<{width}}", one.get_short_help_str(room)) for name, one in known]
                            )

    return GroupedHelp


def speak_plainly(program: typer.Typer) -> None:
    """Give every command of a program, and of its groups, this help."""
    for command in program.registered_commands:
        command.cls = PlainCommand
    for group in program.registered_groups:
        if group.typer_instance:
            speak_plainly(group.typer_instance)
