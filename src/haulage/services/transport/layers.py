"""The layers around the wire: retries -> pacing -> fresh credentials -> signing -> deadlines -> limits -> trace."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import ClientResponse

from haulage.model.errors import HaulageError, OutcomeUnknown, Refused, Throttled, Transient, Unreachable
from haulage.services.contract import Pacer
from haulage.services.transport.limits import Limits
from haulage.services.transport.limits import limits as limits_here
from haulage.services.transport.wire import Answer, CertificateRefused, RateWatchdog, Request, Streamed, Trace, Wire

Sign = Callable[[Request], Mapping[str, str]]
"""Returns the headers to send, credentials included; called for every attempt anew."""

Judge = Callable[[Request, Answer], HaulageError | None]
"""What an answer means: None when it is what was asked for, else the error (Throttled, Transient, Gone, ...).

It may correct `request.url` (a bucket that lives in another region) and return NoEffect.
"""

Fresh = Callable[[], Awaitable[None]]
"""Renews credentials that are about to expire; awaited before every attempt, so it must be quick when there is none."""


class NoEffect(Transient):
    """Transient, and the service itself said that the request took no effect: whatever it was, it may be sent again."""


class Transport:
    """Sends requests to the one host that its credentials belong to.

    origins: "https://host[:port]/" prefixes of the URLs that may be called; anything else is refused, so that
    credentials cannot leave.
    """

    def __init__(
        self,
        *,
        origins: tuple[str, ...],
        sign: Sign,
        judge: Judge,
        pacer: Pacer,
        limits: Limits | None = None,
        ca_file: str | None = None,
        fresh: Fresh | None = None,
    ) -> None:
        self.trace = Trace()
        self.limits = limits or limits_here()
        self._origins = origins
        self._sign = sign
        self._judge = judge
        self._pacer = pacer
        self._fresh = fresh
        self._wire = Wire(self.trace, ca_file, self.limits)

    def allow(self, origin: str) -> None:
        """Let calls go to one origin more: another host of the same service, found by the service's own rule."""
        if origin not in self._origins:
            self._origins = (*self._origins, origin)

    async def call(self, request: Request) -> Answer:
        """Send and read the whole answer. Raises what the judge says, Unreachable, Transient or OutcomeUnknown."""
        number = 0
        while True:
            number = await self._before(request, number)
            try:
                response = await self._wire.send(request, self._sign(request))
                try:
                    answer = Answer(response.status, response.headers, await self._wire.read(request, response))
                finally:
                    self._wire.done(response)
                self._check(request, answer)
                return answer
            except HaulageError as error:
                number = await self._after(request, error, number)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Streamed]:
        """Send, and hand over an accepted answer, its body unread. A break in the body is the caller's to resume."""
        number = 0
        while True:
            number = await self._before(request, number)
            try:
                answer, response = await self._accepted(request)
                break
            except HaulageError as error:
                number = await self._after(request, error, number)
        try:
            yield Streamed(answer, response, self.trace, RateWatchdog(self.limits))
        finally:
            self._wire.done(response)

    async def _accepted(self, request: Request) -> tuple[Answer, ClientResponse]:
        """Send once; the answer without its body where it is what was asked for, else the judge's error."""
        response = await self._wire.send(request, self._sign(request))
        try:
            answer = Answer(response.status, response.headers)
            if response.status not in (200, 206):
                answer.body = await self._wire.read(request, response)
            self._check(request, answer)
        except BaseException:
            self._wire.done(response)
            raise
        return answer, response

    def _check(self, request: Request, answer: Answer) -> None:
        error = self._judge(request, answer)
        if error is not None:
            raise error
        self._pacer.answered()

    async def _before(self, request: Request, number: int) -> int:
        """Wait until the scope lets a call out; returns the attempt's number."""
        if not request.url.startswith(self._origins):
            raise Refused("a call outside the connector's own host was refused")
        await self._pacer.ready()
        if self._fresh is not None:
            await self._fresh()
        return number + 1

    async def _after(self, request: Request, error: HaulageError, number: int) -> int:
        """Wait before the next attempt, or let the error out. Being throttled does not count as an attempt."""
        if isinstance(error, Throttled):
            self._pacer.throttled(error.wait_seconds)
            return number - 1
        if isinstance(error, Transient) and not (request.repeatable or isinstance(error, NoEffect)):
            raise OutcomeUnknown(error.message) from error
        if not isinstance(error, Transient | Unreachable) or isinstance(error, CertificateRefused):
            raise error
        if number >= (request.attempts or self.limits.attempts):
            raise error
        longest = min(self.limits.longest_backoff_seconds, self.limits.backoff_seconds * 2**number)
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
        return number

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()
