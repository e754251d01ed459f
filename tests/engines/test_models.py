"""Model files in the clear for an engine: plain ones where they lie, sealed ones in memory alone."""

import base64
import io
import os
import shutil
from pathlib import Path

import pytest

from engines.catalogue import read_engine
from engines.container import unlock
from engines.models import MAX_SEALED_BYTES, Models
from licensing.core.errors import AzlicError, NoGoodLicense
from licensing.sealing.sealed import ContentKey, seal_file
from licensing.signing.document import License
from licensing.verdict.verdict import Verdict
from tests import pictures
from tests.site import Site, a_license, counting_engine
from tests.usage.forked import as_nonroot, fork, only_root, public_folder

KEY = ContentKey(bytes(range(32)))
PREVIOUS = ContentKey(bytes(range(1, 33)))
NAMES = ("eng", "osd")


def license_with(*keys: ContentKey) -> License:
    return a_license(serial=7, content_keys={key.id: base64.b64encode(key.secret).decode() for key in keys})


def seal(folder: Path, key: ContentKey = KEY, **files: bytes) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    for name, content in files.items():
        (folder / f"{name}.sealed").write_bytes(b"".join(seal_file(io.BytesIO(content), key, name)))
    return folder


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return seal(tmp_path / "models", eng=b"English" * 50_000, osd=b"up and down")


def read_all(models: Models) -> list[bytes]:
    with models.in_the_clear(NAMES) as folder:
        return [(folder / name).read_bytes() for name in NAMES]


def refusal(models: Models) -> AzlicError:
    with pytest.raises(AzlicError) as refused, models.in_the_clear(NAMES):
        pass
    return refused.value


def test_sealed_files_are_read_in_the_clear_under_their_names(sealed: Path) -> None:
    assert read_all(Models(sealed, license_with(PREVIOUS, KEY))) == [b"English" * 50_000, b"up and down"]


def test_the_keys_of_a_license_go_by_their_own_ids(tmp_path: Path) -> None:
    license_ = a_license(content_keys={"any name": base64.b64encode(KEY.secret).decode()})
    assert Models(tmp_path, license_).keys == {KEY.id: KEY}
    assert Models(tmp_path, a_license()).keys == Models(tmp_path).keys == {}
    assert str(KEY.secret) not in repr(Models(tmp_path, license_))


