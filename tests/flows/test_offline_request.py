"""The two steps of a site that never touches the issuer's network, each command in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

AZLIC = Path(sys.executable).with_name("azlic")
PLAN = "--plan-type Read --quota 500000 --unit Transaction --period year --start 2026-01-01 --end 2036-01-01"
WANTED = "--resource plant-read --container read --image-version 3.2.0"


class Machine:
    """A machine with a folder of its own; between two of them only files are carried."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "azlic.toml").touch()
        places = {"DATABASE": "azlic.db", "TRUST": "trust.d", "CONFIG": "azlic.toml", "SITE_KEYS": "keys"}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AZLIC_")}
        self.environment |= {f"AZLIC_{name}": str(folder / place) for name, place in places.items()}
        self.environment |= {"AZLIC_ISSUER_KEYS": str(folder / "keys")} | settings

    def run(self, line: str) -> str:
        done = subprocess.run(
            [AZLIC, *line.split()], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def carry(self, name: str, to: "Machine") -> None:
        shutil.copy(self.folder / name, to.folder)


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
