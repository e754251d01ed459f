"""The public face of a package: names that are imported from their homes when they are first asked for (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_face(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A package's ``__getattr__``: each name in ``homes`` comes from the module that it is mapped to.

    A command that wants one name so does not load what the others need: SQLAlchemy, a web server, an OCR engine.
    """

    def face(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return face
