"""A download over TLS, with real certificates on real sockets."""

import os
import socket
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from licensing.core.errors import AzlicError
from licensing.delivery.denial import DenialCode
from licensing.delivery.downloading import ATTEMPTS, Denied
from licensing.delivery.tls import MAX_PEM_BYTES, client_context, server_context
from licensing.verdict.verdict import Status
from tests.certificates import HERE, PAST, Authority
from tests.licensing.orders import an_order, fetch, files, real_issuer
from tests.site import Site


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "tls").mkdir()
    return Authority(tmp_path / "tls", "issuer-ca")


def download(site: Site, server: tuple[Path, Path], ca: Path | None, host: str = "127.0.0.1") -> Status:
    """A download over TLS from the site's issuer, which shows the certificate of ``server``."""
    if not site.api_keys:
        site.add_resource()
    with real_issuer(site, tls=server) as endpoint:
        order = an_order(endpoint.replace("127.0.0.1", host), api_key=site.api_keys["plant-read"][0])
        return fetch(site, order, _no_second_try, ca=ca).status


def _no_second_try(*_: object) -> None:
    raise AssertionError("what another try cannot mend was tried again")


def refused(site: Site, server: tuple[Path, Path], ca: Path | None, host: str = "127.0.0.1") -> Denied:
    with pytest.raises(Denied, match=r"^CouldNotConnect: https://") as denied:
        download(site, server, ca, host)
    assert (denied.value.denial.code, denied.value.exit_status) == (DenialCode.COULD_NOT_CONNECT, 3)
    assert files(site) == {}
    return denied.value


@pytest.mark.parametrize("host", HERE)
def test_a_license_comes_from_a_server_that_the_pinned_ca_vouches_for(
    site: Site, authority: Authority, host: str
) -> None:
    assert download(site, authority.server(*HERE), authority.path, host) is Status.VALID


def test_another_ca_is_not_believed(site: Site, authority: Authority) -> None:
    other = Authority(authority.folder, "other-ca")
    error = refused(site, authority.server(*HERE), other.path)
    assert f"is not from {other.path}: unable to get local issuer certificate" in error.message
    assert error.hint == "ask the issuer which CA made its certificate"


def test_a_ca_of_the_same_name_is_another_ca(site: Site, authority: Authority) -> None:
    server = authority.server(*HERE)
    assert "is not from" in refused(site, server, Authority(authority.folder, "issuer-ca").path).message


def test_a_private_ca_has_to_be_named(site: Site, authority: Authority) -> None:
    error = refused(site, authority.server(*HERE), None)
    assert (
        "is not from a CA that is known here" in error.message
        and error.hint == "name the issuer's CA: --ca FILE, for a container SSL_CERT_FILE"
    )


@pytest.mark.parametrize(
    ("names", "host"), [(("localhost",), "127.0.0.1"), (("127.0.0.1", "issuer.example"), "localhost")]
)
def test_a_certificate_for_another_name_is_refused(
    site: Site, authority: Authority, names: tuple[str, ...], host: str
) -> None:
    error = refused(site, authority.server(*names), authority.path, host)
    assert "the server's certificate is for another name" in error.message
    assert "a name from the certificate" in error.hint


def test_an_expired_certificate_is_refused(site: Site, authority: Authority) -> None:
    error = refused(site, authority.server(*HERE, ends_at=PAST), authority.path)
    assert "the server's certificate has expired" in error.message and "this machine's clock" in error.hint


