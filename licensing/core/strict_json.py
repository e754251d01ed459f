"""JSON as signed documents need it: one meaning for every text, or none."""

import json
import math
from decimal import Decimal
from typing import Any, NoReturn


def loads(content: bytes, *, exact: bool = False) -> Any:
    """Parse UTF-8 JSON; a repeated key, NaN, a byte-order mark, half a surrogate pair or a huge number is refused.

    Huge is an integer of 20 digits and more, and any number past the range of a float. With ``exact``, a number with a
    point or an exponent is a decimal of its very digits.
    Raises ``ValueError`` with a reason in words, also for nesting too deep to be meant. Source: RFC 8259 §4, §6, §8.
    """
    if content.startswith(b"\xef\xbb\xbf"):
        raise ValueError("it begins with a byte-order mark")
    try:
        parsed = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_small_int,
            parse_float=_finite_decimal if exact else _finite,
        )
        json.dumps(parsed, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except UnicodeEncodeError as error:
        raise ValueError("one of its strings contains half a surrogate pair") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg} at character {error.pos})") from error
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice in one of its JSON objects")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _small_int(digits: str) -> int:
    if len(digits.lstrip("-")) > 19:
        raise ValueError("one of its numbers is too large")
    return int(digits)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("one of its numbers is too large")
    return number


def _finite_decimal(text: str) -> Decimal:
    _finite(text)
    return Decimal(text)
