import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert

from licensing import containers as catalogue
from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import writing
from licensing.delivery.denial import DenialCode
from licensing.issuer.book import list_issued
from licensing.issuer.containers import add_container, list_containers, renew_license_id, set_container
from licensing.issuer.resources import list_resources
from licensing.issuer.tables import ContentKeyRow
from licensing.issuer.terms import NewContainer
from licensing.signing.envelope import MAX_ENVELOPE_BYTES
from tests.licensing.issuers import an_issuer, ask, code, given
from tests.site import OPERATOR, START, Site, a_plan

pytestmark = pytest.mark.databases("sqlite", "postgresql")

CUSTOM = catalogue.SPEECH_TO_TEXT._replace(name="custom-speech-to-text", repositories=("azlic/custom-speech",))


@pytest.fixture(autouse=True)
def custom_speech() -> Iterator[None]:
    """A second container type that a SpeechServices resource may license."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue.CONTAINER_TYPES, CUSTOM.name, CUSTOM)
        yield


@pytest.fixture
def speech(site: Site) -> Site:
    """A site whose issuer has one SpeechServices resource with one container on its list."""
    site.add_resource("speech", container_type="speech-to-text", plan=a_plan(plan_type="STT"), grace_days=2)
    return site


def add(site: Site, resource: str = "speech", container: str = CUSTOM.name, **terms: object) -> str:
    new = NewContainer(container, **terms)  # type: ignore[arg-type]
    return add_container(site.issuer_store, resource, new, now=START, actor=OPERATOR)


def test_each_container_of_a_resource_has_a_license_and_a_serial_of_its_own(speech: Site) -> None:
    issuer, key = an_issuer(speech), speech.api_keys["speech"][0]
    assert code(ask(issuer, key, resource="speech", container=CUSTOM.name)) is DenialCode.UNAUTHORIZED
    license_id = add(speech)
    kinds = ["speech-to-text", CUSTOM.name, CUSTOM.name, "speech-to-text", CUSTOM.name]
    given_ = [given(speech, ask(issuer, key, resource="speech", container=kind)) for kind in kinds]
    assert [license_.serial for license_ in given_] == [1, 1, 2, 2, 3]
    assert len({license_.license_id for license_ in given_}) == 2 and given_[1].license_id == license_id
    assert given_[1].container.repositories == CUSTOM.repositories
    assert [(known.container_type, known.serial) for known in list_containers(speech.issuer_store)] == [
        (CUSTOM.name, 3),
        ("speech-to-text", 2),
    ]


def test_a_resource_is_listed_once_however_many_containers_it_has(speech: Site) -> None:
    add(speech)
    (known,) = list_resources(speech.issuer_store, now=START)
    assert [container.container_type for container in known.containers] == [CUSTOM.name, "speech-to-text"]


def test_the_allowed_lists_of_a_container_end_up_in_its_license(speech: Site) -> None:
    add(
        speech,
        version_from="5.1",
        version_below="5.3",
        repositories=("own/speech",),
        instances=("hall-7", "hall-8"),
        model="de",
    )
    issuer, key = an_issuer(speech), speech.api_keys["speech"][0]
    assert code(ask(issuer, key, resource="speech", container=CUSTOM.name, version="5.3")) is DenialCode.MISMATCH
    license_ = given(speech, ask(issuer, key, resource="speech", container=CUSTOM.name, version="5.2.9"))
    assert license_.container.repositories == ("own/speech",)
    assert license_.container.model == "de"
    assert (license_.container.version_from, license_.container.version_below) == ("5.1", "5.3")
    assert license_.instances == ("hall-7", "hall-8")


def test_the_terms_of_a_container_go_before_those_of_its_resource(speech: Site) -> None:
    add(speech, term=timedelta(days=10), grace_days=0)
    key = speech.api_keys["speech"][0]
    own = given(speech, ask(an_issuer(speech), key, resource="speech", container=CUSTOM.name))
    resources_ = given(speech, ask(an_issuer(speech), key, resource="speech", container="speech-to-text"))
    assert (own.expires_at, own.grace_days) == (START + timedelta(days=10), 0)
    assert (resources_.expires_at, resources_.grace_days) == (a_plan().ends_at, 2)


def test_terms_that_are_stated_anew_count_from_the_next_download_under_the_same_license(speech: Site) -> None:
    issuer, key = an_issuer(speech), speech.api_keys["speech"][0]
    before = given(speech, ask(issuer, key, resource="speech", container="speech-to-text"))
    terms = NewContainer("speech-to-text", version_below="9", instances=("hall-7",))
    set_container(speech.issuer_store, "speech", terms, now=START, actor=OPERATOR)
    after = given(speech, ask(issuer, key, resource="speech", container="speech-to-text", version="8.0"))
    assert (after.license_id, after.serial, after.instances) == (before.license_id, 2, ("hall-7",))


@pytest.mark.parametrize(
    ("resource", "container", "said"),
    [
        ("nowhere", "read", "there is no resource nowhere"),
        ("speech", "read", "resource speech, of kind SpeechServices, cannot license read containers"),
        ("speech", "speech-to-text", "has speech-to-text containers on its list already"),
        ("speech", "translator", "there is no container type 'translator'"),
    ],
)
def test_what_cannot_be_on_the_list_is_refused(speech: Site, resource: str, container: str, said: str) -> None:
    with pytest.raises(BadCall, match=said):
        add(speech, resource, container)
    assert len(list_containers(speech.issuer_store)) == 1


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"instances": ("",)}, "the instance '' cannot be put"),
        ({"instances": ("a\nb",)}, "cannot be put"),
        ({"repositories": ("x" * 201,)}, "the repository 'x+' cannot be put"),
        ({"instances": ("a", "a")}, "the instance 'a' is named twice"),
        ({"instances": tuple(f"{number:0200}" for number in range(90))}, "more than a license allows"),
        ({"model": ""}, "the model '' cannot be put"),
        ({"version_from": "5", "version_below": "5"}, "the version range is empty"),
        ({"term": timedelta(0)}, "shorter than a second"),
        ({"grace_days": 367}, "not from 0 to 366 days"),
    ],
)
def test_terms_no_license_could_have_are_refused(terms: dict[str, object], said: str) -> None:
    with pytest.raises(BadCall, match=said):
        NewContainer("read", **terms)  # type: ignore[arg-type]


def test_only_a_container_on_the_list_has_terms_or_a_license_id(speech: Site) -> None:
    with pytest.raises(BadCall, match="has no custom-speech-to-text containers on its list"):
        set_container(speech.issuer_store, "speech", NewContainer(CUSTOM.name), now=START, actor=OPERATOR)
    with pytest.raises(BadCall, match="has no custom-speech-to-text containers on its list"):
        renew_license_id(speech.issuer_store, "speech", CUSTOM.name, now=START, actor=OPERATOR)


def enter_content_keys(site: Site, count: int, container: str) -> dict[str, str]:
    secrets = {f"{container}-{number}": bytes([number % 256]) * 32 for number in range(count)}
    with writing(site.issuer_store) as connection:
        for key_id, secret in secrets.items():
            values = {"key_id": key_id, "container_type": container, "secret": secret, "created_at": "2026-01-01"}
            connection.execute(insert(ContentKeyRow).values(values))
    return {key_id: base64.b64encode(secret).decode() for key_id, secret in secrets.items()}


def test_a_license_holds_the_content_keys_of_its_container_type_and_no_others(speech: Site) -> None:
    keys = enter_content_keys(speech, 3, "speech-to-text")
    enter_content_keys(speech, 2, CUSTOM.name)
    answer = ask(an_issuer(speech), speech.api_keys["speech"][0], resource="speech", container="speech-to-text")
    assert given(speech, answer).content_keys == keys


def test_a_license_too_large_for_its_envelope_is_said_and_takes_no_serial(speech: Site) -> None:
    issuer, key = an_issuer(speech), speech.api_keys["speech"][0]
    enter_content_keys(speech, 700, CUSTOM.name)
    add(speech)
    with pytest.raises(AzlicError, match=r"larger than the 65536 bytes .* 700 content keys and 0 instances"):
        ask(issuer, key, resource="speech", container=CUSTOM.name)
    assert list_issued(speech.issuer_store) == []
    answer = ask(issuer, key, resource="speech", container="speech-to-text")
    assert given(speech, answer).serial == 1
    assert isinstance(answer, bytes) and len(answer) < MAX_ENVELOPE_BYTES
