"""Sealing a folder: whole or not at all, its key in the store first, and in licenses after that."""

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from licensing.containers import READ
from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import reading
from licensing.issuer.content_keys import SealedFolder, list_content_keys, seal_folder
from licensing.issuer.tables import AuditLineRow
from licensing.issuer.tables import ContentKeyRow as StoredKey
from licensing.sealing.sealed import ContentKey, open_sealed
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import START, Site

pytestmark = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "deu").mkdir(parents=True)
    (folder / "eng.traineddata").write_bytes(b"English" * 20_000)
    (folder / "deu" / "eng.traineddata").write_bytes(b"Deutsch")
    (folder / "empty").touch()
    return folder


def seal(site: Site, source: Path, name: str = "sealed") -> SealedFolder:
    return seal_folder(site.issuer_store, source, site.folder / name, kind=READ, actor="ann", now=site.now)


def stored_keys(site: Site) -> dict[str, ContentKey]:
    with reading(site.issuer_store) as connection:
        return {row.key_id: ContentKey(row.secret) for row in connection.execute(select(StoredKey.__table__))}


def left_behind(site: Site) -> list[str]:
    return [path.name for path in site.folder.iterdir() if path.name.startswith((".", "sealed"))]


def test_every_file_below_a_folder_is_sealed_under_its_own_name(site: Site, models: Path) -> None:
    told = seal(site, models)
    folder = site.folder / "sealed"
    names = ["deu/eng.traineddata", "empty", "eng.traineddata"]
    assert told.files == 3
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        f"{name}.sealed" for name in names
    ]
    for name in names:
        with (folder / f"{name}.sealed").open("rb") as file:
            assert b"".join(open_sealed(file, stored_keys(site), name)) == (models / name).read_bytes()


def test_sealed_files_may_be_read_by_the_images_user(site: Site, models: Path) -> None:
    before = os.umask(0o077)
    try:
        seal(site, models)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (site.folder / "sealed").rglob("*") if path.is_file()}
    folders = {stat.S_IMODE((site.folder / "sealed" / inner).stat().st_mode) for inner in ("", "deu")}
    assert (modes, folders) == ({0o644}, {0o755})


def test_each_sealing_has_a_key_of_its_own_in_the_store_and_a_line_in_the_audit_log(site: Site, models: Path) -> None:
    first = seal(site, models)
    site.sleep(hours=1)
    second = seal(site, models, "sealed-2")
    assert [(key.key_id, key.container_type) for key in list_content_keys(site.issuer_store)] == [
        (first.key_id, "read"),
        (second.key_id, "read"),
    ]
    with reading(site.issuer_store) as connection:
        lines = connection.execute(select(AuditLineRow.actor, AuditLineRow.action, AuditLineRow.subject)).all()
    assert lines == [("ann", "seal", first.key_id), ("ann", "seal", second.key_id)]
    shown = repr((first, second, list_content_keys(site.issuer_store)))
    assert not any(key.secret.hex() in shown or repr(key.secret) in shown for key in stored_keys(site).values())


def test_a_folder_that_is_there_is_never_added_to(site: Site, models: Path) -> None:
    seal(site, models)
    with pytest.raises(BadCall, match="already exists"):
        seal(site, models)
    assert len(list_content_keys(site.issuer_store)) == 1


def linked(models: Path) -> None:
    (models / "other").symlink_to(models / "empty")


def linked_folder(models: Path) -> None:
    (models / "other").symlink_to(models / "deu")


def piped(models: Path) -> None:
    os.mkfifo(models / "pipe")


def sealed_before(models: Path) -> None:
    (models / "eng.traineddata.sealed").touch()


def unprintable(models: Path) -> None:
    (models / "a\nb").touch()


def not_utf8(models: Path) -> None:
    Path(os.fsdecode(os.fsencode(models) + b"/\xff")).touch()


@pytest.mark.parametrize("slip", [linked, linked_folder, piped, sealed_before, unprintable, not_utf8])
def test_what_cannot_be_sealed_is_named_and_nothing_is_made(site: Site, models: Path, slip: object) -> None:
    assert callable(slip)
    slip(models)
    with pytest.raises(BadCall):
        seal(site, models)
    assert left_behind(site) == [] and list_content_keys(site.issuer_store) == []


@pytest.mark.parametrize("name", ["models", "models/sealed", "models/deu/../sealed"])
def test_a_folder_is_not_sealed_into_itself(site: Site, models: Path, name: str) -> None:
    with pytest.raises(BadCall, match="is inside"):
        seal(site, models, name)


@pytest.mark.parametrize("name", ["nowhere", "license", "models/empty"])
def test_a_folder_without_a_file_is_refused(site: Site, models: Path, name: str) -> None:
    with pytest.raises(AzlicError, match=r"is not a folder|there is no file below"):
        seal(site, site.folder / name)


def test_a_folder_that_cannot_take_the_files_leaves_no_key(site: Site, models: Path) -> None:
    with pytest.raises(AzlicError, match="No such file or directory"):
        seal(site, models, "nowhere/sealed")
    assert list_content_keys(site.issuer_store) == []


@pytest.mark.databases("sqlite")
def test_a_store_that_cannot_take_the_key_leaves_no_folder(site: Site, models: Path) -> None:
    site.issuer_store.dispose()
    (site.folder / "issuer.db").write_bytes(b"no database" * 100)
    with pytest.raises(AzlicError, match="is damaged"):
        seal(site, models)
    assert left_behind(site) == []


@root_only
def test_a_model_that_may_not_be_read_is_named_and_nothing_is_made() -> None:
    with reachable_folder() as folder:
        (folder / "models").mkdir()
        (folder / "models" / "secret").touch(mode=0o600)
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        said = as_another_user(lambda: _refusal(folder))
        assert "secret: Permission denied" in said
        assert list((folder / "out").iterdir()) == []


def _refusal(folder: Path) -> str:
    from licensing.sealing.folder import seal_into

    try:
        with seal_into(folder / "models", folder / "out" / "sealed", ContentKey.new()):
            return "sealed"
    except AzlicError as error:
        return error.message


def test_progress_goes_from_nothing_to_everything(site: Site, models: Path) -> None:
    told: list[tuple[int, int]] = []
    seal_folder(
        site.issuer_store,
        models,
        site.folder / "sealed",
        kind=READ,
        actor="ann",
        now=START,
        progress=lambda done, total: told.append((done, total)),
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {140_007} and told[-1][0] == 140_007
