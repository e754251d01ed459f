"""Who is let in: on the loopback everybody who asks for it by its name, elsewhere a token or a trusted proxy.

Numbered as in docs/page.md. 1. A proxy at a named address, and only that, vouches with a header. 2. The token, as
Bearer or by the cookie that /login gave for it. 3. Without either the page must have been asked for by a name of this
machine, so that no other site's page can ask for it through a name of its own (DNS rebinding).
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import FileTooLarge, read_file
from licensing.core.text import command_word

COOKIE = "azlic_session"
SESSION = timedelta(hours=12)
LEAST_TOKEN = 32
_MAX_TOKEN_BYTES = 4096
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Doors:
    """Who may come in. ``proxy`` is the address that may vouch by ``header``; ``names`` are those of this machine."""

    clock: Callable[[], datetime]
    token: str = ""
    header: str = ""
    proxy: str = ""
    names: frozenset[str] = LOOPBACK_NAMES

    def __repr__(self) -> str:
        return "Doors(...)"

    def refusal(self, peer: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """None for who may come in, else the HTTP status and why."""
        if self.proxy:
            if peer == self.proxy and headers.get(self.header, "").strip():
                return None
            if not self.token:
                return 403, f"use the proxy; only it may connect, with {self.header}"
        if self.token:
            return None if self._has_token(headers) else (401, "a token is needed: Authorization: Bearer, or /login")
        name = _host_name(headers.get("host", ""))
        return None if name in self.names else (421, "use the name that this page is served under, such as localhost")

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.is_token(given.strip())
        return self._is_session(_cookie(headers.get("cookie", "")))

    def is_token(self, given: str) -> bool:
        """Whether this is the token; the comparison takes as long for any."""
        return bool(self.token) and hmac.compare_digest(given.encode(), self.token.encode())

    def session(self) -> str:
        """What the cookie holds: until when it is good, and the proof that the token's holder was here."""
        until = str(int((self.clock() + SESSION).timestamp()))
        return f"{until}.{self._proof(until)}"

    def _is_session(self, value: str) -> bool:
        until, _, proof = value.partition(".")
        if not hmac.compare_digest(proof.encode(), self._proof(until).encode()):
            return False
        return until.isdecimal() and self.clock().timestamp() < int(until)

    def _proof(self, until: str) -> str:
        return hmac.new(self.token.encode(), f"azlic.session/v1 {until}".encode(), hashlib.sha256).hexdigest()


def _host_name(host: str) -> str:
    name, bracket, _ = host.partition("]")
    return (name + bracket if bracket else host.rpartition(":")[0] or host).lower()


def _cookie(header: str) -> str:
    try:
        cookies: SimpleCookie = SimpleCookie(header)
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def read_token(path: Path) -> str:
    """The token in a file that only its owner and group can read. It is never repeated.

    Raises ``AzlicError`` when the file cannot be read or is open to others, ``BadCall`` when it holds no usable token.
    """
    try:
        token = read_file(path, _MAX_TOKEN_BYTES, "the token file").strip()
    except FileTooLarge as error:
        raise _no_token(path) from error
    if path.stat().st_mode & 0o007:
        raise AzlicError(f"the token file {path} is open to other users", hint=f"chmod 600 {command_word(str(path))}")
    if len(token) < LEAST_TOKEN or not all(0x21 <= byte <= 0x7E for byte in token):
        raise _no_token(path)
    return token.decode()


def _no_token(path: Path) -> BadCall:
    return BadCall(
        f"the token file {path} contains no token of at least {LEAST_TOKEN} letters and digits",
        hint=f"make one: (umask 077; head -c 24 /dev/urandom | base64 > {path})",
    )
