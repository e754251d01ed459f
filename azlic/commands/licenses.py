"""Licenses: download one, verify it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import Settings, load_settings

if TYPE_CHECKING:
    from licensing.verdict.seen import Seen
    from licensing.verdict.verdict import Verdict
    from licensing.verification.mounts import Mounts


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("verify")(verify_command)
    program.command("download")(download_command)


def verify_command(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", readable=False, help="License folders, folders of them, or license.dat."),
    ] = [Path("/license")],  # noqa: B006 - typer reads it and nobody writes to it
    container: options.Container = None,
    image_version: options.ImageVersion = None,
    image: options.Image = None,
    instance: options.Instance = None,
    at: options.At = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep the view fresh until Ctrl+C or SIGTERM.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Remember the answer, its serial and time here.")] = False,
    trust: options.Trust = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Check a license: may it run, until when?

    Says so in words, with the numbered checks behind it and what to do. Opens no socket and, without --record, writes
    nothing. Exit status 0 when the container may run, 1 when it may not.

    Several paths make a table with the worst on top, and all must run for status 0. A folder without a license of
    its own stands for its subfolders that hold one.

    Example: azlic verify /license --container read
    """
    from azlic.monitoring.expected import site_memory
    from azlic.render.progress import one_by_one
    from azlic.verifier import Verifier
    from licensing.history.read import read_memory
    from licensing.verification.mounts import find_mounts

    _check_at(at, watch=watch, record=record)
    settings = load_settings()
    verifier = Verifier.of(settings, trust)

    def remembered() -> "Seen":
        """What the ledger remembers; one that ``--record`` will make is not missed."""
        return read_memory(database or settings.database) if record else site_memory(settings, database)

    def examine(path: Path, as_of: datetime, seen: "Seen") -> "Verdict":
        asked = {"container": container, "version": image_version, "image": image, "instance": instance}
        return verifier.verify(path, as_of, seen, **asked)

    if watch:
        raise typer.Exit(
            _watch(paths, examine, verifier.trust.folder, remembered, lead_days=settings.lead_days, json=json)
        )
    as_of = clock.as_of(at)
    seen = remembered()
    if at is not None:
        seen = seen.at_a_named_instant()
    mounts = find_mounts(paths)
    verdicts = one_by_one(mounts.paths, lambda path: examine(path, as_of, seen), done="verified")
    if record:
        _record(settings, database, verdicts)
    _show(mounts, verdicts, lead_days=settings.lead_days, json=json)
    raise typer.Exit(0 if all(verdict.may_run for verdict in verdicts) else 1)


def _check_at(at: str | None, *, watch: bool, record: bool) -> None:
    from licensing.core.errors import BadCall

    if at is not None and watch:
        raise BadCall("--at asks for one instant, --watch for every one from now on", hint="leave one of them out")
    if at is not None and record:
        raise BadCall("--record keeps what is so now, --at asks for another instant", hint="leave one of them out")
    if watch and record:
        raise BadCall("--watch only looks, --record writes", hint="leave one of them out")


def _record(settings: Settings, database: str | None, verdicts: list["Verdict"]) -> None:
    from azlic.monitoring.expected import open_or_make
    from licensing.db.database import writing
    from licensing.history.remember import remember_verdict

    with writing(open_or_make(settings, database)) as connection:
        for verdict in verdicts:
            remember_verdict(connection, verdict)


def _show(mounts: "Mounts", verdicts: list["Verdict"], *, lead_days: int, json: bool) -> None:
    if mounts.alone:
        from azlic.render.verdict import VERDICT

        VERDICT.give(json, verdicts[0], lead_days=lead_days)
        return
    from azlic.render.verdicts import VERDICTS

    VERDICTS.give(json, verdicts, mounts, lead_days=lead_days)


def _watch(
    paths: list[Path],
    examine: Callable[[Path, datetime, "Seen"], "Verdict"],
    trust: Path,
    remembered: Callable[[], "Seen"],
    *,
    lead_days: int,
    json: bool,
) -> int:
    from azlic.commands.verify_watch import watch_verdicts
    from licensing.verification.watch import Watched

    watched = Watched(paths, examine, trust, remembered)
    return watch_verdicts(watched, clock=lambda: clock.as_of(None), lead_days=lead_days, json=json)


def download_command(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The resource's endpoint.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", readable=False, help="The license folder to install into.")
    ],
    container: options.ForContainer,
    image_version: options.ForImageVersion,
    api_key_file: Annotated[
        str,
        typer.Option("--api-key-file", metavar="FILE", help="A file with one of the resource's API keys; - is stdin."),
    ],
    ca: options.IssuerCa = None,
    allow_plain_http: Annotated[
        bool, typer.Option("--allow-plain-http", help="Send the API key in the clear, to any machine.")
    ] = False,
    image: options.Image = None,
    instance: options.Instance = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Download a license (DownloadLicense=True).

    Done on a connected machine. The license is checked as azlic verify does here before it takes the old one's place.
    Redirects are not followed, and proxies in the environment are not asked: the API key goes to the endpoint alone.
    Exit status 1 when the issuer refuses or sends no valid license, 3 when no issuer answers.

    Example: azlic download https://issuer.example/plant-read ./license --container read --image-version 3.2.0
    --api-key-file key1 --ca issuer-ca.pem
    """
    from azlic.render.verdict import VERDICT
    from azlic.verifier import Verifier
    from licensing.delivery.api_keys import read_api_key
    from licensing.delivery.downloading import Order, download
    from licensing.delivery.endpoint import in_the_clear
    from licensing.history.read import read_memory
    from licensing.history.remember import remember_at

    settings = load_settings()
    verifier = Verifier.of(settings, trust)
    if allow_plain_http and in_the_clear(endpoint):
        output.tell("warning: the API key goes over the network in the clear; whoever reads it can use it")
    verdict = download(
        Order(endpoint, read_api_key(api_key_file), container, image_version),
        folder,
        trust=verifier.trust,
        clock=lambda: clock.as_of(None),
        waiting=output.tell_of_waiting,
        slow=output.tell_of_slowness,
        ca=ca or settings.issuer_ca,
        allow_plain_http=allow_plain_http,
        seen=read_memory(settings.database),
        **verifier.here(image=image, instance=instance),
    )
    if not remember_at(settings.database, verdict):
        output.tell(f"its serial is not remembered: there is no ledger {settings.database}; verify --record creates it")
    VERDICT.give(json, verdict, lead_days=settings.lead_days)
