"""Which journal a version of SQLite may be trusted with.

Source: facts/anchors §6 (the WAL-reset bug of SQLite up to 3.51.2, and the versions its fix was ported to).
"""


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite may write ahead without the WAL-reset bug: 3.51.3, 3.50.7, 3.44.6 and what follows each."""
    fixed = {(3, 44): 6, (3, 50): 7}
    return version >= (3, 51, 3) or version[2] >= fixed.get(version[:2], 1 << 30)
