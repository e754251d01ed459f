"""The bars, measured: a table of name, figure, bar and whether it is met. Ratios are taken within one run."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.figures import Figure

if TYPE_CHECKING:
    from tests.licensing.mutations import Target

ROOT = Path(__file__).resolve().parent.parent
AZLIC = str(Path(sys.executable).with_name("azlic"))
WORKERS = ROOT / "scripts" / "workers.py"
FLOOR = "import typer, pydantic, securesystemslib.dsse, securesystemslib.signer"
CHECK_FLOOR = f"{FLOOR}, sqlite3, fractions"  # and what a ledger and exact standings need (docs/adr/0007)


def verify(folder: Path) -> Iterator[Figure]:
    """A cold `azlic verify` against its import floor, in turn."""
    from datetime import UTC, datetime, timedelta

    from tests.site import Site, a_license

    site = Site(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    site.install(a_license(issued_at=now, not_before=now, expires_at=now + timedelta(days=300)))
    command = [
        AZLIC,
        "verify",
        str(site.license),
        "--trust",
        str(site.trust.folder),
        "--database",
        f"{folder}/azlic.db",
    ]
    _seconds([*command, "--record"])  # so that there is a memory to compare with
    ours, floor = _in_turn(lambda: _seconds(command), lambda: _seconds([sys.executable, "-c", FLOOR]), runs=25)
    note = f"{1000 * ours:.0f} ms, the floor {1000 * floor:.0f} ms"
    yield Figure("verify, cold / floor", ours / floor, 1.4, True, "x", note)


def folders(folder: Path, count: int = 1_000) -> Iterator[Figure]:
    """A thousand license folders in one call: the whole command, and what each takes inside a process."""
    from datetime import UTC, datetime

    from licensing.verification import verify as verify_license
    from tests.site import Site

    site = Site(folder)
    licenses = folder / "licenses"
    licenses.mkdir()
    paths = [site.install(folder=licenses / f"container-{number:04}").parent for number in range(count)]
    at = datetime(2026, 6, 1, tzinfo=UTC)

    def inside() -> float:
        start = time.perf_counter()
        assert all(verify_license(path, trust=site.trust, as_of=at).may_run for path in paths)
        return time.perf_counter() - start

    command = [AZLIC, "verify", str(licenses), "--trust", str(site.trust.folder), "--at", "2026-06-01"]
    whole, each = (1000 * seconds / count for seconds in _in_turn(lambda: _seconds(command), inside, runs=5))
    note = f"the whole command over {count:,} folders: {whole * count / 1000:.2f} s"
    yield Figure("verify, each of 1,000", whole, 2.0, True, "ms", note)
    yield Figure("verify, in the process", each, 2.0, True, "ms", "without the start and the table")


def doctor(folder: Path, files: int = 100_000) -> Iterator[Figure]:
    """The doctor on a healthy site against the same import floor; then over an output folder of many files."""
    from datetime import UTC, datetime, timedelta

    from tests.site import Site, a_license

    site = Site(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    site.install(a_license(issued_at=now, not_before=now, expires_at=now + timedelta(days=300)))
    _fill(site.output, 1)
    mounts = ["--license", str(site.license), "--output", str(site.output)]
    command = [AZLIC, "doctor", *mounts, "--trust", str(site.trust.folder)]
    os.environ["AZLIC_DATABASE"] = str(folder / "none.db")  # named as an option, it would be asked for past mounts
    _hand_over(site.license, site.output)
    assert b"access" not in subprocess.run(command, capture_output=True, check=False).stdout

    def ours() -> float:
        return _seconds(command, statuses=(0, 1))  # 1 where the machine is smaller than the container wants

    healthy, floor = _in_turn(ours, lambda: _seconds([sys.executable, "-c", FLOOR]), runs=15)
    note = f"{1000 * healthy:.0f} ms, the floor {1000 * floor:.0f} ms"
    yield Figure("doctor, cold / floor", healthy / floor, 1.5, True, "x", note)
    _fill(site.output, files)
    _hand_over(site.output)
    ours()
    seconds = statistics.median(ours() for _ in range(5))
    how = "actually tried" if os.geteuid() == 0 else "worked out"
    yield Figure("doctor, many files", seconds, 2.0, True, "s", f"{files:,} files, access {how}")


def _fill(output: Path, files: int, containers: int = 100) -> None:
    """Files named as the recorder names them, a day each, spread over containers."""
    from datetime import date, timedelta

    for number in range(files):
        container = output / "read" / f"{number % containers:012x}"
        container.mkdir(parents=True, exist_ok=True)
        (container / f"usage-{date(2020, 1, 1) + timedelta(days=number // containers)}.jsonl").touch()


def _hand_over(*folders: Path, nonroot: int = 65532) -> None:
    """Let the container's user own what it needs, where we may say so."""
    for folder in folders if os.geteuid() == 0 else ():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, nonroot, nonroot)


