"""The name of an image: repository, tag, digest."""

import re
from typing import NamedTuple, Self

from licensing.containers.kinds import OURS
from licensing.core.errors import BadCall


class Image(NamedTuple):
    """An image as it is written on a command line, in its parts; what is not written is empty."""

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``[HOST[:PORT]/]PATH[:TAG][@DIGEST]``. Raises ``BadCall`` for anything else.

        Source: the reference grammar of the distribution project.
        """
        part = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
        host = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?/)?"
        tag, digest = r"(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?", r"(?:@(sha256:[0-9a-f]{64}))?"
        match = re.fullmatch(rf"({host}{part}(?:/{part})*){tag}{digest}", text) if len(text) <= 512 else None
        if match is None:
            raise BadCall(
                f"{text[:80]!r} is not the name of an image", hint="for example registry.example/vision/read:3.2"
            )
        return cls(match[1], match[2] or "", match[3] or "")

    @property
    def is_ours(self) -> bool:
        """Whether it is one of this project's own containers, by its repository: ``azlic/read``."""
        return f"/{OURS}" in f"/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}{f'@{self.digest}' if self.digest else ''}"
