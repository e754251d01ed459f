"""What `scripts/bench` runs in processes of their own; each prints its figure as the last line.

workers.py generate FOLDER RECORDS | ingest FOLDER DATABASE | ingest-undisturbed FOLDER DATABASE |
unchained FOLDER DATABASE | bare FOLDER DATABASE | audit FOLDER DATABASE | read FOLDER | watch FOLDER |
hand-over FOLDER SITE-DATABASE OFFICE-DATABASE | read-accuracy CLASS | ask HOST:PORT REQUESTS_A_SECOND, until SIGTERM
"""

import gc
import hashlib
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CONTAINERS = 20
START_MS = 1_793_491_200_000  # 2026-11-01T00:00:00Z
GC_THRESHOLD = (100_000, 50, 50)  # as the program sets it
METERS = ("CognitiveServices.ComputerVision.Container.Read", "CognitiveServices.ComputerVision.Container.Analyze")


def generate(folder: Path, records: int) -> float:
    """Files as our recorder writes them: 20 containers, two meters, rising ids, chained lines."""
    import uuid_utils

    from usage.records.record import GENESIS, MeteredQuantity, UsageRecord, encode

    start = time.perf_counter()
    for number in range(CONTAINERS):
        container = f"{number:012x}"
        path = folder / "read" / container / "usage-2026-11-01.jsonl"
        path.parent.mkdir(parents=True)
        previous = GENESIS
        with path.open("wb") as file:
            for index in range(records // CONTAINERS):
                record = UsageRecord(
                    id=str(uuid_utils.uuid7()),
                    container_type="read",
                    container_version="3.2.0",
                    container_id=container,
                    meter=MeteredQuantity(METERS[index % 2], 1 + index % 3),
                    request_time=START_MS + index,
                    api_type="vision.read",
                    sequence=index + 1,
                    previous=previous,
                )
                line = encode(record)
                previous = hashlib.sha256(line).hexdigest()
                file.write(line + b"\n")
    return time.perf_counter() - start


def ingest(folder: Path, database: str) -> str:
    """The seconds of an ingest, and of its first and last tenth; the database is made before the clock starts."""
    from licensing.db.database import open_ledger
    from usage.intake.run import ingest as ingest_paths

    gc.set_threshold(*GC_THRESHOLD)
    engine = open_ledger(database, create=True)
    marks = [(0.0, time.perf_counter())]
    ingest_paths(
        engine,
        [folder],
        now=datetime.now(UTC),
        progress=lambda done, total: marks.append((done / total, time.perf_counter())),
    )
    first, last = _between(marks, 0.0, 0.1), _between(marks, 0.9, 1.0)
    return f"{marks[-1][1] - marks[0][1]} {first} {last}"


def unchained(folder: Path, database: Path) -> str:
    """The same ingest without its chain: no digest of bytes or rows, no head. The batches themselves cost nothing."""
    from usage.ledger import canonical

    class NoDigest:
        def update(self, _: bytes) -> None:
            pass

        def digest(self) -> bytes:
            return bytes(32)

    def none(*_: object) -> bytes:
        return bytes(32)

    canonical.rows_digest = canonical.batch_head = none  # before anything else takes them from there
    from usage.intake import matching

    cursor = matching.Cursor
    matching.Cursor = lambda *fields, **more: cursor(*fields, **more, digest=NoDigest())  # type: ignore[assignment,misc]
    return ingest(folder, database)


def audit(_folder: Path, database: Path) -> float:
    """The seconds of an audit."""
    from usage.auditing.run import audit as prove
    from usage.auditing.run import open_readonly

    gc.set_threshold(*GC_THRESHOLD)
    engine = open_readonly(str(database))
    start = time.perf_counter()
    assert prove(engine).sound
    return time.perf_counter() - start


def ingest_undisturbed(folder: Path, database: Path) -> float:
    """The seconds of an ingest, without those in which it was ready to run and something else ran on its core."""
    queued, start = _queued(), time.perf_counter()
    ingest(folder, database)
    return time.perf_counter() - start - (_queued() - queued)


def _queued() -> float:
    """The seconds that this process has waited for a core. Source: proc(5), schedstat."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def _between(marks: list[tuple[float, float]], low: float, high: float) -> float:
    """The seconds that a part of the work took, for one tenth of it."""
    low_share, low_at = max(mark for mark in marks if mark[0] <= low)
    high_share, high_at = min(mark for mark in marks if mark[0] >= high)
    return (high_at - low_at) / (high_share - low_share) / 10


def bare(folder: Path, database: Path) -> float:
    """The seconds of the least that could be done: decode each line, insert the same columns, nothing checked."""
    from licensing.db.database import open_ledger
    from usage.records.record import decode_plain

    gc.set_threshold(*GC_THRESHOLD)
    open_ledger(str(database), create=True).dispose()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-32000")
    start = time.perf_counter()
    number = 0
    for path in sorted(folder.rglob("*.jsonl")):
        with path.open("rb") as file:
            while lines := file.readlines(4 * 1024 * 1024):
                rows = []
                for line in lines:
                    record = decode_plain(line)
                    number += 1
                    quantity = record.meter.quantity * 1_000_000
                    rows.append((number, record.id, 1, quantity, record.request_time, record.sequence, None))
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                connection.execute("COMMIT")
    return time.perf_counter() - start


def hand_over(folder: Path, site: str, office: str) -> str:
    """The seconds of an export, and of its acceptance by a head office that knows nothing yet."""
    from licensing.db.database import open_ledger
    from licensing.signing.site_keys import PUBLIC, create_site_keys, site_signer
    from usage.handover.accepting import accept
    from usage.handover.exporting import export
    from usage.handover.sites import enrol

    gc.set_threshold(*GC_THRESHOLD)
    if not (folder / "keys").exists():
        create_site_keys(folder / "keys")
    signer, path, now = site_signer(folder / "keys"), folder / "export.azlic", datetime.now(UTC)
    ledger, books = open_ledger(site), open_ledger(office, create=True)
    enrol(books, "bench", folder / "keys" / PUBLIC)
    start = time.perf_counter()
    export(ledger, path, signer=signer, site="bench", tool="bench", now=now)
    middle = time.perf_counter()
    accepted = accept(books, path, signer=signer, now=now)
    end = time.perf_counter()
    assert accepted.receipt.new == accepted.manifest.records and accepted.receipt.clean
    return f"{middle - start} {end - middle}"


def read(folder: Path) -> str:
    """Pages a second over HTTP and bare, on the same page, in the same process's time."""
    pages = 24
    return f"{_over_http(folder, pages):.3f} {_bare_tesserocr(pages):.3f}"


def _over_http(folder: Path, pages: int) -> float:
    import subprocess

    import httpx

    from tests.pictures import encode, letter
    from tests.site import Site, a_license

    site_folder = folder / f"site-{time.time_ns()}"
    site_folder.mkdir()
    site = Site(site_folder)
    now = datetime.now(UTC)
    site.install(a_license(issued_at=now, not_before=now, expires_at=now.replace(year=now.year + 1)))
    mounts = (f"Mounts:License={site.license}", f"Mounts:Output={site.output}")
    trust = ("--trust", str(site.trust.folder))
    azlic = str(Path(sys.executable).with_name("azlic"))
    command = [azlic, "engine", "read", *trust, "eula=accept", *mounts, "urls=http://127.0.0.1:5999"]
    page = encode(letter()[0], "PNG")
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url="http://127.0.0.1:5999", timeout=60) as client:
            _wait_for(client)

            def send(_: int) -> None:
                client.post("/vision/v3.2/read/syncAnalyze", content=page).raise_for_status()

            return _pages_a_second(send, pages)
    finally:
        server.terminate()
        server.wait()


