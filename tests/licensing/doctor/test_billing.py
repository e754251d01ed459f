"""The way to a billing endpoint, on real sockets: each step can fail, says at what, and nothing after it is claimed."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from licensing.db.database import reading
from licensing.doctor.billing import STEPS, Endpoint, endpoint_checks, proxy_check
from licensing.doctor.check import Check
from licensing.doctor.finding import FindingLevel
from licensing.issuer.audit import read_audit_log
from licensing.issuer.tables import DownloadRow
from tests.certificates import LATER, PAST, Authority
from tests.serving import answering
from tests.site import Site

NOW = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
ERROR, WARNING, UNEXAMINED = FindingLevel.ERROR, FindingLevel.WARNING, FindingLevel.UNEXAMINED


def checked(address: str, **more: object) -> dict[str, Check]:
    """The verdict of each step; there is one for each, in order."""
    endpoint = Endpoint(address, **{"seconds": 60.0, **more})  # type: ignore[arg-type]
    checks = list(endpoint_checks(endpoint, clock=lambda: NOW))
    assert tuple(check.name for check in checks) == STEPS
    return {check.name: check for check in checks}


def assert_ends_at(checks: dict[str, Check], name: str) -> Check:
    """All is well before a step, it has failed, and what comes after it was not examined."""
    before, after = STEPS[: STEPS.index(name)], STEPS[STEPS.index(name) + 1 :]
    assert [checks[step].level for step in before] == [None] * len(before)
    assert [checks[step].level for step in after] == [UNEXAMINED] * len(after)
    assert {checks[step].found for step in after} <= {f"not reached: the {name} failed"}
    assert checks[name].level is ERROR and checks[name].do
    return checks[name]


def http(status: str, *headers: str, date: datetime = NOW) -> Callable[[socket.socket], None]:
    lines = (f"HTTP/1.1 {status}", f"Date: {format_datetime(date, usegmt=True)}", "Content-Length: 0", *headers)
    return lambda connection: connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())


def test_a_name_that_no_server_knows() -> None:
    for host in ("no-such-host.invalid", f"{'a' * 64}.example"):
        assert assert_ends_at(checked(f"https://{host}/x"), "name").found.startswith(host)


def test_a_port_where_nobody_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
    found = assert_ends_at(checked(f"http://127.0.0.1:{port}/x"), "connection").found
    assert found == f"127.0.0.1 port {port}: Connection refused"


ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def taking(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port whose connections are handled one after the other, from their first moment on."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                with listening.accept()[0] as connection, suppress(OSError):
                    handle(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def encrypted(tmp_path: Path, *names: str, ends_at: datetime = LATER) -> Iterator[tuple[str, Path]]:
    """A server that speaks TLS, and the CA of its certificate."""
    authority = Authority(tmp_path, "Plant CA")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server(*names, ends_at=ends_at))

    def handle(plain: socket.socket) -> None:
        with context.wrap_socket(plain, server_side=True) as client:
            if client.recv(65_536):
                client.sendall(ANSWER)

    with taking(handle) as port:
        yield f"https://127.0.0.1:{port}/x", authority.path


def test_tls_names_the_issuer_of_a_certificate_that_is_good(tmp_path: Path) -> None:
    with encrypted(tmp_path, "127.0.0.1") as (address, ca):
        checks = checked(address, ca=ca)
    assert checks["TLS"].level is None
    assert "its certificate was issued by CN=Plant CA and ends at 2120-01-01T00:00:00Z" in checks["TLS"].found
    assert checks["HTTP"] == Check("HTTP", None, "HTTP/1.1 404 Not Found")
    assert checks["clock"].level is WARNING  # there was no Date


def test_a_certificate_of_somebody_between_is_named_with_who_issued_it(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "Other CA")
    with encrypted(tmp_path, "127.0.0.1") as (address, _):
        for ca in (None, other.path):
            check = assert_ends_at(checked(address, ca=ca), "TLS")
            assert "issued by CN=Plant CA" in check.found
            assert check.do.startswith(
                "if that is a proxy's, which opens TLS on the way, have it let 127.0.0.1 through"
            )


@pytest.mark.parametrize(
    ("name", "ends_at", "said"), [("x.example", LATER, "another name"), ("127.0.0.1", PAST, "expired")]
)
def test_a_certificate_that_is_not_good_here(tmp_path: Path, name: str, ends_at: datetime, said: str) -> None:
    with encrypted(tmp_path, name, ends_at=ends_at) as (address, ca):
        check = assert_ends_at(checked(address, ca=ca), "TLS")
    assert said in check.found and "issued by CN=Plant CA" in check.found


def test_a_port_that_speaks_no_tls() -> None:
    with taking(lambda connection: connection.sendall(b"220 mail.example ready\r\n")) as port:
        assert "no TLS handshake" in assert_ends_at(checked(f"https://127.0.0.1:{port}/x"), "TLS").found


def test_a_handshake_that_is_cut() -> None:
    with taking(socket.socket.close) as port:
        assert_ends_at(checked(f"https://127.0.0.1:{port}/x"), "TLS")


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n"])
def test_an_answer_that_is_none(said: bytes) -> None:
    with answering(lambda connection: connection.sendall(said)) as address:
        assert_ends_at(checked(address), "HTTP")


@pytest.mark.parametrize(
    ("status", "headers", "level"),
    [
        ("200 OK", (), None),
        ("404 Not Found", (), None),
        ("407 Proxy Authentication Required", (), None),
        ("302 Found", ("Location: https://login.example/",), WARNING),
        ("503 Service Unavailable", (), ERROR),
    ],
)
def test_the_status_of_the_answer(status: str, headers: tuple[str, ...], level: FindingLevel | None) -> None:
    with answering(http(status, *headers)) as address:
        check = checked(address)["HTTP"]
    assert (check.level, check.found.startswith(f"HTTP/1.1 {status}")) == (level, True)
    assert bool(check.do) is (level is not None)


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, None), (60, None), (62, WARNING), (300, WARNING), (302, ERROR), (86_400, ERROR)],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_that_is_off(seconds: int, level: FindingLevel | None, sign: int) -> None:
    with answering(http("200 OK", date=NOW - sign * timedelta(seconds=seconds))) as address:
        check = checked(address)["clock"]
    assert check.level is level
    if level:
        assert ("ahead of" if sign > 0 else "behind") in check.found


@pytest.mark.parametrize("bills", [False, True])
@pytest.mark.parametrize("sku", ["DC0", "S0"])
def test_the_key_is_checked_and_nothing_is_issued(site: Site, sku: str, bills: bool) -> None:
    site.add_resource(sku=sku)
    good, bad = site.api_keys["plant-read"][0], "0" * 32
    before = len(read_audit_log(site.issuer_store).entries)
    with site.license_server(bills=bills) as server:
        verdicts = {
            (resource, key): checked(f"{server}/{resource}", api_key=key)["API key"]
            for resource in ("plant-read", "other")
            for key in (good, bad)
        }
    with reading(site.issuer_store) as connection:
        assert connection.execute(select(DownloadRow)).all() == []
    assert [line.action for line in read_audit_log(site.issuer_store).entries[before:]] == ["key denial"] * 3
    assert verdicts["plant-read", good] == Check("API key", None, "it is one of the resource's")
    assert verdicts["plant-read", bad].found.startswith("Invalid: ")
    assert verdicts["other", bad].found.startswith("Invalid: ")
    assert verdicts["other", good].found.startswith("Mismatch: ")
    assert {check.level for name, check in verdicts.items() if name != ("plant-read", good)} == {ERROR}
    assert all(good not in check.found + check.do and bad not in check.found for check in verdicts.values())


def test_proxies_are_named_without_their_passwords() -> None:
    assert proxy_check({"HTTP_PROXY": "", "NO_PROXY": "x"}) == Check("proxy", None, "none is set")
    for name in ("HTTP_PROXY", "https_proxy", "All_Proxy"):
        check = proxy_check({name: "http://me:s3cret@proxy:8080"})
        assert check.level is WARNING
        assert check.found.startswith(f"{name}=http://me:") and "s3cret" not in check.found
