"""Programs on loopback: start, wait until they answer, stop. None outlives the process that started it."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).resolve().parent.parent
GUARD = Path(__file__).with_name("guard.py")
# Below the range from which the kernel takes the ports of outgoing connections (32768 and up), so that no
# connection can sit on a port between our choice and the server's start.
PORTS = range(24000, 32000)


class NotInstalled(Exception):
    """A server's program is not there; the message says what is missing and how to get it."""


class DidNotStart(Exception):
    """A server ended early or did not answer in time; the message holds the end of its log."""


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now, all different."""
    if not count:
        return []
    with contextlib.ExitStack() as held:
        found: list[int] = []
        for port in random.sample(PORTS, len(PORTS)):
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"no {count} free ports in {PORTS}")


def ask(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of GET `path` on 127.0.0.1; status 0 when no answer comes."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        link.close()


class Program:
    """One running program under its guard, with its output in a log file."""

    def __init__(self, command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, grace: float = 5):
        """Start it. env: added to ours. grace: seconds between SIGTERM and SIGKILL when stopped."""
        self.log = log
        self.grace = grace
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), str(grace), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={**os.environ, **(env or {})},
                start_new_session=True,  # a Ctrl-C in the terminal is for whoever started us, who then stops us
            )
        self.pid = int(self._out().readline() or 0)
        if not self.pid:
            self.stop()
            raise DidNotStart(f"{command[0]} could not be started:\n{self.tail()}")

    def _out(self) -> IO[bytes]:
        assert self._guard.stdout is not None  # noqa: S101 - a pipe was asked for
        return self._guard.stdout

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._guard.poll() is None

    def tail(self, size: int = 4000) -> str:
        """The end of its log."""
        return self.log.read_bytes()[-size:].decode(errors="replace")

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return when `ready()` holds. Raises DidNotStart when the program ends first, or after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running or time.monotonic() > deadline:
                why = f"gave no answer in {seconds} s" if self.running else f"ended ({self._guard.returncode})"
                self.stop()
                raise DidNotStart(f"the server {why}; its log ends:\n{self.tail()}")
            time.sleep(0.05)
        if not self.running:
            raise DidNotStart(f"another server answers on this port; the log of ours ends:\n{self.tail()}")

    def stop(self) -> None:
        """End it: SIGTERM, after the grace SIGKILL. Being stopped already is fine."""
        with contextlib.suppress(BrokenPipeError):
            if self._guard.stdin:
                self._guard.stdin.close()
        self._guard.wait(self.grace + 10)
        self._out().close()

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
        self.stop()


class Server:
    """What all servers share: `start`, `stop`, `kill`, `restart`, and `with`; data and log in one folder.

    The ports are chosen at the first start and kept, so that a restarted server is found where it was.
    """

    ports_needed = 1
    title = "server"
    start_seconds = 40.0

    def __init__(self, folder: Path):
        """folder: for its data and log; made if it is missing, left there when the server stops."""
        self.folder = Path(folder)
        self._ports: list[int] = []
        self._program: Program | None = None

    def launch(self) -> Program:
        """Start the program on `self._ports`."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def cleanup(self) -> None:
        """Remove what the program leaves outside its folder; most leave nothing."""

    @property
    def port(self) -> int:
        """Where clients go. Only after the first start."""
        return self._ports[0]

    @property
    def pid(self) -> int:
        """The server's own process id. Only while it runs."""
        if self._program is None:
            raise RuntimeError(f"{self.title} is not running")
        return self._program.pid

    @property
    def log(self) -> Path:
        """What the server printed, over all its starts."""
        return self.folder / "server.log"

    def start(self) -> Self:
        """Start it and wait until it serves. Raises NotInstalled, DidNotStart."""
        if self._program is not None:
            raise RuntimeError(f"{self.title} runs already")
        self.folder.mkdir(parents=True, exist_ok=True)
        attempts = 1 if self._ports else 3  # another process may take a port between our choice and the start
        for left in reversed(range(attempts)):
            ports = self._ports
            self._ports = ports or free_ports(self.ports_needed)
            try:
                program = self.launch()
                program.wait_until(self.ready, self.start_seconds)
            except DidNotStart:
                self._ports = ports
                if not left:
                    raise
            else:
                self._program = program
                break
        return self

    def stop(self) -> None:
        """End it in order. Being stopped already is fine."""
        program, self._program = self._program, None
        if program is not None:
            program.stop()
            self.cleanup()

    def kill(self) -> None:
        """End it as a crash would."""
        program, self._program = self._program, None
        if program is not None:
            program.kill()
            self.cleanup()

    def restart(self) -> Self:
        """Stop and start again on the same folder and ports."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
