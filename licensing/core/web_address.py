"""Addresses of the web, read by the very parser that will connect."""

from ipaddress import ip_address

import httpx


def parse_web_address(text: str) -> httpx.URL | None:
    """The address, or None for what is not an http or https URL of a host."""
    try:
        url = httpx.URL(text)
        good_host = bool(url.host) and "%" not in url.host  # httpx escapes what no name can have, "[h" for one
    except (httpx.InvalidURL, ValueError):
        return None
    good_port = url.port is None or 0 < url.port < 1 << 16
    return url if url.scheme in ("http", "https") and good_host and good_port else None


def has_only_a_path(url: httpx.URL) -> bool:
    """Whether an address holds no password, no query and no fragment."""
    return not (url.userinfo or url.query or url.fragment)


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine, and nothing sent to it ever on a network."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