def mutations(folder: Path, count: int = 100_000) -> Iterator[Figure]:
    """Mutated license files: none may be a false `valid`, none may end in an exception."""
    from tests.licensing.mutations import ORIGINAL, SEED, Target
    from tests.licensing.mutations import mutations as mutated

    target, faults, thrown = Target(folder), [], 0
    assert target.fault(ORIGINAL) is None and target.verdict(ORIGINAL).may_run
    start = time.perf_counter()
    for name, content in mutated(count):
        thrown += 1
        if fault := target.fault(content):
            faults.append(f"{name}: {fault}")
    assert thrown == count
    seconds = time.perf_counter() - start
    note = f"of {thrown:,} different files, seed {SEED}, {seconds:.0f} s"
    yield Figure("mutations, faults", len(faults), 0, True, "", "; ".join([note, *faults[:3]]))
    found, examples = _searched(target)
    note = "; ".join([f"of {examples:,} more that hypothesis looked for", *found])
    yield Figure("mutations, hypothesis", len(found), 0, True, "", note)


def _searched(target: "Target", examples: int = 5_000) -> tuple[list[str], int]:
    """What hypothesis finds with the same mutator, from the same beginning every time."""
    import random

    from hypothesis import given, settings
    from hypothesis import strategies as st

    from tests.licensing.mutations import KINDS

    tried = 0

    @settings(max_examples=examples, derandomize=True, deadline=None, database=None)
    @given(st.sampled_from(sorted(KINDS)), st.randoms(use_true_random=False))
    def search(kind: str, rng: random.Random) -> None:
        nonlocal tried
        tried += 1
        fault = target.fault(KINDS[kind](rng))
        assert fault is None, f"{kind}: {fault}"

    try:
        search()
    except AssertionError as error:
        return [str(error).splitlines()[0]], tried
    return [], tried


def check(folder: Path) -> Iterator[Figure]:
    """A cold `azlic check` of ten licenses and a small ledger against what it has to import, in turn."""
    command = [AZLIC, "check", *_site_to_watch(folder, licenses=10, records=1_000)]
    licenses = {"AZLIC_LICENSES": str(folder / "licenses")}
    ours, floor = _in_turn(
        lambda: _seconds(command, environment=licenses),
        lambda: _seconds([sys.executable, "-c", CHECK_FLOOR]),
        runs=25,
    )
    note = f"{1000 * ours:.0f} ms, the floor {1000 * floor:.0f} ms"
    yield Figure("check, cold / floor", ours / floor, 1.6, True, "x", note)


