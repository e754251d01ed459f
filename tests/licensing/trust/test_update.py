"""What a trust store takes and what it refuses; the cases are those of python-tuf's test_updater_top_level_update."""

import json
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest
from securesystemslib.signer import CryptoSigner

from licensing.core.errors import AzlicError
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal
from licensing.trust.clock_reset import parse_clock_reset
from licensing.trust.held import Held
from licensing.trust.revocations import MAX_REVOCATIONS_BYTES
from licensing.trust.statement import RefusedStatement
from licensing.trust.store import TrustStore
from licensing.trust.updating import TrustUpdate, update_trust
from tests.licensing.sudden_death import die_at_every_step, fill_the_disk_at_every_step
from tests.licensing.vendor import DAY, LICENSE_ID, START, Vendor
from tests.site import a_license

NOW = START + 10 * DAY


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "trust.d")


@pytest.fixture
def vendor(tmp_path: Path, store: TrustStore) -> Vendor:
    """An issuer whose anchor the store holds."""
    vendor = Vendor(tmp_path / "vendor", store)
    vendor.anchor()
    return vendor


@pytest.fixture
def other(tmp_path: Path, store: TrustStore) -> Vendor:
    """Another issuer, which nobody trusts yet."""
    return Vendor(tmp_path / "other", store)


def take(store: TrustStore, *files: Path, at: datetime = NOW) -> list[TrustUpdate]:
    return update_trust(store, list(files), as_of=at)


def refusal(store: TrustStore, *files: Path, at: datetime = NOW) -> str:
    """Why it was refused; nothing in the store has changed then."""
    before = contents(store)
    with pytest.raises(RefusedStatement) as refused:
        take(store, *files, at=at)
    assert contents(store) == before
    assert refused.value.exit_status == 1
    return refused.value.message


def contents(store: TrustStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.iterdir()}


def ids(held: Held) -> set[str]:
    return {known.key_id for known in held.keys}


def key_ids(vendor: Vendor, *numbers: int) -> set[str]:
    return {vendor.keys[n].public_key.keyid for n in numbers}


def test_a_chain_of_three_rotations_is_taken_in_any_order(store: TrustStore, vendor: Vendor) -> None:
    files = [vendor.rotation(version) for version in (3, 1, 2)]
    taken = take(store, *files)
    assert [(one.statement.issuer, one.new) for one in taken] == [(vendor.issuer, True)] * 3
    held = store.load()
    assert ids(held) == key_ids(vendor, 2, 3) and held.unusable == ()
    assert held.issuers[vendor.issuer].rotation_number == 3
    assert {known.issuer for known in held.keys} == {vendor.issuer}
    assert {known.path.name for known in held.keys} == {f"{vendor.issuer}.rotation-3.json"}


def test_a_chain_grows_from_one_update_to_the_next(store: TrustStore, vendor: Vendor) -> None:
    for version in (1, 2, 3):
        assert [one.new for one in take(store, vendor.rotation(version))] == [True]
    assert ids(store.load()) == key_ids(vendor, 2, 3)


def test_the_same_files_again_change_nothing(store: TrustStore, vendor: Vendor) -> None:
    files = [vendor.rotation(1), vendor.rotation(2), vendor.revocations(2, 1)]
    take(store, *files)
    before = contents(store)
    written_anew = [vendor.file(file.read_bytes() + b"\n") for file in files]
    assert {one.new for one in take(store, *files) + take(store, *written_anew)} == {False}
    assert contents(store) == before


def test_new_root_nonconsecutive_version(store: TrustStore, vendor: Vendor) -> None:
    assert "rotation 1 of issuer" in refusal(store, vendor.rotation(2))
    take(store, vendor.rotation(1))
    assert "rotation 2 of issuer" in (said := refusal(store, vendor.rotation(3))) and "is missing" in said


def test_root_incorrectly_signed_by_the_old_key(store: TrustStore, vendor: Vendor) -> None:
    assert "is not signed by any key that may sign it" in refusal(store, vendor.rotation(1, 1))
    assert "is not signed by any key that may sign it" in refusal(store, vendor.rotation(1, 1, 2))


def test_intermediate_root_incorrectly_signed(store: TrustStore, vendor: Vendor) -> None:
    files = [vendor.rotation(1), vendor.rotation(2, 2, 3), vendor.rotation(3)]
    assert f"{files[1]} does not follow rotation 1" in refusal(store, *files)


def test_new_root_not_signed_by_new_key(store: TrustStore, vendor: Vendor) -> None:
    said = refusal(store, vendor.rotation(1, 0))
    assert f"not signed by key {vendor.keys[1].public_key.keyid[:12]}, which it introduces" in said


