"""A running sandbox: started, told how to reach, stopped, and taken up again from a folder."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from haulage.sandbox.frame.authority import Authority
from haulage.sandbox.frame.clock import Clock
from haulage.sandbox.frame.control import Control
from haulage.sandbox.frame.gateway import Gateway
from haulage.sandbox.frame.listeners import Listeners
from haulage.sandbox.frame.simulator import Simulator
from haulage.sandbox.frame.world import World
from haulage.sandbox.services import SIMULATORS

STATE_FILE = "sandbox.state"


class Settings(msgspec.Struct, kw_only=True):
    """How a sandbox starts. state: the folder that keeps it across restarts; None: memory, and a temporary folder.

    users: people of the organisation. quotas: "documented", or "off" for none. latency_seconds: of every answer.
    clock: Unix time at which the clock stands still; None: it runs. ports: see Listeners.open. only: ids of the
    simulators to start; empty for all.
    """

    users: int = 50
    seed: int = 7
    state: Path | None = None
    quotas: str = "documented"
    latency_seconds: float = 0.0
    clock: float | None = None
    ports: dict[str, int] = {}
    only: tuple[str, ...] = ()


class _Saved(msgspec.Struct):
    seed: int
    users: int
    services: dict[str, bytes]


class Sandbox:
    """The simulated services of one organisation, listening."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """folder: for the spool, the history, the authority, and the state if it is kept. Raises ValueError."""
        self._folder = folder
        self._settings = settings
        saved = self._read()
        if saved is not None:
            settings.seed, settings.users = saved.seed, saved.users
        clock = None if settings.clock is None else Clock(settings.clock)
        self.world = World(folder, settings.seed, settings.users, clock)
        wanted = settings.only or tuple(SIMULATORS)
        self.simulators: list[Simulator] = [SIMULATORS[name](self.world) for name in wanted]
        for simulator in self.simulators:
            simulator.latency_seconds = settings.latency_seconds
            if settings.quotas == "off":
                for limit in simulator.budgets.limits.values():
                    limit.amount = None
            if saved is not None and simulator.id in saved.services:
                simulator.load(saved.services[simulator.id])
        self._authority = Authority(folder)
        control = Control(self.world, self.simulators, self.ready)
        self.listeners = Listeners(Gateway(self.world, self.simulators), control, self._authority)

    def _read(self) -> _Saved | None:
        path = self._folder / STATE_FILE
        return msgspec.msgpack.decode(path.read_bytes(), type=_Saved) if path.exists() else None

    def keep(self) -> None:
        """Write the state, whole or not at all."""
        services = {one.id: one.save() for one in self.simulators}
        saved = _Saved(self.world.seed, self._settings.users, services)
        draft = self._folder / f"{STATE_FILE}.draft"
        with draft.open("wb") as file:
            file.write(msgspec.msgpack.encode(saved))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / STATE_FILE)

    def ready(self) -> dict[str, Any]:
        """How to connect: proxy, ca_file, control, and each service id's own document."""
        services: dict[str, Any] = {}
        for simulator in self.simulators:
            for service_id, offer in simulator.offers().items():
                services[service_id] = {
                    "base_url": self.listeners.base_urls[simulator.id],
                    "tls_url": self.listeners.tls_urls[simulator.id],
                    "hosts": list(simulator.hosts),
                    **msgspec.to_builtins(offer),
                }
        return {
            "proxy": self.listeners.proxy,
            "ca_file": str(self._authority.ca_file.absolute()),
            "control": self.listeners.control,
            "services": services,
        }


@asynccontextmanager
async def sandbox(settings: Settings) -> AsyncIterator[Sandbox]:
    """A sandbox that listens while the body runs; its state is kept afterwards where it has a folder."""
    folder = settings.state
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="haulage-sandbox-"))
    else:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = None
    try:
        made = Sandbox(settings, folder)
        await made.listeners.open(settings.ports)
        yield made
    finally:
        if made is not None:
            await made.listeners.close()
            if settings.state is not None:
                made.keep()
            made.world.close()
        if settings.state is None:
            shutil.rmtree(folder)


async def run(settings: Settings, tell: Callable[[dict[str, Any]], None]) -> None:
    """Run a sandbox until SIGTERM or SIGINT. tell: called with `Sandbox.ready()` once it listens."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with sandbox(settings) as made:
        tell(made.ready())
        with contextlib.suppress(asyncio.CancelledError):
            await stop.wait()