def alerts(folder: Path, records: int = 10_000_000) -> Iterator[Figure]:
    """`azlic alerts` over a thousand licenses and ten million records, against ten and a thousand."""
    big = [AZLIC, "alerts", *_site_to_watch(folder / "big", licenses=1_000, records=records)]
    small = [AZLIC, "alerts", *_site_to_watch(folder / "small", licenses=10, records=1_000)]

    def run(command: list[str]) -> Callable[[], float]:
        return lambda: _seconds(command, environment={"AZLIC_LICENSES": str(Path(command[-1]).parent / "licenses")})

    big_seconds, small_seconds = _in_turn(run(big), run(small), runs=10)
    note = f"{1000 * big_seconds:.0f} ms, on 10 licenses and 1,000 records {1000 * small_seconds:.0f} ms"
    yield Figure("alerts, 1,000 licenses", big_seconds / small_seconds, 1.3, True, "x", note)


def _site_to_watch(folder: Path, *, licenses: int, records: int) -> list[str]:
    """A site with good licenses and a ledger, and the options that name them."""
    from datetime import UTC, datetime, timedelta

    from tests.site import Site, a_license

    folder.mkdir(exist_ok=True)
    site, now = Site(folder), datetime.now(UTC).replace(microsecond=0)
    (folder / "licenses").mkdir()
    for number in range(licenses):
        fresh = a_license(
            license_id=f"01900000-0000-7000-8000-{number:012}",
            issued_at=now,
            not_before=now,
            expires_at=now + timedelta(days=300),
        )
        site.install(fresh, folder / "licenses" / f"container-{number:04}")
    _worker("generate", folder / "usage", records)
    _worker("ingest", folder / "usage", folder / "azlic.db")
    shutil.rmtree(folder / "usage")
    options = ["--trust", str(site.trust.folder), "--database", f"{folder}/azlic.db"]
    _seconds([AZLIC, "alerts", *options], environment={"AZLIC_LICENSES": str(folder / "licenses")})  # it remembers
    return options


def ingest(folder: Path, records: int = 1_000_000) -> Iterator[Figure]:
    """An ingest with all its checks against a bare decode-and-insert loop into the same table."""
    output, database = folder / "output", folder / "azlic.db"
    _worker("generate", output, records)

    def ours() -> float:
        _remove(folder, "azlic.db*")
        return _worker("ingest", output, database)

    def bare() -> float:
        _remove(folder, "bare.db*")
        return _worker("bare", output, folder / "bare.db")

    ours_seconds, bare_seconds = _in_turn(ours, bare, runs=5)
    note = f"{records / ours_seconds:,.0f}/s, the bare loop {records / bare_seconds:,.0f}/s"
    yield Figure("ingest / bare loop", bare_seconds / ours_seconds, 0.7, False, "x", note)
    peak = _peak_of([AZLIC, "ingest", str(output), "--database", str(folder / "again.db")])
    yield Figure("ingest, memory", peak, 200, True, "MB", f"the whole process, {records:,} records")
    others = _sqlite_utils(output, folder / "other.db")
    note = f"`sqlite-utils insert --nl --pk id`: {records / others:,.0f}/s"
    yield Figure("ingest / sqlite-utils", others / ours_seconds, 8, False, "x", note)
    yield _report(folder, database, "report, 1 million / 1,000")


