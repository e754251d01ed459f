"""systemd units and a cron line for this site: what runs, as whom, and what it may touch, by the settings in force.

Source: systemd.exec(5), systemd.service(5).
"""

import os
import pwd
import re
import shlex
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from azlic.monitoring.ready_made.unit_syntax import (
    command_line,
    on_one_line,
    quoted,
    specifiers,
    unit_name,
    utf8_text,
    words_of,
)
from azlic.settings import NAMES, Places, Settings, listed_in, places_of, read_settings_file, settings_file, variable_of
from licensing.db.sqlite_wal import wal_is_safe

SECRETS = "azlic.env"
"""The file, closed to others, of variables that may hold a password; unit files are readable to all."""
_OURS = re.compile(r"azlic-(?:(?:ingest|metrics|backup|pull-.+)\.(?:service|timer)|watch\.service)|azlic\.env")
"""The files that are written at some sites, and not at others."""
_STATE = Path("/var/lib/azlic")
_SHARED_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - named, not used
_PATHS = ("database", "trust", "site_keys", "head_office", "channels", "backups")
_READER, _WRITER = "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER"
_HARDENED = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0027"""


@dataclass(frozen=True, slots=True)
class Installation:
    """What units are written for: this program, the settings in force, what sets them, and whose ledger it is."""

    program: Path
    settings: Settings
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    secrets_file: Path
    uid: int
    folder: Path

    @property
    def user(self) -> str:
        """The account's name, or its number where it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that runs: a command now and then, or for good where it has no ``calendar``."""

    name: str
    description: str
    command: tuple[str, ...]
    calendar: str = ""
    at_most_late: str = ""
    cron: str = ""
    fine: str = ""
    writes: tuple[Path, ...] = ()
    network: bool = False
    only_if: Path | None = None
    service: tuple[str, ...] = ("Type=oneshot",)


def installation(
    program: Path, folder: Path, settings: Settings, environ: Mapping[str, str] = os.environ
) -> Installation:
    """This program and this site, as their units have to know them. ``folder`` is where the units will be."""
    file, places = settings_file(environ), places_of(read_settings_file(environ), environ)
    uid = _user(settings)
    from_variables = {name: environ[variable_of(name)] for name in NAMES if environ.get(variable_of(name))}
    pinned = {} if uid == 0 else {name: str(getattr(settings, name)) for name in _PATHS if name not in places}
    stated = {variable_of(name): value for name, value in (pinned | from_variables).items()}
    if file.exists() or "AZLIC_CONFIG" in environ:
        stated["AZLIC_CONFIG"] = str(file.absolute())
    secret = {name: value for name, value in stated.items() if name == "AZLIC_DATABASE" and _has_password(value)}
    secret |= {name: value for name, value in environ.items() if name.startswith("PG") and "://" in settings.database}
    return Installation(
        program=program,
        settings=settings,
        environment={name: value for name, value in sorted(stated.items()) if name not in secret},
        secrets=secret,
        secrets_file=folder.absolute() / SECRETS,
        uid=uid,
        folder=_working_folder(places),
    )


def unit_files(site: Installation) -> dict[str, bytes]:
    """The units and the cron line by file name; the variables that hold a password beside them, if there are any."""
    texts = {"azlic-failed@.service": _FAILED, "azlic.cron": _cron(site)}
    for job in jobs_of(site.settings):
        texts[f"azlic-{job.name}.service"] = "\n".join(_service(site, job)) + "\n"
        if job.calendar:
            texts[f"azlic-{job.name}.timer"] = _timer(job)
    if site.secrets:
        texts[SECRETS] = "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(site.secrets.items()))
    return {name: utf8_text(text) for name, text in sorted(texts.items())}


def units_left(site: Installation, folder: Path) -> list[Path]:
    """Units in a folder that azlic wrote for what the settings no longer have; by name, the timers first.

    Only names that azlic itself gives: others that begin with ``azlic-`` are somebody else's.
    """
    written = unit_files(site)
    there = (path for path in folder.iterdir() if path.name not in written and _OURS.fullmatch(path.name))
    return sorted(there, key=lambda path: (path.suffix != ".timer", path.name))


def folders_written(site: Installation) -> tuple[Path, ...]:
    """The folders that the units write into and that are not there yet; systemd makes its own."""
    written = {path for job in jobs_of(site.settings) for path in job.writes}
    return tuple(sorted(path for path in written if not path.exists() and path != _STATE))


