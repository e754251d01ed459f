"""Sealing at the issuer's, and the real Read container that opens the files with its license."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select as sql_select

from licensing.containers import READ
from licensing.db.database import reading
from licensing.issuer.content_keys import seal_folder
from licensing.issuer.tables import ContentKeyRow
from tests import pictures
from tests.azlic.conftest import Cli
from tests.site import Site, a_license
from tests.usage.forked import NONROOT, only_root, public_folder

STORE = ("--database", "issuer.db")


@pytest.fixture
def models(site: Site) -> Path:
    site.add_resource()
    folder = site.folder / "models"
    folder.mkdir()
    (folder / "eng.traineddata").write_bytes(b"English")
    return folder


def secrets_of(site: Site) -> dict[str, bytes]:
    with reading(site.issuer_store) as connection:
        return {row.key_id: row.secret for row in connection.execute(sql_select(ContentKeyRow.__table__))}


def test_sealing_tells_the_keys_id_and_never_the_key(cli: Cli, site: Site, models: Path) -> None:
    told = cli("seal", models, "--to", "sealed", "--container", "READ", *STORE)
    ((key_id, secret),) = secrets_of(site).items()
    assert (told.status, told.err) == (0, "")
    assert told.out == f"sealed for read: 1 file, in sealed\n  key {key_id}\n"
    listed = cli("issuer", "content-keys", *STORE)
    assert listed.out.startswith(f"{key_id}\n  read, sealed 20")
    for shown in (told.out, listed.out, cli("issuer", "content-keys", "--json", *STORE).out):
        assert secret.hex() not in shown and base64.b64encode(secret).decode() not in shown


def test_both_commands_speak_json(cli: Cli, site: Site, models: Path) -> None:
    told = json.loads(cli("seal", models, "--to", "sealed", "--container", "read", "--json", *STORE).out)
    (key_id,) = secrets_of(site)
    assert told == {
        "schema": "azlic.sealed/v1",
        "folder": "sealed",
        "container_type": "read",
        "key_id": key_id,
        "files": 1,
    }
    listed = json.loads(cli("issuer", "content-keys", "--json", *STORE).out)
    assert listed["schema"] == "azlic.content-keys/v1"
    assert [set(key) for key in listed["content_keys"]] == [{"key_id", "container_type", "created_at"}]


def test_before_the_first_sealing_there_is_nothing_to_list(cli: Cli, models: Path) -> None:
    assert cli("issuer", "content-keys", *STORE).out == "nothing has been sealed yet\n"


def test_a_slip_is_told_with_its_exit_status(cli: Cli, models: Path) -> None:
    assert cli("seal", "nowhere", "--to", "sealed", "--container", "read", *STORE).status == 3
    assert cli("seal", models, "--to", "models/sealed", "--container", "read", *STORE).status == 2
    refused = cli("seal", models, "--to", "sealed", "--container", "read", "--database", "none.db")
    assert refused.status == 3 and "there is no issuer's store" in refused.err


def install(site: Site, *key_ids: str) -> None:
    known = secrets_of(site)
    license_ = a_license(
        serial=7,
        issued_at=datetime(2020, 1, 1, tzinfo=UTC),
        not_before=datetime(2020, 1, 1, tzinfo=UTC),
        expires_at=datetime(9000, 1, 1, tzinfo=UTC),  # the process below looks at the real clock
        content_keys={key_id: base64.b64encode(known[key_id]).decode() for key_id in key_ids},
    )
    site.install(license_).chmod(0o644)


def command(site: Site, *words: str) -> list[str]:
    mounts = (f"Mounts:License={site.license}", f"Mounts:Output={site.output}", f"Models={site.folder / 'sealed'}")
    azlic = (sys.executable, "-m", "azlic", "engine", "read", "--trust", str(site.trust.folder))
    return [*azlic, *words, "eula=accept", *mounts, "urls=http://127.0.0.1:0"]


@contextmanager
def running(site: Site, *words: str) -> Iterator[str]:
    process = subprocess.Popen(command(site, *words), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = ""
        while "Now listening on: " not in said:
            assert select.select([process.stderr], [], [], 60)[0] and process.poll() is None, said
            said = process.stderr.readline()
        yield said.partition("Now listening on: ")[2].strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.fixture
def sealed_site() -> Iterator[Site]:
    """A site that a nonroot container may enter, with Tesseract's language data sealed twice: as two images have it."""
    read = pytest.importorskip("engines.read.recognise", reason="the read extra is not installed")
    with public_folder() as folder:
        site = Site(folder)
        plain = folder / "plain"
        plain.mkdir()
        for name in read.MODEL_FILES:
            shutil.copy(read.TESSDATA / name, plain)
        for name in ("previous", "sealed"):
            seal_folder(site.issuer_store, plain, folder / name, kind=READ, actor="ann", now=site.now)
            site.sleep(days=30)
        shutil.rmtree(plain)
        yield site
        site.close()


def key_of(folder: Path) -> str:
    return (folder / "eng.traineddata.sealed").read_bytes()[8:40].hex()


def refused(site: Site) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(command(site), capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in ended.stderr
    return ended


@pytest.mark.parametrize(
    "user", [pytest.param("", marks=pytest.mark.long), pytest.param(f"{NONROOT}:{NONROOT}", marks=only_root)]
)
def test_the_real_container_reads_a_letter_with_its_language_data_sealed(sealed_site: Site, user: str) -> None:
    site = sealed_site
    install(site, key_of(site.folder / "sealed"))
    if user:
        os.chown(site.output, NONROOT, NONROOT)
    image, _ = pictures.letter()
    with running(site, *(("--user", user) if user else ())) as url:
        answer = httpx.post(
            f"{url}/vision/v3.2/read/syncAnalyze",
            content=pictures.encode(image, "PNG"),
            headers={"Content-Type": "image/png"},
            timeout=60,
        )
    lines = answer.raise_for_status().json()["analyzeResult"]["readResults"][0]["lines"]
    assert lines[0]["text"] == "Harbour Office, Quay Street 14" and len(lines) == 29


def test_the_real_container_refuses_a_license_of_the_previous_image(sealed_site: Site) -> None:
    site = sealed_site
    install(site, key_of(site.folder / "previous"))
    ended = refused(site)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"azlic: this image's files were sealed with key {key_of(site.folder / 'sealed')[:12]}, which the license"
        " (serial 7) does not hold\n  try: pulled a new image? download a new license\n"
    )
    install(site, key_of(site.folder / "previous"), key_of(site.folder / "sealed"))
    with running(site):
        pass


def test_the_real_container_refuses_a_file_that_was_tampered_with_and_a_license_that_is_missing(
    sealed_site: Site,
) -> None:
    site = sealed_site
    ended = refused(site)
    assert ended.returncode == 1 and "the container does not start, its license is missing" in ended.stderr
    install(site, key_of(site.folder / "sealed"))
    path = site.folder / "sealed" / "osd.traineddata.sealed"
    path.write_bytes(path.read_bytes()[: 40 + 64 * 1024])
    ended = refused(site)
    assert ended.returncode == 3
    assert f"azlic: {path} cannot be opened: segment 1 is not as it was sealed" in ended.stderr
