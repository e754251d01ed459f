"""An audit, a checkpoint, a backup and a restore, in words and fields."""

from pathlib import Path

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import indented
from licensing.core.text import counted, plural
from licensing.verdict.seen import strike_words
from usage.auditing.backups import Backup, Loss, Restored
from usage.auditing.compare import CheckpointStanding
from usage.auditing.faults import AuditCheck
from usage.auditing.run import Audit
from usage.ledger.checkpoints import Checkpoint, head_text

_CHECKS = {
    AuditCheck.NUMBERS: "batches are numbered without a gap",
    AuditCheck.HEADS: "each head follows from the one before",
    AuditCheck.ROWS: "records are those that each batch stored",
    AuditCheck.TOTALS: "day totals are the sums of the records",
    AuditCheck.MONTHS: "closed months hold what they were closed with",
    AuditCheck.OUTSIDE: "nothing exists outside the batches",
    AuditCheck.AGAINST: "checkpoints kept elsewhere agree",
    AuditCheck.SCHEMA: "the schema is this version's",
    AuditCheck.FILES: "source files hold what was taken",
    AuditCheck.PAGES: "pages, indexes and references are whole",
    AuditCheck.TYPES: "each value belongs in its column",
    AuditCheck.BOOKED: "plans, findings and the like are as booked",
    AuditCheck.DERIVED: "what is read next follows from what was taken",
}


def audit_text(audit: Audit) -> str:
    """The first fault, the checks with what each found, and what was audited."""
    months = counted(audit.closed_months, "closed month")
    lines = [f"{counted(audit.batches, 'batch', 'batches')}, {counted(audit.records, 'record')}, {months}"]
    lines += [f"ledger {audit.origin}"] if audit.origin else []
    lines += [f"head {head_text(audit.head)}"]
    for check, name in _CHECKS.items():
        count = audit.counts.get(check, 0)
        verdict = counted(count, "fault") if count else "-" if check in audit.not_looked else "ok"
        lines.append(f"{check.value:>3}  {name:<48} {verdict}")
    lines += [line for left in audit.left_out for line in indented(f"left out: {left}", hanging=2)]
    lines += indented(_bound(audit))
    lines += [f"  {compared.kept.name}: {compared.detail}" for compared in audit.compared]
    lines += [line for one in audit.strikes for line in indented(strike_words(one), hanging=2)]
    for source, reason in audit.rounded.items():
        lines += indented(f"readings of {source} are rounded to the millionth: {reason}")
    if audit.files_gone:
        gone = f"{counted(audit.files_gone, 'source file')} {plural(audit.files_gone, 'is', 'are')} gone"
        lines.append(f"  {gone}, not compared; {audit.files:,} {plural(audit.files, 'was', 'were')} read")
    if audit.sound:
        return joined(["sound: everything is as it was written", *lines])
    more = sum(audit.counts.values()) - len(audit.faults)
    first, *others = [f"{fault} (check {fault.check.value})" for fault in audit.faults]
    told = [f"NOT SOUND: {first}", *lines, *(["also:"] if others else []), *(f"  {other}" for other in others)]
    return joined([*told, *([f"  and {more:,} more"] if more > 0 else [])])


def _bound(audit: Audit) -> str:
    """From where on the chain binds what may change; an older ledger has a stretch before it."""
    what = "plans, findings, readings, licenses, exports and all times"
    if audit.bound_from is None:
        return f"not in the chain yet: {what}; the next command that writes puts them there" if audit.batches else ""
    return f"in the chain from batch {audit.bound_from:,} on: {what}"


def _audit_fields(audit: Audit) -> object:
    return {
        "sound": audit.sound,
        "origin": audit.origin,
        "batches": audit.batches,
        "bound_from": audit.bound_from,
        "records": audit.records,
        "head": head_text(audit.head),
        "closed_months": audit.closed_months,
        "faults": [{"check": fault.check, "where": fault.where, "what": fault.what} for fault in audit.faults],
        "counts": audit.counts,
        "against": [
            {"name": compared.kept.name, "standing": compared.standing, "detail": compared.detail}
            | {"size": compared.kept.checkpoint.size, "agrees": compared.standing is CheckpointStanding.SAME}
            for compared in audit.compared
        ],
        "strikes": audit.strikes,
        "files": audit.files,
        "files_gone": audit.files_gone,
        "rounded": audit.rounded,
        "left_out": audit.left_out,
    }


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """The checkpoint as it is kept."""
    return str(checkpoint).rstrip("\n")


def _checkpoint_fields(checkpoint: Checkpoint) -> object:
    """``text`` is what is kept."""
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "head": head_text(checkpoint.head),
        "text": str(checkpoint),
    }


def backup_text(backup: Backup, file: Path) -> str:
    """What was copied; or why the copy is unusable."""
    if not backup.good:
        return joined([f"no backup was made: {_why(backup)}", "  try: azlic audit"])
    audit = backup.audit
    held = f"{counted(audit.batches, 'batch', 'batches')}, {counted(audit.records, 'record')}"
    return joined([f"{file}: {held}; complete and sound", f"head {head_text(audit.head)}"])


def _backup_fields(backup: Backup, file: Path) -> object:
    return {"file": file, "good": backup.good, "damage": backup.damage, "audit": _audit_fields(backup.audit)}


def restore_text(restored: Restored, file: Path) -> str:
    """What was put in place; or why nothing was."""
    if not restored.backup.good:
        return joined([f"nothing was restored: {file} is not a usable backup: {_why(restored.backup)}"])
    if not restored.done:
        return joined(
            [
                f"nothing was restored: {_loss(restored.loss)}",
                "  try: add --yes if that is intended; what is there now is kept beside the ledger",
            ]
        )
    audit = restored.backup.audit
    lines = [f"restored: {counted(audit.batches, 'batch', 'batches')}, {counted(audit.records, 'record')}"]
    lines += [f"removed: {_loss(restored.loss)}"] if restored.loss else []
    lines += [f"the previous ledger is kept as {restored.kept}"] if restored.kept else []
    return joined([*lines, "run azlic ingest now: it takes what is missing again"])


def _restore_fields(restored: Restored, file: Path) -> object:
    loss = restored.loss
    return {
        "file": file,
        "done": restored.done,
        "backup_good": restored.backup.good,
        "lost": {"first_batch": loss.first, "last_batch": loss.last, "unreadable": loss.unreadable} if loss else None,
        "kept": restored.kept,
        "audit": _audit_fields(restored.backup.audit),
    }


def _why(backup: Backup) -> str:
    return backup.damage or str(backup.audit.faults[0])


def _loss(loss: Loss) -> str:
    if loss.unreadable is not None:
        return f"the present ledger cannot be read ({loss.unreadable}), so what would be lost is unknown"
    batches = (
        f"batch {loss.first} of the present ledger is"
        if loss.first == loss.last
        else f"batches {loss.first} to {loss.last} of the present ledger are"
    )
    return f"{batches} not in the backup"


AUDIT = Answer("azlic.audit/v1", audit_text, _audit_fields)
CHECKPOINT = Answer("azlic.checkpoint/v1", checkpoint_text, _checkpoint_fields)
BACKUP = Answer("azlic.backup/v1", backup_text, _backup_fields)
RESTORED = Answer("azlic.restore/v1", restore_text, _restore_fields)
