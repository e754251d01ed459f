"""The issuer's commands, and a download from the server they start."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site

AZLIC = Path(sys.executable).with_name("azlic")
STORE = ("--database", "issuer.db", "--keys", "keys")
PLAN = ("--plan-type", "Read", "--quota", "500000", "--unit", "Transaction", "--period", "year")
DATES = ("--start", "2026-01-01", "--end", "2036-01-01")
RESOURCE = ("plant-read", "--container", "read", *PLAN, *DATES, "--keys-to", "api-keys", "--database", "issuer.db")


@pytest.fixture
def issuer(cli: Cli) -> Cli:
    """An issuer with one resource, whose subscription is not approved yet."""
    assert cli("issuer", "init", *STORE).status == 0
    assert cli("issuer", "resource", "add", *RESOURCE).status == 0
    return cli


def test_keys_are_written_once_for_their_owner_alone(issuer: Cli, site: Site) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (site.folder / "api-keys").iterdir()}
    assert modes == {"key1": 0o600, "key2": 0o600}
    assert issuer("issuer", "init", *STORE).status == 3
    assert issuer("issuer", "resource", "add", *RESOURCE).status == 2


def test_a_license_comes_over_http_once_the_subscription_is_approved(issuer: Cli, site: Site) -> None:
    serve = [str(AZLIC), "issuer", "serve", "--listen", "127.0.0.1:0", *STORE]
    server = subprocess.Popen(serve, cwd=site.folder, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert server.stderr is not None
        url = server.stderr.readline().removeprefix("Now listening on: ").strip()
        (site.folder / "vendor.pem").write_bytes((site.folder / "keys" / "issuer.pem").read_bytes())
        assert issuer("trust", "add", "vendor.pem").status == 0
        words = (f"{url}/plant-read", "license", "--container", "read", "--image-version", "3.2.0")
        denied = issuer("download", *words, "--api-key-file", "api-keys/key2")
        assert denied.status == 1 and "ContainerUseUnauthorized" in denied.err
        issuer("issuer", "approve", "default", "--database", "issuer.db")
        granted = issuer("download", *words, "--api-key-file", "api-keys/key2", "--json")
        assert granted.status == 0, granted
        assert json.loads(granted.out)["status"] == "valid"
    finally:
        server.send_signal(signal.SIGTERM)
        _, rest = server.communicate(timeout=30)
    assert server.returncode == 0
    key = (site.folder / "api-keys" / "key2").read_text().strip()
    assert key not in rest + denied.err + granted.out
    issued = json.loads(issuer("issuer", "issued", "--database", "issuer.db", "--json").out)
    assert [(line["serial"], line["key_slot"]) for line in issued["licenses"]] == [(1, 2)]
