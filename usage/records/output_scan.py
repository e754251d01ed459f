"""What lies in output folders: the usage files, and what may hold usage and is not taken, with the reason.

One rule for everybody who asks (docs/records.md): a name says what a usage file is, or else its content. Links are
followed where their owner could have read the target as well; each file is found once, whatever leads to it.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from licensing.core.errors import AzlicError
from licensing.core.text import printable
from usage.records.container_log import is_container_log
from usage.records.foreign import encrypted_name, is_database
from usage.records.lines import holds_record
from usage.records.usage_files import BEGINNING, ForeignFile, FoundFile, OpenFile, UnreadableFile
from usage.records.usage_names import by_age, has_other_name, has_usage_name, is_log

_Identity = tuple[int, int]
_MARK = 64
_HINT = "run as a user who may read the output mount"
_KINDS = (
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Something that may hold usage and was not taken: where, why, and by what its content is known again.

    ``error`` is set where it could not be read at all.
    """

    path: Path
    reason: str
    mark: str = ""
    error: AzlicError | None = None

    @property
    def text(self) -> str:
        """The path as text."""
        return printable(self.path)

    @property
    def detail(self) -> str:
        """All of it in one line, the same as long as nothing changes."""
        return f"{self.text}: {self.reason}{f'; {self.mark}' if self.mark else ''}"

    @classmethod
    def unread(cls, error: UnreadableFile, path: Path) -> "PassedOver":
        """A usage file that could not be read, or whose content is not taken as it is."""
        mark = content_mark(path, whole=True)
        return cls(path, error.reason, mark, None if isinstance(error, ForeignFile) else error)


@dataclass(slots=True)
class OutputScan:
    """The usage files that were found, and what was passed over."""

    files: list[FoundFile] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)

    def may_hide(self, path: Path) -> bool:
        """Whether what lies at a path could not be seen, or was seen and passed over."""
        hidden = {item.path for item in self.passed_over}
        return bool(hidden) and not hidden.isdisjoint((path, *path.parents))


def scan_folders(paths: Iterable[Path]) -> OutputScan:
    """Look below folders, and at files named outright. Rotated files come before the one that is written.

    Raises ``AzlicError`` for a path that is not there or that cannot be looked into at all.
    """
    walk = _Walk()
    for path in paths:
        walk.begin(path)
    walk.follow_links()
    return walk.result()


def scan_folder(folder: Path) -> OutputScan:
    """Look at what lies in one folder itself, as far as that can be seen."""
    walk = _Walk(deep=False)
    walk.folder(folder)
    walk.follow_links()
    return walk.result()


def find_files(paths: Iterable[Path]) -> list[FoundFile]:
    """The usage files below folders, and files named outright, all of which can be seen: else raises ``AzlicError``."""
    found = scan_folders(paths)
    for item in found.passed_over:
        if item.error is not None:
            raise item.error
    return found.files


