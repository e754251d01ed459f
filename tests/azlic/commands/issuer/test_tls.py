"""The license server with TLS and the download from it, as processes that an operator starts."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.azlic.commands.issuer.test_issuer import AZLIC, STORE, issuer
from tests.azlic.conftest import Cli
from tests.certificates import HERE, Authority
from tests.forks import Service
from tests.serving import answering
from tests.site import Site

__all__ = ["issuer"]

WHAT = ("--container", "read", "--image-version", "3.2.0", "--api-key-file", "api-keys/key1")


@pytest.fixture
def authority(site: Site) -> Authority:
    (site.folder / "tls").mkdir()
    return Authority(site.folder / "tls", "issuer-ca")


@contextmanager
def started(site: Site, *words: str) -> Iterator[tuple[str, list[str]]]:
    """A license server in a process of its own: its address, and what it said when it has ended."""
    server = Service(["issuer", "serve", *STORE, *words], site.folder, os.environ)
    said: list[str] = []
    try:
        while not (said and said[-1].startswith("Now listening on: ")):
            said.append(server.stderr.readline())
            assert said[-1], said
        yield said[-1].removeprefix("Now listening on: ").strip(), said
    finally:
        status, rest = server.end()
        said.extend(rest)
    assert status == 0, said


def tls_words(authority: Authority) -> tuple[str, ...]:
    certificate, key = authority.server(*HERE)
    return ("--tls-certificate", str(certificate), "--tls-key", str(key))


def ready(issuer: Cli) -> None:
    Path("vendor.pem").write_bytes(Path("keys/issuer.pem").read_bytes())
    assert issuer("trust", "add", "vendor.pem").status == 0
    assert issuer("issuer", "approve", "--database", "issuer.db").status == 0


def test_a_license_comes_over_tls_with_the_ca_named_in_any_of_three_places(
    issuer: Cli, site: Site, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(issuer)
    with started(site, "--listen", "127.0.0.1:0", *tls_words(authority)) as (url, said):
        assert url.startswith("https://127.0.0.1:")
        order = ("download", f"{url}/plant-read", "license", *WHAT)
        assert issuer(*order, "--ca", authority.path).status == 0
        unknown = issuer(*order)
        assert unknown.status == 3 and "is not from a CA that is known here" in unknown.err
        (site.folder / "azlic.toml").write_text(f'issuer_ca = "{authority.path}"\n')
        assert issuer(*order).status == 0
        (site.folder / "azlic.toml").write_text("")
        monkeypatch.setenv("AZLIC_ISSUER_CA", str(authority.path))
        granted = issuer(*order)
        assert granted.status == 0 and "  Resource  plant-read, https://127.0.0.1:" in granted.out
        other = Authority(authority.folder, "other-ca").path
        assert issuer(*order, "--ca", other).status == 3
    assert not any("Traceback" in line for line in said)


def test_a_container_downloads_over_tls_with_its_ca_in_the_environment(
    issuer: Cli, site: Site, authority: Authority
) -> None:
    pytest.importorskip("tesserocr", reason="the read extra is not installed")
    ready(issuer)
    with started(site, "--listen", "127.0.0.1:0", *tls_words(authority)) as (url, _):
        words = (
            f"eula=accept billing={url}/plant-read ApiKeyFile={site.folder / 'api-keys' / 'key1'}"
            f" DownloadLicense=True Mounts:License={site.license}"
        )
        command = [str(AZLIC), "engine", "read", *words.split()]
        environ = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
        without = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        assert without.returncode == 3 and "CouldNotConnect" in without.stderr
        assert "for a container SSL_CERT_FILE" in without.stderr
        environ["SSL_CERT_FILE"] = str(authority.path)
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("license downloaded to ")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the page's commands are openssl's")
def test_the_pages_own_commands_make_a_ca_that_can_be_pinned(issuer: Cli, site: Site) -> None:
    ready(issuer)
    page = (Path(__file__).parents[4] / "docs" / "issuer-tls.md").read_text()
    commands = re.findall(r"^\$ (.*)$", page, flags=re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        subprocess.run(["sh", "-ec", command], cwd=site.folder, check=True, capture_output=True)
    words = ("--tls-certificate", "issuer-tls.pem", "--tls-key", "issuer-tls.key")
    with started(site, "--listen", "127.0.0.1:0", *words) as (url, _):
        for host in HERE:
            order = ("download", f"{url.replace('127.0.0.1', host)}/plant-read", "license", *WHAT)
            assert issuer(*order, "--ca", "issuer-ca.pem").status == 0
    assert issuer(*order, "--ca", "issuer-ca.key").status == 3


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "localhost.example:0"])
def test_without_tls_only_the_loopback_is_listened_on(issuer: Cli, listen: str) -> None:
    refused = issuer("issuer", "serve", "--listen", listen, *STORE)
    assert refused.status == 2 and "would have API keys sent in the clear" in refused.err
    assert "--tls-certificate" in refused.err


def test_plain_http_for_other_machines_is_allowed_in_so_many_words(issuer: Cli, site: Site) -> None:
    ready(issuer)
    with started(site, "--listen", "0.0.0.0:0", "--allow-plain-http") as (url, said):
        order = ("download", f"{url}/plant-read", "license", *WHAT)
        assert issuer(*order).status == 2
        granted = issuer(*order, "--allow-plain-http")
    assert granted.status == 0 and granted.err.startswith("warning: the API key goes over the network in the clear")
    assert said[0].startswith("warning: API keys come over the network in the clear")
    with started(site, "--listen", "127.0.0.1:0", "--allow-plain-http") as (url, said):
        assert "in the clear" not in issuer("download", f"{url}/plant-read", "license", *WHAT, "--allow-plain-http").err
    assert len(said) == 1


@pytest.mark.parametrize("given", ["--tls-certificate", "--tls-key"])
def test_half_of_tls_is_a_bad_call(issuer: Cli, given: str) -> None:
    refused = issuer("issuer", "serve", *STORE, given, "x.pem")
    assert refused.status == 2 and "--tls-certificate and --tls-key go together" in refused.err


def test_a_tls_key_that_others_may_read_is_refused_before_anything_starts(issuer: Cli, authority: Authority) -> None:
    words = tls_words(authority)
    Path(words[-1]).chmod(0o644)
    refused = issuer("issuer", "serve", *STORE, *words)
    assert refused.status == 3 and f"  try: chmod 600 {words[-1]}" in refused.err


def test_a_process_list_shows_no_key_and_a_slow_download_says_that_it_waits(issuer: Cli, site: Site) -> None:
    key = (site.folder / "api-keys" / "key1").read_text().strip()

    def nothing(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with answering(nothing) as url:
        documented = {
            "download": [*WHAT[:-1], str(site.folder / "api-keys" / "key1")],
            "stdin": [*WHAT[:-1], "-"],
        }
        for rest in documented.values():
            command = [str(AZLIC), "download", f"{url}/plant-read", "license", *rest]
            told = subprocess.PIPE
            asking = subprocess.Popen(command, cwd=site.folder, stdin=told, stderr=told, text=True)
            assert asking.stdin is not None and asking.stderr is not None
            asking.stdin.write(key)
            asking.stdin.close()
            said = asking.stderr.readline()
            assert said == "waiting for the issuer's answer, for 30 s at most; attempt 1 of 5\n"
            shown = Path(f"/proc/{asking.pid}/cmdline").read_bytes() + Path(f"/proc/{asking.pid}/environ").read_bytes()
            asking.kill()
            asking.wait()
            asking.stderr.close()
            assert b"download" in shown and key.encode() not in shown


def test_a_containers_key_from_a_file_or_the_environment_is_in_no_process_list(issuer: Cli, site: Site) -> None:
    pytest.importorskip("tesserocr", reason="the read extra is not installed")
    path = site.folder / "api-keys" / "key1"
    key = path.read_text().strip()

    def nothing(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with answering(nothing) as url:
        words = f"eula=accept billing={url}/x DownloadLicense=True Mounts:License={site.license}".split()
        for environ in ({"ApiKeyFile": str(path)}, {"ApiKey": key}):
            command = [sys.executable, "-m", "azlic", "engine", "read", *words]
            asking = subprocess.Popen(command, env=os.environ | environ, stderr=subprocess.PIPE, text=True)
            assert asking.stderr is not None
            assert "waiting for the issuer's answer" in asking.stderr.readline()
            shown = Path(f"/proc/{asking.pid}/cmdline").read_bytes()
            asking.kill()
            asking.wait()
            asking.stderr.close()
            assert b"DownloadLicense" in shown and key.encode() not in shown


def test_http_to_a_port_that_speaks_tls_is_asked_once_and_told(issuer: Cli, site: Site, authority: Authority) -> None:
    ready(issuer)
    words = ("--listen", "127.0.0.1:0", "--url", "https://issuer.example", *tls_words(authority))
    with started(site, *words) as (url, said):
        refused = issuer("download", f"{url.replace('https', 'http')}/plant-read", "license", *WHAT)
    assert refused.status == 3 and "try: that port may speak TLS: write https://" in refused.err
    assert "attempt" not in refused.err and ".;" not in refused.err
    assert "licenses name it: https://issuer.example" in "\n".join(said)


@pytest.mark.parametrize(("days", "told"), [(-1, "has expired, at "), (20, "clients refuse it from then on"), (40, "")])
def test_a_certificate_that_ends_soon_is_warned_about(
    issuer: Cli, site: Site, authority: Authority, days: int, told: str
) -> None:
    ready(issuer)
    certificate, key = authority.server(*HERE, ends_at=datetime.now(UTC) + timedelta(days=days))
    words = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with started(site, "--listen", "127.0.0.1:0", *words) as (url, said):
        assert (
            issuer("download", f"{url}/plant-read", "license", *WHAT).status == 3
        )  # it is up, and of no CA that is known
        warnings = [line for line in said if line.startswith("warning: ")]
    assert [told in line for line in warnings] == ([True] if told else [])
