"""What a proxy says of the clients behind it, believed of the proxies that the operator names and of nobody else."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

Proxies = Sequence[IPv4Network | IPv6Network]
_HOST = re.compile(r"[A-Za-z0-9.\-_]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9.\-_~]+)+")


class Forwarded:
    """The application as clients of a named proxy see it: its address and scheme, its host, its path's beginning.

    ``X-Forwarded-For`` and ``-Proto`` are uvicorn's matter; ``-Host`` and ``-Prefix`` are taken here, because answers
    say where a result will be.
    """

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies
        self._behind = ProxyHeadersMiddleware(app, [str(each) for each in proxies])  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan" or not self._is_proxy(scope):
            await self._app(scope, receive, send)
            return
        told = {name: value.decode("latin-1").partition(",")[0].strip() for name, value in scope["headers"]}
        host, prefix = told.get(b"x-forwarded-host", ""), told.get(b"x-forwarded-prefix", "").rstrip("/")
        seen = {**scope}
        if _HOST.fullmatch(host):
            others = [each for each in scope["headers"] if each[0] != b"host"]
            seen["headers"] = [(b"host", host.encode()), *others]
        if _PREFIX.fullmatch(prefix):
            seen["root_path"] = prefix
        await self._behind(seen, receive, send)  # type: ignore[arg-type]

    def _is_proxy(self, scope: Scope) -> bool:
        """Whether the connection comes from one; its address is written as the operator would."""
        try:
            address = ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
            scope["client"] = (str(address), scope["client"][1])
        return any(address in network for network in self._proxies)
