"""What a hostile container may send instead of a report: refused in words, never booked, never repeated raw."""

import json
from collections.abc import Iterator

import httpx
import pytest

from licensing.delivery.protocol import KEY_HEADER
from licensing.issuer.audit import read_audit_log
from licensing.issuer.http import MAX_REQUEST_BYTES
from tests.licensing.issuer.test_billing import BODY, CONTAINER, NAME
from tests.site import Site
from tests.usage.mount import rows
from usage.ledger.tables.records import QuarantineRow, RecordRow

TEXTS = [
    '""',
    r'"\u001b[2J"',
    r'"a\nb"',
    r'"\u0000"',
    r'"\u202eread"',
    r'"\u2028"',
    r'"\ud800"',
    json.dumps("a" * 201),
    json.dumps("a" * 10_000),
    json.dumps("\x1b" * 2_000),
    "7",
    "null",
    "true",
    '["read"]',
    '{"a":"read"}',
]
NUMBERS = ["1e400", "-1e400", "NaN", "Infinity", "-1", "9" * 10_000, "1" + "0" * 4_500, "true", "null", "[]", "{}"]
QUANTITIES = [
    *NUMBERS,
    "1e300",
    "1e-7",
    "0." + "0" * 9_000 + "1",
    "-0.000001",
    '"7"',
    '"1_0"',
    '" 7"',
    '"many"',
    '"NaN"',
    r'"\u001b[2J"',
]
TIMES = [*NUMBERS, "0", "1.5", "1e30", str(10**18), '"1772352000000"', '"now"', r'"\u001b[2J"']
FIELDS = {
    "id": TEXTS,
    "containerType": TEXTS,
    "containerVersion": TEXTS,
    "containerId": TEXTS,
    "name": TEXTS,
    "apiType": TEXTS,
    "quantity": QUANTITIES,
    "requestTime": TIMES,
}
GOOD = json.dumps({"usageRequestBody": BODY})


def put(body: str, field: str, value: str) -> str:
    """A body with another value, which may be no JSON, in a field."""
    before = f'"{field}": '
    at = body.index(before) + len(before)
    return body[:at] + value + body[at + len(json.dumps((BODY | BODY["meter"])[field])) :]  # type: ignore[operator]


def twice(body: str, field: str) -> str:
    """A body with a field twice."""
    at = body.index(f'"{field}": ')
    return f'{body[:at]}"{field}": 1, {body[at:]}'


def bodies(good: str) -> Iterator[bytes]:
    """Bodies that are none, each like a good one in all but one thing."""
    for field, values in FIELDS.items():
        if f'"{field}"' in good:
            yield from (put(good, field, value).encode() for value in values)
            yield twice(good, field).encode()
    yield from (good.encode() + more for more in (b"x", good.encode(), b"\x00"))
    yield from (b"", b"null", b"[]", b"7", b'"x"', b"\xff", b"\xef\xbb\xbf" + good.encode(), good.encode("utf-16"))
    yield from (b"[" * 15_000, b'{"a":' * 3_000, b"\x00" * 100, b"x" * (MAX_REQUEST_BYTES + 1), b"[" * 10**6)


@pytest.mark.parametrize(
    ("path", "good"), [("usage", GOOD), ("status", json.dumps(CONTAINER))], ids=["usage", "status"]
)
def test_what_is_no_report_is_refused_in_words_and_leaves_nothing(site: Site, path: str, good: str) -> None:
    site.add_resource(NAME, sku="S0")
    before = len(read_audit_log(site.issuer_store).entries)
    with site.license_server(bills=True) as server, httpx.Client(base_url=f"{server}/{NAME}") as client:
        client.headers[KEY_HEADER] = site.api_keys[NAME][0]
        for body in bodies(good):
            answer = client.post(f"/billing/{path}", content=body)
            assert answer.status_code != 200, body[:400]
            told = answer.json()
            assert (answer.status_code, told["code"]) in ((400, "BadRequest"), (413, "RequestTooLarge")), body[:200]
            assert told["message"].isprintable() and len(told["message"]) < 500 and answer.text.isascii(), body[:200]
        assert len(read_audit_log(site.issuer_store).entries) == before
        assert rows(site.ledger, RecordRow) == rows(site.ledger, QuarantineRow) == []
        assert client.post(f"/billing/{path}", content=good).status_code == 200
