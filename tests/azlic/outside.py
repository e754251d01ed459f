"""Every place where bytes from outside come in: a file that a command reads, with what is good in it to begin from.

``test_outside.py`` damages each, and holds this list against what the code reads.
"""

import gzip
import json
import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from licensing.delivery.request import REQUEST_TYPE
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import parse_envelope, seal
from licensing.signing.keys import load_signer
from licensing.trust.clock_reset import ClockReset
from tests.azlic.conftest import Cli
from tests.azlic.killing import COMMANDS
from usage.handover.acknowledgement import ACKNOWLEDGEMENT_TYPE

_VERSION = ("--container", "read", "--image-version", "3.2.0")
_ISSUER = ("--database", "issuer.db")
_ACCEPT = ("accept", "hall-2.azlic", "--output", "ack.json", "--keys", "site-keys")
_SEAL = ("seal", "models", "--to", "sealed", "--container", "read", *_ISSUER)
_WAITING = "output/read/0123456789ab/usage-2026-03-02.jsonl"
_USAGE = "output/read/0123456789ab/usage-2026-03-01.jsonl"


@dataclass(frozen=True, slots=True)
class Door:
    """What comes in, in which file of the site, and the command that reads it.

    ``signed_as`` are a document's type and the folder and name of the key that signs it: its payload is damaged, too.
    """

    what: str
    file: str
    words: tuple[str, ...]
    signed_as: tuple[str, str, str] | None = None


