"""A proxy before a real server that breaks what a test asks for, and keeps a log of all that came.

    async with FaultProxy(seaweed.endpoint_url) as proxy:
        rule = proxy.add(Rule(method="PUT", query={"partNumber": "2"}, answer=s3_error(503, "SlowDown")))
        ...                                   # a client that talks to proxy.url
        assert rule.hits == 1 and len(proxy.seen(method="PUT")) == 5

In a plain `with` it runs in a thread of its own (for tests of the command line); `python -m testbed.proxy --help` is
a process of its own. Heads pass byte for byte, Host included, since servers check signatures against it.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from testbed.connection import Connection, Throttle, polled
from testbed.framing import LARGEST_HEAD
from testbed.rules import Rule, Seen, rule_of


def run(main: Coroutine[Any, Any, None]) -> None:
    """In the fastest event loop there is."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


class FaultProxy:
    """Listens on 127.0.0.1 and forwards to one server.

    latency: seconds added to each exchange, half on the way there and half on the way back, and once to each new
    connection. bandwidth: bytes a second, of all connections together, each way. Both, and `gone` (every connection
    and request is reset, as if nothing were there), may be changed at any time.
    """

    def __init__(self, upstream_url: str, *, port: int = 0, latency: float = 0.0, bandwidth: float | None = None):
        """upstream_url: http://host:port; a path behind it is for `url` alone. port: 0 takes a free one."""
        parts = urlsplit(upstream_url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"the proxy forwards to plain http, not to {upstream_url}")
        self.upstream = (parts.hostname, parts.port or 80)
        self._path = parts.path
        self._port = port
        self.latency = latency
        self.up = Throttle(bandwidth)
        self.down = Throttle(bandwidth)
        self.gone = False
        self.rules: list[Rule] = []
        self.log: list[Seen] = []
        self.on_end: Callable[[Seen], object] | None = None
        """Called after each exchange."""
        self.errors: list[Exception] = []
        """What went wrong in the proxy itself or in a rule's own functions; `stop` raises the first."""
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._leave: Callable[[], object] = lambda: None

    @property
    def url(self) -> str:
        """What clients use in place of the server's own address."""
        return f"http://127.0.0.1:{self._port}{self._path}"

    def add(self, rule: Rule) -> Rule:
        """From now on this rule holds, after those that were added before."""
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """No faults and an empty log; what was set for all connections stays."""
        self.rules.clear()
        self.log.clear()

    def seen(
        self,
        method: str | None = None,
        path: str = "",
        query: Mapping[str, str | None] | None = None,
        lacks: tuple[str, ...] = (),
        sent: Mapping[str, str] | None = None,
    ) -> list[Seen]:
        """The requests so far of one operation, said as in a rule."""
        which = Rule(method=method, path=path, query=query or {}, lacks=lacks, sent=sent or {})
        return [seen for seen in list(self.log) if which.matches(seen)]

    def pick(self, seen: Seen) -> tuple[Rule | None, list[Rule]]:
        """Log the request; the rule that acts on it, and those that want to keep its answer."""
        self.log.append(seen)
        acting = None
        keeping = []
        for rule in self.rules:
            if not rule.matches(seen):
                continue
            rule.matched += 1
            if rule.due and acting is None:
                acting = rule
                rule.hits += 1
            elif rule.repeat:
                keeping.append(rule)
        seen.rule = acting
        return acting, keeping

    def ended(self, seen: Seen) -> None:
        """An exchange is over, well or not."""
        if self.on_end:
            self.on_end(seen)

    async def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until `holds()`, for instance until a rule was hit. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await polled(holds)

    async def start(self) -> None:
        """Listen, in this event loop."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=LARGEST_HEAD)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no longer and drop all connections. Raises what went wrong meanwhile."""
        await self._close()
        if self.errors:
            raise self.errors[0]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served in a task")
        self._tasks.add(task)
        self.connections += 1
        try:
            await Connection(self, self.connections, reader, writer).run()
        except asyncio.CancelledError:
            pass  # the proxy stops; a task that ends cancelled would be reported as an error of the server
        except Exception as error:
            self.errors.append(error)
        finally:
            self._tasks.discard(task)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        await self._close()
        if self.errors and error is None:
            raise self.errors[0]

    def __enter__(self) -> Self:
        started = threading.Event()
        failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(started, failed), daemon=True)
        self._thread.start()
        started.wait()
        if failed:
            raise failed[0]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave()
        if self._thread is not None:
            self._thread.join()
        if self.errors and error is None:
            raise self.errors[0]

    def _run(self, started: threading.Event, failed: list[BaseException]) -> None:
        async def serve() -> None:
            leave = asyncio.Event()
            loop = asyncio.get_running_loop()
            self._leave = lambda: loop.call_soon_threadsafe(leave.set)
            try:
                await self.start()
            except OSError as error:
                failed.append(error)
                return
            finally:
                started.set()
            await leave.wait()
            await self._close()

        run(serve())


def main() -> None:
    """`python -m testbed.proxy`: serve until told to end; the first line printed is the address."""
    parser = argparse.ArgumentParser(prog="python -m testbed.proxy", description="A proxy that breaks things.")
    parser.add_argument("--upstream", required=True, metavar="URL", help="the real server: http://host:port")
    parser.add_argument("--port", type=int, default=0, help="to listen on (default: a free one)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to each exchange")
    parser.add_argument("--bandwidth", type=float, help="bytes a second, each way")
    parser.add_argument("--rule", type=json.loads, action="append", default=[], help="a rule as JSON; may be repeated")
    parser.add_argument("--log", type=Path, help="append a line of JSON for each exchange to this file")
    given = parser.parse_args()
    proxy = FaultProxy(given.upstream, port=given.port, latency=given.latency, bandwidth=given.bandwidth)
    for rule in given.rule:
        proxy.add(rule_of(rule))

    async def serve() -> None:
        leave = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, leave.set)
        async with proxy:
            print(proxy.url, flush=True)
            await leave.wait()

    with contextlib.ExitStack() as files:
        if given.log:
            log = files.enter_context(given.log.open("a", buffering=1))
            proxy.on_end = lambda seen: log.write(json.dumps(seen.line()) + "\n")
        run(serve())


if __name__ == "__main__":
    main()