def test_a_key_that_was_withdrawn_and_comes_back_has_to_sign_again(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1), vendor.rotation(2, keys=[vendor.entry(2)]))
    assert "which it introduces" in refusal(store, vendor.rotation(3, 2, keys=[vendor.entry(1), vendor.entry(2)]))
    take(store, vendor.rotation(3, 2, 1, keys=[vendor.entry(1), vendor.entry(2)]))


def test_an_expired_intermediate_root_is_fine_and_an_expired_last_one_is_refused(
    store: TrustStore, vendor: Vendor
) -> None:
    short = vendor.rotation(1, expires_at=START + 2 * DAY)
    assert "expired at 2026-03-03T08:00:00Z" in refusal(store, short)
    take(store, short, vendor.rotation(2))
    assert ids(store.load()) == key_ids(vendor, 1, 2)


def test_the_last_root_is_good_up_to_the_instant_of_its_expiry(store: TrustStore, vendor: Vendor) -> None:
    file = vendor.rotation(1, expires_at=NOW)
    assert "expired" in refusal(store, file)
    take(store, file, at=NOW - DAY)


def test_root_version_rollback_leaves_the_newer_one_there(store: TrustStore, vendor: Vendor) -> None:
    files = [vendor.rotation(version) for version in (1, 2, 3)]
    take(store, *files)
    assert [one.new for one in take(store, files[0])] == [False]
    assert store.load().issuers[vendor.issuer].rotation_number == 3


def test_a_second_rotation_of_the_same_version_is_refused(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1), vendor.rotation(2))
    assert "differs from the rotation 1" in refusal(store, vendor.rotation(1, reason="another"))
    assert "differs from the rotation 2" in refusal(store, vendor.rotation(2, reason="another"))


def test_two_rotations_of_the_same_version_at_once_are_refused(store: TrustStore, vendor: Vendor) -> None:
    assert "are both rotation 1" in refusal(store, vendor.rotation(1), vendor.rotation(1, reason="another"))


def test_a_retired_key_brings_in_no_other_whatever_date_its_thief_writes(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1))  # key 0 stays a day beside key 1
    stolen = vendor.rotation(2, 0, 3, issued_at=START + 1.5 * DAY, keys=[vendor.entry(3)])
    assert "is not signed by any key that may sign it" in refusal(store, stolen)


def test_where_every_key_has_an_end_the_one_that_ends_last_brings_in_the_next(
    store: TrustStore, vendor: Vendor
) -> None:
    take(store, vendor.rotation(1, keys=[vendor.entry(0, None, START + 3 * DAY), vendor.entry(1, None, NOW)]))
    assert "is not signed by any key that may sign it" in refusal(store, vendor.rotation(2, 0, 2))
    take(store, vendor.rotation(2))


def test_a_rotation_from_after_its_keys_end_is_refused(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1, keys=[vendor.entry(1, None, START + 1.5 * DAY)]))
    assert "when the key that signed it was not in force" in refusal(store, vendor.rotation(2))


def test_a_rotation_from_before_the_one_that_it_follows_is_refused(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1, keys=[vendor.entry(1)]))
    assert "issued before the rotation that it follows" in refusal(store, vendor.rotation(2, issued_at=START))


def test_a_rotation_of_an_issuer_without_an_anchor_is_refused(store: TrustStore, vendor: Vendor, other: Vendor) -> None:
    assert "for which the trust store has no anchor" in refusal(store, vendor.rotation(1), other.rotation(1))


def test_a_statement_in_another_issuers_name_is_refused(store: TrustStore, vendor: Vendor, other: Vendor) -> None:
    other.anchor()
    assert "is not signed by any key that may sign it" in refusal(store, other.rotation(1, issuer=vendor.issuer))
    assert "is not signed by any key that may sign it" in refusal(store, other.revocations(1, issuer=vendor.issuer))


@pytest.mark.parametrize("kind", ["rotation-1", "revocations"])
def test_a_statement_in_another_issuers_place_is_not_believed(store: TrustStore, vendor: Vendor, kind: str) -> None:
    make = vendor.rotation if kind == "rotation-1" else vendor.revocations
    (store.folder / f"{vendor.issuer}.{kind}.json").write_bytes(make(1, issuer="0" * 64).read_bytes())
    assert "it is of another issuer, 000000000000" in store.load().unusable[0].message


def test_two_issuers_move_on_in_one_update(store: TrustStore, vendor: Vendor, other: Vendor) -> None:
    other.anchor()
    take(store, vendor.rotation(1), other.rotation(1), other.revocations(2, 1))
    assert ids(store.load()) == key_ids(vendor, 0, 1) | key_ids(other, 0, 1)