DOORS = (
    Door("a license", "license/license.dat", ("verify", "license"), (LICENSE_TYPE, "issuer-keys", "issuer")),
    Door("a license in use", "license/license.dat", ("status",)),
    Door("a license carried here", "carried.dat", ("install", "carried.dat", "license", *_VERSION),
         (LICENSE_TYPE, "issuer-keys", "issuer")),
    Door("a license that its operator states", "opaque/license.dat",
         ("adopt", "opaque", "--container", "text-translation", "--expires", "2099-01-01")),
    Door("an adopted license", "opaque/license.dat", ("adopted", "list")),
    Door("the license held, for a request", "license/license.dat",
         ("request", "--resource", "plant-read", *_VERSION, "--held", "license", "-o", "request.json")),
    Door("a plan in a license", "license/license.dat", ("plan", "import", "license"),
         (LICENSE_TYPE, "issuer-keys", "issuer")),
    Door("a request", "asked.json", ("issuer", "answer", "asked.json", "-o", "answer.dat", "--url",
         "https://issuer.example", "--keys", "issuer-keys", *_ISSUER), (REQUEST_TYPE, "site-keys", "site")),
    Door("a rotation", "rotation.json", ("trust", "update", "rotation.json")),
    Door("a revocation list", "list.json", ("trust", "update", "rotation.json", "list.json")),
    Door("a clock reset", "reset.json", ("clock", "reset", "reset.json", "--yes"),
         (ClockReset.payload_type, "issuer-keys", "issuer")),
    Door("a key to trust", "vendor/vendor-0.pem", ("trust", "add", "vendor/vendor-0.pem")),
    Door("a site's public key", "hall-8-keys/site.pem", ("handing-sites", "add", "hall-3", "hall-8-keys/site.pem")),
    Door("a private key", "site-keys/site-key.pem", _ACCEPT),
    Door("the other half of a private key", "site-keys/site.pem", ("site", "init", "--keys", "site-keys")),
    Door("a private key without its other half", "half-keys/site-key.pem", ("site", "init", "--keys", "half-keys")),
    Door("where a key is kept elsewhere", "elsewhere-keys/site-key.uri",
         ("export", "-o", "new.azlic", "--keys", "elsewhere-keys")),
    Door("an API key", "key", ("download", "{issuer}", "license", *_VERSION, "--api-key-file", "key")),
    Door("an API key made before", "api-keys/key1",
         ("issuer", "resource", "key", "plant-read", "--slot", "1", "--keys-to", "api-keys", *_ISSUER)),
    Door("a CA", "ca.pem", ("download", "{issuer by TLS}", "license", *_VERSION, "--api-key-file", "key",
         "--ca", "ca.pem")),
    Door("an export", "hall-2.azlic", _ACCEPT),
    Door("an export to look into", "hall-2.azlic", ("inspect", "hall-2.azlic", "--key", "site-keys/site.pem")),
    Door("an acknowledgement", "hall-2.json", ("acknowledge", *COMMANDS["acknowledge"]),
         (ACKNOWLEDGEMENT_TYPE, "site-keys", "site")),
    Door("a checkpoint", "checkpoint.txt", ("audit", "--against", "checkpoint.txt")),
    Door("a backup", "older.db", ("restore", "older.db", "--yes")),
    Door("a ledger", "azlic.db", ("report", "2026-03")),
    Door("a ledger that is asked often", "azlic.db", ("check",)),
    Door("a ledger that is audited", "azlic.db", ("audit",)),
    Door("a ledger that is kept", "azlic.db", ("backup", "kept.db")),
    Door("a ledger that is written", "azlic.db", ("ingest", "output")),
    Door("an issuer's store", "issuer.db", ("issuer", "audit", *_ISSUER)),
    Door("a journal beside a ledger", "azlic.db-journal", ("check",)),
    Door("a journal beside a ledger that is written", "azlic.db-journal", ("ingest", "output")),
    Door("settings", "azlic.toml", ("config", "show")),
    Door("settings in use", "azlic.toml", ("check",)),
    Door("channels", "channels.toml", ("notify",)),
    Door("usage", _USAGE, ("ingest", "output")),
    Door("compressed usage", f"{_USAGE}.gz", ("ingest", "output")),
    Door("usage that doctor looks at", _USAGE, ("doctor", "--output", "output")),
    Door("what waits in quarantine", _WAITING, ("quarantine", "retry")),
    Door("a report of a container", "report.json", ("import", *COMMANDS["import"])),
    Door("plans of Azure", "plans.json", ("plan", "import", "plans.json", "--period", "year")),
    Door("tiers of Azure", "tiers.json", ("plan", "import", "plans.json", "--tiers", "tiers.json", "--period", "year")),
    Door("tags", "tags.txt", ("tags", "tags.txt")),
    Door("a model to be sealed", "models/a", _SEAL),
    Door("a calendar that is there", "azlic.ics", ("calendar", "-o", "azlic.ics")),
    Door("metrics that are there", "azlic.prom", ("check", "--prometheus", "azlic.prom")),
    Door("unit files that are there", "new-units/azlic-audit.service", ("units", "new-units")),
    Door("another ledger beside", "other.db", ("ingest", "elsewhere", "--database", "no-such.db")),
)  # fmt: skip
ELSEWHERE = {
    "licensing/containers/status.py": "tests/licensing/containers/test_status.py",
    "licensing/core/http_request.py": "tests/azlic/test_outside_http.py",
    "licensing/delivery/client.py": "tests/licensing/delivery/test_downloading.py",
    "licensing/delivery/response.py": "tests/licensing/delivery/test_downloading.py",
    "licensing/delivery/tls.py:certificate_ends": "tests/azlic/commands/issuer/test_tls.py",
    "licensing/doctor": "tests/licensing/doctor",
    "licensing/issuer/http.py": "tests/licensing/issuer/test_fuzz.py",
    "licensing/sealing/sealed.py": "tests/licensing/sealing/test_sealed.py",
    "usage/readings/polling.py": "tests/usage/readings/test_polling.py",
    "engines": "tests/engines/read/test_fuzz.py",
    "azlic/web": "tests/azlic/web",
}
"""What is read where no command ends by itself, and the tests that damage it."""

_AZURE = {
    "name": "read-2026",
    "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a/commitmentPlans/p",
    "properties": {
        "hostingModel": "DisconnectedContainer",
        "planType": "Read",
        "autoRenew": False,
        "current": {
            "tier": "T1",
            "count": 1,
            "startDate": "2028-01-01T00:00:00Z",
            "endDate": "2029-01-01T00:00:00Z",
            "quota": {"quantity": 500000, "unit": "Transaction"},
        },
    },
}


