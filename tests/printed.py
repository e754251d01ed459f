"""Every command of azlic that the program, its documents or its units print, and whether the program takes it."""

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import typer
from typer._click.exceptions import UsageError
from typer.core import TyperGroup
from typer.main import get_command

from azlic.app import command_line
from licensing.core.errors import AzlicError

ROOT = Path(__file__).parent.parent
_GAP = "\N{OPEN BOX}"
"""Stands in a text for what is filled in when it is printed."""
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|\[[^]]*\]|\{[^{}]*\}|[^\s"'`\[{])+""")
_ENDS = ".,;:!?)"
_CERTAIN = {"`": "`", "$ ": r"\n", "Example: ": r"\n\s*\n|\n\s*$"}
"""Behind these a command begins for certain, up to its end; in prose it goes on as long as it looks like one."""
_PLAUSIBLE = {"DATE": "2027-01-01", "N": "1", "Q": "1", "TYPE": "read", "YYYY-MM": "2026-03"}
PROGRAM = get_command(command_line([]))


class Printed(NamedTuple):
    """A command as it stands in a text: where, and its words after ``azlic``."""

    place: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place}: azlic {' '.join(self.words)}"


def printed_commands() -> Iterator[Printed]:
    """All of them, each where it stands."""
    for package in ("azlic", "engines", "usage", "licensing"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for line, text in _texts(ast.parse(path.read_text())):
                for words in commands_in(text):
                    yield Printed(f"{path.relative_to(ROOT)}:{line}", words)
    written = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "azlic" / "monitoring").rglob("*.*")]
    for path in sorted(written):
        if path.suffix not in {".py", ".pyc"} and path.is_file():
            for words in commands_in(path.read_text()):
                yield Printed(str(path.relative_to(ROOT)), words)


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The strings of a module; in place of what an f-string fills in stands a gap."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else _GAP for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, re.sub(r"\{\w*\}", _GAP, node.value)


def commands_in(text: str) -> Iterator[tuple[str, ...]]:
    """The words behind each ``azlic`` of a text, as far as they belong to the command."""
    text = re.sub(r" *\\\n\s*", " ", text)
    for found in re.finditer(r"(?<![\w./-])azlic (?!sealed file)", text):
        before, rest = text[: found.start()], text[found.end() - 1 :]
        ends = next((end for start, end in _CERTAIN.items() if before.endswith(start)), None)
        words = tuple(_in_prose(rest) if ends is None else _in_shell(re.split(ends, rest, maxsplit=1)[0]))
        if words:
            yield words


def _in_shell(line: str) -> Iterator[str]:
    for word in shlex.split(line):
        if word in {"|", ">", "&", ";"}:
            return
        yield word


def _in_prose(rest: str) -> Iterator[str]:
    """Words up to where the sentence goes on."""
    command: object = PROGRAM
    place, value_follows = 0, False
    while rest.startswith(" ", place) and (word := _WORD.match(rest, place + 1)):
        bare = word[0] if word[0].endswith("...") else word[0].rstrip(_ENDS)
        if isinstance(command, TyperGroup):
            if bare not in command.commands:
                return
            command = command.commands[bare]
        elif not value_follows and bare != _GAP and re.fullmatch(r"[a-z][a-z']*|\W*", bare):
            return
        yield bare
        if bare != word[0]:
            return
        value_follows = bare.startswith("-")
        place = word.end()


def refusal(words: tuple[str, ...]) -> str:
    """Why the program does not take these words; empty where it does. A command that is only named is taken."""
    names = 0
    command: object = PROGRAM
    while isinstance(command, TyperGroup) and names < len(words) and words[names] in command.commands:
        command = command.commands[words[names]]
        names += 1
    given = [filled for before, word in pairwise(("", *words)[names:]) if (filled := _filled(word, after=before))]
    if (names and not given) or given[-1] in {"--help", "--install-completion"}:
        return ""  # it is only named, or would answer at once
    try:
        context = PROGRAM.make_context("azlic", list(words[:names]) + given)
        while isinstance(context.command, TyperGroup):
            _, inner, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
            assert inner is not None
            context = inner.make_context(inner.name, rest, parent=context)
    except typer.Exit:
        return ""
    except UsageError as error:
        only_an_option = given[0].startswith("-") and re.match("Missing|Option .* requires", error.format_message())
        return "" if only_an_option else error.format_message()
    except AzlicError as error:
        return error.message
    return ""


def _filled(word: str, *, after: str) -> str:
    """A word as somebody would type it: what stands for something is replaced by something plausible."""
    word = word.strip("[]\"'").removesuffix("...")
    return _PLAUSIBLE.get(word, word).replace(_GAP, {"--container": "read", "--from": "2026-07-01"}.get(after, "1"))