def jobs_of(settings: Settings) -> tuple[Job, ...]:
    """All that a site like this runs."""
    ledger, outputs = _ledger_folders(settings), tuple(str(path.absolute()) for path in settings.outputs)
    database_far = _is_far(settings.database)
    read_only = ledger if wal_is_safe(sqlite3.sqlite_version_info[:3]) else ()
    jobs = [
        Job(
            "notify", "Tell people and systems about azlic's alerts", ("notify",),
            calendar="hourly", at_most_late="5min", cron="5 * * * *",
            writes=ledger, network=True, only_if=settings.channels.absolute(),
        ),
        Job(
            "audit", "Prove that nothing in the azlic ledger was changed", ("audit",),
            calendar="Sun 03:30", at_most_late="30min", cron="30 3 * * 0", writes=ledger, network=database_far,
        ),
        Job(
            "serve", "Show the site as a web page, to this machine alone", ("serve",), writes=read_only, network=True,
            service=("Type=notify", "Restart=on-failure", "RestartSec=30"),
        ),
    ]  # fmt: skip
    if outputs:
        jobs += [
            Job(
                "ingest", "Take usage records into the azlic ledger", ("ingest", *outputs),
                calendar="*:0/15", at_most_late="60", cron="*/15 * * * *", fine="1", writes=ledger,
                network=database_far,
            ),
            Job(
                "watch", "Take usage records into the azlic ledger as they are written", ("watch", *outputs),
                writes=ledger, network=database_far,
                service=("Type=notify", "TimeoutStartSec=infinity", "WatchdogSec=5min", "Restart=on-failure",
                         "RestartSec=30"),
            ),
        ]  # fmt: skip
    if settings.textfile:
        file = settings.textfile.absolute() / "azlic.prom"
        jobs.append(
            Job(
                "metrics", "Write azlic's metrics for node_exporter", ("check", "--prometheus", str(file)),
                calendar="*:0/5", at_most_late="30", cron="*/5 * * * *", fine="1 2",
                writes=(file.parent, *read_only), network=database_far,
            )
        )  # fmt: skip
    if "://" not in settings.database:
        jobs.append(
            Job(
                "backup", "Copy the azlic ledger, one file for each day of the week", ("backup",),
                calendar="*-*-* 02:30", at_most_late="30min", cron="30 2 * * *",
                writes=(*ledger, settings.backups.absolute()),
            )
        )  # fmt: skip
    for source in settings.pull:
        jobs.append(
            Job(
                f"pull-{unit_name(source)}", f"Read the usage report of {source}", ("pull", source),
                calendar="hourly", at_most_late="10min", cron="35 * * * *", fine="1", writes=ledger, network=True,
            )
        )  # fmt: skip
    return tuple(jobs)


def _service(site: Installation, job: Job) -> Iterator[str]:
    yield from ("[Unit]", f"Description={specifiers(job.description)}", "OnFailure=azlic-failed@%n.service")
    if job.only_if:
        yield f"ConditionPathExists={specifiers(str(job.only_if))}"
    if own := tuple(path for path in job.writes if path != _STATE):
        yield f"RequiresMountsFor={words_of(own)}"
    if job.network:
        yield from ("Wants=network-online.target", "After=network-online.target")
    yield from ("", "[Service]", *job.service, f"ExecStart={command_line(_command(site, job))}")
    if job.fine:
        yield from (f"# {job.fine}: an answer, and no failure", f"SuccessExitStatus={job.fine}")
    yield from (f"Environment={quoted(f'{name}={value}')}" for name, value in site.environment.items())
    if site.secrets:
        yield f"EnvironmentFile={specifiers(str(site.secrets_file))}"
    if site.folder != Path("/"):
        yield f"WorkingDirectory={specifiers(str(site.folder))}"
    yield from _rights(site, job)
    if not job.calendar:
        yield from ("", "[Install]", "WantedBy=multi-user.target")


def _rights(site: Installation, job: Job) -> Iterator[str]:
    """As whom it runs, and what it may write and reach."""
    if site.uid:
        yield f"User={specifiers(site.user)}"
    if _STATE in job.writes:
        yield from ("StateDirectory=azlic", "StateDirectoryMode=0750")
    if own := tuple(path for path in job.writes if path != _STATE):
        yield f"ReadWritePaths={words_of(own)}"
    families = "AF_UNIX AF_INET AF_INET6" if job.network else "AF_UNIX"
    yield from (f"RestrictAddressFamilies={families}", f"PrivateNetwork={'no' if job.network else 'yes'}")
    if not _needs_shared_temporary(site, job):
        yield "PrivateTmp=yes"
    yield _HARDENED
    yield "# the files of containers belong to other users"
    rights = _READER if site.uid or not job.writes else _WRITER
    yield f"CapabilityBoundingSet={rights}"
    if site.uid:
        yield f"AmbientCapabilities={rights}"


