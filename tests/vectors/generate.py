"""The golden license and the golden sealed file: made from fixed keys, to the same bytes on every machine, every year.

``python -m tests.vectors.generate`` writes the files again, into its own folder unless another one is named. The keys
are known to everybody and for tests only.
"""

import base64
import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from licensing.sealing.sealed import ContentKey, seal_file
from licensing.signing.document import LICENSE_TYPE, CommittedPlan, License, LicensedContainer, LicensedResource, Quota
from licensing.signing.envelope import seal
from licensing.signing.keys import public_pem

FOLDER = Path(__file__).parent

LICENSE = License(
    license_id="01900000-0000-7000-8000-00000000cafe",
    serial=7,
    container=LicensedContainer(
        type="read",
        repositories=("azlic/read", "mcr.microsoft.com/azure-cognitive-services/vision/read"),
        version_from="3.2",
        version_below="4",
        model="2022-04-30",
    ),
    resource=LicensedResource(name="plant-read", endpoint="https://issuer.example/plant-read"),
    site="Halle 7, Österreich",
    instances=("0123456789ab", "ba9876543210"),
    issued_at=datetime(2026, 3, 1, 8, tzinfo=UTC),
    not_before=datetime(2026, 3, 1, 8, tzinfo=UTC),
    expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    grace_days=7,
    plan=CommittedPlan(
        name="read-2026",
        plan_type="Read",
        tier="T1",
        count=2,
        quota=Quota(quantity=500_000, unit="Transaction"),
        period="year",
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        ends_at=datetime(2027, 1, 1, tzinfo=UTC),
        meters=("CognitiveServices.ComputerVision.Container.Read",),
    ),
    content_keys={"image-2026": base64.b64encode(bytes(range(32))).decode()},
)

CONTENT_KEY = ContentKey(bytes(range(32)))
MODEL_NAME = "eng.traineddata"
MODEL = bytes(number * number % 251 for number in range(65_600))
"""Longer than a segment, so that the sealed file has two."""


def generate(folder: Path) -> None:
    """Write ``license.dat``, the ``issuer.pem`` that verifies it, the ``payload.json`` it carries; ``model.sealed``."""
    signer = CryptoSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    payload = LICENSE.to_bytes()
    (folder / "issuer.pem").write_bytes(public_pem(signer.public_key))
    (folder / "payload.json").write_bytes(payload)
    (folder / "license.dat").write_bytes(seal(payload, LICENSE_TYPE, signer))
    sealed = b"".join(seal_file(io.BytesIO(MODEL), CONTENT_KEY, MODEL_NAME, salt_and_prefix=bytes(range(39))))
    (folder / "model.sealed").write_bytes(sealed)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
