"""JSON as signed documents need it: one meaning for every text, or none."""

import json
from typing import Any, NoReturn


def loads(content: bytes) -> Any:
    """Parse UTF-8 JSON; a repeated key, NaN, a byte-order mark or a number of 20 digits and more is refused.

    Raises ``ValueError`` with a reason in words, also for nesting too deep to be meant. Source: RFC 8259 §4, §8.1.
    """
    if content.startswith(b"\xef\xbb\xbf"):
        raise ValueError("it begins with a byte-order mark")
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_small_int,
        )
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg} at character {error.pos})") from error
    except RecursionError as error:
        raise ValueError("its JSON is nested too deep") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one of its JSON objects")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _small_int(digits: str) -> int:
    if len(digits) > 19:
        raise ValueError("one of its numbers is too large")
    return int(digits)
