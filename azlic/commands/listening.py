"""Where a server of the command line listens, and how: its address, and the TLS it shows itself with."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def parse_address(listen: str, *, example: str) -> tuple[str, int]:
    """The host, without brackets, and the port of ``--listen``. Raises ``BadCall``."""
    from licensing.core.errors import BadCall

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise BadCall(f"--listen {listen!r} is not of the form HOST:PORT", hint=f"for example {example}")
    return host.strip("[]"), int(port)


def show_url(host: str, port: int, *, encrypted: bool) -> str:
    """The address as a client writes it."""
    return f"{'https' if encrypted else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def open_tls(certificate: Path | None, key: Path | None) -> "ssl.SSLContext | None":
    """What a server shows of itself, or None without the two files. Raises ``BadCall`` for one of them alone."""
    from licensing.core.errors import BadCall

    if certificate and key:
        from licensing.delivery.tls import server_context

        return server_context(certificate, key)
    if certificate or key:
        raise BadCall("--tls-certificate and --tls-key go together", hint="give both, or neither")
    return None


def is_in_the_clear(host: str, *, encrypted: bool, allowed: bool, danger: str) -> bool:
    """Whether other machines talk to this server without TLS. Raises ``BadCall`` where nobody allowed it.

    ``danger`` says what that would do, as the error's text has it.
    """
    from licensing.core.errors import BadCall
    from licensing.core.web_address import is_loopback

    if encrypted or is_loopback(host):
        return False
    if not allowed:
        raise BadCall(
            f"--listen {host} without TLS would have {danger}",
            hint="give --tls-certificate and --tls-key, or listen on 127.0.0.1 behind a proxy that does TLS",
        )
    return True
