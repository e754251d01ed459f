"""Export files under attack: each change is found by azlic inspect, and by the auditor's script without azlic."""

import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from licensing.signing.envelope import seal
from tests.usage.handover.houses import HandingHouse, encode, later
from tests.usage.handover.test_attacks import member, repacked
from usage.handover.errors import HandoverRefused
from usage.handover.inspection import Inspected, inspect
from usage.handover.manifest import EXPORT_TYPE

SCRIPT = Path(__file__).parents[3] / "scripts" / "verify_export.py"


def audited(path: Path, *more: Path) -> subprocess.CompletedProcess[str]:
    """What the auditor's script says, run where azlic cannot be imported."""
    command = [sys.executable, "-P", str(SCRIPT), str(path), *map(str, more)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent)


def inspected(hall: HandingHouse, path: Path) -> Inspected:
    return inspect(path, hall.key)


@pytest.fixture
def full(hall: HandingHouse) -> HandingHouse:
    """A site with everything that an export can hold."""
    hall.use("c", quantity=0.25, at=later(days=1))
    hall.use("=1+1", "ünïcode", "123456789012345678", at=later(days=2))
    hall.now = datetime(2026, 4, 2, tzinfo=UTC)
    hall.shut("2026-03", reason='=cmd|"/c calc"!A1, und Käse')
    hall.come_late("late", at=later(days=1), booked="2026-04", quantity=4)
    hall.correct("a", at=later(), booked="2026-04", was=1, becomes=3)
    return hall


@pytest.mark.parametrize("holds", ["records", "totals"])
def test_a_sound_export_is_found_sound_by_both(full: HandingHouse, holds: str) -> None:
    path = full.export(holds=holds)
    found = inspected(full, path)
    assert found.manifest.records == 7 and len(found.sums.corrections) == 3
    assert sum(quantity for quantity, _ in found.sums.by_month().values()) == 5_250_000
    told = audited(path, full.pem)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("sound: export 1 of hall-7")
    assert "7 records, 3 corrections, closes ['2026-03']" in told.stdout


def test_the_script_needs_no_azlic_and_stays_short() -> None:
    source = SCRIPT.read_text()
    assert len(source.splitlines()) <= 150
    for package in ("azlic", "usage", "licensing", "msgspec", "securesystemslib"):
        assert f"import {package}" not in source and f"from {package}" not in source


def test_an_export_follows_the_one_before_it(full: HandingHouse) -> None:
    first = full.export("first.azlic")
    full.use("next", at=full.now)
    second = full.export("second.azlic")
    assert audited(second, full.pem, first).returncode == 0
    swapped = audited(first, full.pem, second)
    assert swapped.returncode == 1 and "it begins behind" in swapped.stderr


CHANGES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a record's quantity": ("contents.jsonl", lambda data: data.replace(b"250000", b"350000")),
    "a record's id": ("contents.jsonl", lambda data: data.replace(b'"c"', b'"x"')),
    "a removed record": ("contents.jsonl", lambda data: b"\n".join(data.split(b"\n")[1:])),
    "a batch's place": ("batches.jsonl", lambda data: data.replace(b'"close:', b'"clos3:')),
    "batches in another order": ("batches.jsonl", lambda data: b"\n".join(sorted(data.split(b"\n"), reverse=True))),
    "a series' name": ("series.json", lambda data: data.replace(b"3.2.0", b"3.3.0")),
    "a total": ("totals.csv", lambda data: data.replace(b",6\r\n", b",7\r\n")),
    "a close": ("closes.csv", lambda data: data.replace(b"2026,3", b"2026,4")),
    "a correction": ("corrections.csv", lambda data: data.replace(b"late", b"laid")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_member_is_not_what_was_signed(full: HandingHouse, change: str) -> None:
    name, edit = CHANGES[change]
    path = full.export()
    content = edit(member(path, name))
    assert content != member(path, name)
    changed = repacked(path, {name: content}, full.folder / "changed.azlic")
    with pytest.raises(HandoverRefused, match=r"is not what was signed|has another size"):
        inspected(full, changed)
    assert "is not what was signed" in audited(changed, full.pem).stderr


@pytest.mark.parametrize("change", CHANGES)
def test_a_member_that_the_site_itself_falsified_does_not_fit_the_others(full: HandingHouse, change: str) -> None:
    name, edit = CHANGES[change]
    changed = resigned(full, full.export(), {name: edit})
    with pytest.raises(HandoverRefused):
        inspected(full, changed)
    told = audited(changed, full.pem)
    assert told.returncode == 1 and "Traceback" not in told.stderr, told.stderr


def resigned(hall: HandingHouse, path: Path, edits: dict[str, Callable[[bytes], bytes]]) -> Path:
    """An export whose members were changed by somebody who has the site's key."""
    import hashlib

    payload = json.loads(base64.b64decode(json.loads(member(path, "manifest.json"))["payload"]))
    changes = {name: edit(member(path, name)) for name, edit in edits.items()}
    for entry in payload["members"]:
        if entry["name"] in changes:
            content = changes[entry["name"]]
            entry |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    changes["manifest.json"] = seal(json.dumps(payload).encode(), EXPORT_TYPE, hall.signer)
    return repacked(path, changes, hall.folder / "resigned.azlic")


def test_another_key_has_not_signed_it(full: HandingHouse, yard: HandingHouse) -> None:
    path = full.export()
    with pytest.raises(HandoverRefused, match="is not signed by any known key"):
        inspected(yard, path)
    assert "the site's key has not signed it" in audited(path, yard.pem).stderr


def test_a_key_in_the_file_is_never_used(full: HandingHouse) -> None:
    path = full.export()
    envelope = json.loads(member(path, "manifest.json"))
    forged = json.loads(seal(base64.b64decode(envelope["payload"]), EXPORT_TYPE, CryptoSigner.generate_ed25519()))
    forged["public_key"] = "mine"
    forged["signatures"][0]["keyid"] = full.key.keyid
    changed = repacked(path, {"manifest.json": json.dumps(forged).encode()}, full.folder / "forged.azlic")
    with pytest.raises(HandoverRefused, match="is not signed by any known key"):
        inspected(full, changed)


def test_every_truncation_and_many_flips_are_refused_in_words(full: HandingHouse) -> None:
    path = full.export()
    whole, broken = path.read_bytes(), full.folder / "broken.azlic"
    places = range(0, len(whole), 97)
    for content in (
        *(whole[:place] for place in places),
        *(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :] for place in places),
        *(whole + b"\0", b"\0" + whole, whole + whole, b"", b"PK\x05\x06" + bytes(18)),
    ):
        broken.write_bytes(content)
        try:
            inspected(full, broken)
        except HandoverRefused:
            continue
        _same_members(path, broken)


