"""What systemd wants to know about a service: ready, alive, stopping. Source: sd_notify(3), systemd.service(5)."""

import os
import socket
from collections.abc import Mapping


class Supervisor:
    """Speaks to the service manager that started this process, if there is one; otherwise to nobody."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        microseconds = environ.get("WATCHDOG_USEC", "")
        self.alive_every_seconds = int(microseconds) / 2_000_000 if microseconds.isdecimal() else None
        """How often to report being alive, half of the manager's timeout; None when it does not watch."""

    def ready(self) -> None:
        """The service does its work from now on."""
        self._say("READY=1")

    def alive(self) -> None:
        """The service is alive."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The service is ending in good order."""
        self._say("STOPPING=1")

    def _say(self, state: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.sendto(state.encode(), address)
            except OSError:
                return  # a manager that does not listen is no reason to stop
