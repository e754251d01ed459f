"""Ed25519 key pairs: made for an issuer or a site, read from PEM files."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey

from licensing.core.errors import AzlicError
from licensing.core.files import FileTooLarge, read_capped, read_file, write_new
from licensing.core.text import command_word

MAX_KEY_BYTES = 8 * 1024


def create_key_pair(private_path: Path, public_path: Path) -> SSlibKey:
    """Make a new Ed25519 key pair: the private half 0600 (PKCS 8), the public half 0644 (SubjectPublicKeyInfo).

    A private half without its public one was left by a run that broke off in between: its public half is written then.
    Whoever calls it holds the folder. Raises ``AzlicError`` when both are there already, or the public one alone: a key
    is never overwritten.
    """
    if private_path.exists() and not public_path.exists():
        key = _public_half(private_path)
        write_new(public_path, public_pem(key), mode=0o644)
        return key
    signer = CryptoSigner.generate_ed25519()
    write_new(private_path, signer.private_bytes, mode=0o600)
    try:
        write_new(public_path, public_pem(signer.public_key), mode=0o644)
    except AzlicError:
        private_path.unlink()  # our own, a moment old, and good for nothing without its other half
        raise
    return signer.public_key


def _public_half(private_path: Path) -> SSlibKey:
    try:
        key = load_pem_private_key(read_capped(private_path, MAX_KEY_BYTES), None)
        if isinstance(key, Ed25519PrivateKey):
            return SSlibKey.from_crypto(key.public_key())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise AzlicError(
        f"{private_path} exists already, and is not one of our keys",
        hint="a key is never overwritten; choose another folder or move it away",
    )


def load_signer(private_path: Path, public_path: Path, *, made_by: str = "azlic issuer init") -> Signer:
    """Open the signing key behind ``private_path``; ``made_by`` is the command that makes one.

    In place of ``NAME.pem`` there may be a file ``NAME.uri``: where an HSM or a key service holds the key, in the words
    of securesystemslib. Raises ``AzlicError`` when it is missing, not ours to read, or readable by others.
    """
    public_key = load_public_key(public_path)
    uri_path = private_path.with_suffix(".uri")
    if uri_path.exists() and not private_path.exists():
        return _signer_elsewhere(uri_path, public_path, public_key)
    try:
        if private_path.stat().st_mode & 0o077:
            raise AzlicError(
                f"the signing key {private_path} is open to other users",
                hint=f"chmod 600 {command_word(str(private_path))}",
            )
        # not through a file2: URI: it would cut a path at its first "?" or "#"
        return CryptoSigner(load_pem_private_key(read_capped(private_path, MAX_KEY_BYTES), None), public_key)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AzlicError(
            f"the signing key {private_path} cannot be used: {os.strerror(error.errno)}"
            if isinstance(error, OSError) and error.errno
            else f"the signing key {private_path} is not the private half of {public_path}",
            hint=f"run the command as the user who owns the key, or make one with: {made_by}",
        ) from error


def _signer_elsewhere(uri_path: Path, public_path: Path, public_key: SSlibKey) -> Signer:
    """The signer behind a URI, once a signature of its has been checked: it may be another key's."""
    try:
        uri = read_capped(uri_path, MAX_KEY_BYTES).decode().strip()
        signer = Signer.from_priv_key_uri(uri, public_key)
        public_key.verify_signature(signer.sign(b"azlic"), b"azlic")
    except Exception as error:  # each service has its own, and their texts may hold more than they should
        said = str(error) if isinstance(error, UnsupportedLibraryError) else type(error).__name__
        raise AzlicError(
            f"the signing key that {uri_path} names cannot be used: {said}",
            hint=f"check the URI, that its service answers, and that {public_path} is its public half, of Ed25519",
        ) from error
    return signer


def load_public_key(path: Path) -> SSlibKey:
    """Read an Ed25519 public key from a PEM file.

    Raises ``AzlicError`` for anything else, a private key among them.
    """
    try:
        content = read_file(path, MAX_KEY_BYTES, "the public key")
        if b"PRIVATE KEY-----" in content:
            raise _a_private_key(path)
        key = load_pem_public_key(content)
    except (FileTooLarge, ValueError, UnsupportedAlgorithm) as error:
        raise _not_a_public_key(path) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _not_a_public_key(path)
    return SSlibKey.from_crypto(key)


def public_key_from(raw: bytes) -> SSlibKey:
    """The Ed25519 public key of these 32 bytes."""
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(raw))


def raw_public_key(key: Key) -> bytes:
    """The 32 bytes of an Ed25519 public key."""
    return bytes.fromhex(key.keyval["public"])


def _not_a_public_key(path: Path) -> AzlicError:
    return AzlicError(
        f"{path} is not an Ed25519 public key in PEM form",
        hint="ask the issuer for the file that `azlic issuer init` names as the public key",
    )


def _a_private_key(path: Path) -> AzlicError:
    return AzlicError(
        f"{path} is not an Ed25519 public key but a PRIVATE key, which must never travel",
        hint="ask the issuer for the public key; whoever has this file can sign in the issuer's name,"
        " so tell the issuer that its private key has leaked",
    )


def public_pem(key: SSlibKey) -> bytes:
    """The PEM file of a public key."""
    raw = Ed25519PublicKey.from_public_bytes(raw_public_key(key))
    return raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
