import pytest
from pydantic import ValidationError

from licensing.delivery.protocol import LicenseRequest, license_url


@pytest.mark.parametrize("endpoint", ["https://issuer.example/plant", "https://issuer.example/plant/"])
def test_a_license_is_asked_for_below_the_endpoint(endpoint: str) -> None:
    assert license_url(endpoint) == "https://issuer.example/plant/license"


@pytest.mark.parametrize(
    "wrong",
    [{"container_version": "latest"}, {"container_type": ""}, {"site": "a\nb"}, {"api_key": "in the wrong place"}],
    ids=["version without a number", "no type", "a line break", "an unknown field"],
)
def test_refuses(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        LicenseRequest.model_validate({"container_type": "read", "container_version": "3.2"} | wrong)
