"""The committed client: a recording, a folder of them, a pipe; and what it says when it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.speech.conftest import Container
from tests.engines.speech.recordings import FOLDER, SAID, as_wav, pcm, said, silence

HEAR = Path(__file__).parents[3] / "scripts" / "hear.py"
TEXT = f"{SAID}\n"


def hear(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    ended = subprocess.run([sys.executable, HEAR, *words], input=stdin, capture_output=True, check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


@pytest.mark.long
def test_a_pipe_of_samples_is_heard(container: Container) -> None:
    assert hear(container.address, "-", stdin=pcm(said())) == (0, TEXT, "")


def test_a_folder_gets_a_text_for_each_recording_and_names_what_failed(container: Container, tmp_path: Path) -> None:
    (tmp_path / "b.flac").write_bytes(as_wav(said(), form="FLAC"))
    (tmp_path / "a.wav").write_bytes(b"no recording")
    (tmp_path / "c.wav").write_bytes(as_wav(silence(0.2)))
    (tmp_path / "notes.md").write_text("no recording either")
    status, told, failed = hear(container.address, str(tmp_path))
    assert told.splitlines() == ["1 of 3  a.wav  failed", "2 of 3  b.flac  3 words", "3 of 3  c.wav  0 words"]
    assert status == 1 and failed.startswith(f"hear: 1 of 3 recordings failed\na.wav: {tmp_path}/a.wav cannot be read")
    assert (tmp_path / "b.txt").read_text() == TEXT and (tmp_path / "c.txt").read_text() == ""
    assert not (tmp_path / "a.txt").exists()


def test_a_container_that_refuses_is_told_in_its_words(container: Container) -> None:
    container.licensed = False
    status, told, failed = hear(container.address, str(FOLDER / "austen-0930.flac"))
    assert (status, told) == (1, "")
    assert failed == f"hear: {container.address} refuses: 403: the license ended at 2027-01-01\n"


@pytest.mark.long
def test_a_wrong_address_is_told() -> None:
    assert "ws://127.0.0.1:5000" in hear("http://127.0.0.1:5000", "x.wav")[2]
    assert "does not answer" in hear("ws://127.0.0.1:9", str(FOLDER / "austen-0930.flac"))[2]
