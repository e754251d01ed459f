"""The commitment plan of a resource: the one in force, and the one that takes over from it."""

from datetime import datetime

from sqlalchemy import Connection, Engine, update

from licensing.core.errors import BadCall
from licensing.core.instants import iso, to_the_second
from licensing.db.database import reading, writing
from licensing.db.schema import row_of
from licensing.issuer.audit import note
from licensing.issuer.tables import ResourceRow
from licensing.signing.document import CommittedPlan


def check_plan(plan: CommittedPlan) -> None:
    """Raise ``BadCall`` for a plan that says nothing where it has to say something."""
    check_word("plan type", plan.plan_type)
    check_word("tier", plan.tier)
    check_word("unit", plan.quota.unit)


def check_word(what: str, text: str) -> None:
    """Raise ``BadCall`` for a name that is empty or would not look like what it is."""
    if not text or text != text.strip() or not text.isprintable():
        raise BadCall(f"the {what} {text!r} is empty, or has spaces around it", hint="write it without them")


def plan_at(resource: ResourceRow, now: datetime) -> CommittedPlan:
    """The plan of a resource's row that counts: the next one from its start on, the present one until then."""
    following = following_plan(resource)
    if following is not None and following.starts_at <= now:
        return following
    return CommittedPlan.model_validate_json(resource.plan)


def following_plan(resource: ResourceRow) -> CommittedPlan | None:
    """The plan that was entered ahead of its start, if any."""
    return CommittedPlan.model_validate_json(resource.next_plan) if resource.next_plan else None


def plan_of(engine: Engine, resource: str, *, now: datetime) -> CommittedPlan:
    """The plan of a resource that counts now. Raises ``BadCall`` when there is no such resource."""
    with reading(engine) as connection:
        return plan_at(_resource(connection, resource), now)


def doubt(present: CommittedPlan, plan: CommittedPlan, *, now: datetime) -> str | None:
    """What an operator may not have meant by a plan: it is over already, or none runs until it begins."""
    if plan.ends_at <= now:
        return f"plan {plan.name} ended at {iso(plan.ends_at)}: every download is OutOfQuota"
    ends_at = max(present.ends_at, now)
    if ends_at < plan.starts_at:
        return (
            f"no plan runs from {to_the_second(ends_at)} up to {iso(plan.starts_at)}: every download is OutOfQuota then"
        )
    return None


def set_plan(engine: Engine, resource: str, plan: CommittedPlan, *, now: datetime, actor: str) -> bool:
    """Put a resource on another plan: from the plan's start on where that is still to come, else at once.

    Until then the present one counts, as long as it runs. Licenses keep their id, and their serial goes on. Returns
    whether it counts at once. Raises ``BadCall`` when there is no such resource.
    """
    check_plan(plan)
    with writing(engine) as connection:
        row = _resource(connection, resource)
        present, following = plan_at(row, now), following_plan(row)
        later = plan.starts_at > now
        if later:
            following = plan
        else:
            present = plan
            following = following if following and following.starts_at > now else None
        connection.execute(
            update(ResourceRow)
            .where(ResourceRow.name == resource)
            .values(plan=present.model_dump_json(), next_plan=following.model_dump_json() if following else None)
        )
        note(connection, at=now, actor=actor, action="plan set", subject=resource, plan=plan.model_dump_json())
    return not later


def _resource(connection: Connection, name: str) -> ResourceRow:
    row = row_of(connection, ResourceRow, ResourceRow.name == name)
    if row is None:
        raise BadCall(f"there is no resource {name}", hint="see: azlic issuer resource list")
    return row
