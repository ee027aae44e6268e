"""The control API and its page: what is in the sandbox, its faults, quotas, clock and history."""

import html
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from haulage.sandbox.frame import questions
from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.faults import ON_THE_WIRE, PRESETS, Rule
from haulage.sandbox.frame.simulator import Simulator
from haulage.sandbox.frame.world import World

STYLE = (Path(__file__).parent / "control.css").read_text()
Page = Callable[[web.BaseRequest], Awaitable[web.Response]]


class Wrong(Exception):
    """The request cannot be carried out; the text says why."""


def _json(document: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(document) + b"\n", status=status, content_type="application/json")


class Control:
    """Serves the control port. Only pages of its own origin, and programs, may call it."""

    def __init__(self, world: World, simulators: list[Simulator], ready: Callable[[], dict[str, Any]]) -> None:
        """ready: makes the document that tells how to connect."""
        self._world = world
        self._simulators = {one.id: one for one in simulators}
        self._ready = ready

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of the control port."""
        if request.host.rsplit(":", 1)[0] not in ("127.0.0.1", "localhost"):
            return _json({"error": "this is for this machine only"}, 403)
        if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return _json({"error": "another site's page may not do this"}, 403)
        name = f"{request.method.lower()}_{request.path.strip('/').split('/')[0] or 'page'}"
        page: Page | None = getattr(self, name, None)
        if page is None:
            return _json({"error": f"there is no {request.method} {request.path}"}, 404)
        try:
            return await page(request)
        except (Wrong, msgspec.DecodeError, ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)
        except KeyError as error:
            return _json({"error": f"{error} is missing, or there is none of that name"}, 400)

    def _simulator(self, name: str) -> Simulator:
        if name not in self._simulators:
            raise Wrong(f"there is no service {name!r}; there are {', '.join(self._simulators)}")
        return self._simulators[name]

    async def get_ready(self, request: web.BaseRequest) -> web.Response:
        """How to connect: the same document as the line at the start."""
        return _json(self._ready())

    async def get_state(self, request: web.BaseRequest) -> web.Response:
        """Time, calls so far, and each service's counts, latency and quotas."""
        services = {
            one.id: {
                "title": one.title,
                "latency_seconds": one.latency_seconds,
                "quotas": list(one.budgets.limits.values()),
                "facts": one.facts(),
            }
            for one in self._simulators.values()
        }
        now = self._world.clock.now()
        return _json({"time": now, "seed": self._world.seed, "calls": self._world.history.count, "services": services})

    async def put_settings(self, request: web.BaseRequest) -> web.Response:
        """`{"service": id, "latency_seconds"?, "quotas"?: {name: amount or null}, "quotas_off"?: true}`."""
        self._settle(msgspec.json.decode(await request.read(), type=dict[str, Any]))
        return await self.get_state(request)

    def _settle(self, wanted: dict[str, Any]) -> None:
        """Raises Wrong, ValueError or TypeError, and changes nothing then."""
        names = list(self._simulators) if wanted.get("service", "*") == "*" else [wanted["service"]]
        chosen = [self._simulator(name) for name in names]
        amounts = {key: None if told is None else float(told) for key, told in wanted.get("quotas", {}).items()}
        known = {name for one in chosen for name in one.budgets.limits}
        if unknown := amounts.keys() - known:
            raise Wrong(f"there is no quota {sorted(unknown)[0]!r}; there are {', '.join(sorted(known)) or 'none'}")
        latency = float(wanted["latency_seconds"]) if "latency_seconds" in wanted else None
        for simulator in chosen:
            simulator.latency_seconds = simulator.latency_seconds if latency is None else latency
            for limit in simulator.budgets.limits.values():
                limit.amount = None if wanted.get("quotas_off") else amounts.get(limit.name, limit.amount)
            simulator.budgets.reset()

    async def get_faults(self, request: web.BaseRequest) -> web.Response:
        """The rules in force, and what faults there are."""
        return _json({"rules": self._world.faults.rules, "faults": PRESETS, "on_the_wire": ON_THE_WIRE})

    async def post_faults(self, request: web.BaseRequest) -> web.Response:
        """Set one rule, or a list of them."""
        rules = msgspec.json.decode(await request.read(), type=Rule | list[Rule])
        made = [self._world.faults.add(rule) for rule in (rules if isinstance(rules, list) else [rules])]
        return _json(made, 201)

    async def delete_faults(self, request: web.BaseRequest) -> web.Response:
        """Take back the rule `/faults/{id}`, or all."""
        _, _, rule_id = request.path.strip("/").partition("/")
        if not rule_id:
            self._world.faults.rules = []
        elif not self._world.faults.remove(rule_id):
            return _json({"error": f"there is no rule {rule_id!r}"}, 404)
        return _json(self._world.faults.rules)

    async def get_clock(self, request: web.BaseRequest) -> web.Response:
        """The time."""
        clock = self._world.clock
        return _json({"time": clock.now(), "text": rfc3339(clock.now(), 6), "stopped": clock.stopped})

    async def post_clock(self, request: web.BaseRequest) -> web.Response:
        """`{"step": seconds}`, `{"stop": true or a time}` or `{"go": true}`."""
        wanted, clock = msgspec.json.decode(await request.read(), type=dict[str, Any]), self._world.clock
        if "step" in wanted:
            clock.step(float(wanted["step"]))
        elif "stop" in wanted:
            clock.stop(None if wanted["stop"] is True else float(wanted["stop"]))
        elif wanted.get("go"):
            clock.go()
        else:
            raise Wrong("write step, stop or go")
        return await self.get_clock(request)

    async def get_history(self, request: web.BaseRequest) -> web.Response:
        """The events: `?service&operation&actor&item&path&after&limit`, one JSON document a line.

        `/history/states`, `/history/changes`, `/history/early`, `/history/sights`: see questions.
        """
        query = {name: value for name, value in request.query.items() if value}
        _, _, question = request.path.strip("/").partition("/")
        answers = questions.ask(self._world, question, query)
        if answers is None:
            raise Wrong(f"there is no question {question!r}; there are {', '.join(questions.QUESTIONS)}")
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in answers)
        return web.Response(body=lines, content_type="application/x-ndjson")

    async def post_do(self, request: web.BaseRequest) -> web.Response:
        """`/do/{service}/{what}`: a deed of the service's own (a wide folder, a revoked grant ...), details as JSON."""
        parts = request.path.strip("/").split("/")
        if len(parts) != 3:
            raise Wrong("write /do/{service}/{what}")
        simulator = self._simulator(parts[1])
        deed = getattr(simulator, f"do_{parts[2].replace('-', '_')}", None)
        if deed is None:
            known = [name[3:].replace("_", "-") for name in dir(simulator) if name.startswith("do_")]
            raise Wrong(f"{parts[1]} cannot do {parts[2]!r}; it can {', '.join(known) or 'nothing'}")
        return _json(deed(msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])))

    async def get_page(self, request: web.BaseRequest) -> web.Response:
        """The page for people."""
        return web.Response(text=self._page(), content_type="text/html", charset="utf-8")

    async def post_page(self, request: web.BaseRequest) -> web.Response:
        """The page's own forms: set a fault, take all back, change latency and quotas."""
        form = await request.post()
        if form.get("do") == "fault":
            times = str(form.get("times") or "")
            rule = Rule(
                fault=str(form["fault"]),
                service=str(form.get("service") or "*"),
                operation=str(form.get("operation") or "*"),
                path=str(form.get("path") or "*"),
                times=int(times) if times else None,
            )
            self._world.faults.add(rule)
        elif form.get("do") == "clear":
            self._world.faults.rules = []
        elif form.get("do") == "latency":
            self._settle({"latency_seconds": str(form.get("seconds") or 0)})
        elif form.get("do") == "quota":
            service, _, name = str(form["quota"]).partition(": ")
            self._settle({"service": service, "quotas": {name: str(form.get("amount") or "") or None}})
        elif form.get("do") == "no quotas":
            self._settle({"quotas_off": True})
        return web.Response(status=303, headers={"Location": "/"})

    def _page(self) -> str:
        clock, history = self._world.clock, self._world.history
        services = "".join(_service_rows(one) for one in self._simulators.values())
        choices = "".join(f"<option>{one}</option>" for one in (*PRESETS, *ON_THE_WIRE))
        ids = "".join(f"<option>{one}</option>" for one in ("*", *self._simulators))
        quotas = "".join(
            f"<option>{html.escape(f'{one.id}: {name}')}</option>"
            for one in self._simulators.values()
            for name in one.budgets.limits
        )
        rules = "".join(
            _row(one.id, one.fault, one.service, one.operation, one.path, f"{one.struck} of {one.seen} calls")
            for one in self._world.faults.rules
        )
        recent = "".join(
            _row(one.number, one.service, one.operation, one.actor, f"{one.method} {one.path}", one.status, one.fault)
            for one in reversed(list(history.recent)[-100:])
        )
        return PAGE.format(
            style=STYLE, time=rfc3339(clock.now()), seed=self._world.seed, calls=history.count, services=services,
            quotas=quotas, choices=choices, ids=ids, rules=rules or _row("none"), recent=recent or _row("none yet"),
        )  # fmt: skip


def _row(*cells: object) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _service_rows(simulator: Simulator) -> str:
    quotas = "; ".join(
        f"{one.name}: {'no limit' if one.amount is None else f'{one.amount:g} in {one.window_seconds:g} s'}"
        for one in simulator.budgets.limits.values()
    )
    facts = ", ".join(f"{value} {name}" for name, value in simulator.facts().items())
    return _row(simulator.title, facts, f"{simulator.latency_seconds:g} s", quotas or "none")


PAGE = (Path(__file__).parent / "control.html").read_text()
