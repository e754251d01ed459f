"""Ledgers in which everything happens to the days: late records, corrections by hand, closed months, several sites."""

from datetime import timedelta
from random import Random

from licensing.db.database import reading
from licensing.db.readonly import view_of
from tests.site import METER
from tests.usage.commitments import day, enter, plan
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.closing.close import close_month
from usage.intake.run import ingest
from usage.ledger.closed_months import open_months
from usage.ledger.corrections import correct
from usage.months import Month
from usage.quantity import MICRO

METERS = (METER, "audio_seconds", "CognitiveServices.None")
CONTAINERS = ("0" * 12, "a" * 12, "b" * 12)
SITES = ("", "yard-1")


def live_through(mount: Mount, seed: int, *, weeks: int = 16) -> None:
    """Let ``weeks`` weeks go by from December 2025 on, with something of everything in them."""
    random, site = Random(seed), mount.site
    site.now = day("2025-12-01") + timedelta(hours=random.randrange(24))
    enter(site, plan())
    enter(site, plan("2026-02-01", "2026-03-10", name="audio", meters=("audio_seconds",), period="month"))
    names: list[str] = []
    for week in range(weeks):
        _use(mount, random, names, week)
        if random.random() < 0.5:
            _correct(mount, random, names)
        if random.random() < 0.6:
            _close(mount)
        site.sleep(days=7, seconds=random.randrange(3600))


def _use(mount: Mount, random: Random, names: list[str], week: int) -> None:
    """Records of the last days and, some, of a month or two ago: where that is closed, they are late."""
    for origin in SITES:
        folder = mount.site.folder / f"output-{origin}"
        for container in CONTAINERS:
            lines = []
            for number in range(random.randrange(4)):
                names.append(f"{origin}-{container}-{week}-{number}")
                at = mount.site.now - timedelta(days=random.choice((0, 0, 0, 1, 30, 61)), hours=random.randrange(24))
                quantity = random.choice((0, 1, 0.25, 7, 1000))
                meter = {"name": random.choice(METERS), "quantity": quantity}
                version = random.choice(("3.2.0", "3.2.1"))
                lines.append(a_line(names[-1], at=at, containerId=container, meter=meter, containerVersion=version))
            file = folder / "read" / container / f"usage-{mount.site.now:%Y-%m-%d}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"".join(line + b"\n" for line in lines))
        ingest(mount.ledger, [folder], now=mount.site.now, site=origin)


def _correct(mount: Mount, random: Random, names: list[str]) -> None:
    if names:
        quantity = random.randrange(9 * MICRO) + 10**11  # no record has it, so it changes something
        correct(mount.ledger, random.choice(names), quantity, reason="scanned twice", now=mount.site.now)


def _close(mount: Mount) -> None:
    with reading(mount.ledger) as connection:
        over = [month for month in open_months(view_of(connection)) if month < Month.of(mount.site.now)]
    if over:
        close_month(mount.ledger, over[0], now=mount.site.now, accept="what is open is known")
