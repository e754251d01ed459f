"""One model for all tests of the speech engine, a container to talk to, and a client that speaks its protocol."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fastapi import FastAPI

from engines.server.errors import Refusal
from engines.server.process import make_server
from engines.speech import Limits, SpeechModel, speech_routes
from engines.speech.pinned_model import own_model
from licensing.containers import SPEECH_TO_TEXT
from licensing.core.errors import AzlicError
from tests.serving import running


@pytest.fixture(scope="session")
def model() -> Iterator[SpeechModel]:
    model = SpeechModel(own_model())
    yield model
    model.close()


class Container:
    """A speech container with a license, a recorder and a clock in hand."""

    def __init__(self, model: SpeechModel, limits: Limits) -> None:
        self.licensed = True
        self.admissions = 1_000_000
        """How often it is still licensed when it is asked."""
        self.disk_full = False
        self.recorded: list[Decimal] = []
        self.has_recorded = threading.Event()
        self.is_asked = threading.Event()
        self.mount_answers = threading.Event()
        self.mount_answers.set()
        self.address = ""
        self.app = FastAPI()
        self.app.include_router(
            speech_routes(
                model=model, meter=self, admit=self.admit, clock=lambda: datetime(2027, 1, 1, tzinfo=UTC), limits=limits
            )
        )

    def admit(self) -> Refusal | None:
        self.admissions -= 1
        self.is_asked.set()
        assert self.mount_answers.wait(60)
        return (
            None
            if self.licensed and self.admissions >= 0
            else Refusal("LicenseNotValid", "the license ended at 2027-01-01")
        )

    def record(self, meter: str, quantity: Decimal, *, at: datetime) -> None:  # noqa: ARG002
        assert (meter,) == SPEECH_TO_TEXT.meters
        if self.disk_full:
            raise AzlicError("the disk is full", hint="make room")
        self.recorded.append(quantity)
        self.has_recorded.set()

    @property
    def seconds(self) -> Decimal:
        return sum(self.recorded, Decimal(0))


@contextmanager
def serving_container(model: SpeechModel, *, tls: ssl.SSLContext | None = None, **limits: float) -> Iterator[Container]:
    container = Container(model, Limits(**limits))  # type: ignore[arg-type]
    with running(make_server(container.app, tls=tls, websockets=True)) as port:
        container.address = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"
        yield container


@pytest.fixture
def container(model: SpeechModel) -> Iterator[Container]:
    with serving_container(model) as container:
        yield container
