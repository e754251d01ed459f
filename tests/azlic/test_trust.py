"""`azlic trust`, as an operator runs it."""

import json

from tests.azlic.conftest import Cli
from tests.site import Site


def test_the_trusted_keys_are_listed_by_name_within_a_terminals_width(cli: Cli, site: Site) -> None:
    (trusted,) = site.trust.held().keys
    answer = cli("trust", "list")
    assert (answer.status, answer.out) == (0, f"issuer.pem\n  key {trusted.key_id}\n")
    assert max(map(len, answer.out.splitlines())) <= 80


def test_a_file_that_is_no_key_is_named_beside_the_good_ones(cli: Cli, site: Site) -> None:
    (site.trust.folder / "broken.pem").write_text("hello")
    answer = cli("trust", "list")
    assert answer.status == 1
    assert "issuer.pem" in answer.out and "broken.pem" not in answer.out
    assert "broken.pem is not an Ed25519 public key" in answer.err and "try: remove" in answer.err
    assert len(json.loads(cli("trust", "list", "--json").out)["unusable"]) == 1


def test_a_folder_that_is_not_there_is_said_so(cli: Cli) -> None:
    answer = cli("trust", "list", "--trust", "nowhere")
    assert (answer.status, answer.out) == (0, "no trusted keys, there is no folder nowhere\n")


def test_a_private_key_is_not_trusted_and_must_not_travel(cli: Cli, site: Site) -> None:
    answer = cli("trust", "add", site.folder / "issuer-keys" / "issuer-key.pem")
    assert answer.status == 3
    assert "a PRIVATE key, which must never travel" in answer.err
    assert len(site.trust.held().keys) == 1
