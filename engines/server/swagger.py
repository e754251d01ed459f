"""The container's documentation page, with everything it needs inside the package: its reader has no network either."""

import functools
from collections.abc import Mapping
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from engines.server.described import page

OPENAPI_URL = "/swagger/v1/swagger.json"
_PAGE = "Swagger UI, with everything it loads coming from the container."
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
    router = APIRouter(tags=["Container"])
    assets = swagger_assets()

    @router.get("/swagger", response_class=HTMLResponse, responses={200: page(_PAGE)})
    @router.get("/swagger/", include_in_schema=False)
    def swagger() -> HTMLResponse:
        """This API, to read and to try."""
        return get_swagger_ui_html(
            openapi_url=OPENAPI_URL,
            title=title,
            swagger_js_url="/swagger/swagger-ui-bundle.js",
            swagger_css_url="/swagger/swagger-ui.css",
            swagger_favicon_url="/swagger/favicon.png",
            oauth2_redirect_url=None,
        )

    @router.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return asset("favicon.png")

    @router.get("/swagger/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        if name not in assets:
            raise HTTPException(404)
        return Response(assets[name], media_type=_MEDIA_TYPES[name])

    return router
