"""The kinds of container a license can be for."""

from itertools import takewhile
from typing import NamedTuple

from licensing.errors import BadCall


class ContainerType(NamedTuple):
    """One kind of container: its name in licenses and commands, and what it is called elsewhere.

    ``service`` names its folder in the output mount, ``resource_kind`` the Azure resource that may license it,
    ``meters`` what our own engine of this type counts.
    """

    name: str
    title: str
    service: str
    resource_kind: str
    repositories: tuple[str, ...]
    meters: tuple[str, ...]


READ = ContainerType(
    name="read",
    title="Read (OCR)",
    service="read",
    resource_kind="ComputerVision",
    repositories=("azlic/read", "mcr.microsoft.com/azure-cognitive-services/vision/read"),
    meters=("CognitiveServices.ComputerVision.Container.Read",),
)
SPEECH_TO_TEXT = ContainerType(
    name="speech-to-text",
    title="Speech to text",
    service="speechtotext",
    resource_kind="SpeechServices",
    repositories=(
        "azlic/speech-to-text",
        "mcr.microsoft.com/azure-cognitive-services/speechservices/speech-to-text",
    ),
    meters=("CognitiveServices.SpeechServices.Container.SpeechToText",),
)
CONTAINER_TYPES = {kind.name: kind for kind in (READ, SPEECH_TO_TEXT)}


def container_type(name: str) -> ContainerType:
    """The kind of a name, written in any case. Raises ``BadCall`` with the names there are."""
    if kind := CONTAINER_TYPES.get(name.lower()):
        return kind
    raise BadCall(f"there is no container type {name!r}", hint=f"one of: {', '.join(CONTAINER_TYPES)}")


def version_key(version: str) -> tuple[int, ...]:
    """The numbers a version begins with, trailing zeros gone, so that ``3.2-model`` and ``3.2.0`` compare equal.

    Raises ``ValueError`` where a version begins with no number, as ``latest`` does.
    """
    numbers: list[int] = []
    for part in version.split("."):
        digits = "".join(takewhile("0123456789".__contains__, part))
        if digits:
            numbers.append(int(digits[:18]))
        if not digits or digits != part:
            break
    if not numbers:
        raise ValueError(f"{version!r} does not begin with a version number")
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
