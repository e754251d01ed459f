"""TOML that somebody wrote by hand, or somebody else put in its place."""

from typing import Any


def loads(content: bytes) -> dict[str, Any]:
    """Parse UTF-8 TOML. Raises ``ValueError`` with a reason in words, also for nesting too deep to be meant."""
    import tomllib  # noqa: PLC0415 - most commands find no such file

    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("its TOML is nested too deeply") from error
