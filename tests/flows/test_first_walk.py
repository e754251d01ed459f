"""The whole loop: download, verify, run, record, ingest, report, expire."""

from datetime import UTC, datetime, timedelta

from licensing.verdict.verdict import Status, Verdict
from tests.site import METER, Site
from usage.quantity import MICRO

END_OF_2026 = datetime(2027, 1, 1, tzinfo=UTC)


def test_from_download_to_report(site: Site) -> None:
    site.add_resource()
    with site.license_server() as server:
        downloaded = site.download(server)
    assert downloaded.status is Status.VALID
    with site.start_engine() as client:
        assert client.get("/ready").status_code == 200
        client.post("/count/3").raise_for_status()
        client.post("/count/4").raise_for_status()
    assert site.ingest().new == 2
    assert site.ingest().new == 0
    site.enter_plan(downloaded.license.plan if downloaded.license else None)
    report = site.report("2026-03")
    assert [(plan.used, plan.remaining) for plan in report.plans] == [(7 * MICRO, 499_993 * MICRO)]
    assert [usage.meter for usage in report.plans[0].usages] == [METER]
    assert report.quality.clean


def test_the_container_stops_at_the_instant_its_license_ends_and_does_not_start_again(site: Site) -> None:
    site.install()
    with site.start_engine() as client:
        site.now = END_OF_2026 - timedelta(microseconds=1)
        assert client.post("/count/1").status_code == 204
        site.now = END_OF_2026
        refused = client.post("/count/1")
        assert refused.status_code == 503
        assert "2027-01-01T00:00:00Z" in refused.text
        assert client.get("/ready").status_code == 503
        assert client.get("/status").json()["apiStatus"] == "Invalid"
    again = site.container()
    assert isinstance(again, Verdict) and again.status is Status.EXPIRED
    assert site.ingest().new == 1


def test_a_renewed_license_is_taken_without_a_restart(site: Site) -> None:
    site.add_resource(term=timedelta(days=30))
    with site.license_server() as server:
        site.download(server)
        with site.start_engine() as client:
            site.sleep(days=30)
            assert client.get("/ready").status_code == 503
            site.download(server)
            assert client.get("/ready").status_code == 200
