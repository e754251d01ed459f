import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from licensing.document import LICENSE_TYPE, parse_license
from licensing.trust import TrustStore
from licensing.verification import verify
from tests.vectors.generate import FOLDER, LICENSE, generate

FILES = ["issuer.pem", "license.dat", "payload.json"]


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
