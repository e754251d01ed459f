"""An issuer in memory, whose statements can be as wrong as a test wants them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from licensing.signing.envelope import seal
from licensing.signing.keys import public_pem
from licensing.trust.clock_reset import ClockReset
from licensing.trust.revocations import RevocationList
from licensing.trust.rotation import Rotation, RotationKey
from licensing.trust.statement import Statement
from licensing.trust.store import TrustStore

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
LICENSE_ID = "01900000-0000-7000-8000-000000000001"


class Vendor:
    """``keys[0]`` is the anchor, ``keys[n]`` the key that rotation n brings in; a document's key stays beside it."""

    def __init__(self, folder: Path, store: TrustStore) -> None:
        self.folder = folder
        self.store = store
        self.keys = [CryptoSigner.generate_ed25519() for _ in range(4)]
        folder.mkdir()
        self.anchor_file = self.public_key(0)

    @property
    def issuer(self) -> str:
        return self.keys[0].public_key.keyid

    def anchor(self) -> None:
        self.store.add(self.anchor_file)

    def public_key(self, n: int) -> Path:
        """The public half of a key, as a file that bears this issuer's name."""
        path = self.folder / f"{self.folder.name}-{n}.pem"
        path.write_bytes(public_pem(self.keys[n].public_key))
        return path

    def entry(self, n: int, not_before: datetime | None = None, not_after: datetime | None = None) -> RotationKey:
        return RotationKey.of(self.keys[n].public_key, not_before, not_after)

    def rotation(self, version: int, *signers: int, keys: list[RotationKey] | None = None, **changes: object) -> Path:
        """Rotation ``version`` from key n - 1 to key n, a day after the one before, signed by both unless told."""
        at = START + version * DAY
        fields: dict[str, object] = {
            "issuer": self.issuer,
            "version": version,
            "issued_at": at,
            "expires_at": at + 365 * DAY,
            "keys": keys or [self.entry(version - 1, None, at + DAY), self.entry(version, at, None)],
            "reason": "yearly rotation",
        }
        return self.sign(Rotation.model_validate(fields | changes), *(signers or (version - 1, version)))

    def revocations(self, number: int, signer: int = 0, **changes: object) -> Path:
        """Revocation list ``number``, issued on that day, which takes back ``LICENSE_ID`` up to serial 3."""
        at = START + number * DAY
        entry = {"license_id": LICENSE_ID, "up_to_serial": 3, "reason": "stolen", "revoked_at": START}
        fields: dict[str, object] = {
            "issuer": self.issuer,
            "number": number,
            "issued_at": at,
            "next_update": at + 90 * DAY,
            "licenses": [entry],
        }
        return self.sign(RevocationList.model_validate(fields | changes), signer)

    def clock_reset(self, signer: int = 0, **changes: object) -> Path:
        fields: dict[str, object] = {
            "reset_id": LICENSE_ID,
            "instant": START,
            "issued_at": START + DAY,
            "reason": "the clock stood in 2062",
        }
        return self.sign(ClockReset.model_validate(fields | changes), signer)

    def sign(self, statement: Statement, *signers: int) -> Path:
        return self.file(seal(statement.to_bytes(), statement.payload_type, *(self.keys[n] for n in signers)))

    def file(self, content: bytes) -> Path:
        path = self.folder / f"statement-{len(list(self.folder.iterdir()))}.json"
        path.write_bytes(content)
        return path
