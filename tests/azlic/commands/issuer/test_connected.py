"""What the issuer's commands say of connected containers."""

import json
import re
from decimal import Decimal

from licensing.delivery.usage_report import MeterReport
from tests.azlic.conftest import Cli
from tests.site import METER, START, Site

NOTHING = "no connected container has reported any use of 2026-03\n"
TOLD = f"""\
web-read, 2026-03
  read 0123456789ab
    1,234.5 {METER}
    2 reports, the last 2026-03-01T08:00:00Z
"""


def report(site: Site, identity: str, quantity: str) -> None:
    body = {
        "id": identity,
        "containerType": "read",
        "containerVersion": "3.2.0",
        "containerId": "0123456789ab",
        "meter": {"name": METER, "quantity": Decimal(quantity)},
        "requestTime": int(START.timestamp()),
        "apiType": "vision.read",
    }
    key = site.api_keys["web-read"][0]
    given = site.billing().report(MeterReport.model_validate(body), resource="web-read", api_key=key, now=site.now)
    assert given.booked


def test_usage_is_listed_by_resource_container_and_meter(site: Site, cli: Cli) -> None:
    words = ("issuer", "usage", "--ledger", "azlic.db", "--month", "2026-03")
    site.add_resource("web-read", sku="S0")
    report(site, "1", "1234")
    assert cli(*words[:-1], "2026-02").out == NOTHING.replace("03", "02")
    report(site, "2", "0.5")
    assert cli(*words).out == TOLD
    fields = json.loads(cli(*words, "--json").out)
    (row,) = fields["usage"]
    assert (fields["schema"], fields["month"]) == ("azlic.connected-usage/v1", "2026-03")
    assert (row["resource"], row["quantity"], row["reports"]) == ("web-read", 1234.5, 2)


def test_a_resource_is_told_to_stop_at_its_quota(site: Site, cli: Cli) -> None:
    site.add_resource("web-read", sku="S0")
    words = ("issuer", "resource", "quota", "web-read", "--database", "issuer.db")
    assert cli(*words, "--stop").out == "resource web-read: stops at its quota\n"
    assert cli(*words, "--stop").out == "resource web-read: stops at its quota, as before\n"
    listed = cli("issuer", "resource", "list", "--database", "issuer.db")
    assert re.search(r"Quota +connected containers stop where it is used up\n", listed.out)
    assert cli(*words, "--go-on").out == "resource web-read: goes on beyond its quota\n"
    assert cli("issuer", "resource", "quota", "nobody", "--stop", "--database", "issuer.db").status == 2
