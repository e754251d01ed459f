import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner

from licensing.core.errors import AzlicError
from licensing.signing.envelope import VerifiedPayload, parse_envelope, seal
from licensing.signing.keys import MAX_KEY_BYTES, create_key_pair, load_public_key, load_signer, public_pem
from licensing.signing.site_keys import create_site_keys, site_signer
from tests.licensing.sudden_death import die_at_every_step


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A new key pair: the private file, the public file."""
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    create_key_pair(private, public)
    return private, public


def test_the_private_half_is_closed_and_the_public_half_open(pair: tuple[Path, Path]) -> None:
    assert [stat.S_IMODE(path.stat().st_mode) for path in pair] == [0o600, 0o644]


def test_what_the_signer_signs_the_public_key_verifies(pair: tuple[Path, Path]) -> None:
    sealed = seal(b"{}", "any", load_signer(*pair))
    assert VerifiedPayload(parse_envelope(sealed), [load_public_key(pair[1])]).content == b"{}"


def not_ours(private: Path, public: Path) -> None:
    private.write_bytes(b"hello")
    public.unlink()


LEFT: dict[str, Callable[[Path, Path], None]] = {
    "both": lambda _private, _public: None,
    "a public key": lambda private, _public: private.unlink(),
    "a file that is no key": not_ours,
}


@pytest.mark.parametrize("left", LEFT)
def test_a_key_is_never_overwritten(pair: tuple[Path, Path], left: str) -> None:
    LEFT[left](*pair)
    before = {path.name: path.read_bytes() for path in pair[0].parent.iterdir()}
    with pytest.raises(AzlicError, match="exists already"):
        create_key_pair(*pair)
    assert {path.name: path.read_bytes() for path in pair[0].parent.iterdir()} == before


def test_a_pair_whose_making_broke_off_is_made_at_any_step(tmp_path: Path) -> None:
    private, public = tmp_path / "keys/key.pem", tmp_path / "keys/public.pem"

    def begin() -> None:
        shutil.rmtree(private.parent, ignore_errors=True)
        private.parent.mkdir()

    steps = 0
    for _ in die_at_every_step(begin, lambda: create_key_pair(private, public)):
        steps += 1
        made = private.read_bytes() if private.exists() else None
        if not public.exists():
            create_key_pair(private, public)
        assert made in (None, private.read_bytes()) and load_signer(private, public)
    assert steps > 8


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_an_open_signing_key_is_refused(pair: tuple[Path, Path], mode: int) -> None:
    pair[0].chmod(mode)
    with pytest.raises(AzlicError, match="open to other users") as refused:
        load_signer(*pair)
    assert refused.value.hint == f"chmod 600 {pair[0]}"


def test_a_missing_signing_key_is_named(pair: tuple[Path, Path]) -> None:
    pair[0].unlink()
    with pytest.raises(AzlicError, match=r"key\.pem cannot be used: No such file"):
        load_signer(*pair)


def pkcs8(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    closed = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, closed)


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "an RSA key": lambda: pkcs8(rsa.generate_private_key(65537, 2048)),
    "a key behind a password": lambda: pkcs8(ed25519.Ed25519PrivateKey.generate(), b"password"),
    "a text": lambda: b"not a key",
    "nothing": lambda: b"",
    "something huge": lambda: bytes(MAX_KEY_BYTES + 1),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_signing_key_that_cannot_be_used_is_refused(pair: tuple[Path, Path], case: str) -> None:
    pair[0].write_bytes(UNUSABLE[case]())
    with pytest.raises(AzlicError, match="not the private half"):
        load_signer(*pair)


def test_the_signing_key_lies_where_its_path_says_to_the_last_character(tmp_path: Path) -> None:
    folder = tmp_path / "keys #1?"
    folder.mkdir()
    create_key_pair(folder / "key.pem", folder / "public.pem")
    assert load_signer(folder / "key.pem", folder / "public.pem")


NOT_PUBLIC: dict[str, Callable[[], bytes]] = {
    "the private key": lambda: pkcs8(ed25519.Ed25519PrivateKey.generate()),
    "an RSA public key": lambda: (
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "a text": lambda: b"not a key",
    "something huge": lambda: b"-" * (MAX_KEY_BYTES + 1),
}


@pytest.mark.parametrize("case", NOT_PUBLIC)
def test_in_place_of_a_public_key_is_refused(tmp_path: Path, case: str) -> None:
    file = tmp_path / "issuer.pem"
    file.write_bytes(NOT_PUBLIC[case]())
    with pytest.raises(AzlicError, match=r"issuer\.pem is not an Ed25519 public key") as refused:
        load_public_key(file)
    assert "BEGIN" not in str(refused.value)


def test_a_private_key_is_told_that_it_must_not_travel(tmp_path: Path) -> None:
    (tmp_path / "issuer.pem").write_bytes(NOT_PUBLIC["the private key"]())
    with pytest.raises(AzlicError, match="a PRIVATE key, which must never travel"):
        load_public_key(tmp_path / "issuer.pem")


def test_of_two_who_make_a_key_at_once_one_is_refused(tmp_path: Path) -> None:
    def make(_: int) -> bool:
        try:
            create_site_keys(tmp_path)
        except AzlicError:
            return False
        return True

    for _ in range(20):
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(make, range(4))) == 1
        assert site_signer(tmp_path)
        for path in tmp_path.iterdir():
            path.unlink()


def test_a_missing_public_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match=r"issuer\.pem cannot be read: No such file"):
        load_public_key(tmp_path / "issuer.pem")


def test_a_public_key_is_written_as_it_was_read(pair: tuple[Path, Path]) -> None:
    assert public_pem(load_public_key(pair[1])) == pair[1].read_bytes()


def by_uri(pair: tuple[Path, Path], uri: str) -> tuple[Path, Path]:
    """The same pair, its private half moved to where only a URI leads."""
    moved = pair[0].rename(pair[0].with_name("moved"))
    pair[0].with_suffix(".uri").write_text(uri.format(moved=moved))
    return pair


def test_a_signing_key_may_be_where_a_uri_leads(pair: tuple[Path, Path]) -> None:
    sealed = seal(b"{}", "any", load_signer(*by_uri(pair, "file2:{moved}\n")))
    assert VerifiedPayload(parse_envelope(sealed), [load_public_key(pair[1])]).content == b"{}"


BAD_URIS = {
    "no such file": ("file2:/none", "FileNotFoundError"),
    "no such scheme": ("floppy:1", "ValueError"),
    "no URI": ("", "ValueError"),
    "a service whose library is not installed": ("hv:azlic/1", "requires hvac"),
    "too large": ("x" * (MAX_KEY_BYTES + 1), "FileTooLarge"),
    "a key that is not its": ("file2:{moved}.other", "KeyMismatch|ValueError|UnverifiedSignature"),
}


@pytest.mark.parametrize("case", BAD_URIS)
def test_a_uri_that_leads_to_no_usable_key_is_told_by_its_file(pair: tuple[Path, Path], case: str) -> None:
    uri, words = BAD_URIS[case]
    (pair[0].parent / "moved.other").write_bytes(pkcs8(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(AzlicError, match=rf"key\.uri names cannot be used: .*({words})"):
        load_signer(*by_uri(pair, uri))


def test_a_signing_key_that_lies_there_needs_no_uri(pair: tuple[Path, Path]) -> None:
    pair[0].with_suffix(".uri").write_text("floppy:1")
    assert load_signer(*pair)


def test_a_service_that_signs_with_another_key_is_found_out_at_once(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Floppy:
        @staticmethod
        def from_priv_key_uri(*_: object) -> CryptoSigner:
            return CryptoSigner.generate_ed25519()

    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "floppy", Floppy)
    with pytest.raises(AzlicError, match="cannot be used: VerificationError"):
        load_signer(*by_uri(pair, "floppy:1"))
