"""Rules of plans: which of several plans of a meter takes what was used, by where and by what it was used.

The most specific rule decides: a container's id before an output folder (the deeper one first), that before a resource,
a site, and a type of container. What no rule decides, or two alike decide differently, is undecided.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from licensing.core.errors import BadCall
from licensing.core.text import name_word
from usage.ledger.this_site import THIS_SITE
from usage.plans.model import Plan, Rule

_DEEPEST = 4096


class Place(NamedTuple):
    """Where something was used: what rules ask for. What is not known, or not one thing alone, is empty."""

    site: str
    container_type: str
    container_id: str
    resource: str = ""
    output: str = ""


def weigh(rule: Rule, place: Place) -> int:
    """How specific a rule is that decides a place; 0 where it does not."""
    if rule.scope == "container":
        return 5 * _DEEPEST if rule.value == place.container_id else int(rule.value == place.container_type)
    if rule.scope == "output":
        inside = place.output == rule.value or place.output.startswith(f"{rule.value.rstrip('/')}/")
        return 4 * _DEEPEST + min(len(rule.value), _DEEPEST - 1) if inside else 0
    if rule.scope == "resource":
        return 3 * _DEEPEST if rule.value.casefold() == place.resource.casefold() else 0
    return 2 * _DEEPEST if rule.value == (place.site or THIS_SITE) else 0


def weigh_alone(rule: Rule, container_types: Collection[str]) -> int:
    """How specific a rule is where it decides; what it names is a type of container where it is among those known."""
    is_type = rule.scope == "container" and rule.value in container_types
    known = {"container": "container_type" if is_type else "container_id"}.get(rule.scope, rule.scope)
    return weigh(rule, Place("", "", "")._replace(**{known: rule.value}))


def decide(plans: Sequence[Plan], place: Place) -> tuple[int, Rule] | None:
    """Which of several plans takes what was used in a place, by its number among them, and by which of its rules.

    None where that is undecided.
    """
    rules = [(weigh(rule, place), number, rule) for number, plan in enumerate(plans) for rule in plan.rules]
    top = max((weight for weight, _, _ in rules), default=0)
    best = [(number, rule) for weight, number, rule in rules if weight == top > 0]
    return best[0] if len({number for number, _ in best}) == 1 else None


def find_alike(rule: Rule, known: Sequence[Rule]) -> Rule | None:
    """A rule among those known that takes the same; the case of a resource's name says nothing."""
    return next((other for other in known if _meaning(other) == _meaning(rule)), None)


def _meaning(rule: Rule) -> tuple[str, str]:
    return rule.scope, rule.value.casefold() if rule.scope == "resource" else rule.value


def refuse_equal_rule(plan: Plan, rule: Rule, known: Sequence[Plan]) -> None:
    """Refuse a rule that another plan of the same meter and time has, too. Raises ``BadCall``."""
    meters = {share.meter for share in plan.meters}
    for other in known:
        shared = meters & {share.meter for share in other.meters}
        together = shared and other.identity != plan.identity and other.covers(plan.starts_at, plan.ends_at)
        if together and find_alike(rule, other.rules):
            raise BadCall(
                f"{rule.scope} {rule.value} already goes to plan {other.name}, which has meter {min(shared)}, too",
                hint=f"azlic plan rule remove {name_word(other.name)} --{rule.scope} {name_word(rule.value)}",
            )
