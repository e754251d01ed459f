"""What a running container itself says of its license."""

from collections.abc import Iterable

from licensing.containers.status import ContainerStatus, NoStatus, ask_status
from licensing.doctor.finding import DoctorFinding


def running_container(url: str) -> tuple[str, Iterable[DoctorFinding]]:
    """The container at ``url`` in words, and what is wrong with it. Raises ``BadCall`` for no address of one."""
    try:
        status = ask_status(url)
    except NoStatus as none:
        do = "check that it runs and listens there, then look: curl -i URL/status"
        return f"{url}: {none}", [DoctorFinding("container-silent", url, f"it reported no status: {none}", do=do)]
    told = f"{url}: {status.api_status}{f', {status.service}' if status.service else ''}"
    return told, [] if status.healthy else [_unhealthy(url, status)]


def _unhealthy(url: str, status: ContainerStatus) -> DoctorFinding:
    words = f": {status.message.rstrip('.')}" if status.message else ""
    do = "read the container's log; azlic verify shows the state of its license"
    return DoctorFinding("container-status", url, f"its apiStatus is {status.api_status}{words}", do=do)