def audit(folder: Path, records: int = 1_000_000) -> Iterator[Figure]:
    """What the chain costs an ingest, and how fast all of it is computed again; both beside the ingest itself."""
    output, database, small = folder / "output", folder / "azlic.db", folder / "small.db"
    _worker("generate", output, records)

    def chained() -> float:
        _remove(folder, "azlic.db*")
        return _worker("ingest", output, database)

    def unchained() -> float:
        _remove(folder, "unchained.db*")
        return _worker("unchained", output, folder / "unchained.db")

    ours, without = _in_turn(chained, unchained, runs=9)
    note = f"{records / ours:,.0f}/s, without {records / without:,.0f}/s; load {os.getloadavg()[0]:.1f}"
    yield Figure("ingest with chain / without", without / ours, 0.9, False, "x", note)
    _worker("generate", folder / "tenth", records // 10)
    _worker("ingest", folder / "tenth", small)
    yield from _audit(output, database, small, seconds=ours, records=records)


def _audit(output: Path, database: Path, small: Path, *, seconds: float, records: int) -> Iterator[Figure]:
    """An audit's speed against that of the ingest, and its memory against that of an audit of a small ledger."""
    took = statistics.median(_worker("audit", output, database) for _ in range(3))
    note = f"{records / took:,.0f}/s, the ingest {records / seconds:,.0f}/s"
    yield Figure("audit / ingest", seconds / took, 0.5, False, "x", note)
    peak, floor = (_peak_of([AZLIC, "audit", "--database", str(path)]) for path in (database, small))
    note = f"{peak:.0f} MB for {records:,} records, {floor:.0f} MB for the small one"
    yield Figure("audit, memory / small", peak / floor, 1.2, True, "x", note)


def large(folder: Path, records: int = 10_000_000) -> Iterator[Figure]:
    """Ten million records: the last million as fast as the first, in flat memory; the report as fast as ever."""
    output, database = folder / "output", folder / "azlic.db"
    _worker("generate", output, records)
    seconds, first, last = map(float, _worker_line("ingest", output, database).split())
    note = f"{records / seconds:,.0f}/s, the first million {first:.1f} s, the tenth {last:.1f} s"
    yield Figure("ingest, tenth / first", first / last, 0.9, False, "x", note)
    peak = _peak_of([AZLIC, "ingest", str(output), "--database", str(folder / "again.db")])
    yield Figure("ingest, memory", peak, 200, True, "MB", f"the whole process, {records:,} records")
    yield _report(folder, database, "report, 10 million / 1,000")
    yield from _audit(output, database, folder / "small.db", seconds=seconds, records=records)


def handover(folder: Path, records: int = 1_000_000) -> Iterator[Figure]:
    """Export and acceptance of as many records as were ingested, on SQLite; on PostgreSQL where a server is named.

    AZLIC_BENCH_POSTGRESQL is the URL of a database on a server where databases may be made.
    """
    output = folder / "output"
    _worker("generate", output, records)
    makers = {"SQLite": lambda number: str(folder / f"{number}.db")}
    if server := os.environ.get("AZLIC_BENCH_POSTGRESQL"):
        makers["PostgreSQL"] = lambda number: _new_database(server, f"azlic_bench_{number}")
    for name, new in makers.items():
        rounds = []
        for _ in range(3):
            _remove(folder, "*.db*")
            _remove(folder, "*.azlic")
            site, office = new(1), new(2)
            taken = _worker("ingest", output, site)
            rounds.append((taken, *map(float, _worker_line("hand-over", folder, site, office).split())))
        taken, exported, accepted = (statistics.median(column) for column in zip(*rounds, strict=True))
        note = f"ingest {taken:.1f} s, export {exported:.1f} s, accept {accepted:.1f} s, {records:,} records"
        yield Figure(f"hand-over / ingest, {name}", taken / (exported + accepted), 0.4, False, "x", note)


def _new_database(server: str, name: str) -> str:
    """An empty database on a server, in the place of one that an earlier run left."""
    from sqlalchemy import create_engine, make_url, text

    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def watch(folder: Path) -> Iterator[Figure]:
    """A watched folder at 1,000 records a second: how soon a record is in the ledger."""
    percentile, median = map(float, _worker_line("watch", folder).split())
    yield Figure("watch, 95 % visible", percentile, 300, True, "ms", f"half of them within {median:.0f} ms")


def page(folder: Path, records: int = 300_000) -> Iterator[Figure]:
    """/metrics on one core while an ingest runs on the other, and what that costs the ingest."""
    output = folder / "output"
    _worker("generate", output, records)
    alone, asked, rates, slow = [], [], [], []
    for number in range(6):  # the first round does not count
        alone.append(_ingest_beside(folder, output, a_second=None)[0])
        seconds, _, slowest = _ingest_beside(folder, output, a_second=200)
        asked.append(seconds)
        slow.append(slowest)
        if number % 2:
            rates.append(_ingest_beside(folder, output, a_second=0)[1])
    cost = 100 * (statistics.median(asked[1:]) / statistics.median(alone[1:]) - 1)
    note = f"as fast as one client asks, server and client on one core; at 200/s 99 % within {max(slow[1:]):.0f} ms"
    yield Figure("/metrics a second", statistics.median(rates), 200, False, "/s", note)
    note = f"{records / statistics.median(asked[1:]):,.0f}/s instead of {records / statistics.median(alone[1:]):,.0f}/s"
    yield Figure("ingest slowed by 200/s", cost, 10, True, "%", note)


def _ingest_beside(folder: Path, output: Path, *, a_second: int | None) -> tuple[float, float, float]:
    """The seconds of an ingest on the second core beside a page on the first; then answers a second, their time."""
    from licensing.db.database import open_ledger

    _remove(folder, "page.db*")
    database = str(folder / "page.db")
    open_ledger(database, create=True).dispose()
    serve = [AZLIC, "serve", str(folder), "--listen", "127.0.0.1:5998", "--database", database]
    server = subprocess.Popen(["taskset", "-c", "0", *serve], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None and "listening" in server.stderr.readline()
        threading.Thread(target=server.stderr.read, daemon=True).start()
        ask = ["taskset", "-c", "0", sys.executable, str(WORKERS), "ask", "127.0.0.1:5998", str(a_second or 0)]
        asking = None if a_second is None else subprocess.Popen(ask, stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        ingest = ["taskset", "-c", "1", sys.executable, str(WORKERS), "ingest-undisturbed", str(output), database]
        told = subprocess.run(ingest, check=True, capture_output=True, text=True).stdout
        if asking is None:
            return float(told), 0, 0
        asking.terminate()
        rate, slowest = map(float, asking.communicate()[0].split())
        return float(told), rate, slowest
    finally:
        server.terminate()
        server.wait()


def _sqlite_utils(output: Path, database: Path) -> float:
    """The seconds that a general tool takes for the same files."""
    tool = str(Path(sys.executable).with_name("sqlite-utils"))
    start = time.perf_counter()
    for path in sorted(output.rglob("*.jsonl")):
        insert = [tool, "insert", str(database), "record", str(path), "--nl", "--pk", "id"]
        subprocess.run(insert, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _report(folder: Path, big: Path, name: str) -> Figure:
    small = folder / "small.db"
    _worker("generate", folder / "small", 1000)
    _worker("ingest", folder / "small", small)

    def run(database: Path) -> Callable[[], float]:
        return lambda: _seconds([AZLIC, "report", "2026-11", "--database", str(database)])

    big_seconds, small_seconds = _in_turn(run(big), run(small), runs=10)
    note = f"{1000 * big_seconds:.0f} ms, on 1,000 records {1000 * small_seconds:.0f} ms"
    return Figure(name, big_seconds / small_seconds, 1.3, True, "x", note)


def read(folder: Path) -> Iterator[Figure]:
    """Pages a second over HTTP with two clients against bare tesserocr on two threads."""
    rounds = [_worker_line("read", folder) for _ in range(3)]
    pairs = [(float(ours), float(bare)) for ours, bare in (line.split() for line in rounds)]
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    yield Figure("Read over HTTP / bare", ratio, 0.85, False, "x", f"{ours:.1f} pages/s, bare {bare:.1f}")


def read_accuracy(_: Path, kinds: Sequence[str] = ()) -> Iterator[Figure]:
    """The words of each class of the corpus, found and right, against bare Tesseract told what suits the class best."""
    from tests.corpus import KINDS

    if unknown := set(kinds) - set(KINDS):
        sys.exit(f"the corpus has no class {', '.join(sorted(unknown))}; its classes: {'; '.join(KINDS)}")
    for kind in kinds or KINDS:
        *figures, dpi, cost = map(float, _worker_line("read-accuracy", kind).split())
        told = f"told {dpi:.0f} dpi" if dpi else "told no resolution"
        for name, ours, bare in (("recall", *figures[:2]), ("precision", *figures[2:])):
            note = f"{ours:.4f}, bare and {told} {bare:.4f}; {cost:.2f} times the CPU of bare, told nothing"
            yield Figure(f"{kind}, {name}", 1000 * (ours - bare), -2, False, "‰", note)


def speech(folder: Path) -> Iterator[Figure]:
    """Cold start, streams at once, the first hypothesis and memory of the speech container against bare vosk."""
    from scripts.measure_speech import speech

    yield from speech(folder)


def issuer(folder: Path, clients: int = 200) -> Iterator[Figure]:
    """Downloads from a license server, all at once: none fails, and no serial is given twice."""
    import asyncio

    from licensing.issuer.book import list_issued
    from tests.licensing.issuers import all_at_once
    from tests.site import Site

    site = Site(folder)
    site.add_resource()
    with site.license_server() as server:
        start = time.perf_counter()
        answers = asyncio.run(all_at_once(f"{server}/plant-read/license", site.api_keys["plant-read"], clients))
        seconds = time.perf_counter() - start
    serials = {line.serial for line in list_issued(site.issuer_store)}
    site.close()
    failed = sum(answer.status_code != 200 for answer in answers)
    note = f"{clients} at once, {clients / seconds:,.0f}/s, the last after {seconds:.1f} s"
    yield Figure("issuer, downloads failed", failed, 0, True, "", note)
    yield Figure("issuer, serials missing", clients - len(serials), 0, True, "", f"{len(serials)} given")


BENCHMARKS: dict[str, Callable[[Path], Iterator[Figure]]] = {
    "verify": verify,
    "folders": folders,
    "doctor": doctor,
    "mutations": mutations,
    "check": check,
    "alerts": alerts,
    "ingest": ingest,
    "audit": audit,
    "read": read,
    "read-accuracy": read_accuracy,
    "speech": speech,
    "watch": watch,
    "handover": handover,
    "page": page,
    "issuer": issuer,
    "large": large,
}


def _in_turn(ours: Callable[[], float], other: Callable[[], float], *, runs: int) -> tuple[float, float]:
    """The medians of two things measured in turn, after one run of each that does not count."""
    ours(), other()
    pairs = [(ours(), other()) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _seconds(
    command: list[str], *, statuses: tuple[int, ...] = (0,), environment: dict[str, str] | None = None
) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=os.environ | (environment or {}))
    assert done.returncode in statuses, command
    return time.perf_counter() - start


def _peak_of(command: list[str]) -> float:
    """The peak memory of a whole process, in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_maxrss / 1024


def _worker(*arguments: object) -> float:
    return float(_worker_line(*arguments).split()[0])


def _worker_line(*arguments: object) -> str:
    command = [sys.executable, str(WORKERS), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]


def _remove(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        path.unlink()


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="azlic-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*BENCHMARKS, []], help="single benchmarks; all if left out (large needs 10 GB)"
    )
    parser.add_argument(
        "--class", dest="kinds", metavar="NAME", action="append", help="a single class of read-accuracy: --class charts"
    )
    arguments = parser.parse_args()
    names = arguments.names or (["read-accuracy"] if arguments.kinds else list(BENCHMARKS))
    benchmarks = BENCHMARKS | {"read-accuracy": partial(read_accuracy, kinds=arguments.kinds or ())}
    print(f"{'name':<28} | {'figure':>11} | {'bar':>9} | met   |")
    for name in names:
        with _scratch() as folder:
            for figure in benchmarks[name](folder):
                print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