def _same_members(path: Path, broken: Path) -> None:
    """A flip may hit what nobody reads in a ZIP, such as a file's time; the members are then the same."""
    with zipfile.ZipFile(path) as one, zipfile.ZipFile(broken) as other:
        assert {name: one.read(name) for name in one.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }


def packed(target: Path, members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name) if compression == zipfile.ZIP_STORED else name, content)
    return target


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "compression", "said"),
    [
        ([("manifest.json", b"{}"), ("manifest.json", b"{}")], zipfile.ZIP_STORED, "is in it twice"),
        ([("../manifest.json", b"{}")], zipfile.ZIP_STORED, "has a path"),
        ([("/etc/passwd", b"{}")], zipfile.ZIP_STORED, "has a path"),
        ([("manifest.json", b"\0" * 10**7)], zipfile.ZIP_DEFLATED, "compressed or encrypted"),
        ([("manifest.json", b" " * (1024 * 1024 + 1))], zipfile.ZIP_STORED, "larger than 1048576 bytes"),
        ([("other.json", b"{}")], zipfile.ZIP_STORED, r"it holds no manifest\.json"),
        ([(f"{number}", b"") for number in range(20)], zipfile.ZIP_STORED, "more files than an export has"),
        ([("a" * 5000, b"")], zipfile.ZIP_STORED, "more files than an export has"),
        ([("manifest.json", b"{}")], zipfile.ZIP_STORED, "its manifest is not a signed document"),
        ([], zipfile.ZIP_STORED, r"it holds no manifest\.json"),
    ],
    ids=["twice", "parent", "root", "bomb", "large manifest", "none", "many", "long name", "no envelope", "empty"],
)
def test_a_hostile_zip_is_refused_in_words(
    hall: HandingHouse, members: list[tuple[str, bytes]], compression: int, said: str
) -> None:
    with pytest.raises(HandoverRefused, match=said):
        inspected(hall, packed(hall.folder / "hostile.azlic", members, compression))


def test_an_export_with_one_more_file_is_refused(full: HandingHouse) -> None:
    path = full.export()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo("macro.xlsm"), b"")
    with pytest.raises(HandoverRefused, match="other files than its manifest names"):
        inspected(full, path)
    assert "its files are not those" in audited(path, full.pem).stderr


def test_a_license_is_no_export(full: HandingHouse) -> None:
    path = full.export()
    other = seal(b"{}", "application/vnd.azlic.license.v1+json", full.signer)
    with pytest.raises(HandoverRefused, match="signed document of another type"):
        inspected(full, repacked(path, {"manifest.json": other}, full.folder / "other.azlic"))


@given(st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(2**62), 2**62), st.none())))
def test_the_script_digests_what_we_digest(values: list[object]) -> None:
    assert json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() == encode(values)
