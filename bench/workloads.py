"""What is measured: W1 to W9, each with its targets."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import measure, peers, sandbox
from bench.bed import Bed
from bench.fileservers import FileServer
from bench.measure import Cost, Failed
from bench.peers import AZURE_TUNED, TUNED, Call, End

KIB, MIB = 1024, 1024 * 1024
SLOW_SECONDS = 0.05
US = "haulage"
UNITS = {"wall": "s", "cpu": "s", "rss_mb": "MiB"}
NAMES = {"wall": "time", "cpu": "client CPU", "rss_mb": "memory"}


class Check(NamedTuple):
    """One line of the result. value: what is held against the target, a ratio ours / peer unless `unit` is given.

    target: the most it may be; None where it is only shown.
    """

    workload: str
    what: str
    value: float
    target: float | None
    detail: str = ""
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else self.value <= self.target


Costs = dict[str, list[Cost]]


def compared(workload: str, costs: Costs, peer: str, targets: dict[str, float | None]) -> list[Check]:
    """A check for each of "wall", "cpu", "rss_mb": ours against that peer's."""
    checks = []
    for of, target in targets.items():
        ours, theirs = measure.median(costs[US], of), measure.median(costs[peer], of)
        detail = f"{ours:.2f} against {theirs:.2f} {UNITS[of]}"
        value = measure.ratio(costs[US], costs[peer], of)
        checks.append(Check(workload, f"{NAMES[of]} / {peer}", value, target, detail))
    return checks


class Copying:
    """Runs clients on copies from one end to fresh destinations, and holds what arrived against what was there."""

    def __init__(self, bed: Bed, name: str, expected: tuple[int, int], fresh: Callable[[], End]) -> None:
        self._bed, self._name, self._expected, self._fresh = bed, name, expected, fresh

    def client(self, call: Callable[[End], Call]) -> Callable[[int], Cost]:
        """One client, called with a fresh destination each time."""

        def once(_turn: int) -> Cost:
            end = self._fresh()
            cost = measure.run(*call(end))
            if (held := self._bed.held(end)) != self._expected:
                raise Failed(f"{self._name}: {held} arrived of {self._expected}:\n{cost.output[-2000:]}")
            self._bed.drop(end)
            return cost

        return once

    def haulage(self, source: End, through: str | None = None) -> Callable[[int], Cost]:
        """Haulage with a new state folder each time. through: the address of the destination's proxy."""
        return self.client(lambda end: peers.haulage(source, _by(end, through), self._bed.home()))

    def rclone(self, source: End, *flags: str, through: str | None = None) -> Callable[[int], Cost]:
        """rclone with these flags."""
        return self.client(lambda end: peers.rclone(source, _by(end, through), flags))


def _by(end: End, url: str | None) -> End:
    return end if url is None else end._replace(url=url)


def ended(cost: Cost) -> dict[str, Any]:
    """The last event of `haulage copy --json`."""
    document: dict[str, Any] = json.loads(cost.output.strip().splitlines()[-1])
    return document


def w1(bed: Bed, pairs: int, scale: float) -> list[Check]:
    """Many small files, S3 to S3, ledger and verification on."""
    source = bed.filled("w1", int(10_000 * scale), KIB, 32 * KIB)
    copying = Copying(bed, "W1", bed.held(source), lambda: bed.bucket(bed.destination, "w1"))
    clients = {
        US: copying.haulage(source),
        "rclone tuned": copying.rclone(source, *TUNED, "--transfers", "32"),
        "rclone 64": copying.rclone(source, *TUNED, "--transfers", "64"),
        "rclone default": copying.rclone(source),
    }
    costs = measure.interleave(clients, pairs)
    return [
        *compared("W1", costs, "rclone tuned", {"wall": 1.0, "cpu": 1.0, "rss_mb": 1.2}),
        *compared("W1", costs, "rclone 64", {"wall": None, "cpu": None, "rss_mb": None}),
        *compared("W1", costs, "rclone default", {"wall": None, "cpu": None}),
    ]


def w2(bed: Bed, pairs: int, scale: float) -> list[Check]:
    """Large files, S3 to S3, in parts that can be resumed, SHA-256 in flight."""
    size = int(200 * MIB * scale)
    source = bed.filled("w2", 8, size, size)
    copying = Copying(bed, "W2", bed.held(source), lambda: bed.bucket(bed.destination, "w2"))
    clients = {
        US: copying.haulage(source),
        "rclone": copying.rclone(source),
        "rclone tuned": copying.rclone(source, *TUNED, "--transfers", "8", "--s3-upload-concurrency", "8"),
    }
    costs = measure.interleave(clients, pairs)
    return [
        *compared("W2", costs, "rclone", {"wall": 1.0, "cpu": 0.7, "rss_mb": 0.5}),
        *compared("W2", costs, "rclone tuned", {"wall": None, "cpu": None, "rss_mb": None}),
    ]


