"""Results in a folder that several containers share: any of them answers for all, also after one was killed.

A file moves on, and never back: ``running`` → ``claimed`` → ``ended``, or from the first two to ``lost`` → ``ended``.
Each step is one rename, so that of two containers that try, one does it. The container that works on a document claims
it before its pages are recorded; another one that finds it gone moves its work to ``lost``, and what is lost cannot be
claimed any more. So nobody is charged for a document that was reported as failed.

No file lock and no clock tells who is gone: every container writes a number anew at each look, and one whose number has
stayed the same for ``LOOKS`` looks of another container is gone for that one.
"""

import contextlib
import errno
import logging
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from engines.results.entry import HEAD_BYTES, Entry, is_holder, is_key, parse_entry, parse_head
from engines.results.memory import MOST_BYTES
from engines.results.store import ResultsUnavailable
from licensing.core.errors import AzlicError
from licensing.core.files import sync_folder, write_whole

LOOKS = 6
LOOK_SECONDS = 5.0
_FORGOTTEN = 100 * LOOKS
_SWEEP_EVERY = timedelta(minutes=5)
_LEFT_BEHIND = timedelta(hours=1)
_BROKEN_KEPT = timedelta(days=8)
_FOLDER = "read-results"
_RUNNING, _CLAIMED, _LOST, _ENDED, _STAGED, _HOLDERS = "running", "claimed", "lost", "ended", "staged", "holders"
_STATES = (_RUNNING, _CLAIMED, _LOST, _ENDED, _STAGED)
_TEMPORARY = re.compile(r"\.[0-9a-f-]{32,36}\.[0-9a-f]{8}\.tmp")
_HINT = "give Mounts:Shared a folder that is there, writable for the container's user, with free space"
log = logging.getLogger("azlic.container")