def _command(site: Installation, job: Job) -> tuple[str, ...]:
    """The program and its words. A backup's name holds the day, which only a shell can say."""
    if job.command != ("backup",):
        return (str(site.program), *job.command)
    script = 'exec "$0" backup --yes "$1/azlic-$(LC_ALL=C date -u +%a).db"'
    return ("/bin/sh", "-c", script, str(site.program), str(site.settings.backups.absolute()))


def _timer(job: Job) -> str:
    return f"""\
[Unit]
Description={specifiers(job.description)}

[Timer]
OnCalendar={job.calendar}
# what was missed while the machine was off is made up for
Persistent=true
RandomizedDelaySec={job.at_most_late}

[Install]
WantedBy=timers.target
"""


_FAILED = """\
[Unit]
Description=Say that %i failed

[Service]
Type=oneshot
ExecStart=/usr/bin/logger -p daemon.err -t azlic "%i failed; see: systemctl status %i"
"""


def _cron(site: Installation) -> str:
    lines = [
        "# /etc/cron.d/azlic: for machines without systemd. cron makes up for nothing that was missed.",
        "MAILTO=root",
    ]
    before = f"cd {_word(site.folder)}; " if site.folder != Path("/") else ""
    before += f"set -a; . {_word(site.secrets_file)}; " if site.secrets else ""
    variables = "".join(f"{name}={_word(value)} " for name, value in site.environment.items())
    for job in jobs_of(site.settings):
        if job.cron:
            only_if = f"test ! -e {_word(job.only_if)} || " if job.only_if else ""
            call = f"{before}{only_if}{variables}{' '.join(map(_word, _command(site, job)))} >/dev/null"
            lines.append(f"{job.cron} {site.user} {call}".replace("%", r"\%"))
    return "\n".join(lines) + "\n"


def _word(text: object) -> str:
    """One word of a line of cron's."""
    return shlex.quote(on_one_line(str(text)))


def _user(settings: Settings) -> int:
    """Who the units run as: whoever writes them out; where that is root, whose the ledger is."""
    if os.geteuid() or "://" in settings.database:
        return os.geteuid()
    ledger = Path(settings.database)
    for path in (ledger, ledger.parent):
        if path.exists():
            return path.stat().st_uid
    return 0


def _ledger_folders(settings: Settings) -> tuple[Path, ...]:
    """Where the ledger is written: its folder, and the one that it really lies in where it is a link."""
    if "://" in settings.database:
        return ()
    ledger = Path(settings.database).absolute()
    return tuple(dict.fromkeys((ledger.parent, ledger.resolve().parent)))


def _is_far(database: str) -> bool:
    """Whether a database is reached over a network: its URL names a host that is no folder."""
    if "://" not in database:
        return False
    from sqlalchemy import make_url

    url = make_url(database)
    host = url.host or str(url.query.get("host", ""))
    return not (host or os.environ.get("PGHOST", "/")).startswith("/")


def _has_password(database: str) -> bool:
    if "://" not in database:
        return False
    from sqlalchemy import make_url

    url = make_url(database)
    return bool(url.password or "password" in url.query)


def _working_folder(places: Places) -> Path:
    """Where relative paths begin: here, if any setting is one."""
    relative = (
        isinstance(value, str) and value and "://" not in value and not value.startswith("/")
        for name, (_, value) in places.items()
        if name in (*_PATHS, "textfile")
    )
    listed = (text for name, (_, value) in places.items() if name in ("licenses", "outputs") for text in _listed(value))
    return Path.cwd() if any(relative) or any(not text.startswith("/") for text in listed) else Path("/")


def _listed(value: object) -> Iterable[str]:
    return (
        listed_in(value, os.pathsep) if isinstance(value, str) else map(str, value) if isinstance(value, list) else ()
    )


def _needs_shared_temporary(site: Installation, job: Job) -> bool:
    """Whether something it uses lies below a folder that a unit otherwise has of its own."""
    used = [site.program, site.folder, *job.writes, *site.settings.licenses, *site.settings.outputs]
    used += [Path(value) for value in site.environment.values() if value.startswith("/")]
    used += [getattr(site.settings, name) for name in ("trust", "site_keys", "head_office", "channels")]
    return any(
        each.is_relative_to(shared)
        for path in used
        for each in (path.absolute(), path.resolve())
        for shared in _SHARED_TEMPORARY
    )
