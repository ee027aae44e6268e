"""$batch: up to twenty requests in one, each with a status, a budget and a place in the history of its own.

Source: learn.microsoft.com/graph/json-batching.
"""

import inspect
from collections.abc import AsyncIterator
from typing import cast

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from haulage.sandbox.frame.faults import ON_THE_WIRE
from haulage.sandbox.frame.history import Event
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.simulator import Simulator
from haulage.sandbox.frame.wire import Answer, Call, Refusal
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.showing import Document
from haulage.sandbox.microsoft.wire import GRAPH

LARGEST_BATCH = 20
LARGEST_BYTES = 4 << 20


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def iter_any(self) -> AsyncIterator[bytes]:
        """The body, at once."""
        yield self._body


class _Part:
    """A request inside a batch, as far as a Call looks at one."""

    def __init__(self, method: str, path: str, headers: CIMultiDict[str], body: bytes) -> None:
        self.method = method
        self.raw_path = path
        self.headers = headers
        self.content = _Body(body)


class Batching:
    """Runs the requests of a batch, in order, those that depend on a failed one not at all."""

    def __init__(self, desk: Desk, service: Simulator) -> None:
        self._desk = desk
        self._service = service

    def routes(self) -> list[Route]:
        """The one endpoint; it costs nothing by itself."""
        handler = self._desk.handler(self.batch)
        return [Route("POST", GRAPH, "/v1.0/$batch", "POST /$batch", "json-batching", handler, "", {"units": 0})]

    async def batch(self, call: Call) -> Answer:
        """200 with all answers, whatever they are; 400 where the batch itself makes no sense."""
        await call.body(LARGEST_BYTES)
        document = await self._desk.body(call)
        requests = document.get("requests")
        if not isinstance(requests, list) or not all(isinstance(one, dict) and one.get("id") for one in requests):
            raise Wrong(400, "BadRequest", "Invalid batch payload format.")
        if len(requests) > LARGEST_BATCH:
            raise Wrong(
                400, "BadRequest", f"Number of batch request steps exceeds the maximum value of {LARGEST_BATCH}."
            )
        answers: dict[str, Document] = {}
        for one in requests:
            needed = [answers.get(str(name), {"status": 424}) for name in one.get("dependsOn") or ()]
            if any(found["status"] >= 400 for found in needed):
                error = {"code": "FailedDependency", "message": "A request that this one depends on has failed."}
                answers[str(one["id"])] = {"status": 424, "headers": {}, "body": {"error": error}}
            else:
                answers[str(one["id"])] = await self._one(call, one)
        return self._desk.answer(call, {"responses": [{"id": name, **one} for name, one in answers.items()]})

    async def _one(self, outer: Call, request: Document) -> Document:
        """The answer to one request, as a batch shows it."""
        body = request.get("body")
        raw = b"" if body is None else body.encode() if isinstance(body, str) else msgspec.json.encode(body)
        headers = CIMultiDict({str(name): str(value) for name, value in (request.get("headers") or {}).items()})
        headers["Authorization"] = outer.headers.get("Authorization", "")
        headers["Content-Length"] = str(len(raw))
        url = str(request.get("url", ""))
        if "://" in url:  # msgraph-sdk-python#1015: only the part after the version is taken
            told = f"Resource not found for the segment '{url.partition('/')[0]}'."
            return {"status": 400, "headers": {}, "body": {"error": {"code": "BadRequest", "message": told}}}
        path = "/v1.0/" + url.lstrip("/")
        part = _Part(str(request.get("method", "GET")).upper(), path, headers, raw)
        world = self._desk.world
        event = Event(
            world.history.begin(), world.clock.now(), self._service.id, "", part.method, outer.host, path,
            agent=outer.event.agent,
        )  # fmt: skip
        call = Call(cast(web.BaseRequest, part), outer.host, outer.origin, event)  # it reads no more of it than this
        answer = await self._answered(call)
        event.status = answer.status
        world.history.add(event)
        return _shown(answer)

    async def _answered(self, call: Call) -> Answer:
        service = self._service
        path = service.rewrite(call.path)
        found = service.table.find(service.host_key(call.host) if call.host else "", call.method, path)
        if found is None or "/$batch" in path:
            return service.missing(call)
        route, call.params = found
        call.event.operation = route.operation
        service.identify(call, route)
        call.event.early = bool(call.event.scope) and service.budgets.early(call.event.scope, call.event.time)
        try:
            answer = self._struck(call) or service.admit(call, route)
            if answer is None:
                made = route.handler(call)
                answer = await made if inspect.isawaitable(made) else made
        except Refusal as refusal:
            answer = refusal.answer
        told = answer.headers.get("Retry-After", "")
        if answer.status >= 400 and told.isdigit() and call.event.scope:
            call.event.retry_after = float(told)
            service.budgets.hold(call.event.scope, call.event.time + float(told))
        return answer

    def _struck(self, call: Call) -> Answer | None:
        """What the fault plan wants of a request inside a batch: throttling, failures, and what handlers look for."""
        service, event = self._service, call.event
        strikes = self._desk.world.faults.strikes(
            service.presets, service.id, event.operation, event.method, event.path, event.actor
        )
        for strike in strikes:
            details = strike.details
            if strike.name not in ON_THE_WIRE:
                call.inject(strike.name, details)
            elif strike.name == "throttle":
                event.fault = strike.fault
                wait = details.get("retry_after")
                return service.throttled(call, None if wait is None else str(wait))
            elif strike.name == "failure" and not details.get("applied"):
                event.fault = strike.fault
                return service.failed(call, int(details.get("status", 503)))
        return None


def _shown(answer: Answer) -> Document:
    shown: Document = {"status": answer.status, "headers": dict(answer.headers)}
    if isinstance(answer.body, bytes) and answer.body:
        shown["body"] = msgspec.json.decode(answer.body)
    return shown
