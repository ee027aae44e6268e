"""The layers around the wire: retries -> pacing -> fresh credentials -> signing -> deadlines -> limits -> trace.

A signature is made anew for each attempt. A bearer token that the service refuses before its time is renewed once a
request, and the request sent again (F18).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic

import msgspec
from aiohttp import ClientResponse

from haulage.model.errors import AuthLost, HaulageError, Refused, Throttled, Transient
from haulage.services.authorisation import DIRECT, Credentials, Route
from haulage.services.contract import Pacer
from haulage.services.transport.limits import Limits
from haulage.services.transport.limits import limits as limits_here
from haulage.services.transport.narrowing import Leaving, Narrowing, Stated
from haulage.services.transport.retries import NotReady, next_attempt
from haulage.services.transport.wire import AGENT, Answer, RateWatchdog, Request, Streamed, Trace, Wire

Sign = Callable[[Request], Mapping[str, str]]
"""Returns the headers to send, credentials included; called for every attempt anew."""

Judge = Callable[[Request, Answer], HaulageError | None]
"""What an answer means: None when it is what was asked for, else the error (Throttled, Transient, Gone, ...).

It may correct `request.url` (a bucket that lives in another region) and return NoEffect, or PutRight.
"""

Spare = Callable[[Answer], tuple[float, float] | None]
"""How many more calls the service will take, and the seconds until it takes as many as ever; None: it does not say."""

Fresh = Callable[[], Awaitable[None]]
"""Renews credentials that are about to expire; awaited before every attempt, so it must be quick when there is none."""


class TokenRefused(AuthLost):
    """The service does not take this bearer token (any more); a new one may be taken."""


class NoEffect(Transient):
    """Transient, and the service itself said that the request took no effect: whatever it was, it may be sent again."""


class PutRight(NoEffect):
    """NoEffect, and the answer said what the request lacked, which is known now: it goes out again without a wait."""


UNREADY_SECONDS = 3600.0
"""For how long a service may be at what one call is about, and want it again. Others go on meanwhile."""


class _Tries(msgspec.Struct):
    """How far one request has come. sent: attempts that count; token: the bearer of the last; renewed: it was once.

    unready_since: when the service wanted it again for the first time, since it was still at it.
    """

    sent: int = 0
    token: str = ""
    renewed: bool = False
    unready_since: float | None = None


class Transport:
    """Sends requests to the one host that its credentials belong to.

    origins: "https://host[:port]/" prefixes of the URLs that may be called; anything else is refused, so that
    credentials cannot leave. Those of `sign` or the bearer tokens of `credentials` go along with every request but
    the `bare` ones, which may go to `bare_origins` too ("https://*.host/" for any below it). spare: read from every
    answer; when no more calls are left than are on their way already, the scope waits without having been refused.
    agent: the User-Agent, where the service wants it in a form of its own. stated: quotas near which calls leave one
    after the other.
    """

    def __init__(
        self,
        *,
        origins: tuple[str, ...],
        judge: Judge,
        pacer: Pacer,
        sign: Sign | None = None,
        limits: Limits | None = None,
        ca_file: str | None = None,
        fresh: Fresh | None = None,
        spare: Spare | None = None,
        credentials: Credentials | None = None,
        bare_origins: tuple[str, ...] = (),
        route: Route = DIRECT,
        agent: str = AGENT,
        stated: Sequence[Stated] = (),
    ) -> None:
        self.trace = Trace()
        self.limits = limits or limits_here()
        self._origins = origins
        self._sign = sign
        self._judge = judge
        self._pacer = pacer
        self._fresh = fresh
        self._spare = spare
        self._on_their_way = 0
        self._narrowing = Narrowing(stated)
        self._credentials = credentials
        self._bare_origins = bare_origins
        self._wire = Wire(self.trace, ca_file, self.limits, route, agent)

    def allow(self, origin: str) -> None:
        """Let calls go to one origin more: another host of the same service, found by the service's own rule."""
        if origin not in self._origins:
            self._origins = (*self._origins, origin)

    def may_call(self, url: str, *, bare: bool = False) -> bool:
        """Whether a call may go there: to the connector's own host, or a bare one to those beside it."""
        origins = (*self._origins, *self._bare_origins) if bare else self._origins
        return any(_within(url, origin) for origin in origins)

    async def call(self, request: Request) -> Answer:
        """Send and read the whole answer. Raises what the judge says, Unreachable, Transient or OutcomeUnknown."""
        tries = _Tries()
        while True:
            async with self._leave(request) as leaving:
                await self._before(request, tries)
                self._on_their_way += 1
                try:
                    response = await self._wire.send(request, self._headers(request, tries))
                    try:
                        answer = Answer(response.status, response.headers, await self._wire.read(request, response))
                    finally:
                        self._wire.done(response)
                    self._check(request, answer, leaving)
                    return answer
                except HaulageError as error:
                    failure = error
                finally:
                    self._on_their_way -= 1
            await self._after(request, failure, tries)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Streamed]:
        """Send, and hand over an accepted answer, its body unread. A break in the body is the caller's to resume."""
        tries = _Tries()
        while True:
            async with self._leave(request) as leaving:
                await self._before(request, tries)
                self._on_their_way += 1
                try:
                    answer, response = await self._accepted(request, tries, leaving)
                    break
                except HaulageError as error:
                    failure = error
                finally:
                    self._on_their_way -= 1
            await self._after(request, failure, tries)
        try:
            yield Streamed(answer, response, self.trace, RateWatchdog(self.limits))
        finally:
            self._wire.done(response)

    def _leave(self, request: Request) -> AbstractAsyncContextManager[Leaving]:
        """Wait until it may leave; what is sent without credentials is not counted by the service."""
        return self._narrowing.leave(request.operation, len(request.body or b""), counts=not request.bare)

    async def _accepted(self, request: Request, tries: _Tries, leaving: Leaving) -> tuple[Answer, ClientResponse]:
        """Send once; the answer without its body where it is what was asked for, else the judge's error."""
        response = await self._wire.send(request, self._headers(request, tries))
        try:
            answer = Answer(response.status, response.headers)
            if response.status not in (200, 206):
                answer.body = await self._wire.read(request, response)
            self._check(request, answer, leaving)
        except BaseException:
            self._wire.done(response)
            raise
        return answer, response

    def _check(self, request: Request, answer: Answer, leaving: Leaving) -> None:
        error = self._judge(request, answer)
        if isinstance(error, Throttled) and not isinstance(error, NotReady):
            leaving.refused()
        else:
            leaving.taken()
        if error is not None:
            raise error
        self._pacer.answered()
        left = self._spare(answer) if self._spare is not None else None
        if left is not None and left[0] <= self._on_their_way:
            self._pacer.throttled(left[1])

    def _headers(self, request: Request, tries: _Tries) -> Mapping[str, str]:
        """The headers to send, with the credentials that belong to the request."""
        if request.bare:
            return request.headers
        if self._credentials is not None:
            return {**request.headers, "Authorization": f"Bearer {tries.token}"}
        return self._sign(request) if self._sign is not None else request.headers

    async def _before(self, request: Request, tries: _Tries) -> None:
        """Wait until the scope lets a call out, with good credentials in hand."""
        if not self.may_call(request.url, bare=request.bare):
            raise Refused("a call outside the connector's own host was refused")
        await self._pacer.ready()
        if self._fresh is not None:
            await self._fresh()
        if self._credentials is not None and not request.bare:
            tries.token = await self._credentials.bearer()
        tries.sent += 1

    async def _after(self, request: Request, error: HaulageError, tries: _Tries) -> None:
        """Wait before the next attempt, or let the error out. Being throttled does not count as an attempt."""
        if isinstance(error, NotReady):
            tries.unready_since = tries.unready_since or monotonic()
            if monotonic() - tries.unready_since > UNREADY_SECONDS:
                raise Transient(f"{error.message}, since an hour") from error
        elif isinstance(error, Throttled):
            self._narrowing.refused()
        if isinstance(error, TokenRefused) and self._credentials is not None and not tries.renewed:
            tries.renewed = True
            tries.sent -= 1
            return await self._credentials.refused(tries.token)
        most = request.attempts or self.limits.attempts
        if isinstance(error, PutRight) and tries.sent < most:
            return None
        repeatable = request.repeatable or isinstance(error, NoEffect)
        tries.sent = await next_attempt(error, tries.sent, most, self._pacer, self.limits, repeatable=repeatable)

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()


def _within(url: str, origin: str) -> bool:
    """Whether a URL lies below an origin; "https://*.host/" is every host below that one."""
    before, star, rest = origin.partition("*")
    if not star:
        return url.startswith(origin)
    host, slash, _ = url[len(before) :].partition("/")
    return url.startswith(before) and host.endswith(rest.rstrip("/")) and bool(slash) and not set(host) & set("@:?#\\")
