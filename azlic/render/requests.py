"""Requests, their answers and the sites that sign them, in words 80 columns wide and as fields for a script."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import labelled
from licensing.core.instants import iso

if TYPE_CHECKING:  # a site that asks has no use for the issuer's modules
    from licensing.delivery.request import OfflineRequest
    from licensing.issuer import desk
    from licensing.issuer.sites import EnrolledSite


def request_text(request: "OfflineRequest", path: Path, key_id: str) -> str:
    """What was asked for, in which file, and what to do with it."""
    lines = [f"request: {path}"]
    lines += labelled("Id", request.request_id)
    lines += labelled("Site", request.site)
    lines += labelled("Key", key_id)
    lines += labelled("For", _request_lines(request))
    lines += labelled("Do", "Carry it to the issuer; bring license.dat back for azlic install.")
    return joined(lines)


def _request_fields(request: "OfflineRequest", path: Path, key_id: str) -> object:
    return {"path": path, "key_id": key_id, "request": request}


REQUEST = Answer("azlic.license-request/v1", request_text, _request_fields)


def answer_text(answer: "desk.Answer", path: Path) -> str:
    """Which license answers which request, and whether it was given before."""
    license_, request = answer.license, answer.request
    lines = [f"license: {path}"]
    lines += labelled("License", f"{license_.license_id}, serial {license_.serial}")
    lines += labelled("Site", request.site)
    lines += labelled("For", _request_lines(request))
    lines += labelled("Ends", iso(license_.expires_at))
    if answer.again:
        lines += labelled(
            "Note", f"This request was answered before, {iso(license_.issued_at)}: the same license again."
        )
    return joined(lines)


def _answer_fields(answer: "desk.Answer", path: Path) -> object:
    return {"path": path, "again": answer.again, "request": answer.request, "license": answer.license}


ANSWER = Answer("azlic.answer/v1", answer_text, _answer_fields)


def site_text(site: "EnrolledSite") -> str:
    """A site: its key, and the resources it may ask for."""
    lines = [f"site {site.name}", f"  key {site.key_id}"]
    return joined(lines + labelled("May ask", ", ".join(site.resources)))


def sites_text(sites: Sequence["EnrolledSite"]) -> str:
    """Every enrolled site."""
    return "\n".join(map(site_text, sites)) or "no site is enrolled"


def _sites_fields(sites: Sequence["EnrolledSite"]) -> object:
    return {
        "sites": [
            {"name": site.name, "key_id": site.key_id, "enrolled_at": site.enrolled_at, "resources": site.resources}
            for site in sites
        ]
    }


ENROLLED_SITES = Answer("azlic.issuer-sites/v1", sites_text, _sites_fields)


def _request_lines(request: "OfflineRequest") -> str:
    text = f"{request.resource}, {request.container_type} {request.container_version}"
    if request.instances:
        text += f", for {', '.join(request.instances)} alone"
    if request.held:
        text += f", in place of serial {request.held.serial}"
    return text
