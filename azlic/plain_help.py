"""Help texts in the customer's words: an argument by its name, without the type it has in Python."""

import re
from typing import Any

import typer
from typer.core import TyperCommand

_TYPE = re.compile(r" <[^<>]*>$")


class PlainCommand(TyperCommand):
    """A command whose help says ``PATH...`` where typer would say ``PATH... <list[Path]>``."""

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


def speak_plainly(program: typer.Typer) -> None:
    """Give every command of a program, and of its groups, this help."""
    for command in program.registered_commands:
        command.cls = PlainCommand
    for group in program.registered_groups:
        if group.typer_instance:
            speak_plainly(group.typer_instance)
