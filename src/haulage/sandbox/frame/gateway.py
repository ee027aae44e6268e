"""From a request on the wire to a simulated service and back, with what the fault plan wants in between."""

import asyncio
import inspect
import socket
import struct
import sys
import traceback

import msgspec
from aiohttp import web

from haulage.sandbox.frame.clock import http_date
from haulage.sandbox.frame.faults import ON_THE_WIRE, Strike
from haulage.sandbox.frame.history import Event
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.sending import Broken, send
from haulage.sandbox.frame.simulator import Simulator
from haulage.sandbox.frame.wire import Answer, Call, Refusal
from haulage.sandbox.frame.world import World

STALL_SECONDS = 600.0


class Gateway:
    """Answers every request of every service, and keeps its history."""

    def __init__(self, world: World, simulators: list[Simulator]) -> None:
        self.world = world
        self.simulators = simulators

    def simulator_of(self, host: str) -> Simulator | None:
        """The service behind a vendor's host; None if it is not simulated."""
        return next((one for one in self.simulators if one.host_key(host) in one.hosts), None)

    async def by_host(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer what came through the proxy, under the vendor's own name."""
        host = request.host.rsplit(":", 1)[0].lower()
        simulator = self.simulator_of(host)
        if simulator is None:
            return web.Response(status=501, text=f"{host} is not simulated by this sandbox\n")
        return await self.answer(request, simulator, host, f"https://{host}")

    async def answer(
        self, request: web.BaseRequest, simulator: Simulator, host: str, origin: str
    ) -> web.StreamResponse:
        """Answer one request; whatever happens, an event tells of it."""
        world = self.world
        event = Event(
            world.history.begin(), world.clock.now(), simulator.id, "", request.method, host, request.raw_path,
            agent=request.headers.get("User-Agent", ""),
        )  # fmt: skip
        call = Call(request, host, origin, event)
        try:
            return await self._answer(request, call, simulator)
        except Broken as broken:
            event.status = 0
            await _break(request, broken.how)
            return web.Response()  # nobody hears it
        except ConnectionError as error:
            event.error = event.error or str(error) or "the client broke off"
            _abort(request)
            return web.Response()  # nobody hears it
        finally:
            world.history.add(event)

    async def _answer(self, request: web.BaseRequest, call: Call, simulator: Simulator) -> web.StreamResponse:
        key = simulator.host_key(call.host) if call.host else ""
        path = simulator.rewrite(call.path)
        found = simulator.table.find(key, simulator.method(call), path)
        if found is None and call.method == "HEAD":
            found = simulator.table.find(key, "GET", path)
        if found is None:
            call.event.operation = "not simulated"
            return await send(request, call.event, simulator.missing(call), [], self.world)
        route, call.params = found
        call.event.operation = route.operation
        simulator.identify(call, route)
        event = call.event
        event.early = bool(event.scope) and simulator.budgets.early(event.scope, event.time)
        strikes = self.world.faults.strikes(
            simulator.presets, simulator.id, event.operation, event.method, event.path, event.actor
        )
        for strike in strikes:
            if strike.name not in ON_THE_WIRE:
                call.inject(strike.name, strike.details)
        if wait := simulator.latency_seconds + sum(_delay(one) for one in strikes):
            await asyncio.sleep(wait)
        answer = await self._instead(call, simulator, strikes, applied=False)
        if answer is None:
            answer = await self._handled(call, simulator, route)
            answer = await self._instead(call, simulator, strikes, applied=True) or answer
        self._hold(call, simulator, answer)
        return await send(request, event, answer, strikes, self.world)

    async def _handled(self, call: Call, simulator: Simulator, route: Route) -> Answer:
        try:
            if (refused := simulator.admit(call, route)) is not None:
                return refused
            made = route.handler(call)
            return await made if inspect.isawaitable(made) else made
        except Refusal as refusal:
            return refusal.answer
        except ConnectionError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            call.event.error = repr(error)
            return Answer(500, {"Content-Type": "text/plain"}, f"a bug of the sandbox: {error!r}\n".encode())

    async def _instead(
        self, call: Call, simulator: Simulator, strikes: list[Strike], *, applied: bool
    ) -> Answer | None:
        """What a fault answers before the effect, or (applied) after it."""
        for strike in strikes:
            details = strike.details
            if strike.name == "break" and details.get("at") == ("applied" if applied else "request"):
                call.event.fault = strike.fault
                if not applied:
                    await _swallow(call, int(details.get("after", 0)))
                raise Broken(details.get("how", "reset"))
            if strike.name in ("answer", "throttle", "failure") and bool(details.get("applied", False)) == applied:
                call.event.fault = strike.fault
                return _made(call, simulator, strike, self.world.clock.now())
        return None

    def _hold(self, call: Call, simulator: Simulator, answer: Answer) -> None:
        """Remember what the caller was asked to wait, for `early` and the budgets."""
        told = answer.headers.get("Retry-After", "")
        if answer.status >= 400 and told.isdigit():
            call.event.retry_after = float(told)
            if call.event.scope:
                simulator.budgets.hold(call.event.scope, call.event.time + float(told))


def _made(call: Call, simulator: Simulator, strike: Strike, now: float) -> Answer:
    details = strike.details
    if strike.name == "throttle":
        told = details.get("retry_after")
        if told == "date":
            told = http_date(int(now + float(details.get("seconds", 3))))
        return simulator.throttled(call, None if told is None else str(told))
    if strike.name == "failure":
        return simulator.failed(call, int(details.get("status", 503)))
    body = details.get("body", "")
    text = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    headers = {"Content-Type": "text/plain" if isinstance(body, str) else "application/json"}
    return Answer(int(details.get("status", 500)), {**headers, **details.get("headers", {})}, text)


def _delay(strike: Strike) -> float:
    return float(strike.details.get("seconds", 1)) if strike.name == "delay" else 0.0


async def _swallow(call: Call, count: int) -> None:
    """Take that many bytes of the body, and no more."""
    async for _ in call.chunks():
        if call.event.received >= count:
            return


def _abort(request: web.BaseRequest) -> None:
    """End the connection with a reset, so that the client does not take silence for an answer."""
    if (transport := request.transport) is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def _break(request: web.BaseRequest, how: str) -> None:
    if how == "stall":
        for _ in range(int(STALL_SECONDS / 0.1)):
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(0.1)
    if how == "close" and request.transport is not None:
        request.transport.close()
        return
    _abort(request)
