"""What Prometheus makes of metrics and rules, in a test's hand; `promtool` itself tests the rules where it is there."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import yaml
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]
"""Values by the metric's name and labels."""

_SELECTOR = re.compile(r"(azlic_\w+)(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "=": lambda pattern, text: pattern == text,
    "!=": lambda pattern, text: pattern != text,
    "=~": lambda pattern, text: re.fullmatch(pattern, text) is not None,
    "!~": lambda pattern, text: re.fullmatch(pattern, text) is None,
}


def parsed(text: str) -> Samples:
    """The samples of metrics in Prometheus' text format."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def families(text: str) -> dict[str, str]:
    """The type of each metric."""
    return {family.name: family.type for family in text_string_to_metric_families(text)}


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The one sample of a metric that has these labels; None where there is none."""
    return samples.get((name, frozenset(labels.items())))


class Rule(NamedTuple):
    """A rule that alerts."""

    name: str
    expression: str
    severity: str | None
    annotations: Mapping[str, str]

    def firing(self, samples: Samples, now: datetime) -> Iterator[Labels]:
        """The labels of all that it fires for, whatever time it waits.

        Arithmetic, comparisons, ``and`` and ``or`` between metrics of the same labels are written as in Python.
        """
        expression = re.sub(r"absent\(\w+\)", "False", self.expression).replace("time()", repr(now.timestamp()))
        wanted = {name for name, _ in _SELECTOR.findall(expression)}
        for labels in {labels for name, labels in samples if name in wanted}:
            said = _SELECTOR.sub(partial(_selected, labels=labels, samples=samples), expression)
            if eval(said, {"nan": math.nan}):  # noqa: S307 - one of our own rules
                yield labels


def _selected(selector: re.Match[str], labels: Labels, samples: Samples) -> str:
    known = dict(labels)
    chosen = all(_MATCHES[how](text, known.get(name, "")) for name, how, text in _MATCHER.findall(selector[2] or ""))
    return repr(samples.get((selector[1], labels), math.nan) if chosen else math.nan)


def rules(text: str) -> list[Rule]:
    """The alerting rules of a file."""
    found: list[dict[str, Any]] = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    return [Rule(rule["alert"], rule["expr"], rule["labels"].get("severity"), rule["annotations"]) for rule in found]


def selectors(text: str) -> list[tuple[str, set[str]]]:
    """The metrics that a text names, each with the labels it asks for."""
    return [(name, {label for label, _, _ in _MATCHER.findall(matchers)}) for name, matchers in _SELECTOR.findall(text)]
