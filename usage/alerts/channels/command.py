"""A command as a channel: any program that reads a message on its stdin."""

import json
import subprocess
from collections.abc import Sequence

from usage.alerts.channels.channel import ChannelFailed
from usage.alerts.message import Message

SECONDS = 60


class Command:
    """Runs a program, without a shell, with the message as ``azlic.notice/v1`` on stdin; status 0 says it was taken."""

    repeats = False

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self._words = list(words)

    def send(self, message: Message) -> None:
        """Run it once, for a minute at most."""
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own command, as it stands in the 0600 file
                self._words,
                input=json.dumps(message.fields(), ensure_ascii=True).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ChannelFailed(f"the command did not end within {SECONDS} seconds") from None
        except OSError as error:
            raise ChannelFailed(f"the command could not be run: {error.strerror}") from None
        if done.returncode:
            raise ChannelFailed(f"the command ended with status {done.returncode}")
