"""What a site remembers about its licenses: witnesses of time, accepted serials, the numbers of signed statements.

Instants are Unix milliseconds, digests SHA-256.
"""

from sqlalchemy import BigInteger, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from licensing.db.schema import FileName, Table


class WitnessMarkRow(Table):
    """The newest instant that one kind of witness has shown, and where it was seen."""

    __tablename__ = "witness"
    kind: Mapped[str] = mapped_column(String, primary_key=True)
    instant: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String)


class AcceptedLicenseRow(Table):
    """The newest serial of a license that this site accepted, and the digest of its payload."""

    __tablename__ = "accepted_license"
    license_id: Mapped[str] = mapped_column(String, primary_key=True)
    serial: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    accepted_at: Mapped[int] = mapped_column(BigInteger)


class SeenStatementRow(Table):
    """The highest number of an issuer's statement (``rotation``, ``revocations``) that this site has seen."""

    __tablename__ = "seen_statement"
    issuer: Mapped[str] = mapped_column(String, primary_key=True)
    kind: Mapped[str] = mapped_column(String, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class ClockResetRow(Table):
    """A signed clock reset that was taken: none is taken twice."""

    __tablename__ = "clock_reset"
    reset_id: Mapped[str] = mapped_column(String, primary_key=True)
    instant: Mapped[int] = mapped_column(BigInteger)
    taken_at: Mapped[int] = mapped_column(BigInteger)


class WitnessStrikeRow(Table):
    """A witness of time that the ledger's owner took back, as it stood: it counts as ``struck_at`` from then on."""

    __tablename__ = "witness_strike"
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    instant: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String)
    struck_at: Mapped[int] = mapped_column(BigInteger)
    struck_by: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(String)


class AdoptedLicenseRow(Table):
    """A license of another maker's that azlic cannot read, by its digest, and what the operator stated about it.

    ``path`` is where it is installed. What was never stated is empty.
    """

    __tablename__ = "adopted_license"
    path: Mapped[str] = mapped_column(FileName, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(BigInteger)
    container_type: Mapped[str] = mapped_column(String)
    image: Mapped[str | None] = mapped_column(String)
    resource: Mapped[str | None] = mapped_column(String)
    downloaded_at: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    adopted_at: Mapped[int] = mapped_column(BigInteger)
    stated_by: Mapped[str] = mapped_column(String)
