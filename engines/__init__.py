"""The containers of this project, and what an engine in one of them is given."""

from typing import TYPE_CHECKING

from licensing.core.faces import lazy_face

if TYPE_CHECKING:
    from engines.container import container_app
    from engines.engine import Engine, Facilities
    from engines.metering.meter import Meter
    from engines.results.store import ResultStore
    from engines.server.errors import Refusal

__all__ = ["Engine", "Facilities", "Meter", "Refusal", "ResultStore", "container_app"]
_HOMES = {
    "Engine": "engines.engine",
    "Facilities": "engines.engine",
    "Meter": "engines.metering.meter",
    "Refusal": "engines.server.errors",
    "ResultStore": "engines.results.store",
    "container_app": "engines.container",
}
if not TYPE_CHECKING:
    __getattr__ = lazy_face(__name__, _HOMES)