def _wait_for(client: "object") -> None:
    import httpx

    assert isinstance(client, httpx.Client)
    for _ in range(300):
        try:
            client.get("/ready").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    sys.exit("the container did not start")


def watch(folder: Path) -> str:
    """The 95th percentile, in milliseconds, of the time from a record's last byte to its row in the ledger."""
    import subprocess

    output, database = folder / "output", folder / "azlic.db"
    output.mkdir()
    azlic = str(Path(sys.executable).with_name("azlic"))
    command = [azlic, "watch", str(output), "--database", str(database)]
    watcher = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert watcher.stderr is not None and "watching" in watcher.stderr.readline()
        threading.Thread(target=watcher.stderr.read, daemon=True).start()
        written, seen = _write_and_look(output, database, records=20_000, a_second=1000)
    finally:
        watcher.terminate()
        watcher.wait()
    latencies = sorted(seen[index] - at for index, at in enumerate(written))
    return f"{1000 * latencies[int(0.95 * len(latencies))]:.1f} {1000 * latencies[len(latencies) // 2]:.1f}"


def _write_and_look(output: Path, database: Path, *, records: int, a_second: int) -> tuple[list[float], list[float]]:
    """When each record was written, and when the ledger was first seen to hold as many."""
    from licensing.containers import READ
    from usage.records.recorder import Recorder

    recorders = [
        Recorder(output, service="read", container_type="read", container_version="3.2.0", container_id=f"{n:012x}")
        for n in range(CONTAINERS)
    ]
    written: list[float] = []
    seen: list[float] = []

    def look() -> None:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
        while len(seen) < records:
            count = connection.execute("SELECT coalesce(max(number), 0) FROM record").fetchone()[0]
            seen.extend([time.perf_counter()] * (count - len(seen)))
            time.sleep(0.01)

    looker = threading.Thread(target=look)
    looker.start()
    start = time.perf_counter()
    for index in range(records):
        time.sleep(max(0.0, start + index / a_second - time.perf_counter()))
        now = datetime.now(UTC)
        recorders[index % CONTAINERS].append(READ.meters[0], 1, at=now, api_type="vision.read")
        written.append(time.perf_counter())
    looker.join(timeout=30)
    return written, seen


