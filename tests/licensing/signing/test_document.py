import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from licensing.signing.document import BadDocument, License, LicensedContainer, parse_license
from tests.site import a_license, a_plan

SECRET = base64.b64encode(b"the 32 bytes that open the image").decode()
LABELS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1970, 1, 3), datetime(9989, 12, 30), timezones=ZONES | st.just(UTC))  # noqa: DTZ001
SPANS = st.lists(INSTANTS, min_size=2, max_size=2, unique=True).map(sorted)
COUNTS = st.integers(1, 2**53 - 1)
VERSIONS = st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@st.composite
def licenses(draw: st.DrawFn) -> License:
    begins, ends = draw(SPANS)
    plan_begins, plan_ends = draw(SPANS)
    return a_license(
        serial=draw(COUNTS),
        container=LicensedContainer(
            type=draw(LABELS),
            repositories=tuple(draw(st.lists(LABELS, min_size=1, max_size=3))),
            version_from=draw(VERSIONS),
            version_below="1000000000-end",
            model=draw(st.none() | LABELS),
        ),
        site=draw(st.none() | LABELS),
        instances=draw(st.none() | st.lists(LABELS, max_size=3).map(tuple)),
        issued_at=begins,
        not_before=begins,
        expires_at=ends,
        grace_days=draw(st.integers(0, 366)),
        plan=a_plan(count=draw(COUNTS), starts_at=plan_begins, ends_at=plan_ends),
        content_keys=draw(st.dictionaries(LABELS, st.just(SECRET), max_size=2)),
    )


def payload(**changes: object) -> bytes:
    """A license's payload with some of its fields said otherwise."""
    return json.dumps(json.loads(a_license().to_bytes()) | changes).encode()


def part(name: str, /, **changes: object) -> bytes:
    """A license's payload with some fields of one of its parts said otherwise."""
    return payload(**{name: json.loads(a_license().to_bytes())[name] | changes})


@given(licenses())
def test_a_license_comes_back_from_its_bytes_as_it_was(license_: License) -> None:
    assert parse_license(license_.to_bytes()) == license_


def test_what_is_not_stated_stays_out_of_the_payload() -> None:
    fields = json.loads(a_license().to_bytes())
    assert not {"site", "instances"} & set(fields)
    assert "model" not in fields["container"]
    assert fields["expires_at"] == "2027-01-01T00:00:00Z"


