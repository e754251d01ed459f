"""Asking an issuer over HTTP once: one bounded answer, or what kept it from coming."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx

from licensing.core.errors import AzlicError
from licensing.core.text import from_outside
from licensing.delivery.denial import WHAT_TO_DO, Denial, DenialCode
from licensing.delivery.protocol import KEY_HEADER
from licensing.delivery.response import receive_answer
from licensing.delivery.tls import client_context, handshake_fault, public_roots

ATTEMPT_SECONDS = 30.0
MAY_BE_TLS = "that port may speak TLS: write https://"
_NO_HTTP = ("without sending a response", "illegal status line")
"""How httpx tells that the other side hung up, or answered by a TLS alert, instead of by a line of HTTP."""
_NO_ANSWER = {DenialCode.BUSY, DenialCode.COULD_NOT_CONNECT, DenialCode.UNKNOWN}


class Denied(AzlicError):
    """The issuer gave no license. ``denial`` says why, in the containers' own codes.

    Exit status 1 where the issuer said no, and 3 where no issuer answered that could.
    """

    def __init__(self, denial: Denial, *, hint: str | None = None) -> None:
        super().__init__(f"{denial.code}: {denial.detail}", hint=hint or WHAT_TO_DO[denial.code])
        self.denial = denial
        self.exit_status = 3 if denial.code in _NO_ANSWER else 1


class TryAgain(Exception):
    """The issuer may answer otherwise later."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.detail)
        self.denial = denial


class AttemptTimes(NamedTuple):
    """What one attempt may take in all, from looking up the name to the last byte, and after how long it is slow."""

    seconds: float = ATTEMPT_SECONDS
    slow_seconds: float = 1.0


ATTEMPT_TIMES = AttemptTimes()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a resource's endpoint, by its key: a JSON ``body`` for one of the endpoint's addresses."""

    endpoint: str
    url: str
    body: bytes
    api_key: str = field(repr=False)


def issuer_client(ca: Path | None) -> httpx.AsyncClient:
    """A client that believes one CA, or the public ones.

    It follows no redirect, for the API key would go along, and asks no proxy in the environment.
    """
    believed = client_context(ca) if ca else public_roots()
    return httpx.AsyncClient(verify=believed, timeout=None, trust_env=False)  # noqa: S113 - ask_once ends


async def ask_once(
    client: httpx.AsyncClient, question: Question, ca: Path | None, slow: Callable[[], None], times: AttemptTimes
) -> tuple[httpx.Response, bytes]:
    """Ask once, for ``times.seconds`` in all: an answer that comes a byte at a time does not last longer.

    Raises ``TryAgain``, and ``Denied`` where another attempt would end the same.
    """
    telling = asyncio.get_running_loop().call_later(times.slow_seconds, slow)
    headers = {
        KEY_HEADER: question.api_key,
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
    }
    try:
        async with (
            asyncio.timeout(times.seconds),
            client.stream("POST", question.url, content=question.body, headers=headers) as response,
        ):
            return response, await receive_answer(response)
    except TimeoutError as error:
        words = f"{question.endpoint}: no complete answer within {times.seconds:g} s"
        raise TryAgain(Denial(DenialCode.COULD_NOT_CONNECT, words)) from error
    except (httpx.HTTPError, UnicodeError) as error:  # the latter for a host name that no name server could know
        raise _connection_failure(question, ca, error) from error
    finally:
        telling.cancel()


def _connection_failure(question: Question, ca: Path | None, error: Exception) -> Denied | TryAgain:
    """A TLS handshake that failed is final, and so is http to where none is spoken; any other may come about later."""
    endpoint, secret = question.endpoint, question.api_key
    if endpoint.startswith("http:") and any(words in str(error) for words in _NO_HTTP):
        detail = f"{endpoint}: the connection was closed without an HTTP answer"
        return Denied(Denial(DenialCode.COULD_NOT_CONNECT, detail), hint=MAY_BE_TLS)
    causes = list(_causes(error))
    refused = [cause for cause in causes if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError)]
    if refused:
        words, hint = handshake_fault(refused[-1], ca)
        words = from_outside(words, secret=secret)
        return Denied(Denial(DenialCode.COULD_NOT_CONNECT, f"{endpoint}: {words}"), hint=hint)
    numbered = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.errno and cause.strerror]
    words = numbered[-1] if numbered else from_outside(error, secret=secret) or type(error).__name__
    return TryAgain(Denial(DenialCode.COULD_NOT_CONNECT, f"{endpoint}: {words.rstrip('.')}"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, down to the first thing that went wrong."""
    while error is not None:
        yield error
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
