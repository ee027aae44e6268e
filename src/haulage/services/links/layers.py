"""The layers around a logged-in connection: retries -> pacing -> a connection from the pool -> deadlines -> trace.

The same limits, pacer and rule of retries as for HTTP (services/transport); what differs is that a connection is kept,
holds state, and is used by several calls at a time where its protocol allows that.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar

from haulage.model.errors import HaulageError, Transient, Unreachable
from haulage.model.item import Carried, Item
from haulage.services.contract import Pacer
from haulage.services.links.leaving import lastly
from haulage.services.transport import Limits, RateWatchdog, Trace, next_attempt
from haulage.services.transport import limits as limits_here


class Link(Protocol):
    """One connection that is logged in."""

    @property
    def usable(self) -> bool:
        """Whether it can serve another call, as far as is known without asking."""
        ...

    async def close(self) -> None:
        """Let go of it, quickly. Raises nothing."""
        ...


L = TypeVar("L", bound=Link)
T = TypeVar("T")

Dial = Callable[[], Awaitable[L]]
"""Connects and logs in. Raises what its judge knows, or errors of the model."""

Judge = Callable[[Exception, str], HaulageError | None]
"""What an exception of the protocol means for the path it is about; None when it is none of the protocol's."""


class Progress:
    """The deadline of one call: it must move on within the idle time, and not trickle. Counts bytes for the trace."""

    def __init__(self, trace: Trace, limits: Limits, timeout: asyncio.Timeout | None) -> None:
        """timeout: that of the call; None where somebody else watches each step."""
        self._trace = trace
        self._timeout = timeout
        self._idle_seconds = limits.idle_seconds
        self._watchdog = RateWatchdog(limits)
        self._clock = asyncio.get_running_loop().time

    def received(self, count: int) -> None:
        """So many bytes of a body came. Raises Transient on a trickle."""
        self._trace.received_bytes += count
        self._moved(count)

    def sent(self, count: int) -> None:
        """So many bytes of a body were taken. Raises Transient on a trickle."""
        self._trace.sent_bytes += count
        self._moved(count)

    def waiting(self) -> None:
        """A new step begins, which may take its own time."""
        if self._timeout is not None:
            self._timeout.reschedule(self._clock() + self._idle_seconds)

    def _moved(self, count: int) -> None:
        self.waiting()
        self._watchdog.saw(count)


Do = Callable[[L, Progress], Awaitable[T]]


class Opened(Protocol):
    """A file that is being read on a connection: Content, and a way to let go of it."""

    item: Item
    carried: Carried

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, as the protocol gives them, with its own errors."""
        ...

    async def close(self) -> None:
        """Let go of it, read to its end or not. Raises nothing of the protocol's."""
        ...


class _Held(Generic[L]):
    def __init__(self, link: L) -> None:
        self.link = link
        self.users = 0
        self.left = False


