"""Revocation lists and clock resets, from the issuer's tables to the operator's trust store."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from licensing.core.errors import AzlicError, BadCall
from licensing.core.instants import iso
from licensing.db.database import reading, writing
from licensing.issuer import statements as issuer_statements
from licensing.issuer import tables as issuer_tables
from licensing.issuer.keys import PUBLIC
from licensing.issuer.rotation import rotate
from licensing.issuer.statements import sign_clock_reset, sign_revocations
from licensing.trust.clock_reset import parse_clock_reset
from licensing.trust.revocations import RevocationList
from licensing.trust.updating import update_trust
from tests.licensing.vendor import DAY, START
from tests.site import Site

MANY = 4000  # entries of this size fit into a list, and twice as many do not


@pytest.fixture
def keys(site: Site) -> Path:
    return site.public_key.parent


@pytest.fixture
def issuer(site: Site) -> Iterator[Engine]:
    """The issuer's store, with one license in its book."""
    site.add_resource()
    yield site.issuer_store


def license_id(issuer: Engine) -> str:
    with reading(issuer) as connection:
        return str(connection.execute(select(issuer_tables.ResourceContainerRow.license_id)).scalar_one())


def revoke(issuer: Engine, up_to_serial: int | None = None, times: int = 1) -> None:
    row = {
        "license_id": license_id(issuer),
        "up_to_serial": up_to_serial,
        "reason": "stolen",
        "revoked_at": iso(START),
    }
    with writing(issuer) as connection:
        connection.execute(insert(issuer_tables.RevocationRow), [row] * times)


def sign(issuer: Engine, keys: Path, days: float = 0) -> tuple[RevocationList, bytes]:
    return sign_revocations(issuer, keys, now=START + days * DAY, actor="anna")


def audited(issuer: Engine) -> list[tuple[str, str, str]]:
    line = issuer_tables.AuditLineRow
    with reading(issuer) as connection:
        rows = connection.execute(select(line.actor, line.action, line.subject).order_by(line.number))
        return [(row.actor, row.action, row.subject) for row in rows if row.action in ("revocations", "clock-reset")]


def test_what_the_issuer_revokes_the_operator_refuses(site: Site, issuer: Engine, keys: Path) -> None:
    revoke(issuer, up_to_serial=3)
    revoke(issuer)
    signed, content = sign(issuer, keys)
    (site.folder / "list.json").write_bytes(content)
    update_trust(site.trust, [site.folder / "list.json"], as_of=START)
    (held,) = site.trust.load().issuers.values()
    assert held.revocations == signed
    assert [entry.up_to_serial for entry in signed.licenses] == [3, None]
    assert signed.revoking(license_id(issuer), 99)


def test_an_empty_list_is_signed_too(issuer: Engine, keys: Path) -> None:
    signed, _ = sign(issuer, keys)
    assert (signed.number, signed.licenses, signed.next_update) == (1, (), START + 90 * DAY)


def test_numbers_rise_and_every_list_is_in_the_book_and_in_the_audit_log(issuer: Engine, keys: Path) -> None:
    lists = [sign(issuer, keys, days) for days in (0, 1, 2)]
    assert [signed.number for signed, _ in lists] == [1, 2, 3]
    with reading(issuer) as connection:
        book = connection.execute(select(issuer_tables.RevocationListRow.digest)).scalars().all()
    assert book == [hashlib.sha256(content).digest() for _, content in lists]
    assert audited(issuer) == [("anna", "revocations", f"list {number}") for number in (1, 2, 3)]


def test_no_number_is_given_twice(issuer: Engine, keys: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        lists = list(pool.map(lambda _: sign(issuer, keys), range(12)))
    assert sorted(signed.number for signed, _ in lists) == list(range(1, 13))


def test_a_list_that_cannot_be_signed_takes_no_number(
    issuer: Engine, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(issuer_statements, "note", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sign(issuer, keys)
    assert sign(issuer, keys)[0].number == 1


def test_a_list_that_no_trust_store_would_take_is_not_signed(issuer: Engine, keys: Path) -> None:
    revoke(issuer, up_to_serial=10**9, times=MANY)
    assert len(sign(issuer, keys)[1]) < RevocationList.limit
    revoke(issuer, up_to_serial=10**9, times=MANY)
    with pytest.raises(AzlicError, match="larger than 1048576 bytes"):
        sign(issuer, keys)
    assert len(audited(issuer)) == 1


def test_after_a_rotation_the_new_key_signs_lists_and_resets_in_the_issuers_name(
    site: Site, issuer: Engine, keys: Path
) -> None:
    first, _ = sign(issuer, keys)
    files = [rotate(keys, now=START, reason="stolen", withdraw_old=True), site.folder / "list.json"]
    second, content = sign(issuer, keys, 1)
    files[1].write_bytes(content)
    update_trust(site.trust, files, as_of=START + DAY)
    held = site.trust.load()
    assert first.issuer == second.issuer == next(iter(held.issuers))
    _, reset = sign_clock_reset(issuer, keys, instant=START, reason="x", site=None, now=START + DAY, actor="anna")
    assert parse_clock_reset(reset, held).instant == START


def test_a_clock_reset_is_signed_noted_and_read(site: Site, issuer: Engine, keys: Path) -> None:
    reset, content = sign_clock_reset(
        issuer, keys, instant=START, reason="clock in 2062", site="plant-7", now=START + DAY, actor="anna"
    )
    assert parse_clock_reset(content, site.trust.load()) == reset
    assert (reset.site, reset.instant, reset.issued_at) == ("plant-7", START, START + DAY)
    assert audited(issuer) == [("anna", "clock-reset", reset.reset_id)]


@pytest.mark.parametrize(("reason", "where"), [("", None), ("a\nb", None), ("fine", "a\nb")])
def test_a_clock_reset_says_why_and_where_in_one_line(
    issuer: Engine, keys: Path, reason: str, where: str | None
) -> None:
    with pytest.raises(BadCall):
        sign_clock_reset(issuer, keys, instant=START, reason=reason, site=where, now=START, actor="anna")
    assert audited(issuer) == []


def test_without_the_key_nothing_is_signed(issuer: Engine, keys: Path) -> None:
    (keys / PUBLIC).unlink()
    with pytest.raises(AzlicError, match=r"issuer\.pem cannot be read"):
        sign(issuer, keys)