def w3(bed: Bed, pairs: int, scale: float) -> list[Check]:
    """Many small files from S3 to Azure Blob, and from a folder to S3."""
    files = int(10_000 * scale)
    tree, source = bed.tree(files, KIB, 32 * KIB), bed.filled("w3", files, KIB, 32 * KIB)
    expected, tuned = bed.held(source), (*TUNED, "--transfers", "32")
    print(" S3 to Azure Blob", flush=True)
    to_azure = Copying(bed, "W3", expected, lambda: bed.container("w3"))
    azure = measure.interleave(
        {US: to_azure.haulage(source), "rclone tuned": to_azure.rclone(source, *tuned, *AZURE_TUNED)}, pairs
    )
    print(" folder to S3", flush=True)
    local, to_s3 = End(None, "", str(tree)), Copying(bed, "W3", expected, lambda: bed.bucket(bed.destination, "w3"))
    folder = measure.interleave(
        {
            US: to_s3.haulage(local),
            "rclone tuned": to_s3.rclone(local, *tuned),
            "s5cmd": to_s3.client(lambda end: peers.s5cmd(tree, end)),
        },
        pairs,
    )
    return [
        *compared("W3 to Azure", azure, "rclone tuned", {"wall": 1.0, "cpu": 1.0, "rss_mb": None}),
        *compared("W3 from folder", folder, "rclone tuned", {"wall": 1.0, "cpu": 1.0, "rss_mb": None}),
        *compared("W3 from folder", folder, "s5cmd", {"wall": None, "cpu": None, "rss_mb": None}),
    ]


def w4(bed: Bed, pairs: int, scale: float) -> list[Check]:
    """A second run over unchanged objects."""
    files = int(100_000 * scale)
    source, destination, home = bed.filled("w4", files, 1, 64), bed.bucket(bed.destination, "w4"), bed.home()
    ours = peers.haulage(source, destination, home)
    first = measure.run(*ours)
    print(f"  first run          {first.wall:8.2f} s  cpu {first.cpu:7.2f} s  {first.rss_mb:6.0f} MiB", flush=True)
    other_calls: set[str] = set()

    def again(_turn: int) -> Cost:
        cost = measure.run(*ours)
        counts = ended(cost)["counts"]
        if counts["unchanged"] != files or counts["listed"] != files:
            raise Failed(f"W4: not everything is unchanged: {counts}")
        other_calls.update({*counts["source_calls"], *counts["target_calls"]} - {"ListObjectsV2"})
        return cost

    def rclone(*flags: str) -> Callable[[int], Cost]:
        return lambda _turn: measure.run(*peers.rclone(source, destination, ("--checksum", "--fast-list", *flags)))

    clients = {US: again, "rclone": rclone(), "rclone tuned": rclone("--checkers", "64")}
    costs = measure.interleave(clients, pairs)
    bed.drop(destination)
    return [
        *compared("W4", costs, "rclone", {"wall": 0.5, "cpu": None, "rss_mb": None}),
        *compared("W4", costs, "rclone tuned", {"wall": None}),
        Check("W4", "calls other than listings", len(other_calls), 0, ", ".join(sorted(other_calls)), "kinds"),
    ]


def w5(bed: Bed, pairs: int, scale: float) -> list[Check]:
    """Small files when every answer takes 50 ms more, without a flag."""
    source = bed.filled("w5", int(1_000 * scale), KIB, 8 * KIB)
    slow_source = source._replace(url=bed.slow(bed.source, SLOW_SECONDS))
    through = bed.slow(bed.destination, SLOW_SECONDS)
    copying = Copying(bed, "W5", bed.held(source), lambda: bed.bucket(bed.destination, "w5"))
    clients = {
        US: copying.haulage(slow_source, through),
        "rclone default": copying.rclone(slow_source, through=through),
        "rclone tuned": copying.rclone(slow_source, *TUNED, "--transfers", "64", through=through),
    }
    costs = measure.interleave(clients, pairs)
    return [
        *compared("W5", costs, "rclone default", {"wall": 0.1, "cpu": None}),
        *compared("W5", costs, "rclone tuned", {"wall": 0.8, "cpu": None, "rss_mb": None}),
    ]


def w6(bed: Bed, _pairs: int, scale: float) -> list[Check]:
    """A million items and five million, scanned, planned and planned again, without any network."""
    small, large = (_synthetic(bed, int(count * scale)) for count in (1_000_000, 5_000_000))
    checks = []
    total = small["plan"]["wall"] + max(small["again"]["wall"], small["unchanged"]["wall"])
    detail = ", ".join(f"{step} {cost['wall']:.1f} s" for step, cost in small.items())
    checks.append(Check("W6", "scan, plan and plan again", total, 60.0 * scale, detail, "s"))
    peak = max(cost["rss_mb"] for cost in small.values())
    checks.append(Check("W6", "peak memory", peak, 200.0, "", "MiB"))
    for step, cost in large.items():
        steps = cost["wall"] / small[step]["wall"] / 5
        detail = f"{cost['wall']:.1f} s, {cost['rss_mb']:.0f} MiB for five times as many"
        checks.append(Check("W6", f"{step}: time an item, five times as many", steps, 1.2, detail))
        flat = cost["rss_mb"] / small[step]["rss_mb"]
        checks.append(Check("W6", f"{step}: memory, five times as many", flat, 1.2, detail))
    return checks


