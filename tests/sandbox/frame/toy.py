"""A service of three endpoints, to try the frame with."""

import json
from typing import Any

from aiohttp import ClientResponse, ClientSession

from haulage.sandbox.frame.budgets import Limit
from haulage.sandbox.frame.history import Change, Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.simulator import Account, Offer, Simulator
from haulage.sandbox.frame.wire import Answer, Call, json_answer, ranged
from haulage.sandbox.up import Sandbox

HOST = "api.toy.example"


class Toy(Simulator):
    """Files by name: GET, POST (which no client repeats by itself), and a list of what was put."""

    id = "toy"
    title = "Toy"
    hosts = (HOST, "*.toy-content.example")
    limits = (Limit(name="calls", amount=None, window_seconds=60, source="none"),)

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.files: dict[str, str] = {}

    def routes(self) -> list[Route]:
        return [
            Route("GET", HOST, "/v1/files", "list", "page", self.list),
            Route("GET", HOST, "/v1/files/{name}", "get", "page", self.get),
            Route("POST", f"{HOST} *.toy-content.example", "/v1/files/{name}", "put", "page", self.put),
        ]

    def identify(self, call: Call, route: Route) -> None:
        call.event.actor = call.headers.get("Authorization", "")
        call.event.scope = "toy"

    def admit(self, call: Call, route: Route) -> Answer | None:
        if call.fault("token_expired") is not None:
            return json_answer({"error": "expired"}, 401)
        if wait := self.budgets.charge("calls", "toy", 1, call.event.time):
            return self.throttled(call, str(int(wait) + 1))
        return None

    def list(self, call: Call) -> Answer:
        return json_answer({"names": list(self.files)})

    def get(self, call: Call) -> Answer:
        key = self.files.get(call.params["name"])
        if key is None:
            return json_answer({"error": "gone"}, 404)
        return ranged(call, self.world.contents.of_key(key), Sight(call.params["name"], "1"))

    async def put(self, call: Call) -> Answer:
        content = (await call.draft(self.world.contents)).content()
        name = call.params["name"]
        self.files[name] = content.key
        call.event.changes.append(
            Change("create", name, path=name, version="1", content=content.key, size=content.size)
        )
        return json_answer({"link": call.at(HOST) + f"/v1/files/{name}"}, 201)

    def throttled(self, call: Call, retry_after: str | None) -> Answer:
        return json_answer({"error": "slow down"}, 429, {"Retry-After": retry_after} if retry_after else {})

    def failed(self, call: Call, status: int) -> Answer:
        return json_answer({"error": "ours"}, status)

    def missing(self, call: Call) -> Answer:
        return json_answer({"error": f"{call.path} is not simulated"}, 501)

    def offers(self) -> dict[str, Offer]:
        return {"toy": Offer(client_id="id", client_secret="none", accounts=[Account(user="u", role="user")])}

    def save(self) -> bytes:
        return "\n".join(f"{name}\t{key}" for name, key in self.files.items()).encode()

    def load(self, saved: bytes) -> None:
        self.files = dict(line.split("\t") for line in saved.decode().splitlines())


class Client:
    """Calls a sandbox in the same loop, at the toy's own port."""

    def __init__(self, box: Sandbox, session: ClientSession) -> None:
        self.box = box
        self.session = session
        self.base = box.listeners.base_urls["toy"]

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, bytes, ClientResponse]:
        """Status, body, answer."""
        async with self.session.request(method, self.base + path, **more) as answer:
            return answer.status, await answer.read(), answer

    async def control(self, method: str, path: str, document: Any = None) -> Any:
        """The control port's answer; a list for histories."""
        async with self.session.request(method, self.box.listeners.control + path, json=document) as answer:
            assert answer.status < 400, await answer.text()
            if answer.content_type == "application/x-ndjson":
                return [json.loads(line) for line in (await answer.text()).splitlines()]
            return await answer.json()
