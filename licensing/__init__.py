"""Licenses: who may run which container, and until when. The names that other programs may rely on."""

from typing import TYPE_CHECKING

from licensing.core.faces import lazy_face

if TYPE_CHECKING:
    from licensing.adoption import adopt
    from licensing.core.errors import AzlicError, BadCall
    from licensing.delivery.client import Order
    from licensing.delivery.downloading import download
    from licensing.delivery.installing import install
    from licensing.signing.document import License
    from licensing.trust.store import TrustStore
    from licensing.verdict.verdict import Check, Status, Verdict
    from licensing.verification import verify

__all__ = [
    "AzlicError",
    "BadCall",
    "Check",
    "License",
    "Order",
    "Status",
    "TrustStore",
    "Verdict",
    "adopt",
    "download",
    "install",
    "verify",
]
_HOMES = {
    "AzlicError": "licensing.core.errors",
    "BadCall": "licensing.core.errors",
    "Check": "licensing.verdict.verdict",
    "License": "licensing.signing.document",
    "Order": "licensing.delivery.client",
    "Status": "licensing.verdict.verdict",
    "TrustStore": "licensing.trust.store",
    "Verdict": "licensing.verdict.verdict",
    "adopt": "licensing.adoption",
    "download": "licensing.delivery.downloading",
    "install": "licensing.delivery.installing",
    "verify": "licensing.verification",
}
if not TYPE_CHECKING:
    __getattr__ = lazy_face(__name__, _HOMES)