def test_of_one_good_and_one_bad_file_none_is_taken(store: TrustStore, vendor: Vendor) -> None:
    refusal(store, vendor.rotation(1), vendor.revocations(1, 3))


def test_a_revocation_list_is_taken_and_revokes(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.revocations(1))
    revocations = store.load().issuers[vendor.issuer].revocations
    assert revocations is not None
    assert [bool(revocations.revoking(LICENSE_ID, serial)) for serial in (1, 3, 4)] == [True, True, False]


def test_a_newer_revocation_list_takes_the_place_of_the_older(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.revocations(3), vendor.revocations(2))
    assert store.load().issuers[vendor.issuer].revocations_number == 3
    take(store, vendor.revocations(7))
    assert store.load().issuers[vendor.issuer].revocations_number == 7


def test_an_older_revocation_list_is_refused(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.revocations(5))
    assert "is revocation list 4, older than 5" in refusal(store, vendor.revocations(4))


def test_an_equal_revocation_list_changes_nothing_and_another_of_its_number_is_refused(
    store: TrustStore, vendor: Vendor
) -> None:
    take(store, vendor.revocations(5))
    assert [one.new for one in take(store, vendor.revocations(5))] == [False]
    assert "differs from the revocation list 5" in refusal(store, vendor.revocations(5, licenses=[]))


def test_a_list_signed_by_another_issuers_key_is_refused(store: TrustStore, vendor: Vendor, other: Vendor) -> None:
    other.anchor()
    vendor.keys[3] = other.keys[0]
    assert "is not signed by any key that may sign it" in refusal(store, vendor.revocations(1, 3))


def test_a_list_may_be_signed_by_any_key_in_force_and_by_none_out_of_it(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1))  # key 0 up to START + 2 days, key 1 from START + 1 day
    assert "not in force" in refusal(store, vendor.revocations(2, 0))
    assert "not in force" in refusal(store, vendor.revocations(2, 1, issued_at=START))
    take(store, vendor.revocations(1, 0))
    take(store, vendor.revocations(2, 1))


def test_a_list_of_a_withdrawn_key_goes_with_it_and_a_new_one_has_to_come_along(
    store: TrustStore, vendor: Vendor
) -> None:
    take(store, vendor.revocations(1000, issued_at=START, licenses=[]))  # the thief's: it takes nothing back
    withdrawing = vendor.rotation(1, keys=[vendor.entry(1)])
    assert "rotation 1 withdraws the key that signed list 1000: give" in refusal(store, withdrawing)
    take(store, withdrawing, vendor.revocations(6, 1))  # TUF's fast_forward_recovery
    assert store.load().issuers[vendor.issuer].revocations_number == 6


def test_an_overdue_list_is_better_than_none(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.revocations(1), at=START + 1000 * DAY)
    revocations = store.load().issuers[vendor.issuer].revocations
    assert revocations is not None
    assert [revocations.stale(START + days * DAY) for days in (91, 91.1)] == [False, True]


WRONG: dict[str, Callable[[Vendor], bytes]] = {
    "a license": lambda vendor: seal(a_license().to_bytes(), LICENSE_TYPE, vendor.keys[0]),
    "a clock reset": lambda vendor: vendor.clock_reset().read_bytes(),
    "a rotation under the license's type": lambda vendor: retyped(vendor.rotation(1), LICENSE_TYPE),
    "a text": lambda _: b"hello",
    "nothing": lambda _: b"",
    "a public key": lambda vendor: vendor.anchor_file.read_bytes(),
    "too large for any": lambda _: b" " * (MAX_REVOCATIONS_BYTES + 1),
    "a rotation too large for one": lambda vendor: vendor.rotation(1).read_bytes() + b" " * MAX_ENVELOPE_BYTES,
}


def retyped(file: Path, payload_type: str) -> bytes:
    return json.dumps(json.loads(file.read_bytes()) | {"payloadType": payload_type}).encode()


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_statement_is_refused(store: TrustStore, vendor: Vendor, case: str) -> None:
    assert refusal(store, vendor.file(WRONG[case](vendor)))


@pytest.mark.parametrize(
    "payload",
    [b"{}", b"[]", b"1", b"{", b'{"issuer":"x","version":true}', b'{"issuer":1}', b'{"issuer":"x","version":0}'],
)
def test_a_statement_that_does_not_say_whose_it_is_is_refused(
    store: TrustStore, vendor: Vendor, payload: bytes
) -> None:
    signed = seal(payload, "application/vnd.azlic.rotation.v1+json", vendor.keys[0])
    assert "names no issuer and version" in refusal(store, vendor.file(signed))


