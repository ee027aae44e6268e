"""`python -m bench [W1 W2 ...]`: run the workloads, print a table of what was reached."""

import argparse
import json
import os
import platform
from pathlib import Path

from bench import measure
from bench.bed import Bed
from bench.workloads import WORKLOADS, Check


def table(checks: list[Check]) -> str:
    """The results for people, as a Markdown table."""
    lines = ["| workload | what | value | target | | medians |", "| --- | --- | --- | --- | --- | --- |"]
    for check in checks:
        target = "" if check.target is None else f"<= {check.target:g}"
        met = {None: "", True: "met", False: "**missed**"}[check.met]
        value = f"{check.value:.2f} {check.unit}".strip()
        lines.append(f"| {check.workload} | {check.what} | {value} | {target} | {met} | {check.detail} |")
    return "\n".join(lines)


def main() -> int:
    """Returns 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Haulage beside rclone and s5cmd.")
    parser.add_argument("workloads", nargs="*", help="W1 to W9; all of them if none is named")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each client, in turns (5)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of files, or their size (1.0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    given = parser.parse_args()
    if wrong := {name.upper() for name in given.workloads} - WORKLOADS.keys():
        parser.error(f"unknown: {', '.join(sorted(wrong))}")
    checks: list[Check] = []
    speeds = []
    with Bed() as bed:
        for name in [one.upper() for one in given.workloads] or WORKLOADS:
            speed = measure.calibrate()
            speeds.append(speed)
            print(
                f"{name}: {WORKLOADS[name].__doc__}  [machine at {speed:.2f}, load {os.getloadavg()[0]:.1f}]",
                flush=True,
            )
            checks += WORKLOADS[name](bed, given.pairs, given.scale)
            print(table([check for check in checks if check.workload.startswith(name)]), flush=True)
    shown = table(checks)
    machine = f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
    print(f"\n{shown}\n\n{machine}; calibration {min(speeds):.2f} to {max(speeds):.2f} of the reference machine")
    if given.json:
        document = {"machine": machine, "calibration": speeds, "scale": given.scale, "pairs": given.pairs}
        results = [check._asdict() | {"met": check.met} for check in checks]
        given.json.write_text(json.dumps(document | {"checks": results}, indent=1) + "\n")
    return int(any(check.met is False for check in checks))


if __name__ == "__main__":
    raise SystemExit(main())
