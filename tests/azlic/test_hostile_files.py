"""Files of strangers, read by every command that reads one: of what is in them, nothing comes back raw or at length."""

import base64
import json
import random
from pathlib import Path

import pytest

from licensing.delivery.request import REQUEST_TYPE
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import seal
from licensing.trust.clock_reset import ClockReset
from licensing.trust.revocations import RevocationList
from licensing.trust.rotation import Rotation
from tests.azlic.conftest import Cli
from tests.azlic.hostile import NAME, TEXT, leaks
from tests.azlic.test_hostile_names import clock, hostile, site
from tests.site import Site, a_license
from usage.handover.acknowledgement import ACKNOWLEDGEMENT_TYPE
from usage.handover.manifest import EXPORT_TYPE

__all__ = ["clock", "hostile", "site"]

FILE = f"{NAME}.strange"
LONGEST_ANSWER = 20_000
VERSION = ("--container", "read", "--image-version", "3.2.0")
READERS: tuple[tuple[str, ...], ...] = (
    ("verify", FILE),
    ("verify", FILE, "--json"),
    ("install", FILE, "license", *VERSION),
    ("adopt", FILE, "--container", "text-translation", "--expires", "2027-01-01"),
    ("adopt", FILE, "--container", "text-translation", "--expires", "2027-01-01", "--json"),
    ("request", "--resource", "r", *VERSION, "--held", FILE, "-o", "new-request"),
    ("trust", "add", FILE),
    ("trust", "update", FILE),
    ("trust", "update", FILE, "--json"),
    ("clock", "reset", FILE, "--yes"),
    ("inspect", FILE, "--key", "site.pem"),
    ("inspect", "march.azlic", "--key", FILE),
    ("accept", FILE, "--output", "new-ack", "--keys", "site-keys"),
    ("acknowledge", FILE, "--head-office", "site.pem"),
    ("acknowledge", "march.azlic", "--head-office", FILE),
    ("handing-sites", "add", "other", FILE),
    ("restore", FILE, "--yes"),
    ("plan", "import", FILE, "--period", "year"),
    ("plan", "import", FILE, "--period", "year", "--json"),
    ("import", FILE, "--source", "hall", "--all-time"),
    ("import", FILE, "--source", "hall", "--all-time", "--json"),
    ("tags", FILE),
    ("tags", FILE, "--json"),
    ("download", "https://127.0.0.1:1/r", "license", *VERSION, "--api-key-file", FILE),
    ("download", "https://127.0.0.1:1/r", "license", *VERSION, "--api-key-file", f"{NAME}-key", "--ca", FILE),
    ("issuer", "answer", FILE, "-o", "new-answer", "--url", "https://issuer.example", "--database", "issuer.db"),
    ("issuer", "site", "add", "other", FILE, "--resource", "plant-read", "--database", "issuer.db"),
    ("serve", "--token-file", FILE, "--listen", "0.0.0.0:0"),
    ("status", "--database", FILE),
    ("calendar", "-o", FILE),
    ("audit", "--against", FILE),
    ("config", "show"),
    ("notify",),
)
"""The commands that read a file; the last two have it as settings and as channels."""


def documents(site: Site) -> dict[str, bytes]:
    """Files by what is wrong with them."""
    long = TEXT + "x" * 300_000
    everything = {TEXT: TEXT, "name": TEXT, "apiType": TEXT, "serviceName": TEXT, "meters": [{"name": TEXT, TEXT: 1}]}
    azure = [
        {"name": TEXT, "id": TEXT, "type": TEXT, "kind": TEXT, "properties": {"commitmentPlanGuid": TEXT, "plan": TEXT}}
    ]
    found = {
        "bytes": NAME.encode(errors="surrogateescape"),
        "lines": f"{TEXT}\n3.2.0\n{long}\n".encode(),
        "names": json.dumps(everything).encode(),
        "long names": json.dumps({long: long, "name": long, "meters": [{"name": long}]}).encode(),
        "Azure's": json.dumps({"value": azure}).encode(),
        "half a surrogate pair": b'{"name": "\\ud800", "\\udfff": 1}',
        "what is no JSON": f'{{"{TEXT}": '.encode(),
        "an envelope": json.dumps(
            {
                "payload": base64.b64encode(TEXT.encode()).decode(),
                "payloadType": TEXT,
                "signatures": [{"keyid": TEXT, "sig": TEXT, TEXT: TEXT}],
            }
        ).encode(),
        "TOML": f"site = 1\n{json.dumps(TEXT)} = {json.dumps(TEXT)}\n".encode(),
        "broken TOML": f'database = "postgresql://u:{TEXT}@h/d\n'.encode(),
        "channels": f"[{json.dumps(TEXT)}]\n{json.dumps(TEXT)} = {json.dumps(TEXT)}\n".encode(),
    }
    fields = json.loads(a_license().to_bytes())
    statements = (ClockReset.payload_type, RevocationList.payload_type, Rotation.payload_type)
    for kind in (LICENSE_TYPE, REQUEST_TYPE, ACKNOWLEDGEMENT_TYPE, EXPORT_TYPE, *statements):
        found[f"a signed {kind}"] = seal(json.dumps(everything).encode(), kind, site.signer)
    for name in ("license_id", "container", "resource", "plan", "issued_at"):
        changed = fields | {name: TEXT if isinstance(fields[name], str) else dict.fromkeys(fields[name], TEXT)}
        found[f"a license with another {name}"] = seal(json.dumps(changed).encode(), LICENSE_TYPE, site.signer)
    return found


def wrong_answers(cli: Cli, site: Site, tried: list[tuple[tuple[str, ...], str]]) -> dict[str, object]:
    wrong: dict[str, object] = {}
    for words, name in tried:
        place = {"config": "azlic.toml", "notify": "channels.toml"}.get(words[0], FILE)
        (site.folder / place).write_bytes(documents(site)[name])
        answer = cli(*words)
        found = leaks(answer.out) + leaks(answer.err)
        if words[0] == "tags":  # each line of its file is a tag
            found = [one for one in found if "FORGED" not in one]
        length = len(answer.err if words[0] == "tags" else answer.out + answer.err)
        if found or length > LONGEST_ANSWER:
            wrong[ascii(f"{' '.join(words)}, {name}")] = found or length
        if place == "azlic.toml":
            (site.folder / place).write_text('channels = "channels.toml"\n')
        for path in (site.folder / "license" / "license.dat", Path(site.folder / FILE)):
            path.unlink(missing_ok=True)
    return wrong


def every_file(site: Site) -> list[tuple[tuple[str, ...], str]]:
    return [(words, name) for words in READERS for name in documents(site)]


def test_of_a_file_nothing_comes_back_as_it_is(hostile: Cli, site: Site) -> None:
    """A sample of what the long test tries."""
    assert wrong_answers(hostile, site, random.Random(7).sample(every_file(site), 25)) == {}


@pytest.mark.long
def test_of_no_file_anything_comes_back_as_it_is(hostile: Cli, site: Site) -> None:
    assert wrong_answers(hostile, site, every_file(site)) == {}
