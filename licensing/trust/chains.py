"""The chains of the trust store: each issuer's statements as they lie there, checked from its anchor on.

``ISSUER.rotation-N.json`` is rotation N of the issuer whose anchor has that key id, ``ISSUER.revocations.json`` its
newest revocation list. Nothing is trusted because it is there: all of a chain's rotations are kept, and a chain with
one that is missing or does not verify gives no trust at all.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from licensing.core.errors import AzlicError
from licensing.core.files import FileTooLarge, read_file
from licensing.trust.held import Held, TrustedIssuer
from licensing.trust.keys import TrustedKey
from licensing.trust.revocations import RevocationList
from licensing.trust.rotation import KeyChain, Rotation
from licensing.trust.statement import BadStatement, RefusedStatement, Statement, open_statement, outer_form

_NAME = re.compile(r"([0-9a-f]{64})\.(?:revocations|rotation-([1-9][0-9]{0,2}))\.json")


class Signed(NamedTuple):
    """A statement's bytes and the file they came from; nothing in it is trusted yet."""

    path: Path
    content: bytes


class Shelf(NamedTuple):
    """The statements of one issuer, as files: its rotations by version, and its revocation list."""

    rotations: Mapping[int, Path]
    revocations: Path | None


def rotation_file(issuer: str, version: int) -> str:
    """The name of a rotation document in the trust store."""
    return f"{issuer}.rotation-{version}.json"


def revocations_file(issuer: str) -> str:
    """The name of a revocation list in the trust store."""
    return f"{issuer}.revocations.json"


def shelf(issuer: str, files: Iterable[Path]) -> Shelf:
    """What is there for an issuer, by the names of the files."""
    names = [(match, path) for path in files if (match := _NAME.fullmatch(path.name)) and match[1] == issuer]
    rotations = {int(match[2]): path for match, path in names if match[2]}
    return Shelf(rotations, next((path for match, path in names if not match[2]), None))


def hold_chains(anchors: Sequence[TrustedKey], unusable: Sequence[AzlicError], files: Sequence[Path]) -> Held:
    """What a trust store holds whose issuers have stated something.

    An anchor that another chain has brought in is a link of that chain and no beginning: so its windows, its
    withdrawal and its issuer's revocations hold for it, whoever put its file there.
    """
    bad = list(unusable)
    first = {known.issuer: known for known in reversed(anchors)}
    standing: dict[str, tuple[KeyChain, RevocationList | None]] = {}
    untrusted: dict[str, Path] = {}
    for anchor in reversed(first.values()):
        try:
            standing[anchor.issuer] = _standing(anchor, shelf(anchor.issuer, files))
        except _Broken as broken:
            bad.append(broken.error)
            untrusted[anchor.issuer] = broken.path
    outer = {key_id: chain for chain, _ in standing.values() for key_id in chain.introduced - {chain.issuer}}
    for issuer in outer.keys() & first.keys():
        standing.pop(issuer, None)
    kept = [known for chain, _ in standing.values() for known in chain.keys]
    withdrawn = (outer.keys() & first.keys()) - {known.key_id for known in kept}
    bad += [_withdrawn(first[issuer], outer[issuer]) for issuer in sorted(withdrawn)]
    return Held(
        tuple(kept),
        tuple(bad),
        {
            issuer: TrustedIssuer(chain.rotation, revoked, chain.withdrawn)
            for issuer, (chain, revoked) in standing.items()
        },
        untrusted,
    )


def _withdrawn(anchor: TrustedKey, by: KeyChain) -> AzlicError:
    return AzlicError(
        f"{anchor.path} is a key that issuer {by.issuer[:12]} has withdrawn",
        hint=f"remove {anchor.path} from the trust store",
    )


class _Broken(Exception):
    """A chain that does not hold, and the file that has to be fixed first."""

    def __init__(self, path: Path, error: AzlicError) -> None:
        super().__init__(error.message)
        self.path = path
        self.error = error


@contextlib.contextmanager
def _blaming(path: Path) -> Iterator[None]:
    try:
        yield
    except AzlicError as error:
        raise _Broken(path, error) from error


def _standing(anchor: TrustedKey, stated: Shelf) -> tuple[KeyChain, RevocationList | None]:
    """The end of an issuer's chain, and its revocation list. Raises ``_Broken`` for what does not verify."""
    rotations = {}
    for version, path in stated.rotations.items():
        with _blaming(path):
            rotations[version] = read(path, Rotation)
    chain, broken = walk(anchor, rotations)
    if broken:
        raise _Broken(anchor.path.with_name(rotation_file(anchor.issuer, len(chain))), broken)
    if stated.revocations is None:
        return chain[-1], None
    with _blaming(stated.revocations):
        return chain[-1], verify_revocations(chain[-1], read(stated.revocations, RevocationList))


def walk(anchor: TrustedKey, rotations: Mapping[int, Signed]) -> tuple[list[KeyChain], RefusedStatement | None]:
    """Follow rotations from the anchor on: the chain at each version, and what ends the walk too early, if anything."""
    chains = [KeyChain(anchor.issuer, (anchor,))]
    for version in range(1, max(rotations, default=0) + 1):
        signed = rotations.get(version)
        if signed is None:
            return chains, RefusedStatement(
                f"rotation {version} of issuer {anchor.issuer[:12]} is missing, but a later one is there",
                hint="get every rotation document from the issuer, and give all of them to: azlic trust update",
            )
        try:
            chains.append(chains[-1].follow(outer_form(signed.content, Rotation), signed.path))
        except BadStatement as error:
            return chains, refusal(signed.path, f"does not follow {_before(version)}: {error}")
    return chains, None


def _before(version: int) -> str:
    return f"rotation {version - 1}" if version > 1 else "the issuer's first key"


def verify_revocations(chain: KeyChain, signed: Signed) -> RevocationList:
    """A revocation list that a key of the chain has signed. Raises ``RefusedStatement``."""
    try:
        revocations = open_statement(outer_form(signed.content, RevocationList), RevocationList, chain.keys)
        if revocations.issuer != chain.issuer:
            raise BadStatement(f"it is of another issuer, {revocations.issuer[:12]}")
    except BadStatement as error:
        raise refusal(signed.path, f"is not a valid revocation list: {error}") from error
    return revocations


def read(path: Path, kind: type[Statement]) -> Signed:
    """Read a statement's bytes, no more than its kind may have. Raises ``AzlicError`` when that cannot be done."""
    try:
        return Signed(path, read_file(path, kind.limit))
    except FileTooLarge as error:
        raise RefusedStatement(str(error), hint="it is not an issuer's statement") from error


def refusal(path: Path, words: str) -> RefusedStatement:
    """The refusal of a statement, by its file."""
    hint = "get the issuer's rotation documents and newest revocation list again, and give all to: azlic trust update"
    return RefusedStatement(f"{path} {words}", hint=hint)
