"""`azlic ingest`, as a user runs it."""

import json

from tests.azlic.conftest import Cli
from tests.site import Site


def use(site: Site, pages: int) -> None:
    """Let a container of the site deliver pages in March 2026."""
    site.install()
    with site.start_engine() as client:
        client.post(f"/count/{pages}").raise_for_status()


def test_ingest_tells_what_it_took_and_twice_is_once(cli: Cli, site: Site) -> None:
    use(site, 3)
    first, second = (cli("ingest", "output", "--json") for _ in range(2))
    assert (first.status, second.status) == (0, 0)
    receipts = [json.loads(answer.out) for answer in (first, second)]
    assert [receipt["schema"] for receipt in receipts] == ["azlic.receipt/v1"] * 2
    assert [receipt["new"] for receipt in receipts] == [1, 0]


def test_a_bad_line_makes_the_exit_status_1_and_stays_in_every_report(cli: Cli, site: Site) -> None:
    use(site, 3)
    with next(site.output.rglob("*.jsonl")).open("ab") as file:
        file.write(b"no record\n")
    answer = cli("ingest", "output")
    assert answer.status == 1
    assert "1  quarantined lines" in answer.out
    report = json.loads(cli("report", "2026-03", "--json").out)
    assert report["quality"]["quarantined"] == 1
