"""Usage: what was used, held against what was committed. The names that other programs may rely on."""

from typing import TYPE_CHECKING

from licensing.core.faces import lazy_face

if TYPE_CHECKING:
    from licensing.db.database import open_ledger
    from usage.alerts.conditions.all import alerts_of
    from usage.alerts.gather.state import site_state
    from usage.auditing.run import audit
    from usage.closing.close import close_month
    from usage.handover.accepting import accept
    from usage.handover.acknowledgement import acknowledge
    from usage.handover.exporting import export
    from usage.handover.inspection import inspect
    from usage.intake.run import ingest
    from usage.intake.watcher import watch
    from usage.ledger.checkpoints import Checkpoint
    from usage.ledger.corrections import correct
    from usage.months import Month
    from usage.plans.model import Plan
    from usage.plans.store import add_plan
    from usage.quantity import Quantity
    from usage.readings.polling import pull
    from usage.reporting.report import monthly_report

__all__ = [
    "Checkpoint",
    "Month",
    "Plan",
    "Quantity",
    "accept",
    "acknowledge",
    "add_plan",
    "alerts_of",
    "audit",
    "close_month",
    "correct",
    "export",
    "ingest",
    "inspect",
    "monthly_report",
    "open_ledger",
    "pull",
    "site_state",
    "watch",
]
_HOMES = {
    "Checkpoint": "usage.ledger.checkpoints",
    "Month": "usage.months",
    "Plan": "usage.plans.model",
    "Quantity": "usage.quantity",
    "accept": "usage.handover.accepting",
    "acknowledge": "usage.handover.acknowledgement",
    "add_plan": "usage.plans.store",
    "alerts_of": "usage.alerts.conditions.all",
    "audit": "usage.auditing.run",
    "close_month": "usage.closing.close",
    "correct": "usage.ledger.corrections",
    "export": "usage.handover.exporting",
    "ingest": "usage.intake.run",
    "inspect": "usage.handover.inspection",
    "monthly_report": "usage.reporting.report",
    "open_ledger": "licensing.db.database",
    "pull": "usage.readings.polling",
    "site_state": "usage.alerts.gather.state",
    "watch": "usage.intake.watcher",
}
if not TYPE_CHECKING:
    __getattr__ = lazy_face(__name__, _HOMES)
