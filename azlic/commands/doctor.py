"""The doctor: what is wrong with the mounts and the machine, and what fixes it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import Settings, load_settings

if TYPE_CHECKING:
    from licensing.doctor.examination import SiteExamination
    from licensing.doctor.mending import Mended


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("doctor")(doctor_command)


def doctor_command(
    license_: options.LicenseFolder = Path("/license"),
    outputs: options.OutputFolders = None,
    container: options.Container = None,
    image_version: options.ImageVersion = None,
    user: Annotated[
        str,
        typer.Option(
            "--user",
            metavar="nonroot|openshift|UID:GID",
            help="The container's user. UID:GID are ids of this host, unshifted; openshift is any user in group 0.",
        ),
    ] = "nonroot",
    fs_group: Annotated[
        int | None,
        typer.Option("--fs-group", min=0, metavar="GID", help="The group that Kubernetes gives volumes to (fsGroup)."),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Ask the running container too: http://127.0.0.1:5000.")
    ] = None,
    trust: options.Trust = None,
    database: options.Database = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Run the safe commands: owners and modes in the folders, missing folders.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Run them without asking.")] = False,
    json: options.Json = False,
) -> None:
    """Examine the mounts and the machine.

    Each finding says what is wrong, why it matters, and the command that fixes it. Run it as root: then it actually
    tries what the container's user may do. Without --url it opens no socket, without --fix it changes nothing.

    Exit status 0 when nothing is wrong (there may be warnings), 1 when something is, 3 when something could not be
    examined.

    Example: azlic doctor --license ./license --output ./output
    """
    from azlic.render.doctor import EXAMINATION
    from licensing.doctor.examination import Site, examine
    from licensing.doctor.identity import NONROOT, find_user
    from licensing.history.read import read_memory
    from licensing.trust.store import TrustStore

    settings = load_settings()
    whose = find_user(user, nonroot=settings.nonroot)
    site = Site(
        license=license_,
        outputs=tuple(outputs or [Path("/output")]),
        nonroot=whose if fs_group is None else whose.with_fs_group(fs_group),
        stated=user != NONROOT or fs_group is not None,
        container=container,
        version=image_version,
        url=url,
        name=settings.site or None,
        instance=settings.instance or None,
    )
    seen = read_memory(database or settings.database)

    def look() -> "SiteExamination":
        found = examine(
            site,
            trust=TrustStore(trust or settings.trust),
            as_of=clock.as_of(None),
            seen=seen,
            expiring_days=settings.expiring_days,
        )
        return _with_history(found, database, settings)

    found = look()
    mended = _mend(found, yes=yes, quiet=json) if fix else []
    if mended:
        found = look()
    EXAMINATION.give(json, found, mended)
    raise typer.Exit(found.exit_status)


def _with_history(found: "SiteExamination", database: str | None, settings: Settings) -> "SiteExamination":
    """What an ingest would make of the output folders, and what the ledger knows of those that are empty.

    Without a ledger nothing is said of it, unless one was named.
    """
    from azlic.mount_history import history_findings, passed_over_findings, scans_of
    from licensing.core.errors import AzlicError
    from licensing.db.database import open_ledger, reading
    from licensing.doctor.finding import DoctorFinding
    from usage.intake.passed_over import PassedOverFindings

    scans = scans_of(found.seen_outputs)
    empty = [path for path, scan in scans.items() if not scan.files]
    passed = any(scan.passed_over for scan in scans.values())
    if not (database or empty or passed):
        return found
    try:
        with reading(open_ledger(database or settings.database)) as connection:
            history = list(history_findings(connection, empty, in_use=found.outputs))
            known = PassedOverFindings.read(connection)
    except (AzlicError, OSError) as error:
        do = error.hint if isinstance(error, AzlicError) else "run azlic doctor as root"
        unread = DoctorFinding("ledger-unexamined", "the ledger", str(error), do=do)
        history, known = [unread] if database else [], PassedOverFindings()
    return found.join_findings([*history, *passed_over_findings(scans, known)])


def _mend(found: "SiteExamination", *, yes: bool, quiet: bool) -> "list[Mended]":
    from azlic.render.doctor import mending_text, plan_text
    from licensing.doctor.mending import mend, safe_ones

    chosen = safe_ones(found.findings)
    if not chosen:
        output.tell("no command was found that is safe to run")
        return []
    output.tell("these will be run:", *plan_text(chosen).split("\n"))
    if not yes and not output.agreed("Run them?"):
        return []
    done = mend(chosen)
    if not quiet:
        output.tell(*mending_text(done).split("\n"))
    return done
