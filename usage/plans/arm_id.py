"""Azure's own name of a plan, its ARM id: no two plans share one, whatever accounts they belong to.

``/subscriptions/S/resourceGroups/G/providers/Microsoft.CognitiveServices/accounts/A/commitmentPlans/P``; a shared plan
belongs to no account. Azure keeps the case that somebody typed, and compares without it.
"""

from collections.abc import Iterator
from itertools import pairwise

from licensing.core.errors import BadCall

_LONGEST = 1024


def is_arm_id(text: str) -> bool:
    """Whether a text is meant as an ARM id; a plan's short name never begins with a slash."""
    return text.startswith("/")


def arm_id(text: str) -> str:
    """An ARM id as it is kept. Raises ``BadCall`` for what is none."""
    kept = text.rstrip("/")
    if not (is_arm_id(kept) and len(kept) <= _LONGEST and kept.isprintable()):
        raise BadCall(f"{text[:200]!r} is not an ARM id", hint="it begins with /subscriptions/, as Azure's JSON has it")
    return kept


def same_arm_id(first: str, second: str) -> bool:
    """Whether two ids name the same plan."""
    return first.rstrip("/").lower() == second.rstrip("/").lower()


def account_of(text: str) -> str | None:
    """The account that a plan belongs to; None for a shared one."""
    return _part(text, "accounts")


def name_with_account(name: str, account: str | None) -> str:
    """A plan's short name, with its account beside it where there is one."""
    return name if account is None else f"{name} (account {account})"


def surroundings_of(text: str) -> Iterator[str]:
    """What tells two plans of one name apart, the nearest first: account, resource group, subscription."""
    for kind in ("accounts", "resourcegroups", "subscriptions"):
        if part := _part(text, kind):
            yield part


def _part(text: str, kind: str) -> str | None:
    parts = text.strip("/").split("/")
    return next((value for name, value in pairwise(parts) if name.lower() == kind), None)
