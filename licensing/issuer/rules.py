"""What an issuer asks whoever comes with a key, for a license or to be billed: the rules that both share.

They are numbered as in licensing.issuer.issue.
"""

from datetime import datetime

from sqlalchemy import Connection, select

from licensing.containers import CONTAINER_TYPES
from licensing.core.instants import iso, to_the_second
from licensing.db.schema import rows_of
from licensing.delivery.denial import Denial, DenialCode
from licensing.issuer.containers import find_listed
from licensing.issuer.downloads import Payer
from licensing.issuer.plans import plan_at
from licensing.issuer.tables import ResourceContainerRow, ResourceRow, SubscriptionRow
from licensing.signing.document import CommittedPlan


class Refused(Exception):
    """A rule's refusal, on its way to the answer."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.detail)
        self.denial = denial


def require(condition: bool, code: DenialCode, detail: str, hint: str | None = None) -> None:
    """Raise ``Refused`` unless a condition holds."""
    if not condition:
        raise Refused(Denial(code, detail, hint=hint))


def ask_key(payer: Payer, resource: str) -> None:
    """Rules 1 and 2: the key, and the resource it is of."""
    require(payer.resource is not None, DenialCode.INVALID, "the API key does not belong to any resource")
    require(payer.resource == resource, DenialCode.MISMATCH, f"the API key does not belong to resource {resource}")


def ask_resource(connection: Connection, payer: Payer, resource: str, container_type: str) -> ResourceRow:
    """Rules 1 to 4: the key and its resource, the resource's kind and its approval. Gives its row."""
    ask_key(payer, resource)
    (found,) = rows_of(connection, ResourceRow, ResourceRow.name == resource)
    kind = CONTAINER_TYPES.get(container_type)
    require(
        kind is not None and kind.resource_kind == found.kind,
        DenialCode.MISMATCH,
        f"resource {found.name}, of kind {found.kind}, does not license {container_type} containers",
    )
    approved_at = connection.execute(
        select(SubscriptionRow.approved_at).where(SubscriptionRow.name == found.subscription)
    ).scalar_one()
    require(approved_at is not None, DenialCode.UNAUTHORIZED, f"subscription {found.subscription} is not approved")
    return found


def ask_list(connection: Connection, resource: str, container_type: str) -> ResourceContainerRow:
    """Rule 6: the container is on the resource's list. Gives its row."""
    row = find_listed(connection, resource, container_type)
    if row is None:
        detail = f"resource {resource} has no {container_type} containers on its list"
        raise Refused(Denial(DenialCode.UNAUTHORIZED, detail, hint="azlic issuer container add adds them"))
    return row


def ask_plan(resource: ResourceRow, now: datetime) -> CommittedPlan:
    """Rule 9: a commitment plan is in force. Gives it."""
    plan = plan_at(resource, now)
    require(
        plan.starts_at <= now < plan.ends_at,
        DenialCode.OUT_OF_QUOTA,
        f"plan {plan.name} runs from {iso(plan.starts_at)} to {iso(plan.ends_at)}, and it is now {to_the_second(now)}",
    )
    return plan
