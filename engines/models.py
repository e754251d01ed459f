"""An engine's model files: plain, or sealed and then opened with the license, in memory only."""

import base64
import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from licensing.core.errors import AzlicError, NoGoodLicense
from licensing.core.files import open_regular
from licensing.sealing.sealed import SUFFIX, BrokenSeal, ContentKey, KeyNotHeld, open_sealed

if TYPE_CHECKING:
    from licensing.signing.document import License

MAX_SEALED_BYTES = 8 * 2**30
MEMORY = Path("/dev/shm")  # noqa: S108 - only links are put there
log = logging.getLogger("azlic.container")


@dataclass(frozen=True, slots=True)
class Models:
    """A folder of model files, and the license whose content keys open the sealed ones among them.

    ``memory`` is where links to the opened ones lie, if that can be written; else they lie with temporary files.
    """

    folder: Path
    license: "License | None" = None
    memory: Path = MEMORY

    @property
    def are_sealed(self) -> bool:
        """Whether there is a sealed file, so that a license is needed to load them."""
        return any(self.folder.rglob(f"*{SUFFIX}"))

    @property
    def tree(self) -> list[str]:
        """The files below the folder, sealed or not, each by the path that it has in the clear."""
        there = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        return sorted({name.removesuffix(SUFFIX) for name in there})

    @property
    def names(self) -> list[str]:
        """What the files are called, the sealed ones as in the clear; nothing where the folder cannot be listed."""
        with contextlib.suppress(OSError):
            return sorted({path.name.removesuffix(SUFFIX) for path in self.folder.iterdir()})
        return []

    @property
    def keys(self) -> Mapping[str, ContentKey]:
        """The license's content keys by the ids that are theirs, whatever the license calls them."""
        held = self.license.content_keys.values() if self.license else ()
        keys = (ContentKey(base64.b64decode(text)) for text in held)
        return {key.id: key for key in keys}

    @contextlib.contextmanager
    def in_the_clear(self, names: Sequence[str]) -> Iterator[Path]:
        """A folder in which each of these files can be read, until the block ends; of two forms, the sealed one.

        What was sealed never comes to a disk: it is opened into memory without a name, and the folder holds links that
        lead there for this process alone. After a kill they lead nowhere. Raises ``NoGoodLicense`` where the license
        lacks a key, ``AzlicError`` for a file that is missing, too large, or not as it was sealed.
        """
        sealed = {name for name in names if self._sealed_path(name).exists()}
        if missing := [name for name in names if name not in sealed and not os.access(self.folder / name, os.R_OK)]:
            raise AzlicError(
                f"{self.folder} holds no {' and no '.join(missing)} that can be read",
                hint=f"Models={self.folder} takes the folder with the models, plain or sealed",
            )
        if not sealed:
            yield self.folder
            return
        with contextlib.ExitStack() as stack:
            links = _folder_of_links(stack, self.memory)
            for name in names:
                there = self._open(name, stack) if name in sealed else self.folder.absolute() / name
                (links / name).parent.mkdir(parents=True, exist_ok=True)
                (links / name).symlink_to(there)
            log.info("%d sealed files in %s are open.", len(sealed), self.folder)
            yield links

    def _sealed_path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"

    def _open(self, name: str, stack: contextlib.ExitStack) -> Path:
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
        stack.callback(os.close, descriptor)
        path = self._sealed_path(name)
        try:
            with open_regular(path) as file, open(descriptor, "wb", closefd=False) as memory:
                if os.fstat(file.fileno()).st_size > MAX_SEALED_BYTES:
                    raise BrokenSeal(f"it is larger than {MAX_SEALED_BYTES} bytes")
                memory.writelines(open_sealed(file, self.keys, name))
        except KeyNotHeld as error:
            raise self._without_key(error.key_id) from error
        except BrokenSeal as error:
            raise AzlicError(f"{path} cannot be opened: {error}", hint="pull the image again") from error
        except OSError as error:
            raise AzlicError(
                f"{path} cannot be opened: {error.strerror or error}",
                hint="check that the container's user may read it, and that there is memory for it",
            ) from error
        return Path(f"/proc/self/fd/{descriptor}")

    def _without_key(self, key_id: str) -> NoGoodLicense:
        holder = f"the license (serial {self.license.serial}) does not hold" if self.license else "no license holds"
        return NoGoodLicense(
            f"this image's files were sealed with key {key_id[:12]}, which {holder}",
            hint="pulled a new image? download a new license",
        )


def _folder_of_links(stack: contextlib.ExitStack, memory: Path) -> Path:
    # in memory where that can be: a container's own file system may be read-only
    place = memory if os.access(memory, os.W_OK | os.X_OK) else None
    try:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="azlic-", dir=place)))
    except OSError as error:
        raise AzlicError(
            f"there is no place for links to the opened models: {error.strerror or error}",
            hint="give the container a writable /dev/shm or /tmp; nothing secret is kept there",
        ) from error
