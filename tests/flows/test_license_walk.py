"""The first walk, at a command line: from the issuer over the license to a container that starts, or does not."""

import json
import os
from pathlib import Path

import httpx

from licensing.containers.status import ask_status
from tests.flows.machine import Machine

PLAN = "--plan-type Read --quota 500000 --unit Transaction --period year --start 2026-01-01 --end 2036-01-01"


def test_an_issuer_gives_a_license_which_is_verified_examined_and_lets_a_container_start(tmp_path: Path) -> None:
    issuer, site = Machine(tmp_path / "issuer"), Machine(tmp_path / "site", anew=True)
    for mount in ("license", "output"):
        (site.folder / mount).mkdir()
    mounts = f"Mounts:License={site.folder}/license Mounts:Output={site.folder}/output"
    engine = f"engine read eula=accept {mounts} urls=http://127.0.0.1:0"
    assert "missing" in site.run(engine, 1)

    issuer.run("issuer init")
    issuer.run(f"issuer resource add plant-read --container read {PLAN} --keys-to api-keys")
    issuer.carry("keys/issuer.pem", site)
    issuer.carry("api-keys/key1", site)
    site.run("trust add issuer.pem")
    with issuer.serve("issuer serve --listen 127.0.0.1:0", "listening on: ") as url:
        order = f"download {url}/plant-read license --container read --image-version 3.2.0 --api-key-file key1"
        assert "ContainerUseUnauthorized" in site.run(order, 1)
        issuer.run("issuer approve")
        site.run(order)
    verdict = json.loads(site.run("verify license --container read --json"))
    assert (verdict["status"], verdict["license"]["serial"]) == ("valid", 1)

    user = f"{os.geteuid()}:{os.getegid()}"
    doctor = f"doctor --license license --output output --container read --user {user} --json"
    examined = json.loads(site.run(doctor, 0, 1))  # 1 where the machine of the test is smaller than Read asks for
    assert [found for found in examined["findings"] if found["level"] == "error" and "/" in found["place"]] == []
    assert examined["facts"]["license"].startswith("valid: ")
    with site.serve(engine, "listening on: ") as url:
        assert ask_status(url).healthy
        assert httpx.get(f"{url}/ready").status_code == 200

    issuer.run(f"issuer revoke {verdict['license']['license_id']} --reason stolen --yes")
    issuer.run("issuer revocations -o revocations.json")
    issuer.carry("revocations.json", site)
    site.run("trust update revocations.json")
    assert "revoked" in site.run(engine, 1)
