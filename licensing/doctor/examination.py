"""The examination: one pass over both mounts, the license, the user ids and the machine.

Nothing is changed, and no socket opened, unless a running container's address is named. As root every right is tried as
the container's user; a file made for that is removed at once.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from licensing.containers import CONTAINER_TYPES
from licensing.core.errors import AzlicError
from licensing.core.text import printable
from licensing.doctor.check import exit_status
from licensing.doctor.finding import DoctorFinding, FindingLevel
from licensing.doctor.folders import Folder, Judge, look
from licensing.doctor.identity import Identity, name_findings
from licensing.doctor.license_folder import verdict_findings
from licensing.doctor.machine import Machine, examine_machine, machine_facts, machine_findings
from licensing.doctor.mounts import read_mounts
from licensing.doctor.namespaces import Shift, engine_home, shift
from licensing.doctor.trial import try_access
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Cause, Verdict
from licensing.verification import EXPIRING_DAYS, verify


class Site(NamedTuple):
    """What is to be examined: the two mounts, the container that is meant, and its user.

    ``stated``: the user's ids were given outright and are this host's, whatever namespaces there are. ``url`` is where
    the container runs, if it is to be asked. ``name`` and ``instance`` are what a license may be bound to.
    """

    license: Path
    outputs: tuple[Path, ...]
    nonroot: Identity
    stated: bool = False
    container: str | None = None
    version: str | None = None
    url: str | None = None
    name: str | None = None
    instance: str | None = None


class SiteExamination(NamedTuple):
    """What was found, heaviest first; the facts beside it; the output folders, and those that hold no usage file.

    ``tried`` tells whether the rights were actually tried, or worked out.
    """

    as_of: datetime
    identity: Identity
    tried: bool
    facts: dict[str, str]
    findings: tuple[DoctorFinding, ...]
    outputs: tuple[str, ...]
    seen_outputs: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0 nothing is wrong (there may be warnings), 1 something is, 3 something could not be examined."""
        return exit_status(finding.level for finding in self.findings)

    def join_findings(self, more: Iterable[DoctorFinding]) -> "SiteExamination":
        """The same examination with what others found."""
        return self._replace(findings=_heaviest_first([*self.findings, *more]))


def _heaviest_first(findings: Iterable[DoctorFinding]) -> tuple[DoctorFinding, ...]:
    order = list(FindingLevel)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.level)))


def examine(
    site: Site,
    *,
    trust: TrustStore,
    as_of: datetime,
    seen: Seen | None = None,
    expiring_days: int = EXPIRING_DAYS,
    root: Path = Path("/"),
    machine: Machine | None = None,
) -> SiteExamination:
    """Examine a site. What is wrong is a finding, not an exception. ``root`` is where /proc, /sys and /etc lie.

    ``seen`` is what this site has seen before, as ``verify`` takes it; ``machine`` is this one if left out.
    """
    known = read_mounts(root)
    license_path, *output_paths = (str(path.absolute()) for path in (site.license, *site.outputs))
    user = _user(site, [license_path, *output_paths], root)
    identity = user.identity.as_here()
    held, *outputs = _folders([license_path, *dict.fromkeys(output_paths)], Judge(identity, known, root))
    verdict, license_found = _license(site, held, trust=trust, as_of=as_of, seen=seen, expiring_days=expiring_days)
    container = site.container or (verdict.container_type if verdict is not None else None)
    kind = CONTAINER_TYPES.get(container or "")
    machine = machine or examine_machine(root)
    ours = verdict is not None and verdict.license is not None
    needs = kind.needs_of(site.version or kind.tag) if kind and not ours else None  # the catalogue's are Microsoft's
    running, asked = _running(site.url)
    found = [
        *(finding for folder in (held, *outputs) for finding in folder.findings),
        *license_found,
        *name_findings(site.nonroot),
        *user.findings,
        *asked,
        *machine_findings(machine, container, needs),
    ]
    told = {"License": printable(f"{verdict.status}: {verdict.detail}")} if verdict is not None else {}
    return SiteExamination(
        as_of=as_of,
        identity=identity,
        tried=_all_known([held, *outputs]),
        facts=_folder_facts(held, outputs) | told | running | {"User": user.told} | machine_facts(machine),
        findings=_heaviest_first(found),
        outputs=tuple(folder.path for folder in outputs),
        seen_outputs=tuple(folder.path for folder in outputs if folder.whole),
    )


def _running(url: str | None) -> tuple[dict[str, str], Iterable[DoctorFinding]]:
    if url is None:
        return {}, ()
    from licensing.doctor.container import running_container  # noqa: PLC0415 - loads an HTTP client

    told, found = running_container(url)
    return {"Container": told}, found


def _folders(paths: Sequence[str], judge: Judge) -> list[Folder]:
    """The license folder and the output folders: all are looked at, then tried in one go, then judged."""
    sights = [look(path, judge.identity, judge.known) for path in paths]
    trees = [sight.tree for sight in sights if sight.tree is not None]
    answers = iter(try_access(trees, judge.identity) or ())
    founds = [next(answers, None) if sight.tree is not None else None for sight in sights]
    first, *others = zip(sights, founds, strict=True)
    return [judge.license_folder(*first), *(judge.output_folder(*other) for other in others)]


def _user(site: Site, folders: Sequence[str], root: Path) -> Shift:
    if site.stated:
        return Shift(site.nonroot, f"{_named(site.nonroot)}, as stated")
    own = Identity.own()
    if own.by_group == 0:
        return Shift(own, f"{_named(own)}, who runs this")
    owners: list[tuple[int, int]] = []
    for folder in folders:
        try:
            status = Path(folder).stat()
        except OSError:
            continue
        owners.append((status.st_uid, status.st_gid))
    return shift(site.nonroot, owners=owners, home=engine_home(), user=os.environ.get("USER", ""), root=root)


def _named(identity: Identity) -> str:
    if identity.by_group is None:
        return str(identity)
    how = "as OpenShift chooses users" if identity.by_group == 0 else "by fsGroup"
    return f"{identity}, whose files belong to group {identity.by_group}, {how}"


def _license(
    site: Site, held: Folder, *, trust: TrustStore, as_of: datetime, seen: Seen | None, expiring_days: int
) -> tuple[Verdict | None, list[DoctorFinding]]:
    if held.tried is None:
        return None, []  # the folder is not there, which was told already
    try:
        verdict = verify(
            site.license,
            trust=trust,
            as_of=as_of,
            container=site.container,
            version=site.version,
            site=site.name,
            instance=site.instance,
            seen=seen,
            expiring_days=expiring_days,
        )
    except AzlicError as error:
        return None, [
            DoctorFinding("license-unexamined", held.path, printable(error.message), do=printable(error.hint))
        ]
    if verdict.cause is Cause.CLOSED:
        do = "run azlic doctor as root"
        return verdict, [DoctorFinding("license-unexamined", held.path, printable(verdict.detail), do=do)]
    renamed = any(finding.code == "license-name" for finding in held.findings)
    return verdict, list(verdict_findings(verdict, renamed=renamed, container=site.container))


def _all_known(folders: Sequence[Folder]) -> bool:
    seen = [folder.tried for folder in folders if folder.tried is not None]
    return bool(seen) and all(seen)


def _folder_facts(held: Folder, outputs: Sequence[Folder]) -> dict[str, str]:
    return {"License folder": f"{printable(held.path)}: {held.told}"} | {
        f"Output folder{f' {number}' if len(outputs) > 1 else ''}": f"{printable(folder.path)}: {folder.told}"
        for number, folder in enumerate(outputs, 1)
    }
