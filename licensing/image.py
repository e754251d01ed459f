"""An image reference: which repository, and which version of it."""

from typing import NamedTuple

_REGISTRIES = ("docker.io/library/", "docker.io/", "localhost/")
_DROPPED = ("/speechservices/",)


class Image(NamedTuple):
    """A container image by its repository and tag; the tag is ``latest`` where none is written."""

    repository: str
    tag: str


def parse_image(reference: str) -> Image:
    """Read ``registry/repository:tag@digest``; the digest is left out, the repository is written in lower case."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    return Image(f"{head}{slash}{repository}".lower(), tag or "latest")


def same_repository(one: str, other: str) -> bool:
    """Whether two names mean one repository.

    The public registry may be left out, and so may the ``/speechservices/`` that the documentation's own lines
    sometimes leave out. Source: facts §6.
    """
    return _plain(one) == _plain(other)


def _plain(repository: str) -> str:
    plain = repository.lower()
    for registry in _REGISTRIES:
        plain = plain.removeprefix(registry)
    for part in _DROPPED:
        plain = plain.replace(part, "/")
    return plain
