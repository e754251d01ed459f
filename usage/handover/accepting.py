"""Accept: head office books a site's export, once, and signs that it has.

1. package    form, manifest, an enrolled site's signature, document and members, in the steps of ``archive``
2. site       it is handed over by the site whose key signed it, from the ledger that the site had before
3. once       an export that was accepted is not booked again; the same acknowledgement is given again
4. connects   it continues from the last head seen of the site: nothing older, no gap, no fork
5. books      chain, contents and sheets are checked while everything new is booked, all in one transaction

What is refused leaves no trace in the ledger.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import Signer
from sqlalchemy import Connection, Engine, func, insert, select, update

from licensing.core.errors import AzlicError
from licensing.db.database import writing
from licensing.db.lock import holding
from licensing.history.remember import advance
from licensing.verdict.seen import WitnessKind
from usage.handover.acknowledgement import Acknowledgement
from usage.handover.archive import Package, open_package
from usage.handover.booking import SiteBooks, only_contents
from usage.handover.contents import Stored
from usage.handover.errors import BadPackage, HandoverRefused, UnknownSigner
from usage.handover.exporting import digest_of
from usage.handover.inspection import refusal
from usage.handover.manifest import RECORDS, Manifest
from usage.handover.sites import HandingSite, list_sites
from usage.handover.sums import Sums, read_series
from usage.handover.verify import check_names, check_sums, read_totals, verify_chain, verify_stored
from usage.ledger.canonical import SealedBatch
from usage.ledger.checkpoints import head_text
from usage.ledger.counts import Counts
from usage.ledger.receipt import Receipt
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.handover import AcceptedExportRow, HandingSiteRow
from usage.ledger.tables.records import SourceRow


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An export that is booked: what it says, what it brought, and the acknowledgement for the site.

    ``again`` says that it was booked before; ``receipt`` then counts nothing.
    """

    manifest: Manifest
    acknowledgement: Acknowledgement
    content: bytes
    receipt: Receipt
    late: int
    corrections: int
    again: bool


def accept(engine: Engine, path: Path, *, signer: Signer, now: datetime) -> Acceptance:
    """Book an export of an enrolled site.

    Raises ``Refused`` for one that is not trusted or does not connect, ``AzlicError`` where the file or the ledger
    cannot be used; nothing is booked then.
    """
    try:
        with open_package(path) as package, holding(engine), writing(engine) as connection:
            sites = {site.key.keyid: site for site in list_sites(connection)}
            if not sites:
                raise AzlicError(
                    "no site is enrolled at this head office",
                    hint="azlic handing-sites add NAME site.pem enrols one by its public key",
                )
            manifest, payload = package.manifest([site.key for site in sites.values()])  # 1
            package.check_members(manifest)
            site = sites[payload.key.keyid]
            _check_site(manifest, site, sites.values())  # 2
            digest, receipt, counts = digest_of(payload.content), Receipt(), Counts()
            known = connection.execute(select(AcceptedExportRow.accepted_at).where(AcceptedExportRow.digest == digest))
            accepted_at = known.scalar()  # 3
            if accepted_at is None:
                _check_connects(connection, manifest, site)  # 4
                counts = _book(connection, package, manifest, site, now=now, receipt=receipt)  # 5
                _remember(connection, manifest, site, digest, now)
            advance(connection, WitnessKind.EVALUATION, now, "accept")
    except UnknownSigner as error:
        raise HandoverRefused(
            f"{path}: {error}",
            hint="azlic handing-sites add NAME site.pem enrols a site, once its key's fingerprint was compared",
        ) from error
    except BadPackage as error:
        raise refusal(path, error) from error
    acknowledgement = Acknowledgement.of(manifest, digest, accepted_at or now)
    content = acknowledgement.sign(signer)
    again = accepted_at is not None
    return Acceptance(manifest, acknowledgement, content, receipt, counts.late, counts.corrections, again)


def _check_site(manifest: Manifest, site: HandingSite, sites: Iterable[HandingSite]) -> None:
    """The site's own name and ledger; two sites with one ledger are a machine and its copy."""
    if manifest.site != site.name:
        raise HandoverRefused(
            f"the export says it is from site {manifest.site}, but the key that signed it is enrolled for {site.name}",
            hint="set AZLIC_SITE at the site to the name it is enrolled under here",
        )
    for other in sites:
        if other.name != site.name and other.origin == manifest.origin:
            raise HandoverRefused(
                f"sites {site.name} and {other.name} hand over the same ledger, {manifest.origin}: one is a copy of the"
                " other, as on a cloned machine",
                hint=f"let {site.name} start a ledger of its own and ingest its own output folder into it",
            )
    if site.origin not in {None, manifest.origin}:
        raise HandoverRefused(
            f"site {site.name} handed over the ledger {site.origin} until now, but this is another one,"
            f" {manifest.origin}",
            hint="go back to the previous ledger; if it is lost for good, enrol the site under a new name",
        )