def test_a_rotation_is_no_revocation_list_though_it_is_named_so(store: TrustStore, vendor: Vendor) -> None:
    (store.folder / f"{vendor.issuer}.revocations.json").write_bytes(vendor.rotation(1).read_bytes())
    assert "document of another type" in store.load().unusable[0].message
    assert store.load().keys == ()


def test_a_retyped_statement_no_longer_fits_its_signature(store: TrustStore, vendor: Vendor) -> None:
    file = vendor.file(retyped(vendor.revocations(1), "application/vnd.azlic.clock-reset.v1+json"))
    with pytest.raises(RefusedStatement, match="is not signed by any key that may sign it"):
        parse_clock_reset(file.read_bytes(), store.load())


def test_trusted_root_missing_takes_the_chain_with_it(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1), vendor.revocations(1))
    (store.folder / "vendor-0.pem").unlink()
    assert store.load() == ((), (), {}, {})
    assert "has no anchor" in refusal(store, vendor.rotation(2))


@pytest.mark.parametrize("lost", [1, 2])
def test_a_missing_intermediate_breaks_the_chain(store: TrustStore, vendor: Vendor, lost: int) -> None:
    take(store, *(vendor.rotation(version) for version in (1, 2, 3)))
    (store.folder / f"{vendor.issuer}.rotation-{lost}.json").unlink()
    held = store.load()
    assert (held.keys, dict(held.issuers)) == ((), {})
    assert f"rotation {lost} of issuer {vendor.issuer[:12]} is missing" in held.unusable[0].message


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_a_broken_rotation_trusts_no_key_for_it_may_have_withdrawn_one(
    store: TrustStore, vendor: Vendor, broken: int
) -> None:
    files = [vendor.rotation(version) for version in (1, 2, 3)]
    take(store, *files)
    path = store.folder / f"{vendor.issuer}.rotation-{broken}.json"
    path.write_bytes(path.read_bytes()[:-40])
    held = store.load()
    assert held.keys == () and str(path) in held.unusable[0].message
    take(store, *files)  # mends it
    assert ids(store.load()) == key_ids(vendor, 2, 3)


def test_a_broken_revocation_list_trusts_no_key_until_it_is_mended(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.revocations(1))
    path = store.folder / f"{vendor.issuer}.revocations.json"
    path.write_bytes(b"torn")
    held = store.load()
    assert held.keys == () and str(path) in held.unusable[0].message
    assert str(path) in refusal(store, vendor.rotation(1))
    take(store, vendor.revocations(1))
    assert store.load().issuers[vendor.issuer].revocations_number == 1


def test_a_file_of_any_size_in_the_trust_store_is_read_no_further_than_its_limit(
    store: TrustStore, vendor: Vendor
) -> None:
    (store.folder / f"{vendor.issuer}.rotation-1.json").write_bytes(b" " * (MAX_ENVELOPE_BYTES + 1))
    held = store.load()
    assert held.keys == () and "rotation-1.json is larger than 65536 bytes" in held.unusable[0].message


def test_one_issuers_broken_chain_leaves_the_other_alone(store: TrustStore, vendor: Vendor, other: Vendor) -> None:
    other.anchor()
    (store.folder / f"{vendor.issuer}.rotation-1.json").write_bytes(b"torn")
    held = store.load()
    assert ids(held) == key_ids(other, 0) and len(held.unusable) == 1
    assert set(held.issuers) == {other.issuer}


def test_a_key_of_a_chain_that_is_an_anchor_too_keeps_to_its_chain(store: TrustStore, vendor: Vendor) -> None:
    store.add(vendor.public_key(1))
    take(store, vendor.rotation(1), vendor.revocations(1))
    held = store.load()
    assert [known.issuer for known in held.keys] == [vendor.issuer] * 2 and set(held.issuers) == {vendor.issuer}
    take(store, vendor.rotation(2, keys=[vendor.entry(2)]), vendor.revocations(2, 2))
    held = store.load()
    assert ids(held) == key_ids(vendor, 2)
    assert "vendor-1.pem is a key that issuer" in held.unusable[0].message


def test_a_withdrawn_key_is_not_trusted_again_by_hand(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1), vendor.rotation(2, keys=[vendor.entry(2)]))
    with pytest.raises(AzlicError, match="has withdrawn"):
        store.add(vendor.public_key(1))
    assert not (store.folder / "vendor-1.pem").exists()


def test_a_key_that_a_rotation_brought_in_is_trusted_already(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1))
    assert store.add(vendor.public_key(1)).issuer == vendor.issuer
    assert not (store.folder / "vendor-1.pem").exists()