def _synthetic(bed: Bed, items: int) -> dict[str, dict[str, float]]:
    """Each step in a process of its own, on one ledger: {step: what it says of itself}."""
    home, costs = bed.home(), {}
    for step in ("plan", "again", "copied", "unchanged"):
        command = [sys.executable, "-m", "bench.synthetic", step, str(items), str(home)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent).stdout
        if told:
            costs[step] = json.loads(told)
            print(f"  {items:9,} {step:10} {costs[step]}", flush=True)
    bed.forget(home)
    return costs


def w7(bed: Bed, _pairs: int, scale: float) -> list[Check]:
    """The sandbox, each service by itself: processor time of small answers and large downloads; memory; its start.

    Processor time is multiplied with what the calibration loop says, in processor time too, so that it is that of the
    reference machine. 2,000 a second on one processor are 0.5 ms, 400 MB/s are 2.5 ms a MB.
    """
    checks = []
    for vendor, told in sandbox.measured(bed.home(), scale).items():
        machine = told["machine"]
        for what, unit, target in (("listings", "ms", 0.5), ("downloads", "ms", 0.5), ("large", "ms/MB", 2.5)):
            detail = f"{told[what]:,.0f} {'MB' if what == 'large' else ''} a second here, machine at {machine:.2f}"
            checks.append(Check("W7", f"{vendor}: {what}", 1000 / told[what] * machine, target, detail, unit))
        checks.append(Check("W7", f"{vendor}: a million items", told["items"] / 1024, 1.5, "", "GiB"))
    clock, processor = sandbox.start()
    detail = f"{clock:.1f} s by the clock"
    checks.append(Check("W7", "50 people, all services up: processor time", processor, 5.0, detail, "s"))
    return checks


def _file_servers(bed: Bed) -> dict[str, FileServer]:
    return {"SFTP (OpenSSH)": bed.openssh, "WebDAV (rclone)": bed.rclone_dav, "WebDAV (WsgiDAV)": bed.wsgidav}


def w8(bed: Bed, pairs: int, scale: float) -> list[Check]:
    """Small files from S3 to SFTP and WebDAV servers, and back."""
    source, checks = bed.filled("w8", int(2_000 * scale), KIB, 32 * KIB), []
    for name, server in _file_servers(bed).items():
        checks += _both_ways(bed, f"W8 {name}", source, server, pairs, 0.9)
    return checks


def w9(bed: Bed, pairs: int, scale: float) -> list[Check]:
    """Large files from S3 to SFTP and WebDAV servers, and back."""
    size = int(200 * MIB * scale)
    source, checks = bed.filled("w9", 4, size, size), []
    for name, server in _file_servers(bed).items():
        checks += _both_ways(bed, f"W9 {name}", source, server, pairs, None)
    return checks


def _both_ways(bed: Bed, name: str, source: End, server: FileServer, pairs: int, target: float | None) -> list[Check]:
    expected, checks = bed.held(source), []
    print(f" {name}, to it", flush=True)
    to_it = Copying(bed, name, expected, lambda: bed.place(server, "to"))
    costs = measure.interleave(_clients(to_it, source), pairs)
    checks += _against_tuned(f"{name}, to", costs, target)
    there = bed.place(server, "from")
    measure.run(*peers.rclone(source, there, TUNED))
    print(f" {name}, from it", flush=True)
    from_it = Copying(bed, name, expected, lambda: bed.bucket(bed.destination, "from"))
    costs = measure.interleave(_clients(from_it, there), pairs)
    bed.drop(there)
    return checks + _against_tuned(f"{name}, from", costs, target)


def _clients(copying: Copying, source: End) -> dict[str, Callable[[int], Cost]]:
    return {
        US: copying.haulage(source),
        "rclone tuned": copying.rclone(source, *TUNED, "--transfers", "32"),
        "rclone 8": copying.rclone(source, *TUNED, "--transfers", "8"),
    }


def _against_tuned(name: str, costs: Costs, target: float | None) -> list[Check]:
    """Against the quicker of the two tunings: small servers are not quicker for being asked more at once."""
    best = min(("rclone tuned", "rclone 8"), key=lambda peer: measure.median(costs[peer], "wall"))
    return compared(name, costs, best, {"wall": target, "cpu": None, "rss_mb": None})


Workload = Callable[[Bed, int, float], Sequence[Check]]
WORKLOADS: dict[str, Workload] = {
    "W1": w1,
    "W2": w2,
    "W3": w3,
    "W4": w4,
    "W5": w5,
    "W6": w6,
    "W7": w7,
    "W8": w8,
    "W9": w9,
}
