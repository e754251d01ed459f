"""The terms of a license: which container it is for, for how long, and whom it is bound to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from licensing.containers import CONTAINER_TYPES, container_type
from licensing.core.errors import BadCall
from licensing.core.validation_messages import first_fault
from licensing.signing.document import LicensedContainer

VERSIONS = {"ComputerVision": ("3.2", "4"), "SpeechServices": ("1", "6")}
"""The versions a license is for unless told otherwise: those that each kind of resource has had images of."""
_LONGEST_GRACE_DAYS = 366
_LONGEST_NAME = 200
_MAX_LIST_BYTES = 16 * 1024


def check_terms(term: timedelta | None, grace_days: int | None) -> None:
    """Raise ``BadCall`` for a term or a grace that no license could have."""
    if term is not None and term < timedelta(seconds=1):
        raise BadCall("the term is shorter than a second", hint="write it as 365d, 12h, 30m or 20s")
    if grace_days is not None and not 0 <= grace_days <= _LONGEST_GRACE_DAYS:
        raise BadCall(f"the grace is not from 0 to {_LONGEST_GRACE_DAYS} days", hint="0 grants none")


def seconds(term: timedelta | None) -> int | None:
    """A term as it is kept."""
    return None if term is None else term // timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class NewContainer:
    """A container type to be put on a resource's list. What is left out is the type's own, or the resource's.

    ``repositories``, ``instances`` and ``model`` allow only these images, these instances and this model. Raises
    ``BadCall`` for what no license could ever be made from.
    """

    container_type: str
    version_from: str | None = None
    version_below: str | None = None
    repositories: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    term: timedelta | None = None
    grace_days: int | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        kind = container_type(self.container_type)
        first, below = VERSIONS.get(kind.resource_kind, ("1", "100"))
        object.__setattr__(self, "container_type", kind.name)
        object.__setattr__(self, "version_from", self.version_from or first)
        object.__setattr__(self, "version_below", self.version_below or below)
        check_terms(self.term, self.grace_days)
        _check_list("repository", self.repositories)
        _check_list("instance", self.instances)
        _check_list("model", (self.model,) if self.model is not None else ())
        try:
            container_terms(kind.name, str(self.version_from), str(self.version_below))
        except ValidationError as error:
            raise BadCall(
                f"versions from {self.version_from!r} and below {self.version_below!r}: {first_fault(error)[1]}",
                hint=f"for example from {first} and below {below}",
            ) from error

    def columns(self) -> dict[str, Any]:
        """Its row, but for whose it is and its license id."""
        return {
            "type": self.container_type,
            "version_from": self.version_from,
            "version_below": self.version_below,
            "term_seconds": seconds(self.term),
            "grace_days": self.grace_days,
            "repositories": json.dumps(self.repositories) if self.repositories else None,
            "instances": json.dumps(self.instances) if self.instances else None,
            "model": self.model,
        }


def _check_list(what: str, names: tuple[str, ...]) -> None:
    for name in names:
        if not name or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
            raise BadCall(
                f"the {what} {name[:_LONGEST_NAME]!r} cannot be put into a license",
                hint=f"1 to {_LONGEST_NAME} printable characters, no spaces around them",
            )
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadCall(f"the {what} {min(twice)!r} is named twice", hint="name each once")
    if len(json.dumps(names)) > _MAX_LIST_BYTES:
        raise BadCall(f"that is more than a license allows: {len(names)} times {what}", hint="name fewer")


def container_terms(
    kind: str, version_from: str, version_below: str, repositories: Sequence[str] = (), model: str | None = None
) -> LicensedContainer:
    """The container as a license names it; its images are the type's own unless others are named."""
    return LicensedContainer(
        type=kind,
        repositories=tuple(repositories) or CONTAINER_TYPES[kind].repositories,
        version_from=version_from,
        version_below=version_below,
        model=model,
    )


def names(column: str | None) -> tuple[str, ...]:
    """A list as it is kept, read back."""
    return tuple(json.loads(column)) if column else ()
