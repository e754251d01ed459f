"""The committed client: a recording, a folder of them, a pipe; and what it says when it cannot."""

import importlib.util
import io
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from engines.speech.audio import read_header
from tests.engines.speech.conftest import Container
from tests.engines.speech.recordings import FOLDER, SAID, as_wav, pcm, recording, said, silence

HEAR = Path(__file__).parents[3] / "scripts" / "hear.py"
TEXT = f"{SAID}\n"


def hear(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    ended = subprocess.run([sys.executable, HEAR, *words], input=stdin, capture_output=True, check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


@pytest.fixture(scope="module")
def client() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hear", HEAR)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def open_ended(wav: bytes) -> bytes:
    place = wav.index(b"data") + 4
    return wav[:4] + bytes(4) + wav[8:place] + bytes(4) + wav[place + 4 :]


SENT = {
    "PCM": as_wav(said()),
    "PCM of 24 bits": as_wav(said(), subtype="PCM_24"),
    "floats": as_wav(said(), subtype="FLOAT"),
    "doubles": as_wav(said(), subtype="DOUBLE"),
    "a length left open": open_ended(as_wav(said())),
    "FLAC": as_wav(said(), form="FLAC"),
}


@pytest.mark.parametrize("name", SENT)
def test_every_form_of_the_same_recording_is_sent_as_the_same_samples(
    client: ModuleType, tmp_path: Path, name: str
) -> None:
    (tmp_path / "a.wav").write_bytes(SENT[name])
    for stream in (client.recorded(tmp_path / "a.wav"), client.piped(io.BytesIO(SENT[name]))):
        content = b"".join(stream)
        form, place = read_header(content) or pytest.fail("no header was sent")
        assert (form.rate, form.channels) == (16_000, 1)
        if form.coding == "PCM_16":  # what comes in as a WAV goes on as it is
            heard = np.frombuffer(content[place:], dtype="<i2").astype(int)
            assert len(heard) == len(said()) and np.abs(heard - said()).max() <= 2


def test_recordings_of_one_name_get_a_text_each_and_what_was_heard_before_a_fault_is_kept(
    container: Container, tmp_path: Path
) -> None:
    whole = as_wav(recording(), form="FLAC")
    (tmp_path / "a.wav").write_bytes(as_wav(said()))
    (tmp_path / "a.flac").write_bytes(as_wav(silence(0.2), form="FLAC"))
    (tmp_path / "b.flac").write_bytes(whole[: len(whole) // 2])
    status, told, failed = hear(container.address, str(tmp_path))
    texts = {text.name: text.read_text() for text in tmp_path.glob("*.txt")}
    assert (texts.pop("a.wav.txt"), texts.pop("a.flac.txt")) == (TEXT, "")
    kept = texts.pop("b.txt")
    assert not texts and kept.startswith("He might even")
    assert told.splitlines()[2] == f"3 of 3  b.flac  failed after {len(kept.split())} words"
    assert status == 1 and failed.startswith(
        f"hear: 1 of 3 recordings failed\nb.flac: {tmp_path}/b.flac cannot be read"
    )


def test_a_file_that_is_not_there_is_told_in_the_systems_words(client: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(client.Failed, match=r"none\.wav cannot be read: No such file or directory"):
        next(client.recorded(tmp_path / "none.wav"))


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
