"""What kind of JPEG a file is, for those that are not read."""

_FRAMES = {
    0xC5: "hierarchical",
    0xC6: "hierarchical",
    0xC7: "hierarchical and lossless",
    0xCB: "lossless with arithmetic coding",
    0xCD: "hierarchical",
    0xCE: "hierarchical",
    0xCF: "hierarchical and lossless",
    0xF7: "of the kind JPEG-LS",
}
_PLAIN = (0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA)
_SCAN = 0xDA
_SCAN_MARKER = b"\xff\xda"


def is_in_one_scan(body: bytes) -> bool:
    """Whether all that a JPEG shows comes once, and from the top down: nothing finer can be missing at its end."""
    return body.count(_SCAN_MARKER) == 1 and b"\xff\xc2" not in body


def name_of_jpeg(body: bytes) -> str | None:
    """What is unusual about a JPEG: ``hierarchical``, ``of 12 bits for each shade``; ``None`` where nothing is."""
    place = 2
    while body[place : place + 1] == b"\xff" and len(body) >= place + 10:
        marker, length = body[place + 1], int.from_bytes(body[place + 2 : place + 4], "big")
        if marker in _FRAMES:
            return _FRAMES[marker]
        if marker in _PLAIN:
            bits, components = body[place + 4], body[place + 9]
            if bits != 8:
                return f"of {bits} bits for each shade"
            return None if components in (1, 3, 4) else f"of {components} components"
        if marker == _SCAN:
            return None
        place += 2 + length
    return None
