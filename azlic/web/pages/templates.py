"""Templates: every value that reaches one is escaped, and what cannot be printed is shown by its code."""

import base64
import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import azlic
from azlic.web.pages.scale import short
from licensing.core.text import printable
from usage.months import is_midnight
from usage.quantity import from_micro, group_digits, left_for_people, used_for_people

_HERE = Path(__file__).parent


def render_page(template: str, **values: Any) -> str:
    """A page from its template."""
    return _environment().get_template(template).render(version=azlic.__version__, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "grouped": lambda micro: group_digits(micro).replace("-", "\u2212"),
        "exact": lambda micro: f"{from_micro(micro):f}" if micro % 10**6 else f"{micro // 10**6}",
        "used": used_for_people,
        "left": left_for_people,
        "short": short,
        "day": lambda instant: f"{instant:%Y-%m-%d}",
        "minute": lambda instant: f"{instant:%Y-%m-%d %H:%M}",
        "instant": instant_words,
    }
    return environment


def instant_words(instant: datetime) -> str:
    """An instant to the minute; a day alone where it is its first."""
    return f"{instant:%Y-%m-%d}" if is_midnight(instant) else f"{instant:%Y-%m-%d %H:%M}"


def _printable(value: Any) -> Any:
    """Names come from outside: a character that turns text round or hides it is written as its code."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def static(name: str) -> bytes:
    """A file that pages are shown with."""
    return (_HERE / "static" / name).read_bytes()


@cache
def style() -> tuple[Markup, str]:
    """The style sheet for a page that carries it, and the digest that its Content-Security-Policy names."""
    sheet = static("page.css")
    return Markup(sheet.decode()), base64.b64encode(hashlib.sha256(sheet).digest()).decode()  # noqa: S704 - our own file
