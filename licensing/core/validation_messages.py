"""What is wrong with a document or an order, in plain words: pydantic's codes, for people."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from licensing.core.text import plural

_WORDS = {
    "missing": "it is missing",
    "extra_forbidden": "it is a field that this version does not know",
    "string_type": "it is not text",
    "string_too_short": "it is empty",
    "string_too_long": "it is longer than {max_length} characters",
    "string_pattern_mismatch": "it does not have the required form",
    "int_type": "it is not a whole number",
    "int_parsing": "it is not a whole number",
    "greater_than_equal": "it is less than {ge}",
    "less_than_equal": "it is more than {le}",
    "too_short": "it is empty",
    "model_type": "it is not a JSON object",
    "dict_type": "it is not a JSON object",
    "literal_error": "it is not {expected}",
    "timezone_aware": "it has no time zone",
}


def shorten_key_ids(key_ids: Iterable[str]) -> str:
    """The keys that a signed document names, cut short: a stranger may have written them."""
    names = [repr(key_id[:12]) for key_id in key_ids]
    return f"{plural(len(names), 'key')} {', '.join(names)}" if names else "no key"


def first_fault(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """The first fault: the names that lead to its field, and what is wrong with it. A value is never repeated."""
    fault = error.errors(include_input=False, include_url=False)[0]
    return tuple(str(part) for part in fault["loc"]), _words(fault)


def _words(fault: Any) -> str:
    if words := _WORDS.get(fault["type"]):
        return words.format(**fault.get("ctx", {}))
    return str(fault["msg"]).removeprefix("Value error, ")
