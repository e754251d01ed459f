"""Inspect: whether an export is what a site signed, and what it holds, without any ledger."""

from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import Key

from usage.handover.archive import open_package
from usage.handover.errors import BadPackage, HandoverRefused, OtherForm, UnknownSigner
from usage.handover.manifest import Manifest
from usage.handover.sums import Sums
from usage.handover.verify import verify_sums
from usage.ledger.canonical import Labels


@dataclass(frozen=True, slots=True)
class Inspected:
    """An export that is sound in itself: what it says, and what its batches add up to."""

    manifest: Manifest
    key_id: str
    sums: Sums
    names: dict[int, Labels]


def inspect(path: Path, key: Key) -> Inspected:
    """Check an export with the site's public key, to the last byte: signature, members, chain, contents, sheets.

    Raises ``Refused`` with the first thing that is wrong, ``AzlicError`` where the file cannot be read.
    """
    try:
        with open_package(path) as package:
            manifest, payload = package.manifest([key])
            package.check_members(manifest)
            sums, names = verify_sums(package, manifest)
    except UnknownSigner as error:
        raise HandoverRefused(
            f"{path}: {error}", hint="name the public key of the site that wrote it: --key site.pem"
        ) from error
    except BadPackage as error:
        raise refusal(path, error) from error
    return Inspected(manifest, payload.key.keyid, sums, names)


def refusal(path: Path, error: BadPackage) -> HandoverRefused:
    """A package that is not taken, in words."""
    if isinstance(error, OtherForm):
        hint = "it is as its site signed it, so the azlic there may be newer than this one: bring this one up to date"
        return HandoverRefused(f"{path}: {error}", hint=f"{hint}, and take the same file again")
    return HandoverRefused(
        f"{path}: {error}", hint="ask the site to write the export again: azlic export gives the very same bytes"
    )
