"""The words of DownloadLicense on the wire, the same on both sides: ``POST {endpoint}/license``."""

from typing import Annotated

from pydantic import AfterValidator, Field

from licensing.signing.document import Label, StrictModel, Version

KEY_HEADER = "Ocp-Apim-Subscription-Key"
LICENSE_MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
_MAX_INSTANCES_BYTES = 8 * 1024


def _fits(names: tuple[str, ...]) -> tuple[str, ...]:
    if sum(len(name.encode()) + len('"",') for name in names) > _MAX_INSTANCES_BYTES:
        raise ValueError("it is longer than a license allows")
    return names


Instances = Annotated[tuple[Label, ...], Field(min_length=1), AfterValidator(_fits)]
"""The names of the containers that a license is to be bound to."""


class LicenseRequest(StrictModel):
    """What a container sends when it asks for its license; ``instances`` binds it to containers of these names."""

    container_type: Label
    container_version: Version
    site: Label | None = None
    instances: Instances | None = None


def license_url(endpoint: str) -> str:
    """Where the license of a resource's endpoint is asked for."""
    return f"{endpoint.rstrip('/')}/license"
