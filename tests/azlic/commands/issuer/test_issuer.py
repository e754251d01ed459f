"""The issuer's commands, and a download from the server they start."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from licensing.db.database import open_ledger, reading
from licensing.delivery.api_keys import prepare_folder
from licensing.issuer.book import open_issuer
from licensing.issuer.downloads import owner_of
from tests.azlic.conftest import Cli
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
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


def test_an_api_key_is_never_overwritten_and_nothing_is_entered_before_that_is_sure(issuer: Cli, site: Site) -> None:
    before = {path: path.read_text() for path in (site.folder / "api-keys").iterdir()}
    refused = issuer("issuer", "resource", "add", "other", *RESOURCE[1:])
    assert refused.status == 3 and "key1 exists already" in refused.err and "never overwritten" in refused.err
    assert {path: path.read_text() for path in (site.folder / "api-keys").iterdir()} == before
    assert "other" not in issuer("issuer", "resource", "list", "--database", "issuer.db").out


def test_one_api_key_is_made_new_and_the_other_left(issuer: Cli, site: Site) -> None:
    words = ("issuer", "resource", "key", "plant-read", "--slot", "1", "--database", "issuer.db", "--keys-to")
    assert issuer(*words, "api-keys").status == 3
    made = issuer(*words, "new-keys")
    assert (made.status, made.out) == (0, "resource plant-read: API key 1 is new, in new-keys/key1\n")
    store = open_issuer(str(site.folder / "issuer.db"))
    owners = {}
    with reading(store) as connection:
        for name in ("api-keys/key1", "api-keys/key2", "new-keys/key1"):
            owners[name] = owner_of(connection, (site.folder / name).read_text().strip())
    store.dispose()
    nobody, first, second = (None, 0), ("plant-read", 1), ("plant-read", 2)
    assert owners == {"api-keys/key1": nobody, "api-keys/key2": second, "new-keys/key1": first}


def test_the_resources_are_listed_with_their_plan_and_approval(issuer: Cli) -> None:
    listed = ("issuer", "resource", "list", "--database", "issuer.db")
    said = " ".join(issuer(*listed).out.split())
    assert "plant-read" in said and "default, not approved yet" in said and "500,000 Transaction a year" in said
    issuer("issuer", "approve", "--database", "issuer.db")
    (known,) = json.loads(issuer(*listed, "--json").out)["resources"]
    assert (known["name"], known["sku"], known["grace_days"]) == ("plant-read", "DC0", 0)
    assert [container["container_type"] for container in known["containers"]] == ["read"]
    assert known["approved_at"]
    assert max(map(len, issuer(*listed).out.splitlines())) <= 80


@pytest.mark.parametrize("words", [("issued",), ("approve",), ("resource", "list"), ("serve", "--keys", "keys")])
def test_only_init_makes_an_issuers_store(issuer: Cli, site: Site, words: tuple[str, ...]) -> None:
    absent = issuer("issuer", *words, "--database", "none.db")
    assert absent.status == 3 and "there is no issuer's store" in absent.err and "azlic issuer init" in absent.err
    assert not (site.folder / "none.db").exists()
    open_ledger(str(site.folder / "ledger.db"), create=True).dispose()
    empty = issuer("issuer", *words, "--database", "ledger.db")
    assert empty.status == 3 and "ledger.db is a site's ledger, not an issuer's store" in empty.err


def test_a_resource_is_entered_only_into_a_store_that_is_there(issuer: Cli, site: Site) -> None:
    refused = issuer("issuer", "resource", "add", *RESOURCE[:-3], "more-keys", "--database", "none.db")
    assert refused.status == 3 and "there is no issuer's store" in refused.err
    assert not (site.folder / "more-keys").exists() and not (site.folder / "none.db").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--period", "decade"), "--period: it is not 'month' or 'year'"),
        (("--quota", "0"), "--quota: it is less than 1"),
        (("--end", "2026-01-01"), "--end: the plan ends before it starts"),
        (("--plan-type", ""), "--plan-type: it is empty"),
        (("--unit", " Hour"), "the unit ' Hour' is empty, or has spaces around it"),
        (("--grace-days", "400"), "the grace is not from 0 to 366 days"),
        (("--term", "0s"), "'0s' is not a duration"),
        (("--container", "reed"), "there is no container type 'reed'"),
    ],
)
def test_what_cannot_be_licensed_is_refused_when_it_is_entered(issuer: Cli, wrong: tuple[str, str], said: str) -> None:
    words = [*RESOURCE[1:], *wrong, "--keys-to", "more-keys"]
    refused = issuer("issuer", "resource", "add", "other", *words)
    assert (refused.status, said in refused.err) == (2, True), refused.err


@pytest.mark.parametrize("name", [".", "..", "a/b", "a b", "-", "ü", "plant?", "x" * 65])
def test_a_resource_is_named_by_one_segment_of_a_path(issuer: Cli, name: str) -> None:
    refused = issuer("issuer", "resource", "add", *RESOURCE[1:], "--keys-to", "more-keys", "--", name)
    assert refused.status == 2 and "is not a valid resource name" in refused.err, refused.err


def test_a_key_folder_that_cannot_be_made_is_said_in_words(issuer: Cli, site: Site) -> None:
    (site.folder / "file").touch()
    refused = issuer("issuer", "resource", "add", "other", *RESOURCE[1:], "--keys-to", "file/keys")
    assert refused.status == 3 and "the key folder file/keys cannot be made: Not a directory" in refused.err


@root_only
def test_a_key_folder_that_cannot_be_written_is_said_before_anything_is_entered() -> None:
    with reachable_folder() as folder:
        said = as_another_user(lambda: prepare_folder(folder, [1]))
    assert said.startswith("AzlicError: ") and "is not writable for user 65532" in said


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
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", json.loads(granted.out)["as_of"])
    finally:
        server.send_signal(signal.SIGTERM)
        _, rest = server.communicate(timeout=60)
    assert server.returncode == 0
    key = (site.folder / "api-keys" / "key2").read_text().strip()
    assert key not in rest + denied.err + granted.out
    told = issuer("issuer", "issued", "--database", "issuer.db").out
    assert "serial 1, " in told and max(map(len, told.splitlines())) <= 80
    issued = json.loads(issuer("issuer", "issued", "--database", "issuer.db", "--json").out)
    assert [(line["serial"], line["key_slot"]) for line in issued["licenses"]] == [(1, 2)]


def test_the_issuers_store_is_closed_to_others(issuer: Cli, site: Site) -> None:
    assert {path.stat().st_mode & 0o777 for path in site.folder.glob("issuer.db*")} == {0o600}


def test_a_ledger_is_no_issuers_store_and_an_issuers_store_no_ledger(issuer: Cli, site: Site) -> None:
    (site.folder / "usage").mkdir()
    plan = ("p", "--type", "Read", "--quota", "1", "--unit", "T", "--period", "year", *DATES)
    for words in (("plan", "add", *plan), ("ingest", "usage")):
        refused = issuer(*words, "--database", "issuer.db")
        assert refused.status == 3 and "issuer.db is an issuer's store, not a site's ledger" in refused.err
    assert issuer("plan", "add", *plan).status == 0
    for entering in (("init", "--keys", "other-keys"), ("resource", "add", *RESOURCE[:-2])):
        refused = issuer("issuer", *entering, "--database", "azlic.db")
        assert refused.status == 3 and "azlic.db is a site's ledger, not an issuer's store" in refused.err
    assert not (site.folder / "other-keys").exists()
