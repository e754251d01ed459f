"""The issuer's key folder over its rotations, and what the operator's trust store makes of the documents."""

import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import Signer

from licensing.core.errors import AzlicError, BadCall
from licensing.issuer.keys import PUBLIC, create_issuer_keys, issuer_id, issuer_signer, rotation_documents
from licensing.issuer.rotation import own_chain, rotate
from licensing.signing.envelope import seal
from licensing.trust.store import TrustStore
from licensing.trust.updating import update_trust
from tests.licensing.sudden_death import die_at_every_step
from tests.licensing.vendor import DAY, START


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_issuer_keys(tmp_path / "issuer-keys")
    return tmp_path / "issuer-keys"


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> TrustStore:
    store = TrustStore(tmp_path / "trust.d")
    store.add(folder / PUBLIC)
    return store


def turn(folder: Path, days: float = 0, **options: object) -> Path:
    return rotate(folder, now=START + days * DAY, reason="yearly", **options)  # type: ignore[arg-type]


def key_id(signer: Signer) -> str:
    return str(signer.public_key.keyid)


def windows(store: TrustStore) -> list[tuple[str, datetime | None, datetime | None]]:
    return [(known.key_id, known.not_before, known.not_after) for known in store.load().keys]


def test_the_new_key_signs_and_an_operator_follows(folder: Path, store: TrustStore) -> None:
    old = key_id(issuer_signer(folder))
    document = turn(folder)
    new = key_id(issuer_signer(folder))
    assert new != old == issuer_id(folder)
    update_trust(store, [document], as_of=START)
    assert windows(store) == [(old, None, START + DAY), (new, START, None)]


def test_three_rotations_are_followed_from_the_first_key(folder: Path, store: TrustStore) -> None:
    documents = [turn(folder, days) for days in (0, 100, 200)]
    assert rotation_documents(folder) == documents
    update_trust(store, documents, as_of=START + 300 * DAY)
    ends = [not_after for _, _, not_after in windows(store)]
    assert ends == [START + DAY, START + 101 * DAY, START + 201 * DAY, None]
    assert windows(store)[-1][0] == key_id(issuer_signer(folder))


def test_the_old_key_goes_on_until_a_date(folder: Path, store: TrustStore) -> None:
    update_trust(store, [turn(folder, old_key_until=START + 30 * DAY)], as_of=START)
    assert windows(store)[0][2] == START + 30 * DAY


def test_withdrawing_the_old_key_ends_every_older_one(folder: Path, store: TrustStore) -> None:
    update_trust(store, [turn(folder), turn(folder, 10, withdraw_old=True)], as_of=START + 10 * DAY)
    assert windows(store) == [(key_id(issuer_signer(folder)), START + 10 * DAY, None)]


def test_a_rotation_is_good_for_as_long_as_it_was_made_for(folder: Path) -> None:
    turn(folder, valid=timedelta(days=7))
    rotation = own_chain(folder).rotation
    assert rotation is not None
    assert [rotation.is_expired(START + days * DAY) for days in (6.9, 7)] == [False, True]
    assert turn(folder, 30).name == "rotation-2.json"  # that the last has expired keeps nobody from the next


def test_the_first_key_and_its_file_stay(folder: Path) -> None:
    before = (folder / PUBLIC).read_bytes()
    turn(folder)
    assert (folder / PUBLIC).read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {
        *("issuer-key.pem", "issuer.pem"),
        *("issuer-key-1.pem", "issuer-1.pem", "rotation-1.json"),
    }


def test_private_keys_are_closed(folder: Path) -> None:
    turn(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("issuer-key*")} == {0o600}


IMPOSSIBLE: dict[str, tuple[float, dict[str, object], str]] = {
    "the old key ends before it began": (10, {"old_key_until": START}, "that is in the past"),
    "it expires at once": (10, {"valid": timedelta(0)}, "expires before it was issued"),
    "the clock went back": (-0.5, {}, "not in force"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_no_operator_would_follow_is_not_made(folder: Path, case: str) -> None:
    days, options, words = IMPOSSIBLE[case]
    turn(folder)
    signs = key_id(issuer_signer(folder))
    with pytest.raises(BadCall, match=words):
        turn(folder, days, **options)
    assert key_id(issuer_signer(folder)) == signs and len(rotation_documents(folder)) == 1
    turn(folder, 1)


def test_a_reason_that_is_no_line_of_text_is_refused(folder: Path) -> None:
    with pytest.raises(BadCall, match="unprintable characters"):
        rotate(folder, now=START, reason="a\nb")


def test_a_changed_document_in_the_key_folder_is_told(folder: Path) -> None:
    document = turn(folder)
    document.write_bytes(document.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(AzlicError, match=r"rotation-1\.json does not follow the issuer's first key"):
        turn(folder, 1)


def test_a_folder_without_keys_is_told(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="No such file"):
        turn(tmp_path)
    with pytest.raises(AzlicError, match=r"none/issuer\.pem cannot be read: No such file"):
        turn(tmp_path / "none")


def test_a_rotation_killed_at_any_step_leaves_a_folder_that_works(tmp_path: Path) -> None:
    made, work = tmp_path / "made", tmp_path / "work"
    create_issuer_keys(made)
    turn(made)

    def begin() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(made, work)

    last = key_id(issuer_signer(made))
    steps = 0
    for _ in die_at_every_step(begin, lambda: turn(work, 10)):
        steps += 1
        signs = key_id(issuer_signer(work))
        assert (signs == last) is (len(rotation_documents(work)) == 1)
        assert seal(b"{}", "any", issuer_signer(work))
        turn(work, 20)
        assert own_chain(work).version == len(rotation_documents(work))
        assert own_chain(work).keys[-1].key_id == key_id(issuer_signer(work))
    assert steps > 15


def test_a_key_made_elsewhere_is_rotated_to_by_its_uri(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    create_issuer_keys(elsewhere)
    (folder / "issuer-1.pem").write_bytes((elsewhere / PUBLIC).read_bytes())
    (folder / "issuer-key-1.uri").write_text(f"file2:{elsewhere / 'issuer-key.pem'}\n")
    turn(folder)
    assert key_id(issuer_signer(folder)) == issuer_id(elsewhere)
    assert not (folder / "issuer-key-1.pem").exists()
    turn(folder, 1)
    assert own_chain(folder).version == 2
