"""The issuer brings in a new key: made, signed for by the old one and by itself, and used from then on.

1. the new key's halves are written     nothing names them yet; a rotation that ends here is begun again with another
2. the document is signed by both, and followed as an operator would follow it
3. the document is written whole        from here on the new key signs
"""

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from securesystemslib.signer import Signer

from licensing.core.errors import BadCall
from licensing.core.files import write_whole
from licensing.core.folder_lock import holding_folder
from licensing.core.instants import iso
from licensing.core.validation_messages import first_fault
from licensing.issuer.keys import PUBLIC, check_key_folder, halves, issuer_signer, rotation_document, rotation_documents
from licensing.signing.envelope import seal
from licensing.signing.keys import create_key_pair, load_public_key, load_signer
from licensing.trust.chains import read, walk
from licensing.trust.keys import TrustedKey
from licensing.trust.rotation import KeyChain, Rotation, RotationKey
from licensing.trust.statement import BadStatement, outer_form

ROTATION_DAYS = 1095
OVERLAP = timedelta(days=1)
"""How long the old key stays valid, unless stated otherwise: time to restart the license server."""


def rotate(
    folder: Path,
    *,
    now: datetime,
    reason: str,
    valid: timedelta = timedelta(days=ROTATION_DAYS),
    old_key_until: datetime | None = None,
    withdraw_old: bool = False,
) -> Path:
    """Make the issuer's next key and sign the rotation to it; returns the document, which stays in the key folder.

    Older keys go on until ``old_key_until``, or the end that they had: what they signed before it stays good. With
    ``withdraw_old`` nothing that they signed is valid any longer.
    Raises ``AzlicError`` when the folder's keys cannot be used, ``BadCall`` for dates that do not fit each other.
    """
    if old_key_until is not None and old_key_until <= now:
        raise BadCall(
            f"the old key cannot stay valid until {iso(old_key_until)}: that is in the past",
            hint="give a future date, or --withdraw-old if nothing it signed is to remain valid",
        )
    check_key_folder(folder)
    with holding_folder(folder):
        chain = own_chain(folder)
        old, new = issuer_signer(folder), _new_key(folder, chain.version + 1)
        issued_at = now.replace(microsecond=0)
        kept = () if withdraw_old else chain.keys
        try:
            ends = [known.not_after or old_key_until or issued_at + OVERLAP for known in kept]
            older = [RotationKey.of(known.key, known.not_before, end) for known, end in zip(kept, ends, strict=True)]
            rotation = Rotation(
                issuer=chain.issuer,
                version=chain.version + 1,
                issued_at=issued_at,
                expires_at=issued_at + valid,
                keys=(*older, RotationKey.of(new.public_key, issued_at, None)),
                reason=reason,
            )
            content = seal(rotation.to_bytes(), Rotation.payload_type, old, new)
            chain.follow(outer_form(content, Rotation), folder)
        except ValidationError as error:
            raise _failure(first_fault(error)[1]) from error
        except BadStatement as error:
            raise _failure(str(error)) from error
        target = rotation_document(folder, rotation.version)
        write_whole(target, content, mode=0o644)
    return target


def own_chain(folder: Path) -> KeyChain:
    """The issuer's own chain, followed as an operator would. Raises ``AzlicError`` when it does not hold."""
    key = load_public_key(folder / PUBLIC)
    documents = {version: read(path, Rotation) for version, path in enumerate(rotation_documents(folder), start=1)}
    chains, broken = walk(TrustedKey(folder / PUBLIC, key, key.keyid), documents)
    if broken:
        raise broken
    return chains[-1]


def _new_key(folder: Path, version: int) -> Signer:
    private, public = halves(folder, version)
    if not private.with_suffix(".uri").exists():  # else it was made where it will stay
        for left in (private, public):  # by a rotation that did not come to its document: nobody knows of it
            left.unlink(missing_ok=True)
        create_key_pair(private, public)
    return load_signer(private, public)


def _failure(words: str) -> BadCall:
    return BadCall(f"the rotation was not made: {words}", hint="check the dates, the reason and this machine's clock")
