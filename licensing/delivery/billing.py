"""A resource's billing endpoint, as a connected container asks it: is the key good, and take this report."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from licensing.core.errors import NoGoodLicense
from licensing.core.text import from_outside
from licensing.delivery.asking import ATTEMPT_TIMES, AttemptTimes, Denied, Question, TryAgain, ask_once, issuer_client
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.response import denial_in
from licensing.delivery.usage_report import NOBODY, VALID, BillingState, Reporter, status_url, usage_url


@dataclass(frozen=True, slots=True)
class BillingAnswer:
    """What an endpoint said: why it lets the container not work, if so, and whether what was reported is booked."""

    denial: Denial | None
    booked: bool = False


@dataclass(frozen=True, slots=True)
class BillingEndpoint:
    """A resource's endpoint with one of its keys. It is asked once at a time, for so long at most, and never raises.

    ``ca`` is a PEM file with the one CA that may vouch for it; without it the public ones may.
    """

    endpoint: str
    api_key: str = field(repr=False)
    clock: Callable[[], datetime]
    ca: Path | None = None
    times: AttemptTimes = ATTEMPT_TIMES

    def check(self, container: Reporter) -> BillingAnswer:
        """Whether the key lets this container work."""
        return self._ask(status_url(self.endpoint), container.to_bytes(), None)

    def check_key(self) -> Denial | None:
        """Whether the key is one of the resource's, whichever container it is for; None where it is."""
        return self._ask(status_url(self.endpoint), NOBODY, None).denial

    def report(self, identity: str, record: bytes) -> BillingAnswer:
        """Report what was used: ``record`` is a usage record as JSON, with this ``identity``."""
        return self._ask(usage_url(self.endpoint), b'{"usageRequestBody":' + record + b"}", identity)

    def _ask(self, url: str, body: bytes, identity: str | None) -> BillingAnswer:
        question = Question(self.endpoint, url, body, self.api_key)
        try:
            response, content = asyncio.run(self._once(question))
        except (TryAgain, Denied) as error:
            return BillingAnswer(error.denial)
        except NoGoodLicense:
            return BillingAnswer(Denial(DenialCode.UNKNOWN, f"{self.endpoint}: the answer is too large"))
        if response.status_code != httpx.codes.OK:
            return BillingAnswer(denial_in(response, content, now=self.clock(), api_key=self.api_key))
        return self._state_in(content, identity)

    async def _once(self, question: Question) -> tuple[httpx.Response, bytes]:
        async with issuer_client(self.ca) as client:
            return await ask_once(client, question, self.ca, lambda: None, self.times)

    def _state_in(self, content: bytes, identity: str | None) -> BillingAnswer:
        try:
            state = BillingState.parse(content)
            denial = None if state.api_status == VALID else Denial(DenialCode(state.api_status), self._words(state))
        except ValueError:
            return BillingAnswer(Denial(DenialCode.UNKNOWN, f"{self.endpoint}: the answer is no state of a key"))
        if state.id != identity:
            return BillingAnswer(Denial(DenialCode.UNKNOWN, f"{self.endpoint}: the answer is for another report"))
        return BillingAnswer(denial, booked=identity is not None)

    def _words(self, state: BillingState) -> str:
        return from_outside(state.api_status_message, secret=self.api_key)
