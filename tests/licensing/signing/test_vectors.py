import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from licensing.sealing.sealed import open_sealed
from licensing.signing.document import LICENSE_TYPE, parse_license
from licensing.trust.store import TrustStore
from licensing.verification import verify
from tests.vectors.generate import CONTENT_KEY, FOLDER, LICENSE, MODEL, MODEL_NAME, generate

FILES = ["issuer.pem", "license.dat", "model.sealed", "payload.json"]


@pytest.mark.parametrize("name", FILES)
def test_the_generator_makes_the_committed_bytes(tmp_path: Path, name: str) -> None:
    generate(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_committed_license_is_good(tmp_path: Path) -> None:
    trust = TrustStore(tmp_path / "trust.d")
    trust.add(FOLDER / "issuer.pem")
    verdict = verify(
        FOLDER / "license.dat", trust=trust, as_of=datetime(2026, 6, 1, tzinfo=UTC), container="read", version="3.2.0"
    )
    assert (verdict.status, verdict.license) == ("valid", LICENSE)


def test_the_committed_payload_is_the_license() -> None:
    assert parse_license((FOLDER / "payload.json").read_bytes()) == LICENSE


def test_the_committed_license_is_good_by_the_letter_of_the_dsse_specification_too() -> None:
    envelope = json.loads((FOLDER / "license.dat").read_bytes())
    payload = base64.b64decode(envelope["payload"], validate=True)
    assert payload == (FOLDER / "payload.json").read_bytes()
    signed = b" ".join([b"DSSEv1", b"%d" % len(LICENSE_TYPE), LICENSE_TYPE.encode(), b"%d" % len(payload), payload])
    key = load_pem_public_key((FOLDER / "issuer.pem").read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"], validate=True), signed)


def test_the_committed_sealed_file_opens_to_the_model() -> None:
    with (FOLDER / "model.sealed").open("rb") as file:
        assert b"".join(open_sealed(file, {CONTENT_KEY.id: CONTENT_KEY}, MODEL_NAME)) == MODEL


def test_the_committed_sealed_file_opens_by_the_letter_of_the_format_too() -> None:
    sealed = (FOLDER / "model.sealed").read_bytes()
    assert sealed[:8] == b"AZLSEAL\x01" and sealed[8:40] == sha256(bytes(range(32))).digest()
    body = sealed[40:]  # from here on it is Tink's: AES-GCM-HKDF streaming, SHA256, segments of 65,536 bytes
    length, salt, prefix = body[0], body[1:33], body[33:40]
    assert length == 40
    info = b"azlic sealed file 1\0eng.traineddata"
    cipher = AESGCM(HKDF(SHA256(), 32, salt, info).derive(bytes(range(32))))
    first = cipher.decrypt(prefix + b"\0\0\0\0" + b"\0", body[40:65_536], None)
    last = cipher.decrypt(prefix + b"\0\0\0\1" + b"\1", body[65_536:], None)
    assert first + last == MODEL