def _check_connects(connection: Connection, manifest: Manifest, site: HandingSite) -> None:
    """What can be seen from the ends alone; the rest shows while the chain is walked."""
    last = f"batch {site.size} with head {head_text(site.head)}"
    if manifest.last_batch < site.size:
        raise HandoverRefused(
            f"export {manifest.number} of {site.name} ends at batch {manifest.last_batch} with head"
            f" {head_text(bytes.fromhex(manifest.head))}, and {last} was seen before:"
            " the site's ledger was rolled back, or forked",
            hint="find out which of the two ledgers is the site's; nothing was booked",
        )
    if manifest.previous.size > site.size:
        newest = connection.execute(
            select(func.max(AcceptedExportRow.number)).where(AcceptedExportRow.site == site.name)
        ).scalar()
        before = f"the export that follows number {newest}" if newest else "the first export"
        raise HandoverRefused(
            f"export {manifest.number} of {site.name} begins after batch {manifest.previous.size}, and {last} is the"
            f" last one seen: batches {site.size + 1} to {manifest.previous.size} are missing",
            hint=f"accept {before} first, up to number {manifest.follows or manifest.number - 1}",
        )
    if manifest.holds != RECORDS and manifest.previous.size < site.size < manifest.last_batch:
        raise HandoverRefused(
            f"export {manifest.number} of {site.name} holds totals of batches {manifest.first_batch} to"
            f" {manifest.last_batch}, of which those up to {site.size} are booked: they cannot be separated",
            hint="at the site: azlic export --since, with the last acknowledgement's checkpoint; or --holds records",
        )


_Found = TypeVar("_Found", tuple[SealedBatch, bytes], Stored)


def _refuse_forks(batches: Iterator[_Found], manifest: Manifest, site: HandingSite) -> Iterator[_Found]:
    """The batches as they come, provided that they pass through the last head seen."""
    _check_head(bytes.fromhex(manifest.previous.head), manifest.previous.size, manifest, site)
    for found in batches:
        _check_head(found[1], found[0].sequence, manifest, site)
        yield found


def _check_head(head: bytes, size: int, manifest: Manifest, site: HandingSite) -> None:
    if size == site.size and head != site.head:
        raise HandoverRefused(
            f"export {manifest.number} of {site.name} has the head {head_text(head)} at batch {size}, and"
            f" {head_text(site.head)} was seen there before: the site's ledger forked",
            hint="find out which of the two ledgers is the site's: one was restored, copied or rewritten;"
            " nothing was booked",
        )


def _book(
    connection: Connection, package: Package, manifest: Manifest, site: HandingSite, *, now: datetime, receipt: Receipt
) -> Counts:
    books = SiteBooks(connection, site=site.name, source=_source(connection, site), now=now, receipt=receipt)
    try:
        names = read_series(package.read("series.json"))
        books.name(names)
        sums = Sums()
        if manifest.holds == RECORDS:

            def looked_at() -> Iterator[Stored]:
                for batch, head, line, contents in _refuse_forks(verify_stored(package, manifest), manifest, site):
                    check_names(batch, contents, names)
                    sums.add(batch.sequence, contents)
                    yield batch, head, line, contents

            for contents, line, head in only_contents(looked_at(), behind=site.size):
                books.take(contents, line, head)
        else:
            sums = read_totals(package, manifest)
            for _ in _refuse_forks(verify_chain(package, manifest), manifest, site):
                pass
            if manifest.last_batch > site.size:
                head = bytes.fromhex(manifest.head)
                books.take_totals(sums, origin=manifest.origin, number=manifest.number, head=head)
        check_sums(package, manifest, sums, names)
        books.finish()
    finally:
        books.close()
    return books.counts


def _source(connection: Connection, site: HandingSite) -> int:
    """The site's virtual file, made when its first export comes."""
    if site.source is not None:
        return site.source
    made = insert(SourceRow).values(path=SourceKind.EXPORT.named(site.name)).returning(SourceRow.key)
    return int(connection.execute(made).scalar_one())


def _remember(connection: Connection, manifest: Manifest, site: HandingSite, digest: bytes, now: datetime) -> None:
    source = select(SourceRow.key).where(SourceRow.path == SourceKind.EXPORT.named(site.name)).scalar_subquery()
    head = bytes.fromhex(manifest.head)
    values = {"origin": manifest.origin, "size": manifest.last_batch, "head": head, "source": source, "seen_at": now}
    connection.execute(update(HandingSiteRow).where(HandingSiteRow.site == site.name).values(values))
    accepted = {
        "digest": digest,
        "site": site.name,
        "number": manifest.number,
        "first_batch": manifest.first_batch,
        "last_batch": manifest.last_batch,
        "head": head,
        "accepted_at": now,
    }
    connection.execute(insert(AcceptedExportRow).values(accepted))