def test_neither_this_machines_roots_nor_its_environment_are_believed_beside_the_pinned_ca(
    site: Site, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority(authority.folder, "other-ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    assert "is not from" in refused(site, authority.server(*HERE), other.path).message
    assert "is not from" in refused(site, authority.server(*HERE), None).message
    assert len(client_context(other.path).get_ca_certs()) == 1


def test_a_ca_in_between_may_be_pinned_and_its_siblings_are_not_believed(site: Site, authority: Authority) -> None:
    ours, sibling = (Authority(authority.folder, name, above=authority) for name in ("ours", "sibling"))
    assert download(site, ours.server(*HERE), ours.path) is Status.VALID
    site.license.joinpath("license.dat").unlink()
    refused(site, sibling.server(*HERE), ours.path)


def test_while_a_ca_is_replaced_both_may_stand_in_the_file(site: Site, authority: Authority) -> None:
    other = Authority(authority.folder, "other-ca")
    both = authority.folder / "both.pem"
    both.write_text(f"# früher\n{other.path.read_text()}\n# künftig\n{authority.path.read_text()}")
    assert download(site, authority.server(*HERE), both) is Status.VALID


def test_a_proxy_in_the_environment_is_not_asked(
    site: Site, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert download(site, authority.server(*HERE), authority.path) is Status.VALID


def test_a_server_that_ends_a_handshake_is_asked_again(site: Site, authority: Authority) -> None:
    told: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)

        def waiting(_denial: object, attempt: int, _seconds: float) -> None:
            told.append(attempt)

        def hang_up() -> None:
            for _ in range(ATTEMPTS):
                listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Denied, match=r"^CouldNotConnect: .* \(asked 5 times\)$"):
            fetch(site, an_order(f"https://127.0.0.1:{listening.getsockname()[1]}/x"), waiting, ca=authority.path)
        thread.join()
    assert told == [1, 2, 3, 4]


def test_clients_that_speak_no_tls_or_nothing_do_not_keep_others_waiting(
    site: Site, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    site.add_resource()
    with real_issuer(site, tls=authority.server(*HERE)) as endpoint:
        port = int(endpoint.split(":")[2].partition("/")[0])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for other in silent[:10]:
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
        order = an_order(endpoint, api_key=site.api_keys["plant-read"][0])
        assert fetch(site, order, ca=authority.path).may_run
        for other in silent:
            other.close()
    assert "Traceback" not in caplog.text


NO_CA: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "holds no certificate"),
    "text": (b"issuer-ca\n", "holds no certificate"),
    "something huge": (b"-" * (MAX_PEM_BYTES + 1), "holds no certificate"),
    "a torn certificate": (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "holds no certificate"),
    "a private key": (b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "holds a PRIVATE key"),
}


@pytest.mark.parametrize("case", NO_CA)
def test_what_is_no_ca_is_said_before_anybody_is_asked(site: Site, tmp_path: Path, case: str) -> None:
    content, words = NO_CA[case]
    (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(AzlicError, match=rf"the CA file .*ca\.pem {words}"):
        fetch(site, an_order("https://127.0.0.1:9/x"), _no_second_try, ca=tmp_path / "ca.pem")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda _: None], ids=["a folder", "a named pipe", "nothing"])
def test_a_ca_file_that_cannot_be_read_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "ca.pem")
    with pytest.raises(AzlicError, match=r"the CA file .*ca\.pem cannot be read: "):
        client_context(tmp_path / "ca.pem")


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o777])
def test_a_tls_key_that_others_may_use_is_refused_with_the_chmod(authority: Authority, mode: int) -> None:
    certificate, key = authority.server(*HERE)
    key.chmod(mode)
    with pytest.raises(AzlicError, match="is open to other users") as error:
        server_context(certificate, key)
    assert error.value.hint == f"chmod 600 {key}"
    os.system(error.value.hint)  # noqa: S605 - the hint is what is tested
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert server_context(certificate, key).minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_tls_key_of_another_certificate_is_refused(authority: Authority) -> None:
    certificate, key = authority.server(*HERE)[0], authority.server(*HERE)[1]
    with pytest.raises(AzlicError, match="does not belong to the certificate"):
        server_context(certificate, key)


def test_a_tls_key_with_a_password_is_refused_without_asking_for_it(authority: Authority) -> None:
    certificate, key = authority.server(*HERE)
    locked = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    key.write_bytes(locked)
    with pytest.raises(AzlicError, match="cannot be used") as error:
        server_context(certificate, key)
    assert "without a password" in error.value.hint


@pytest.mark.parametrize("lacking", [0, 1])
def test_a_tls_file_that_is_missing_is_named(authority: Authority, lacking: int) -> None:
    pair = authority.server(*HERE)
    pair[lacking].unlink()
    with pytest.raises(AzlicError, match=f"{pair[lacking].name} cannot be read: No such file"):
        server_context(*pair)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"no key"])
def test_a_tls_key_that_is_none_is_refused(authority: Authority, content: bytes) -> None:
    certificate, key = authority.server(*HERE)
    key.write_bytes(content)
    with pytest.raises(AzlicError, match="cannot be used"):
        server_context(certificate, key)
