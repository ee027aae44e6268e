"""What a run of a client costs, how runs are compared, and how fast the machine is just then."""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LAUNCH = Path(__file__).with_name("launch.py")
LONGEST_SECONDS = 1800.0
REFERENCE_SECONDS = 0.118
"""What the calibration loop took on the machine of the README's table when it was quiet."""


class Failed(Exception):
    """A client did not do its work, so there is nothing to compare; the message holds the end of its output."""


class Cost(NamedTuple):
    """Of one run. wall and cpu in seconds (user and system, with children), rss_mb: peak memory in MiB."""

    wall: float
    cpu: float
    rss_mb: float
    output: str


def run(command: Sequence[str], env: Mapping[str, str]) -> Cost:
    """Run a client to its end in an environment of its own. Raises Failed unless it ends with 0."""
    with tempfile.TemporaryDirectory(prefix="bench-run-") as name:
        folder = Path(name)
        with (folder / "output").open("wb") as output:
            launch = [sys.executable, "-I", "-S", str(LAUNCH), str(folder / "cost"), *command]
            own = {"PATH": os.environ["PATH"], "HOME": name, "LANG": "C.UTF-8", **env}
            subprocess.run(launch, stdout=output, stderr=output, env=own, timeout=LONGEST_SECONDS, check=True)
        cost = json.loads((folder / "cost").read_text())
        text = (folder / "output").read_text(errors="replace")
    if cost["exit"] != 0:
        raise Failed(f"{command[0]} ended with {cost['exit']}:\n{text[-3000:]}")
    return Cost(cost["wall"], cost["cpu"], cost["rss_mb"], text)


def interleave(clients: Mapping[str, Callable[[int], Cost]], pairs: int) -> dict[str, list[Cost]]:
    """Run every client `pairs` times, in turns; each turn begins with another one."""
    costs: dict[str, list[Cost]] = {name: [] for name in clients}
    names = [*clients]
    for turn in range(pairs):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            cost = clients[name](turn)
            costs[name].append(cost)
            print(f"  {name:18} {cost.wall:8.2f} s  cpu {cost.cpu:7.2f} s  {cost.rss_mb:6.0f} MiB", flush=True)
    return costs


def median(costs: Sequence[Cost], of: str) -> float:
    """The median of "wall", "cpu" or "rss_mb"."""
    return float(statistics.median(getattr(cost, of) for cost in costs))


def ratio(ours: Sequence[Cost], peers: Sequence[Cost], of: str) -> float:
    """The median of ours / peer over the turns, each compared with the peer's run of the same turn."""
    return float(statistics.median(getattr(a, of) / getattr(b, of) for a, b in zip(ours, peers, strict=True)))


def calibrate(clock: Callable[[], float] = time.perf_counter) -> float:
    """How fast the machine is just now: 1.0 is the machine of the README's table when quiet, 2.0 twice as fast.

    clock: time.process_time leaves out what other programs take away.
    """
    body = bytes(1024 * 1024)
    began = clock()
    for _ in range(100):
        hashlib.sha256(body).digest()
    total, texts = 0, {}
    for number in range(1_000_000):
        total += number & 7
        if not number & 7:
            texts[number] = f"{number:x}"
    return REFERENCE_SECONDS / (clock() - began)
