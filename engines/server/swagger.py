"""The container's documentation page, with everything it needs inside the package: its reader has no network either."""

import functools
from collections.abc import Mapping
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

OPENAPI_URL = "/swagger/v1/swagger.json"
_MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


@functools.cache
def swagger_assets() -> Mapping[str, bytes]:
    """The files of Swagger UI, read once and kept: the process may lose the right to read them later."""
    folder = files("fastapi_offline") / "static"
    return {name: (folder / name).read_bytes() for name in _MEDIA_TYPES}


def swagger_routes(title: str) -> APIRouter:
    """``/swagger`` and its files."""
    router = APIRouter(include_in_schema=False)
    assets = swagger_assets()

    @router.get("/swagger")
    @router.get("/swagger/")
    def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=OPENAPI_URL,
            title=title,
            swagger_js_url="/swagger/swagger-ui-bundle.js",
            swagger_css_url="/swagger/swagger-ui.css",
            swagger_favicon_url="/swagger/favicon.png",
            oauth2_redirect_url=None,
        )

    @router.get("/favicon.ico")
    def icon() -> Response:
        return asset("favicon.png")

    @router.get("/swagger/{name}")
    def asset(name: str) -> Response:
        if name not in assets:
            raise HTTPException(404)
        return Response(assets[name], media_type=_MEDIA_TYPES[name])

    return router
