"""The words of DownloadLicense on the wire, the same on both sides: ``POST {endpoint}/license``."""

from licensing.document import Document, Label, Version

KEY_HEADER = "Ocp-Apim-Subscription-Key"
LICENSE_MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"


class LicenseRequest(Document):
    """What a container sends when it asks for its license."""

    container_type: Label
    container_version: Version
    site: Label | None = None


def license_url(endpoint: str) -> str:
    """Where the license of a resource's endpoint is asked for."""
    return f"{endpoint.rstrip('/')}/license"