def test_plain_files_are_read_where_they_lie(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text(name)
    with Models(tmp_path).in_the_clear(NAMES) as folder:
        assert folder == tmp_path


def test_one_folder_may_hold_plain_and_sealed_files_and_a_sealed_one_goes_first(sealed: Path) -> None:
    (sealed / "osd.sealed").unlink()
    (sealed / "osd").write_text("plain")
    (sealed / "eng").write_text("plain")
    assert read_all(Models(sealed, license_with(KEY))) == [b"English" * 50_000, b"plain"]


def test_sealed_files_lie_in_memory_alone_and_nobody_else_gets_at_them(tmp_path: Path) -> None:
    seal(tmp_path / "models" / "graph", phones=b"secret")
    (tmp_path / "models/graph/phones.sealed").write_bytes(
        b"".join(seal_file(io.BytesIO(b"secret"), KEY, "graph/phones"))
    )
    models = Models(tmp_path / "models", license_with(KEY))
    with models.in_the_clear(models.tree) as folder:
        (link,) = (path for path in folder.rglob("*") if not path.is_dir())
        assert link.relative_to(folder).as_posix() == "graph/phones" and link.read_bytes() == b"secret"
        assert folder.stat().st_mode & 0o077 == 0
        assert str(link.readlink().readlink()).startswith("/memfd:")
    assert not folder.exists()


def fds() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_afterwards_nothing_is_left(sealed: Path) -> None:
    before = fds()
    with Models(sealed, license_with(KEY)).in_the_clear(NAMES) as folder:
        pass
    assert not folder.exists() and fds() == before


def test_a_kill_leaves_links_to_nowhere_and_no_content(sealed: Path, tmp_path: Path) -> None:
    note = tmp_path / "note"

    def killed() -> None:
        with Models(sealed, license_with(KEY)).in_the_clear(NAMES) as folder:
            assert (folder / "osd").read_bytes() == b"up and down"
            note.write_text(str(folder))
            os.kill(os.getpid(), 9)

    assert fork(killed)[0] == 9
    folder = Path(note.read_text())
    left = list(folder.iterdir())
    assert sorted(path.name for path in left) == ["eng", "osd"]
    assert all(path.is_symlink() and not path.is_file() for path in left)
    shutil.rmtree(folder)


@only_root
def test_a_nonroot_container_opens_sealed_files_too() -> None:
    with public_folder() as public:
        folder = seal(public / "models", eng=b"English", osd=b"up and down")
        assert as_nonroot(lambda: read_all(Models(folder, license_with(KEY)))) == str([b"English", b"up and down"])


def test_links_lie_elsewhere_where_there_is_no_shared_memory(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = Models(sealed, license_with(KEY), memory=Path("/nowhere"))
    assert read_all(models)[1] == b"up and down"
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert "no place for links" in refusal(models).message


def test_a_license_of_the_previous_key_is_told_to_be_downloaded_anew(sealed: Path) -> None:
    error = refusal(Models(sealed, license_with(PREVIOUS)))
    assert isinstance(error, NoGoodLicense) and error.exit_status == 1
    assert error.message == (
        f"this image's files were sealed with key {KEY.id[:12]}, which the license (serial 7) does not hold"
    )
    assert error.hint == "pulled a new image? download a new license"


@pytest.mark.parametrize("place", [0, 45, 100, 200_000, -1])
def test_a_file_that_was_tampered_with_is_named(sealed: Path, place: int) -> None:
    path = sealed / "eng.sealed"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    error = refusal(Models(sealed, license_with(KEY)))
    assert (error.exit_status, error.hint) == (3, "pull the image again")
    assert error.message.startswith(f"{path} cannot be opened: ")


def test_two_files_that_changed_names_are_told(sealed: Path) -> None:
    (sealed / "eng.sealed").rename(sealed / "x")
    (sealed / "osd.sealed").rename(sealed / "eng.sealed")
    (sealed / "x").rename(sealed / "osd.sealed")
    assert "eng.sealed cannot be opened: segment 1 is not as it was sealed" in (
        refusal(Models(sealed, license_with(KEY))).message
    )


def test_a_file_that_is_too_large_is_not_opened(sealed: Path) -> None:
    os.truncate(sealed / "eng.sealed", MAX_SEALED_BYTES + 1)  # on the disk it takes no more room than before
    assert f"eng.sealed cannot be opened: it is larger than {MAX_SEALED_BYTES} bytes" in (
        refusal(Models(sealed, license_with(KEY))).message
    )


def test_a_file_that_is_not_there_is_named(sealed: Path) -> None:
    (sealed / "osd.sealed").unlink()
    error = refusal(Models(sealed, license_with(KEY)))
    assert error.message == f"{sealed} holds no osd that can be read"


def test_a_pipe_in_the_place_of_a_sealed_file_is_refused_at_once(sealed: Path) -> None:
    (sealed / "osd.sealed").unlink()
    os.mkfifo(sealed / "osd.sealed")
    assert "osd.sealed cannot be opened: it is not a regular file" in refusal(Models(sealed, license_with(KEY))).message


def test_sealed_models_are_found_with_the_license_that_was_verified(site: Site, sealed: Path) -> None:
    site.install(license_with(KEY))
    found = unlock(Models(sealed), counting_engine(), site.license, trust=site.trust, now=site.now)
    assert isinstance(found, Models) and read_all(found)[1] == b"up and down"


def test_sealed_models_stay_closed_without_a_license_that_runs_the_container(site: Site, sealed: Path) -> None:
    said = unlock(Models(sealed), counting_engine(), site.license, trust=site.trust, now=site.now)
    assert isinstance(said, Verdict) and said.status == "missing"
    site.install(license_with(KEY))
    site.sleep(days=400)
    said = unlock(Models(sealed), counting_engine(), site.license, trust=site.trust, now=site.now)
    assert isinstance(said, Verdict) and said.status == "expired"


@pytest.fixture
def language(tmp_path: Path) -> Path:
    read = pytest.importorskip("engines.read.recognise", reason="the read extra is not installed")
    files = {name: (read.TESSDATA / name).read_bytes() for name in read.MODEL_FILES}
    return seal(tmp_path / "language", KEY, **files)


def test_the_read_container_reads_a_letter_with_its_language_data_sealed(site: Site, language: Path) -> None:
    site.install(license_with(KEY))
    models = unlock(Models(language), counting_engine(), site.license, trust=site.trust, now=site.now)
    assert isinstance(models, Models)
    image, _ = pictures.letter()
    with site.start_engine(engine=read_engine(models, {})()) as client:
        shutil.rmtree(language)
        for turned in (image, image.rotate(180)):  # the second needs osd.traineddata
            answer = client.post(
                "/vision/v3.2/read/syncAnalyze",
                content=pictures.encode(turned, "PNG"),
                headers={"Content-Type": "image/png"},
            )
            lines = answer.raise_for_status().json()["analyzeResult"]["readResults"][0]["lines"]
            assert lines[0]["text"] == "Harbour Office, Quay Street 14"
        site.install(a_license(serial=8))  # renewed, and without the key: what is open stays open
        site.sleep(minutes=2)
        assert client.get("/ready").status_code == 200


def test_sealed_files_that_are_no_models_are_said_so(site: Site, tmp_path: Path) -> None:
    pytest.importorskip("tesserocr", reason="the read extra is not installed")
    files = {"eng.traineddata": b"no model", "osd.traineddata": b"no model"}
    folder = seal(tmp_path / "other", KEY, **files)
    with pytest.raises(AzlicError, match="could not be loaded"):
        read_engine(Models(folder, license_with(KEY)), {})()
