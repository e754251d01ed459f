#!/usr/bin/env python3
"""The quickstart's walk: every command is printed as an operator would type it, run, and its answer shown."""

import contextlib
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.pictures import encode, letter, three_page_tiff  # noqa: E402

BIN = Path(sys.executable).parent
NONROOT = 65532
SPEECH_METER = "CognitiveServices.SpeechServices.Container.SpeechToText"
MARKER = ".azlic-quickstart"
MOUNTS = ("license", "license-speech", "license-german", "license-short", "output")


def main() -> None:
    site = make_site()
    os.chdir(site)
    environment = {"PATH": f"{BIN}:$PATH", "AZLIC_DATABASE": f"{site}/azlic.db", "AZLIC_TRUST": f"{site}/trust.d"}
    os.environ.update(environment, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    heading("Setting: where this site keeps its ledger and its trust store")
    print(f"$ cd {site}")
    for name, value in environment.items():
        print(f"$ export {name}={value}")
    issuer_port, read_port, speech_port = free_port(5080), free_port(5000), free_port(5001)
    endpoint = f"http://127.0.0.1:{issuer_port}"
    with license_server(issuer_port):
        download_and_verify(endpoint)
        heading("d. The Read container starts with that license and reads pictures over HTTP")
        own_folders()
        with running(
            *engine(site / "license", site / "output", read_port), ready=f"http://127.0.0.1:{read_port}/ready"
        ):
            read_pictures(site, read_port)
        hear(site, endpoint, speech_port)
        account()
        refuse(site, endpoint, read_port)
    farewell(site, read_port, speech_port)


def license_server(port: int) -> contextlib.AbstractContextManager[None]:
    heading("a. A license server: a Read resource and a speech resource, each on a commitment plan")
    store = ("--database", "issuer/azlic.db")
    keys = ("--keys", "issuer/keys")
    month = datetime.now(UTC).replace(day=1)
    plan = ("--plan-type", "Read", "--quota", "500000", "--unit", "Transaction", "--period", "year")
    dates = ("--start", f"{month:%Y-%m-%d}", "--end", f"{month.replace(year=month.year + 1):%Y-%m-%d}")
    resource = ("azlic", "issuer", "resource", "add")
    show("azlic", "issuer", "init", *store, *keys)
    show(*resource, "plant-read", "--container", "read", *plan, *dates, "--keys-to", "api-keys", *store)
    short = ("--term", "3s", "--keys-to", "api-keys-short")
    hours = ("--plan-type", "STT", "--quota", "2000", "--unit", "Hour", "--period", "year")
    spoken = ("plant-speech", "--container", "speech-to-text", *hours, *dates, "--keys-to", "api-keys-speech")
    show(*resource, *spoken, *store)
    show(*resource, "plant-short", "--container", "read", *plan, *dates, *short, *store)
    show("azlic", "issuer", "approve", "default", *store)
    serve = ("azlic", "issuer", "serve", "--listen", f"127.0.0.1:{port}", *store, *keys)
    return running(*serve, ready=f"http://127.0.0.1:{port}/healthz")


def download_and_verify(endpoint: str) -> None:
    heading("b. The issuer's public key goes into the trust store, the license into its folder")
    show("azlic", "trust", "add", "issuer/keys/issuer.pem")
    download(endpoint, "plant-read", "api-keys", "license")
    heading("c. May the container run, and until when?")
    show("azlic", "verify", "license", "--container", "read")


def download(endpoint: str, resource: str, keys: str, folder: str, kind: tuple[str, str] = ("read", "3.2.0")) -> None:
    what = ("--container", kind[0], "--image-version", kind[1], "--api-key-file", f"{keys}/key1")
    show("azlic", "download", f"{endpoint}/{resource}", folder, *what)


def own_folders() -> None:
    """As root the container runs as nonroot, as it would under Docker: its folders are nonroot's."""
    if os.geteuid() == 0:
        show("chown", "-R", f"{NONROOT}:{NONROOT}", *MOUNTS)


def engine(license_folder: Path, output: Path, port: int, kind: str = "read") -> tuple[str, ...]:
    user = ("--user", f"{NONROOT}:{NONROOT}") if os.geteuid() == 0 else ()
    mounts = (f"Mounts:License={license_folder}", f"Mounts:Output={output}")
    return ("azlic", "engine", kind, *user, "eula=accept", *mounts, f"urls=http://127.0.0.1:{port}")


def read_pictures(site: Path, port: int) -> None:
    pictures = site / "pictures"
    pictures.mkdir()
    (pictures / "letter.png").write_bytes(encode(letter()[0], "PNG"))
    (pictures / "pages.tiff").write_bytes(three_page_tiff())
    for name in ("letter.png", "pages.tiff"):
        show(str(ROOT / "scripts/read_picture"), f"http://127.0.0.1:{port}", f"pictures/{name}")


def hear(site: Path, endpoint: str, port: int) -> None:
    heading("e. The speech container has a license of its own, hears a reader, and counts the seconds")
    download(endpoint, "plant-speech", "api-keys-speech", "license-speech", ("speech-to-text", "5.0.0"))
    show("azlic", "verify", "license-speech", "--container", "speech-to-text")
    own_folders()
    print("\nEach container refuses the license of the other:\n")
    show(*engine(site / "license", site / "output", port, "speech-to-text"), status=1)
    show(*engine(site / "license-speech", site / "output", port), status=1)
    print()
    speech = engine(site / "license-speech", site / "output", port, "speech-to-text")
    with running(*speech, ready=f"http://127.0.0.1:{port}/ready"):
        show(str(ROOT / "scripts/hear"), f"ws://127.0.0.1:{port}", str(ROOT / "tests/recordings/austen-0870.flac"))
    print("\nA license can be bound to one model; a container that has loaded another refuses it:\n")
    bound = ("plant-speech", "--container", "speech-to-text", "--model", "vosk-model-de-0.21")
    show("azlic", "issuer", "container", "set", *bound, "--database", "issuer/azlic.db")
    download(endpoint, "plant-speech", "api-keys-speech", "license-german", ("speech-to-text", "5.0.0"))
    own_folders()
    show(*engine(site / "license-german", site / "output", port, "speech-to-text"), status=1)


def account() -> None:
    heading("f. The usage records go into the ledger; a second run finds nothing new")
    show("azlic", "ingest", "output")
    show("azlic", "ingest", "output")
    heading("g. The month against the plans that the licenses carry; 3,600 seconds are an hour of the speech plan")
    show("azlic", "plan", "import", "license")
    show("azlic", "plan", "import", "license-speech")
    show("azlic", "plan", "map", "plant-speech-plan", SPEECH_METER, "--units", "1", "--per", "3600")
    show("azlic", "report")


def refuse(site: Path, endpoint: str, port: int) -> None:
    heading("h. After its end the license is refused, and a container does not start with it")
    expires_at = answer("azlic", "verify", "license", "--json", field="expires_at")
    day_after = datetime.fromisoformat(expires_at) + timedelta(days=1)
    show("azlic", "verify", "license", "--at", f"{day_after:%Y-%m-%d}", status=1)
    print("\nTo see a container refuse without waiting for a year, this license runs for three seconds:\n")
    download(endpoint, "plant-short", "api-keys-short", "license-short")
    own_folders()
    time.sleep(4)
    show(*engine(site / "license-short", site / "output", port), status=1)


def farewell(site: Path, port: int, speech_port: int) -> None:
    heading("Everything was left where it is, until the next quickstart makes this folder anew")
    run = shlex.join(engine(site / "license", site / "output", port))
    hear = shlex.join(engine(site / "license-speech", site / "output", speech_port, "speech-to-text"))
    print(
        f"""\
  license        {site}/license/license.dat
  usage records  {site}/output
  ledger         {site}/azlic.db
  trust store    {site}/trust.d
  issuer         {site}/issuer, its API keys in {site}/api-keys

Try next:
  export PATH={BIN}:$PATH AZLIC_DATABASE={site}/azlic.db AZLIC_TRUST={site}/trust.d
  azlic report --format csv
  azlic verify {site}/license --json
  {run}
      then open http://127.0.0.1:{port}/swagger in a browser
  {hear}
      then arecord -q -f S16_LE -r 16000 | {ROOT}/scripts/hear ws://127.0.0.1:{speech_port} -
  azlic --help"""
    )


def make_site() -> Path:
    """A new, empty site: in the checkout, or in /tmp where root's nonroot container could not enter the checkout."""
    site = ROOT / "quickstart-site"
    if os.geteuid() == 0 and not all(parent.stat().st_mode & stat.S_IXOTH for parent in site.parents):
        site = Path("/tmp/azlic-quickstart-site")  # noqa: S108 - made anew below, and refused if it is not ours
        print(f"The checkout is closed to uid {NONROOT}, so the site is made in {site}.")
    if site.exists():
        if not (site / MARKER).exists() or site.stat().st_uid != os.geteuid():
            sys.exit(f"quickstart: {site} is in the way and was not made by the quickstart; move it away")
        print(f"{site} is there from an earlier quickstart: it is removed and made anew.")
        shutil.rmtree(site)
    os.umask(0o022)  # whatever the caller's is: the container's user has to get at its mounts
    site.mkdir()
    (site / MARKER).touch()
    for name in MOUNTS:
        (site / name).mkdir()
    return site


def free_port(wanted: int) -> int:
    """The usual port, or another one where that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def heading(text: str) -> None:
    print(f"\n== {text}\n", flush=True)


def show(*command: str, status: int = 0) -> None:
    """Print a command, run it, and leave if it did not end as it should."""
    print(f"$ {shlex.join(command)}", flush=True)
    ended = subprocess.run(command, check=False)
    if status:
        print(f"  (exit status {ended.returncode})", flush=True)
    if ended.returncode != status:
        sys.exit(f"quickstart: that command should have ended with {status}, not {ended.returncode}")


def answer(*command: str, field: str) -> str:
    import json

    return str(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[field])


@contextlib.contextmanager
def running(*command: str, ready: str) -> Iterator[None]:
    """Run a server for a while: wait until it answers, and stop it with SIGTERM at the end."""
    print(f"$ {shlex.join(command)} &", flush=True)
    server = subprocess.Popen(command)
    try:
        wait_for(ready, server)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    import urllib.request

    for _ in range(1200):  # two minutes: a machine may be busy
        if server.poll() is not None:
            sys.exit(f"quickstart: the server ended with {server.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
            return
        time.sleep(0.1)
    sys.exit(f"quickstart: nothing answers at {url}")


if __name__ == "__main__":
    main()