class FolderResults:
    """Results of all containers that share a folder; each is readable for their user alone, and ``kept`` for so long.

    ``abandoned`` makes, of the last answer of a document whose container is gone, the one that says so. Raises
    ``ResultsUnavailable`` where the folder cannot take results.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], datetime],
        kept: timedelta,
        abandoned: Callable[[bytes, datetime], bytes],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.folder: Final = folder / _FOLDER
        self._clock = clock
        self._kept = kept
        self._abandoned = abandoned
        self._most_bytes = most_bytes
        self._holder = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._own: dict[str, bytes] = {}
        self._staged: dict[str, bytes] = {}
        self._seen: dict[str, tuple[bytes | None, int]] = {}
        self._beats = 0
        self._swept: datetime | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        with self._using():
            if not folder.is_dir():
                raise FileNotFoundError(2, "there is no such folder")
            for each in (self.folder, *(self.folder / state for state in (*_STATES, _HOLDERS))):
                _make(each, folder)
            self._beat()

    shared = True

    def takes(self, size: int) -> bool:
        """Whether a result of ``size`` bytes can be kept at all."""
        return size <= self._most_bytes

    def put(self, key: str, content: bytes, *, until: datetime | None) -> None:
        """Keep ``content``: of work that runs, the first for everybody, and the others for those who ask here."""
        if until is None:
            self._begin(key, content)
            return
        try:
            with self._using():
                self._publish(Entry(key, self._holder, until, content))
        except ResultsUnavailable:
            self._lose(key)  # needs no room on the disk; who asks is told that there is no result
            raise
        finally:
            with self._lock:  # what is still there, and not ours any more, is lost at the next look
                self._own.pop(key, None)
                self._staged.pop(key, None)

    def claim(self, key: str, content: bytes, *, until: datetime) -> bool:
        """Write what will be published, and make the work one that nobody else ends while this container lives."""
        with self._using():
            staged = self._path(_STAGED, key)
            write_whole(staged, Entry(key, self._holder, until, content).encoded(), mode=0o600)
            try:
                self._path(_RUNNING, key).rename(self._path(_CLAIMED, key))
            except FileNotFoundError:
                if not self._has_claimed(key):  # a server may answer so to a rename that it was sent twice
                    staged.unlink(missing_ok=True)
                    with self._lock:
                        self._own.pop(key, None)
                    return False
            with self._lock:
                self._staged[key] = content
        return True

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """What is kept under the key, whichever container put it there."""
        if not is_key(key):
            return None
        with self._using():
            for state in (_ENDED, _RUNNING, _CLAIMED, _LOST, _ENDED):  # as it moves on, so that it is met
                entry = self._read(state, key)
                if entry is None:
                    continue
                if state == _LOST:
                    return self._end_lost(entry)
                if state == _ENDED:
                    return entry.content if entry.until and now < entry.until else None
                return self._own.get(key, entry.content) if entry.holder == self._holder else entry.content
            (self.folder / _ENDED).lstat()  # a folder that is lost knows of nothing, and is to be told
        return None

    def expire(self, now: datetime) -> None:
        """Remove what has ended by ``now``, and what a killed container left half done; every few minutes at most."""
        if self._swept is not None and _SWEEP_EVERY > now - self._swept > -_SWEEP_EVERY:
            return
        self._swept = now
        with self._using():
            for key in self._keys(_ENDED):
                self._remove_ended(key, now)
            for key in self._keys(_STAGED):
                if not any(self._path(state, key).exists() for state in (_RUNNING, _CLAIMED)):
                    self._path(_STAGED, key).unlink(missing_ok=True)
            for folder in (*_STATES, _HOLDERS):
                for path in (self.folder / folder).iterdir():
                    if _TEMPORARY.fullmatch(path.name) and self._age(path, now) > _LEFT_BEHIND:
                        path.unlink(missing_ok=True)

    def look(self) -> None:
        """Say that this container lives, and end the work of those that do not."""
        with self._using():
            self._beat()
            working: dict[str, list[tuple[str, str]]] = {
                path.name: [] for path in (self.folder / _HOLDERS).iterdir() if is_holder(path.name)
            }
            for state in (_RUNNING, _CLAIMED):
                for key in self._keys(state):
                    if (entry := self._readable(state, key)) is not None:
                        working.setdefault(entry.holder, []).append((state, key))
            for holder, works in working.items():
                for state, key in works if self._is_gone(holder) else ():
                    self._move_to_lost(state, key)
            for state, key in working.get(self._holder, ()):
                if key not in self._own:
                    self._move_to_lost(state, key)
            for holder in self._seen.keys() - working.keys():
                del self._seen[holder]
            for key in self._keys(_LOST):
                if (entry := self._readable(_LOST, key)) is not None:
                    self._end_lost(entry)
        self.expire(self._clock())

    def open(self) -> None:
        """Look every few seconds from now on."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._keep_looking, name="results", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no longer. What this container still works on is ended by the others."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LOOK_SECONDS)
        with contextlib.suppress(OSError):
            (self.folder / _HOLDERS / self._holder).unlink(missing_ok=True)

    def _keep_looking(self) -> None:
        silent = False
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except ResultsUnavailable as error:
                if not silent:
                    log.error("%s. Try: %s.", error.message, error.hint)
                silent = True
            else:
                if silent:
                    log.info("Results can be kept in '%s' again.", self.folder)
                silent = False

    def _begin(self, key: str, content: bytes) -> None:
        with self._lock:
            begun = key in self._own
            self._own[key] = content
        if begun:  # written again, it could come back after others have ended it
            return
        try:
            with self._using():
                write_whole(self._path(_RUNNING, key), Entry(key, self._holder, None, content).encoded(), mode=0o600)
        except BaseException:
            with self._lock:
                del self._own[key]
            raise

    def _publish(self, entry: Entry) -> None:
        ended, staged = self._path(_ENDED, entry.key), self._path(_STAGED, entry.key)
        if self._staged.get(entry.key) == entry.content:
            try:
                staged.rename(ended)
                sync_folder(ended.parent)
            except FileNotFoundError:  # swept away: others have taken this container for gone
                write_whole(ended, entry.encoded(), mode=0o600)
        else:
            write_whole(ended, entry.encoded(), mode=0o600)
        for state in (_RUNNING, _CLAIMED, _LOST, _STAGED):
            self._path(state, entry.key).unlink(missing_ok=True)

    def _end_lost(self, entry: Entry) -> bytes | None:
        """Put the answer that says what became of it in its place; who asks has it also where that does not work."""
        now = self._clock()
        try:
            content = self._abandoned(entry.content, now)
        except ValueError:
            log.warning("A file in '%s' is none of ours.", self.folder / _LOST)
            return None
        ended = self._read(_ENDED, entry.key)  # published by a container that lives after all
        if ended is None:
            with contextlib.suppress(AzlicError, OSError):
                self._publish(Entry(entry.key, self._holder, now + self._kept, content))
            return content
        self._path(_LOST, entry.key).unlink(missing_ok=True)
        return ended.content

    def _lose(self, key: str) -> None:
        for state in (_RUNNING, _CLAIMED):
            with contextlib.suppress(OSError):
                self._path(state, key).rename(self._path(_LOST, key))

    def _move_to_lost(self, state: str, key: str) -> None:
        if self._path(_ENDED, key).exists():  # killed after it was published
            self._path(state, key).unlink(missing_ok=True)
            return
        with contextlib.suppress(FileNotFoundError):
            self._path(state, key).rename(self._path(_LOST, key))
            log.warning("The container that read a document is gone: its operation ends as failed.")

    def _is_gone(self, holder: str) -> bool:
        if holder == self._holder:
            return False
        number = self._bytes(self.folder / _HOLDERS / holder, 64)
        before, looks = self._seen.get(holder, (b"", 0))
        looks = looks + 1 if number == before else 0
        self._seen[holder] = (number, looks)
        if looks >= _FORGOTTEN:
            (self.folder / _HOLDERS / holder).unlink(missing_ok=True)
        return looks >= LOOKS

    def _beat(self) -> None:
        self._beats += 1
        write_whole(self.folder / _HOLDERS / self._holder, b"%d\n" % self._beats, mode=0o600)

    def _has_claimed(self, key: str) -> bool:
        entry = self._read(_CLAIMED, key)
        return entry is not None and entry.holder == self._holder

    def _remove_ended(self, key: str, now: datetime) -> None:
        path = self._path(_ENDED, key)
        try:
            head = parse_head(self._bytes(path, HEAD_BYTES) or b"", key)
            over = head.until is None or now >= head.until
        except ValueError:
            over = self._age(path, now) > _BROKEN_KEPT
        if over:
            path.unlink(missing_ok=True)

    def _read(self, state: str, key: str) -> Entry | None:
        try:
            return self._parsed(state, key)
        except ValueError as error:
            log.warning("A file in '%s' is passed over: %s.", self.folder / state, error)
            return None

    def _readable(self, state: str, key: str) -> Entry | None:
        """What is there, but for what is broken, and what this user may not read: others look after that."""
        try:
            return self._parsed(state, key)
        except (ValueError, PermissionError):
            return None

    def _parsed(self, state: str, key: str) -> Entry | None:
        limit = self._most_bytes + HEAD_BYTES
        file = self._bytes(self._path(state, key), limit + 1)
        if file is None:
            return None
        if len(file) > limit:
            raise ValueError("it is too large")
        return parse_entry(file, key)

    def _bytes(self, path: Path, most: int) -> bytes | None:
        """What a file begins with; None where there is none, or something else in its place."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                return None
            raise
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read(min(most, status.st_size + 1))  # what is asked for is what it takes of the memory

    def _age(self, path: Path, now: datetime) -> timedelta:
        try:
            return now - datetime.fromtimestamp(path.lstat().st_mtime, UTC)
        except FileNotFoundError:
            return timedelta()

    def _keys(self, state: str) -> list[str]:
        return [path.name for path in (self.folder / state).iterdir() if is_key(path.name)]

    def _path(self, state: str, key: str) -> Path:
        return self.folder / state / key

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        try:
            yield
        except ResultsUnavailable:
            raise
        except AzlicError as error:
            raise ResultsUnavailable(error.message, hint=_HINT) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise ResultsUnavailable(f"{self.folder} cannot be used for results: {reason}", hint=_HINT) from error


def _make(folder: Path, mount: Path) -> None:
    """Make one of our folders, where it is not there; root leaves it to the owner of the mount, as it does files."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise NotADirectoryError(20, f"{folder.name} is no folder") from None
        return
    if os.geteuid() == 0:
        owner = mount.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