def ask(address: str, a_second: int) -> str:
    """The answers a second from /metrics, and the 99th percentile of their times in ms; 0 asks as fast as it can."""
    import http.client
    import signal

    asking = [True]
    signal.signal(signal.SIGTERM, lambda *_: asking.clear())
    client = http.client.HTTPConnection(address, timeout=30)
    times: list[float] = []
    start = time.perf_counter()
    while asking:
        if a_second:
            time.sleep(max(0.0, start + len(times) / a_second - time.perf_counter()))
        before = time.perf_counter()
        client.request("GET", "/metrics")
        answer = client.getresponse()
        body = answer.read()
        assert answer.status == 200 and b"azlic_ledger_batches" in body, body
        times.append(time.perf_counter() - before)
    rate = len(times) / (time.perf_counter() - start)
    return f"{rate:.1f} {1000 * sorted(times)[int(0.99 * len(times))]:.1f}"


def _bare_tesserocr(pages: int) -> float:
    import tesserocr

    from tests.pictures import letter

    image = letter()[0]
    local = threading.local()

    def recognise(_: int) -> None:
        if not hasattr(local, "api"):
            local.api = tesserocr.PyTessBaseAPI(path=f"{sys.prefix}/share/tessdata", lang="eng")
        local.api.SetImage(image)
        local.api.Recognize()
        local.api.GetUTF8Text()

    return _pages_a_second(recognise, pages)


def read_accuracy(kind: str, pages: int = 20) -> str:
    """Our recall and precision of the words of a class, and those of bare Tesseract told what suits the class best.

    Then the resolution that it was told, or 0 for none, and how much longer ours took.
    """
    import tesserocr

    from engines.read import Limits, Page, Recogniser, open_document
    from tests.corpus import Score, papers, score

    sheets = [(open_document(paper.body, Limits()).page(1), paper.words) for paper in papers(kind, range(pages))]

    def measure(words_of: Callable[[Page], list[str]]) -> tuple[Score, float]:
        words_of(sheets[0][0])
        start = time.process_time()
        total = sum((score(words, words_of(page)) for page, words in sheets), Score())
        return total, time.process_time() - start

    recogniser = Recogniser(threads=1)
    ours, seconds = measure(lambda page: [word.text for word in recogniser.read(page, seconds=60).words])
    with tesserocr.PyTessBaseAPI(
        path=f"{sys.prefix}/share/tessdata", lang="eng", psm=tesserocr.PSM.AUTO, variables={"debug_file": "/dev/null"}
    ) as api:

        def words_told(page: Page, dpi: int) -> list[str]:
            api.SetImageBytes(page.pixels, page.width, page.height, 1, page.width)
            if dpi:
                api.SetSourceResolution(dpi)
            text: str = api.GetUTF8Text()
            return text.split()

        bare = {dpi: measure(lambda page, dpi=dpi: words_told(page, dpi)) for dpi in (0, 100, 200, 300)}
    dpi, (best, _) = max(bare.items(), key=lambda told: told[1][0].recall + told[1][0].precision)
    figures = (ours.recall, best.recall, ours.precision, best.precision, dpi, seconds / bare[0][1])
    return " ".join(f"{figure:.4f}" for figure in figures)


def _pages_a_second(work: "object", pages: int) -> float:
    assert callable(work)
    with ThreadPoolExecutor(2) as clients:
        list(clients.map(work, range(4)))
        start = time.perf_counter()
        list(clients.map(work, range(pages)))
        return pages / (time.perf_counter() - start)


def main() -> None:
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "generate":
        print(generate(folder, int(sys.argv[3])))
    elif what == "ingest":
        print(ingest(folder, sys.argv[3]))
    elif what == "ingest-undisturbed":
        print(ingest_undisturbed(folder, Path(sys.argv[3])))
    elif what == "unchained":
        print(unchained(folder, Path(sys.argv[3])))
    elif what == "audit":
        print(audit(folder, Path(sys.argv[3])))
    elif what == "bare":
        print(bare(folder, Path(sys.argv[3])))
    elif what == "hand-over":
        print(hand_over(folder, sys.argv[3], sys.argv[4]))
    elif what == "read":
        print(read(folder))
    elif what == "read-accuracy":
        print(read_accuracy(sys.argv[2]))
    elif what == "watch":
        print(watch(folder))
    elif what == "ask":
        print(ask(sys.argv[2], int(sys.argv[3])))


if __name__ == "__main__":
    main()