def test_without_a_trust_store_there_is_nothing_to_update(store: TrustStore, other: Vendor) -> None:
    with pytest.raises(AzlicError, match=r"trust\.d cannot be used: No such file"):
        take(store, other.rotation(1))


def test_a_file_that_is_not_there_is_named(store: TrustStore, vendor: Vendor) -> None:
    with pytest.raises(AzlicError, match=r"none\.json cannot be read: No such file"):
        take(store, vendor.folder / "none.json")


def test_a_plain_store_loads_nothing_about_statements(store: TrustStore, vendor: Vendor) -> None:
    code = (
        "import sys; from pathlib import Path; from licensing.trust.store import TrustStore;"
        "TrustStore(Path(sys.argv[1])).load();"
        "print([name for name in sys.modules if name.startswith('licensing.')])"
    )
    told = subprocess.run([sys.executable, "-c", code, store.folder], check=True, capture_output=True, text=True)
    assert "licensing.trust.store'" in told.stdout
    assert not any(name in told.stdout for name in ("rotation", "revocations", "statement", "trust_chains"))


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("trouble", [die_at_every_step, fill_the_disk_at_every_step])
def test_an_update_that_breaks_off_anywhere_is_whole_or_has_not_happened(
    store: TrustStore, vendor: Vendor, other: Vendor, trouble: Callable[..., Iterator[int]], every: int
) -> None:
    other.anchor()
    files = [vendor.rotation(1, keys=[vendor.entry(1)]), vendor.rotation(2), vendor.revocations(2, 1)]
    files += [other.rotation(1), other.revocations(1, 1)]
    take(store, vendor.revocations(1))
    before, old = contents(store), said_by(store)

    def begin() -> None:
        shutil.rmtree(store.folder)
        store.folder.mkdir()
        for name, content in before.items():
            (store.folder / name).write_bytes(content)

    ends = []
    for _ in trouble(begin, lambda: take(store, *files), every):
        ends.append(said_by(store))
        take(store, *files)
        assert (ids(store.load()), store.load().unusable) == (key_ids(vendor, 1, 2) | key_ids(other, 0, 1), ())
        assert {path.name for path in store.folder.iterdir()} == {path.name for path in store.files()}
    new = said_by(store)
    committed = ends.index(new)
    assert (
        ends == [old] * committed + [new] * (len(ends) - committed) and committed * every > 10 and len(ends) > committed
    )


def said_by(store: TrustStore) -> tuple[set[str], dict[str, tuple[int, int]]]:
    """Whom a store trusts, and what each issuer said last; nothing in it may be unusable."""
    held = store.load()
    assert held.unusable == ()
    return ids(held), {name: (one.rotation_number, one.revocations_number) for name, one in held.issuers.items()}


def test_whoever_reads_during_updates_sees_one_of_them_whole(store: TrustStore, vendor: Vendor) -> None:
    vendor.keys += [CryptoSigner.generate_ed25519() for _ in range(6)]
    take(store, vendor.revocations(1))
    updates = [
        (vendor.rotation(version, keys=[vendor.entry(version)]), vendor.revocations(version + 1, version))
        for version in range(1, len(vendor.keys))
    ]
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, spawn.Pool(1) as pool:
        read = manager.Event()
        writing = pool.apply_async(take_one_by_one, (store, updates, read))
        seen = []
        while not writing.ready():
            _, said = said_by(store)
            seen.append(said[vendor.issuer])
            read.set()
        writing.get()
    assert all(rotation + 1 == revocations for rotation, revocations in seen) and len(set(seen)) > 3


def take_one_by_one(store: TrustStore, updates: list[tuple[Path, Path]], read: Event) -> None:
    """Update after update, each once somebody has begun to read since the one before, and come to the end of it."""
    for files in updates:
        for _ in range(2):  # the first may have begun before
            assert read.wait(60)
            read.clear()
        take(store, *files)


def test_the_store_is_readable_by_all_and_writable_by_its_owner(store: TrustStore, vendor: Vendor) -> None:
    take(store, vendor.rotation(1))
    assert {oct(path.stat().st_mode & 0o777) for path in store.folder.iterdir()} == {"0o644"}


def test_a_rotation_under_another_number_than_its_own_is_not_believed(store: TrustStore, vendor: Vendor) -> None:
    (store.folder / f"{vendor.issuer}.rotation-1.json").write_bytes(vendor.rotation(2, 0, 2).read_bytes())
    held = store.load()
    assert held.keys == () and "it is rotation 2, but rotation 1 comes next" in held.unusable[0].message
