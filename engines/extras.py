"""What an engine needs besides azlic itself: the packages of its extra."""

from importlib.util import find_spec

from licensing.core.errors import AzlicError


def require_extra(extra: str, engine: str, *packages: str) -> None:
    """Raise ``AzlicError`` where a package of an engine's extra is missing; none of them is loaded by this."""
    if missing := [name for name in packages if find_spec(name) is None]:
        raise AzlicError(
            f"the {engine} engine is not installed: there is no {' and no '.join(missing)}",
            hint=f"pip install azlic[{extra}]",
        )
