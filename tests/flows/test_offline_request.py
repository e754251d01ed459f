"""The two steps of a site that never touches the issuer's network, each command in a process of its own."""

import json
from pathlib import Path

from tests.flows.machine import Machine

PLAN = "--plan-type Read --quota 500000 --unit Transaction --period year --start 2026-01-01 --end 2036-01-01"
WANTED = "--resource plant-read --container read --image-version 3.2.0"


def test_from_a_request_on_a_stick_to_a_container_that_may_run(tmp_path: Path) -> None:
    issuer = Machine(tmp_path / "issuer", AZLIC_ISSUER_URL="https://issuer.example")
    hall = Machine(tmp_path / "hall", AZLIC_SITE="hall-7")
    (hall.folder / "license").mkdir()

    issuer.run("issuer init")
    issuer.run(f"issuer resource add plant-read --container read {PLAN} --keys-to api-keys")
    issuer.run("issuer approve")
    fingerprint = hall.run("site init").split()[-1]
    issuer.carry("keys/issuer.pem", hall)
    hall.carry("keys/site.pem", issuer)
    hall.run("trust add issuer.pem")
    assert fingerprint in issuer.run("issuer site add hall-7 site.pem --resource plant-read")

    hall.run(f"request {WANTED} -o request.dsse")
    hall.carry("request.dsse", issuer)
    issuer.run("issuer answer request.dsse -o license.dat")
    issuer.carry("license.dat", hall)
    verdict = json.loads(hall.run("install license.dat license --container read --image-version 3.2.0 --json"))
    assert (verdict["status"], verdict["license"]["serial"], verdict["license"]["site"]) == ("valid", 1, "hall-7")

    hall.run(f"request {WANTED} --held license --instance gpu-1 -o renewal.dsse")
    hall.carry("renewal.dsse", issuer)
    issuer.run("issuer answer renewal.dsse -o license.dat")
    issuer.carry("license.dat", hall)
    hall.run("install license.dat license --container read --image-version 3.2.0")
    license_ = json.loads(hall.run("verify license --json"))["license"]
    assert (license_["serial"], license_["instances"]) == (2, ["gpu-1"])
    book = json.loads(issuer.run("issuer issued --json"))["licenses"]
    assert [(line["serial"], line["key_slot"], line["site"]) for line in book] == [(1, 0, "hall-7"), (2, 0, "hall-7")]

    key = (issuer.folder / "api-keys" / "key1").read_text().strip()
    assert not any(key in path.read_text(errors="replace") for path in hall.folder.rglob("*") if path.is_file())
