"""Requests, their answers and the sites that sign them, in words 80 columns wide and as fields for a script."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from licensing.core.instants import iso

if TYPE_CHECKING:  # a site that asks has no use for the issuer's modules
    from licensing.delivery.request import OfflineRequest
    from licensing.issuer.desk import Answer
    from licensing.issuer.sites import EnrolledSite

WIDTH = 80


def request_text(request: "OfflineRequest", path: Path, key_id: str) -> str:
    """What was asked for, in which file, and what to do with it."""
    lines = [f"request: {path}"]
    lines += _lines("Id", request.request_id)
    lines += _lines("Site", request.site)
    lines += _lines("Key", key_id)
    lines += _lines("For", _request_lines(request))
    lines += _lines("Do", "Carry it to the issuer; bring license.dat back for azlic install.")
    return "\n".join(lines)


def request_fields(request: "OfflineRequest", path: Path, key_id: str) -> dict[str, Any]:
    """A request under the schema ``azlic.license-request/v1``."""
    return {"path": str(path), "key_id": key_id, "request": request.model_dump(mode="json")}


def answer_text(answer: "Answer", path: Path) -> str:
    """Which license answers which request, and whether it was given before."""
    license_, request = answer.license, answer.request
    lines = [f"license: {path}"]
    lines += _lines("License", f"{license_.license_id}, serial {license_.serial}")
    lines += _lines("Site", request.site)
    lines += _lines("For", _request_lines(request))
    lines += _lines("Ends", iso(license_.expires_at))
    if answer.again:
        lines += _lines("Note", f"This request was answered before, {iso(license_.issued_at)}: the same license again.")
    return "\n".join(lines)


def answer_fields(answer: "Answer", path: Path) -> dict[str, Any]:
    """An answer under the schema ``azlic.answer/v1``; no secrets of the license."""
    return {
        "path": str(path),
        "again": answer.again,
        "request": answer.request.model_dump(mode="json"),
        "license": answer.license.model_dump(mode="json", exclude={"content_keys"}),
    }


def site_text(site: "EnrolledSite") -> str:
    """A site: its key, and the resources it may ask for."""
    lines = [f"site {site.name}", f"  key {site.key_id}"]
    return "\n".join(lines + _lines("May ask", ", ".join(site.resources)))


def sites_text(sites: Sequence["EnrolledSite"]) -> str:
    """Every enrolled site."""
    return "\n".join(map(site_text, sites)) or "no site is enrolled"


def site_fields(site: "EnrolledSite") -> dict[str, Any]:
    """A site under the schema ``azlic.issuer-sites/v1``."""
    return {
        "name": site.name,
        "key_id": site.key_id,
        "enrolled_at": site.enrolled_at,
        "resources": list(site.resources),
    }


def _request_lines(request: "OfflineRequest") -> str:
    text = f"{request.resource}, {request.container_type} {request.container_version}"
    if request.instances:
        text += f", for {', '.join(request.instances)} alone"
    if request.held:
        text += f", in place of serial {request.held.serial}"
    return text


def _lines(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12, break_on_hyphens=False
    )