class Links(Generic[L]):
    """Makes calls on a few kept connections; `trace.calls` is counted by whoever speaks the protocol.

    most: connections at once; it falls when the server refuses another one while some are open. shared: calls at a
    time on each. A connection that breaks is left to nobody; its calls are made again on another one.
    """

    def __init__(
        self, dial: Dial[L], judge: Judge, pacer: Pacer, *, most: int, shared: int, limits: Limits | None = None
    ) -> None:
        self.trace = Trace()
        self.limits = limits or limits_here()
        self._dial = dial
        self._judge = judge
        self._pacer = pacer
        self._most = most
        self._shared = shared
        self._held: list[_Held[L]] = []
        self._dialing = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()

    async def call(
        self, operation: str, path: str, do: Do[L, T], *, repeatable: bool = True, attempts: int | None = None
    ) -> T:
        """Make one call, on any connection. Raises errors of the model only.

        do: gets the connection and its deadline. It is called again after a break, unless it is not repeatable: then
        a lost answer raises OutcomeUnknown.
        """
        number = 0
        while True:
            await self._pacer.ready()
            number += 1
            try:
                async with self.link(operation, path) as (link, progress):
                    result = await do(link, progress)
                self._pacer.answered()
                return result
            except HaulageError as error:
                most = attempts or self.limits.attempts
                number = await next_attempt(error, number, most, self._pacer, self.limits, repeatable=repeatable)

    @asynccontextmanager
    async def link(self, operation: str, path: str) -> AsyncIterator[tuple[L, Progress]]:
        """A connection for one call, with its deadline; once, without another attempt. Raises errors of the model."""
        held = await self._take(path)
        try:
            async with asyncio.timeout(self.limits.idle_seconds) as timeout:
                yield held.link, Progress(self.trace, self.limits, timeout)
        except Exception as error:
            meaning = self._after_break(held, error, operation, path)
            if meaning is error:
                raise
            raise meaning from error
        finally:
            self._release(held)

    @asynccontextmanager
    async def stream(
        self, operation: str, path: str, do: Callable[[L], Awaitable[Opened]]
    ) -> AsyncIterator["Streamed[L]"]:
        """A file to read, on a connection that is held for it. A break in its body is the caller's to resume."""
        number = 0
        while True:
            await self._pacer.ready()
            number += 1
            try:
                held, opened = await self._opened(operation, path, do)
                break
            except HaulageError as error:
                number = await next_attempt(error, number, self.limits.attempts, self._pacer, self.limits)
        try:
            yield Streamed(self, held, opened)
        finally:
            await lastly(opened.close())
            self._release(held)

    async def _opened(self, operation: str, path: str, do: Callable[[L], Awaitable[Opened]]) -> tuple[_Held[L], Opened]:
        held = await self._take(path)
        try:
            async with asyncio.timeout(self.limits.idle_seconds):
                opened = await do(held.link)
        except BaseException as error:
            meaning = self._after_break(held, error, operation, path)
            self._release(held)
            if meaning is error:
                raise
            raise meaning from error
        self._pacer.answered()
        return held, opened

    def _after_break(self, held: _Held[L], error: BaseException, operation: str, path: str) -> BaseException:
        """What it means; a connection that may be broken is used no more."""
        meaning: BaseException = error
        if isinstance(error, TimeoutError):
            meaning = Transient(f"{operation}: no answer within {self.limits.idle_seconds:.0f} s")
        elif isinstance(error, Exception):
            meaning = self._meaning(error, path)
        if isinstance(meaning, Transient):
            self._leave(held)
        return meaning

    def _release(self, held: _Held[L]) -> None:
        held.users -= 1
        self._close_left(held)
        self._wake()

    def _meaning(self, error: Exception, path: str) -> Exception:
        if isinstance(error, HaulageError):
            return error
        return self._judge(error, path) or error

    async def _take(self, path: str) -> _Held[L]:
        while True:
            # One that is as busy as it may be is judged when a call on it is over: it may just wait for an answer.
            for held in [held for held in self._held if held.users < self._shared and not held.link.usable]:
                self._leave(held)
            free = min(self._held, key=lambda held: held.users, default=None)
            if free is not None and free.users < self._shared:
                free.users += 1
                return free
            if len(self._held) + self._dialing < self._most:
                if (opened := await self._open(path)) is not None:
                    return opened
                continue
            await self._turn()

    async def _turn(self) -> None:
        """Wait until there may be room. Whoever makes room wakes one; who is woken and does not need it, the next."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                with suppress(ValueError):  # whoever made room in the meantime has passed it over already
                    self._waiting.remove(waiter)
            else:
                self._wake()
            raise

    def _wake(self, count: int = 1) -> None:
        while self._waiting and count:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    async def _open(self, path: str) -> _Held[L] | None:
        """One connection more; None when the server refuses it while others are open: then those have to do."""
        self._dialing += 1
        try:
            async with asyncio.timeout(self.limits.connect_seconds):
                held = _Held(await self._dial())
        except TimeoutError as error:
            raise Unreachable(f"the server did not let us in within {self.limits.connect_seconds:.0f} s") from error
        except Exception as error:
            meaning = self._meaning(error, path)
            if self._held and isinstance(meaning, HaulageError) and meaning.retryable:
                self._most = len(self._held)
                return None
            raise meaning from error
        finally:
            self._dialing -= 1
            self._wake(self._shared)
        held.users = 1
        self._held.append(held)
        return held

    def _leave(self, held: _Held[L]) -> None:
        """Use it for no other call; it is closed when those that are under way on it are over."""
        if not held.left:
            held.left = True
            self._held.remove(held)
            self._close_left(held)

    def _close_left(self, held: _Held[L]) -> None:
        if held.left and not held.users:
            task = asyncio.ensure_future(held.link.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all connections."""
        for held in list(self._held):
            held.users = 0
            self._leave(held)
        if self._closing:
            await asyncio.wait(self._closing, timeout=self.limits.connect_seconds)


class Streamed(Generic[L]):
    """A file being read; see Content. Each step of its body has the idle time, and a trickle is no body."""

    def __init__(self, links: Links[L], held: _Held[L], opened: Opened) -> None:
        self.item = opened.item
        self.carried = opened.carried
        self._links = links
        self._held = held
        self._opened = opened

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes. Raises errors of the model only."""
        links, progress = self._links, Progress(self._links.trace, self._links.limits, None)
        async with aclosing(self._opened.chunks()) as source:
            while True:
                try:
                    async with asyncio.timeout(links.limits.idle_seconds):
                        chunk = await anext(source, None)
                    if chunk is not None:
                        progress.received(len(chunk))
                except Exception as error:
                    meaning = links._after_break(self._held, error, "read", self.item.path)
                    if meaning is error:
                        raise
                    raise meaning from error
                if chunk is None:
                    return
                yield chunk
