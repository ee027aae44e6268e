"""How fast the sandbox is: each simulated service by itself, on one processor, and all of them at the start."""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench import calls as made
from bench import measure
from bench.calls import Call, Wire
from testbed.sandbox import Sandbox

THREADS = 4
USERS = 50
MIB = 1024 * 1024
WIDE = 100_000  # entries of one folder


def cpu(process: int) -> float:
    """Seconds of processor time that a process has had, with all its threads."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(process: int) -> float:
    """What it holds in memory now, in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


class Measured:
    """One service in a sandbox of its own, measured by its processor time: who else uses the machine matters little."""

    def __init__(self, vendor: str, folder: Path, scale: float) -> None:
        self._vendor, self._folder, self._scale = vendor, folder, scale

    def __call__(self) -> dict[str, float]:
        """Listings and small downloads a second, large downloads in MB/s (10**6), MiB for a million items."""
        service, prepare = made.VENDORS[self._vendor]
        options = ("--only", self._vendor)
        with Sandbox(self._folder / self._vendor, users=USERS, options=options) as sandbox:
            wire = Wire(sandbox, self._vendor, service)
            found = prepare(wire)
            count = max(int(4_000 * self._scale), 200)
            told = {
                "listings": rate(sandbox.pid, wire.port, found.listing, count),
                "downloads": rate(sandbox.pid, wire.port, found.small, count),
            }
            times = max(int(16 * self._scale), 2)
            told["large"] = rate(sandbox.pid, wire.port, found.large, times) * made.LARGE_BYTES / 1e6
            told["items"] = self._items(sandbox, service)
        return told

    def _items(self, sandbox: Sandbox, service: str) -> float:
        """MiB that a million items take, from what the wanted part of them takes."""
        accounts = [one["user"] for one in sandbox.service(service)["accounts"] if one["role"] == "user"]
        before, folders = resident_mb(sandbox.pid), max(int(10 * self._scale), 1)
        for user in accounts[:folders]:
            sandbox.do(self._vendor, "wide-folder", user=user, count=WIDE)
        return (resident_mb(sandbox.pid) - before) * 1_000_000 / (folders * WIDE)


def rate(process: int, port: int, call: Call, count: int) -> float:
    """Answers for each second of the process's time."""
    head = "".join(f"{name}: {value}\r\n" for name, value in call.headers.items())
    length = f"Content-Length: {len(call.body)}\r\n" if call.body else ""
    request = f"{call.method} {call.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{head}{length}\r\n".encode() + call.body
    failed: list[str] = []
    threads = [
        threading.Thread(target=_ask, args=(port, request, count // THREADS or 1, failed.append))
        for _ in range(min(THREADS, count))
    ]
    began = cpu(process)
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed, failed[0]
    return len(threads) * (count // THREADS or 1) / max(cpu(process) - began, 0.01)


def _ask(port: int, request: bytes, count: int, fail: Callable[[str], None]) -> None:
    """On one connection, one after the other; bodies are thrown away."""
    room = memoryview(bytearray(MIB))
    with socket.create_connection(("127.0.0.1", port)) as wire:
        for _ in range(count):
            wire.sendall(request)
            head = b""
            while b"\r\n\r\n" not in head:
                head += wire.recv(65536)
            lines, _, rest = head.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in lines.split(b"\r\n")[1:])
            if int(lines.split()[1]) >= 400 or b"content-length" not in fields:
                return fail(f"{lines!r} {rest[:200]!r}")
            left = int(fields[b"content-length"]) - len(rest)
            while left > 0:
                left -= wire.recv_into(room)


def start() -> tuple[float, float]:
    """Seconds until a sandbox of all services and 50 people is up: by the clock, and of its processor time."""
    with tempfile.TemporaryDirectory(prefix="bench-sandbox-") as folder:
        began = time.perf_counter()
        with Sandbox(Path(folder), users=USERS) as sandbox:
            return time.perf_counter() - began, cpu(sandbox.pid)


def measured(folder: Path, scale: float) -> dict[str, dict[str, float]]:
    """By simulator: what Measured says, and `machine`: the calibration loop beside it, in processor time."""
    found = {}
    for vendor in made.VENDORS:
        machine = measure.calibrate(time.process_time)
        found[vendor] = Measured(vendor, folder, scale)()
        found[vendor]["machine"] = (machine + measure.calibrate(time.process_time)) / 2
        print(f"  {vendor:10} {found[vendor]}", flush=True)
    return found