REFUSED = {
    "an unknown field": (payload(note="hello"), "note"),
    "an unknown field of the plan": (part("plan", colour="red"), "plan.colour"),
    "an unknown field of the container": (part("container", gpu=True), "container.gpu"),
    "an instant without a zone": (payload(expires_at="2027-01-01T00:00:00"), "expires_at"),
    "an instant without a time": (payload(expires_at="2027-01-01"), "expires_at"),
    "an instant with a blank in it": (payload(expires_at="2027-01-01 00:00:00Z"), "expires_at"),
    "an instant as a number": (payload(expires_at=1_798_761_600), "expires_at"),
    "an instant as a fraction": (payload(not_before=1_798_761_600.5), "not_before"),
    "an instant as digits in quotes": (payload(expires_at="1800000000000"), "expires_at"),
    "an instant that does not exist": (payload(expires_at="2027-02-30T00:00:00Z"), "expires_at"),
    "an instant before there were computers": (payload(issued_at="0001-01-01T00:00:00+14:00"), "issued_at"),
    "an instant too far ahead to add days to": (payload(expires_at="9999-12-31T23:59:59-14:00"), "expires_at"),
    "a serial as text": (payload(serial="1"), "serial"),
    "a serial as a fraction": (payload(serial=1.0), "serial"),
    "a serial as true": (payload(serial=True), "serial"),
    "a serial of 0": (payload(serial=0), "serial"),
    "a serial that JavaScript would round": (payload(serial=2**53), "serial"),
    "a serial of 20 digits": (payload(serial=10**19), "too large"),
    "grace days as text": (payload(grace_days="7"), "grace_days"),
    "grace days below 0": (payload(grace_days=-1), "grace_days"),
    "a quota as text": (part("plan", quota={"quantity": "5", "unit": "Hour"}), "plan.quota.quantity"),
    "an unknown period": (part("plan", period="decade"), "plan.period"),
    "a control character in a name": (part("resource", name="plant\x1b[2J"), "resource.name"),
    "a line break in the site": (payload(site="hall\n7"), "site"),
    "a C1 control character": (payload(site="hall\x9b7"), "site"),
    "a mark that turns the writing around": (payload(site="hall\u202e7"), "site"),
    "an empty name": (part("resource", name=""), "resource.name"),
    "a name of 201 characters": (part("resource", name="a" * 201), "resource.name"),
    "an empty version range": (part("container", version_below="3.2.0"), "version range is empty"),
    "a version range that runs backwards": (part("container", version_below="3"), "version range is empty"),
    "a version that is no number": (part("container", version_from="latest"), "container.version_from"),
    "no repository": (part("container", repositories=[]), "container.repositories"),
    "a license id that is no UUID": (payload(license_id="7"), "license_id"),
    "an end before the beginning": (payload(not_before="2027-01-01T00:00:00Z"), "expires before it begins"),
    "an end before it was issued": (payload(issued_at="2027-01-01T00:00:00Z"), "expires before it was issued"),
    "a plan that ends before it starts": (part("plan", ends_at="2026-01-01T00:00:00Z"), "plan ends before"),
    "a content key that is not base64": (payload(content_keys={"k1": "!" * 44}), "content_keys.k1"),
    "a content key of 16 bytes": (payload(content_keys={"k1": SECRET[:21] + "A=="}), "content_keys.k1"),
    "a key that stands twice": (a_license().to_bytes().replace(b"{", b'{"serial":1,', 1), "twice"),
    "a list": (b"[]", "dictionary|object"),
    "nothing": (b"", "not JSON"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str) -> None:
    content, reason = REFUSED[case]
    with pytest.raises(BadDocument, match=reason):
        parse_license(content)


def test_the_name_of_an_unknown_field_cannot_steer_the_terminal() -> None:
    with pytest.raises(BadDocument) as refused:
        parse_license(payload(**{"\x1b[2J\x07" + "x" * 5000: 1}))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_content_keys_stay_out_of_every_text() -> None:
    license_ = a_license(content_keys={"k1": SECRET})
    assert SECRET in license_.to_bytes().decode()
    assert SECRET not in repr(license_) + str(license_) + f"{license_}"


@pytest.mark.parametrize("wrong", [{"serial": "one"}, {"content_keys": {"k1": SECRET, "k2": SECRET[:-2]}}])
def test_content_keys_stay_out_of_error_text(wrong: dict[str, object]) -> None:
    with pytest.raises(BadDocument) as refused:
        parse_license(payload(**({"content_keys": {"k1": SECRET}} | wrong)))
    assert SECRET[:-2] not in f"{refused.value!r} {refused.value.__cause__}"


def test_a_license_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        a_license().serial = 7  # type: ignore[misc]


@pytest.mark.parametrize(
    ("version", "admitted"),
    [("3.2", True), ("3.2.0", True), ("3.2-model-2022", True), ("3.99.1", True), ("3.1.9", False), ("4", False),
     ("4.0-preview", False), ("latest", False), ("", False)],
)  # fmt: skip
def test_admits_versions_from_up_to_and_not_including_below(version: str, admitted: bool) -> None:
    assert a_license().container.admits(version) is admitted


def test_grace_ends_whole_days_after_the_expiry() -> None:
    assert a_license().grace_ends_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert a_license(grace_days=7).grace_ends_at == datetime(2027, 1, 8, tzinfo=UTC)