class _Walk:
    def __init__(self, *, deep: bool = True) -> None:
        self._deep = deep
        self._folders: set[_Identity] = set()
        self._files: dict[_Identity, FoundFile | None] = {}
        self._links: list[tuple[Path, os.stat_result]] = []
        self._passed_over: list[PassedOver] = []

    def result(self) -> OutputScan:
        files = {file.path: file for file in self._files.values() if file is not None}
        passed = sorted(self._passed_over, key=lambda item: item.path)
        return OutputScan([files[path] for path in sorted(files, key=by_age)], passed)

    def begin(self, path: Path) -> None:
        """Look at a path that somebody named; a link there is meant as what it leads to."""
        try:
            absolute = path.resolve()
            is_file, is_folder = absolute.is_file(), absolute.is_dir()
            if is_file:
                self._add(absolute, absolute.stat())
            elif is_folder:
                os.scandir(absolute).close()
                self.folder(absolute)
        except (OSError, RuntimeError) as error:
            raise _refusal(path, error) from error
        if not (is_file or is_folder):
            raise AzlicError(f"there is no output folder {path}", hint="name the folder that Mounts:Output refers to")

    def folder(self, path: Path) -> None:
        """Look at everything below a folder, but for what links lead to."""
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            for entry, status in self._entries(folder):
                if stat.S_ISREG(status.st_mode):
                    self._file(entry, status)
                elif stat.S_ISLNK(status.st_mode):
                    self._links.append((entry, status))
                elif not stat.S_ISDIR(status.st_mode):
                    what = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "no file")
                    self._pass_over(entry, f"it is {what}")
                elif self._deep:
                    waiting.append(entry)

    def _entries(self, folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self._folders:
                return
            self._folders.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries)
        except FileNotFoundError:
            return  # removed while we walked
        except OSError as error:
            self._unseen(folder, f"the folder {printable(folder)} cannot be read: {error.strerror}", error)
            return
        for name in names:
            path = folder / name
            try:
                yield path, path.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._unseen(path, f"{printable(path)} cannot be examined: {error.strerror}", error)

    def follow_links(self) -> None:
        """Look at what links lead to, unless it was found anyway; those found there in their turn, too."""
        while self._links:
            path, status = self._links.pop()
            try:
                target = path.stat()
            except OSError as error:
                self._pass_over(path, _link_words(error))
                continue
            identity = target.st_dev, target.st_ino
            if identity in self._folders or identity in self._files:
                continue
            if not _may_follow(status, target):
                self._pass_over(path, f"it is a link to another user's {printable(os.path.realpath(path))}: name that")
            elif stat.S_ISDIR(target.st_mode):
                if self._deep:
                    self.folder(path)
            elif stat.S_ISREG(target.st_mode):
                self._file(path, target)
            else:
                self._pass_over(path, "it is a link to something that is no file")

    def _file(self, path: Path, status: os.stat_result) -> None:
        """A file that was come across: a usage file, something else, or something that may be one."""
        if has_usage_name(path):
            self._add(path, status)
            return
        identity = status.st_dev, status.st_ino
        if identity in self._files:
            return
        self._files[identity] = None
        if status.st_size == 0:
            return
        try:
            with OpenFile(path) as file:
                beginning = file.read(0, BEGINNING)
        except FileNotFoundError:
            return
        except UnreadableFile as error:
            self._passed_over.append(PassedOver.unread(error, path))
            return
        if holds_record(beginning):
            self._add(path, status)
        elif is_container_log(path, beginning):
            return
        elif is_log(path) and len(beginning) == BEGINNING:
            self._pass_over(path, "a log, and in its first 64 KiB is no usage record", content_mark(path))
        elif not has_other_name(path) and not is_database(beginning):
            why = encrypted_name(path) or "neither its name nor its content is that of a usage file"
            self._pass_over(path, why, content_mark(path))

    def _add(self, path: Path, status: os.stat_result) -> None:
        """A usage file. Of several names for it, the first one with a usage file's name counts."""
        known = self._files.get((status.st_dev, status.st_ino))
        if known is None or known.path == path:
            self._files[status.st_dev, status.st_ino] = FoundFile.at(path, status)

    def _pass_over(self, path: Path, reason: str, mark: str = "") -> None:
        self._passed_over.append(PassedOver(path, reason, mark))

    def _unseen(self, path: Path, message: str, error: OSError) -> None:
        reason = f"it cannot be read: {error.strerror}"
        self._passed_over.append(PassedOver(path, reason, error=AzlicError(message, hint=_HINT)))


def _may_follow(link: os.stat_result, target: os.stat_result) -> bool:
    """Whether a link leads nowhere that its owner could not go: else a container could show us others' files."""
    return link.st_uid in (target.st_uid, 0, os.geteuid())


def _link_words(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "it is a link that leads to itself"
    if isinstance(error, FileNotFoundError):
        return "it is a link to something that is not there"
    return f"it is a link that cannot be followed: {error.strerror}"


def content_mark(path: Path, *, whole: bool = False) -> str:
    """By what a file that was not taken is known again; ``whole`` says that it is another one when it has grown."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        size = f"{os.fstat(descriptor).st_size:,} bytes, " if whole else ""
        return f"{size}content {hashlib.sha256(os.pread(descriptor, _MARK, 0)).hexdigest()[:8]}"
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _refusal(path: Path, error: OSError | RuntimeError) -> AzlicError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if isinstance(error, PermissionError) and os.path.isdir(path):  # noqa: PTH112 - raises nothing
        return AzlicError(f"the folder {printable(path)} cannot be read: {reason}", hint=_HINT)
    return AzlicError(f"{printable(path)} cannot be examined: {reason}", hint=_HINT)