def lay_what_is_read(folder: Path, cli: Cli) -> None:
    """Everything that a door names and a site has not yet."""
    usage, waiting = folder / _USAGE, folder / _WAITING
    usage.parent.mkdir(parents=True)
    waiting.write_text('{"not": "a record"}\n')
    assert cli("ingest", "output").status == 1
    line = (folder / "elsewhere/read/0123456789ab/usage-2026-03-01.jsonl").read_bytes()
    usage.write_bytes(line)
    usage.with_name(f"{usage.name}.gz").write_bytes(gzip.compress(line))
    (folder / "plans.json").write_text(json.dumps({"value": [_AZURE]}))
    tier = {"kind": "ComputerVision", "skuName": "DC0", "hostingModel": "DisconnectedContainer", "planType": "Read",
            "tier": "T1", "quota": {"quantity": 500000, "unit": "Transaction"}}  # fmt: skip
    (folder / "tiers.json").write_text(json.dumps({"value": [tier]}))
    (folder / "tags.txt").write_text("3.2.0\n3.2-model-2022-04-30\nlatest\n")
    (folder / "half-keys").mkdir()
    shutil.copy(folder / "site-keys/site-key.pem", folder / "half-keys")
    (folder / "elsewhere-keys").mkdir()
    shutil.copy(folder / "site-keys/site.pem", folder / "elsewhere-keys/site.pem")
    (folder / "elsewhere-keys/site-key.uri").write_text("file2:/no/such/key.pem")
    for words in (
        ("calendar", "-o", "azlic.ics"),
        ("check", "--prometheus", "azlic.prom"),
        ("units", "new-units"),
        ("issuer", "resource", "key", "plant-read", "--slot", "1", "--keys-to", "api-keys", *_ISSUER),
    ):
        assert cli(*words).status in {0, 2}, words
    (folder / "azlic.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))


TOKENS = (
    b"", b"\0", b"\xff", b"\xed\xa0\x80", "\u202e\u2028".encode(), b"\x1b[2J", b"\r\n", b'"', b"{}", b"[]", b'""',
    b"null", b"true", b"-1", b"0.1", b"1e999", b"NaN", b"18446744073709551616", b"9" * 5000, b"[" * 20_000,
    b'{"a":' * 5000, b"2026-02-30T00:00:00Z", b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59.999999Z",
    b"\xef\xbb\xbf", gzip.compress(bytes(1000)), b"SQLite format 3\0", b"../../etc/passwd", b"%n%s{0}{a}",
)  # fmt: skip
"""What parsers have stumbled over."""


def damaged(content: bytes, rng: random.Random) -> bytes:
    """These bytes after one thing that happens to bytes, by accident or on purpose."""
    at = rng.randrange(len(content) + 1)
    token = rng.choice(TOKENS)
    ways: Sequence[Callable[[], bytes]] = (
        lambda: rng.randbytes(rng.choice([0, 1, 7, 200])),
        lambda: token,
        lambda: content[:at],
        lambda: content[at:],
        lambda: content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :],
        lambda: content[:at] + token + content[at + rng.choice([0, 1, len(token)]) :],
        lambda: content[:at] + 1000 * content[at : at + rng.choice([1, 20])] + content[at:],
        lambda: _value_replaced(content, token, rng),
        lambda: _value_replaced(content, token, rng),
    )
    return rng.choice(ways)()


_VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.]*|true|false|null|[A-Za-z]{3,}')


def _value_replaced(content: bytes, token: bytes, rng: random.Random) -> bytes:
    found = list(_VALUE.finditer(content[: 1 << 16]))
    if not found:
        return token + content
    here, other = rng.choice(found), rng.choice(found)
    new = rng.choice([token, b'"' + token + b'"', other[0]])
    return content[: here.start()] + new + content[here.end() :]


def damages(door: Door, folder: Path, rng: random.Random) -> bytes:
    """The bytes of a door after some damage; of a signed document, inside or outside of what is signed."""
    content = (folder / door.file).read_bytes()
    if door.signed_as is None or rng.random() < 0.4:
        return damaged(content, rng)
    kind, keys, name = door.signed_as
    signer = load_signer(folder / keys / f"{name}-key.pem", folder / keys / f"{name}.pem")
    return seal(damaged(parse_envelope(content).payload, rng), kind, signer)
