import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError, BadCall
from licensing.signing.keys import create_key_pair
from licensing.trust.store import TrustStore
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.licensing.vendor import Vendor
from tests.site import Site


def a_public_key(folder: Path, name: str = "issuer.pem") -> Path:
    folder.mkdir(exist_ok=True)
    create_key_pair(folder / f"{name}.key", folder / name)
    return folder / name


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "deep" / "trust.d")


def test_a_missing_folder_holds_no_key(store: TrustStore) -> None:
    assert store.load().keys == ()


def test_a_key_that_was_added_is_held_under_its_own_name(store: TrustStore, tmp_path: Path) -> None:
    added = store.add(a_public_key(tmp_path / "a", "vendor.pub"))
    assert store.load().keys == (added,)
    assert added.path == store.folder / "vendor.pem"
    assert stat.S_IMODE(added.path.stat().st_mode) == 0o644


def test_keys_come_in_the_order_of_their_names(store: TrustStore, tmp_path: Path) -> None:
    for name in ("c.pem", "a.pem", "b.pem"):
        store.add(a_public_key(tmp_path / "keys", name))
    held = store.load().keys
    assert [trusted.path.name for trusted in held] == ["a.pem", "b.pem", "c.pem"]


def test_the_same_key_twice_stays_one(store: TrustStore, tmp_path: Path) -> None:
    source = a_public_key(tmp_path / "a")
    first = store.add(source)
    assert store.add(source.rename(source.with_name("other.pem"))) == first
    assert store.load().keys == (first,)


def test_another_key_with_the_same_file_name_is_refused(store: TrustStore, tmp_path: Path) -> None:
    first = store.add(a_public_key(tmp_path / "a"))
    with pytest.raises(BadCall, match=r"another key as issuer\.pem"):
        store.add(a_public_key(tmp_path / "b"))
    assert store.load().keys == (first,)


def test_a_private_key_is_not_taken(store: TrustStore, tmp_path: Path) -> None:
    a_public_key(tmp_path / "a")
    with pytest.raises(AzlicError, match="is not an Ed25519 public key"):
        store.add(tmp_path / "a" / "issuer.pem.key")
    assert not store.folder.exists()


def test_a_file_that_is_no_key_is_named_beside_the_good_ones(store: TrustStore, tmp_path: Path) -> None:
    added = store.add(a_public_key(tmp_path / "a"))
    (store.folder / "broken.pem").write_text("hello")
    held = store.load()
    assert held.keys == (added,)
    (broken,) = held.unusable
    assert "broken.pem is not" in broken.message
    assert broken.hint.startswith(f"remove {store.folder / 'broken.pem'}")


def test_a_key_can_be_added_beside_a_file_that_is_none(store: TrustStore, tmp_path: Path) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / "broken.pem").write_text("hello")
    assert store.add(a_public_key(tmp_path / "a")) in store.load().keys


def test_a_file_in_place_of_the_folder_is_said_so(store: TrustStore) -> None:
    store.folder.parent.mkdir()
    store.folder.write_text("a key, perhaps")
    with pytest.raises(AzlicError, match=r"trust\.d is not a folder"):
        store.load()


def test_an_anchor_alone_is_its_own_issuer_and_has_stated_nothing(store: TrustStore, tmp_path: Path) -> None:
    added = store.add(a_public_key(tmp_path / "a"))
    assert (added.issuer, added.not_before, added.not_after) == (added.key_id, None, None)
    (stated,) = (held := store.load()).issuers.values()
    assert set(held.issuers) == {added.issuer}
    assert (stated.last_stated_at, stated.rotation_number, stated.revocations_number) == (None, 0, 0)
    assert stated.days_old(datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_other_files_are_left_alone(store: TrustStore, tmp_path: Path) -> None:
    added = store.add(a_public_key(tmp_path / "a"))
    (store.folder / "README").write_text("hello")
    (store.folder / "issuer.pem.old").write_text("hello")
    (store.folder / "notes.json").write_text("hello")
    (store.folder / f"{'0' * 64}.rotation-1.json").write_text("of an issuer without an anchor")
    assert store.load().keys == (added,)


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AzlicError, match="cannot be made") as refused:
        TrustStore(tmp_path / "file" / "trust.d").add(a_public_key(tmp_path / "a"))
    assert "--trust" in refused.value.hint


def test_nothing_inside_the_license_mount_gives_trust(site: Site, tmp_path: Path) -> None:
    stranger = Vendor(tmp_path / "stranger", site.trust)
    stranger.keys[1] = site.signer  # type: ignore[call-overload]
    site.install()
    (site.trust.folder / "issuer.pem").rename(site.license / "issuer.pem")
    stranger.anchor_file.rename(site.license / "stranger.pem")
    stranger.rotation(1).rename(site.license / f"{stranger.issuer}.rotation-1.json")
    assert (site.trust.load().keys, site.verify().status) == ((), "untrusted")


@root_only
def test_a_store_that_this_user_may_not_list_is_an_error_and_not_an_empty_store(tmp_path: Path) -> None:
    with reachable_folder() as folder:
        store = TrustStore(folder / "trust.d")
        store.add(a_public_key(tmp_path / "a"))
        store.folder.chmod(0o700)
        assert "cannot be read by user 65532: Permission denied" in as_another_user(store.load)


@root_only
def test_a_key_that_this_user_may_not_read_is_named(tmp_path: Path) -> None:
    with reachable_folder() as folder:
        store = TrustStore(folder / "trust.d")
        store.add(a_public_key(tmp_path / "a")).path.chmod(0o600)
        assert "issuer.pem cannot be read: Permission denied" in as_another_user(store.load)
