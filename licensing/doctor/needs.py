"""What a container needs of its machine: cores and memory, at least and as recommended.

Source: seeds/read-ocr-container (requirements), seeds/speech-containers (requirements; speech models take 4 to 8 GB
more). Memory is in GB of 10^9 bytes, so that a machine sold with 8 GB, which shows a little less, is taken for one.
"""

from typing import NamedTuple


class Needs(NamedTuple):
    """Cores and memory (GB) that one container needs, and that are recommended for it."""

    cores: int
    memory_gb: int
    recommended_cores: int
    recommended_memory_gb: int


_READ = Needs(4, 8, 8, 16)
_READ_2021 = Needs(4, 16, 8, 24)
_SPEECH_TO_TEXT = Needs(4, 4 + 4, 8, 8 + 8)


def needs_of(container: str, version: str | None) -> Needs | None:
    """The needs of a container type and version; None for a type without an entry.

    A Read version that carries no date is taken for the newest.
    """
    if container == "read":
        return _READ_2021 if version and "2021" in version else _READ
    return {"speech-to-text": _SPEECH_TO_TEXT}.get(container)
