"""Runs one program and notes what it cost: `python -I -S launch.py REPORT PROGRAM ARGS...`.

The kernel's peak memory of a process begins with that of the process that forked it. So the one that forks is this
small one, and the peak is the program's own.
"""

import json
import os
import sys
import time


def main() -> None:
    """Write seconds of wall clock and CPU (with all children), peak memory and exit code as JSON to REPORT."""
    report, program = sys.argv[1], sys.argv[2:]
    began = time.monotonic()
    pid = os.posix_spawn(program[0], program, os.environ)
    _, status, used = os.wait4(pid, 0)
    cost = {
        "wall": time.monotonic() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "rss_mb": used.ru_maxrss / 1024,
        "exit": os.waitstatus_to_exitcode(status),
    }
    with open(report, "w") as file:  # noqa: PTH123 - pathlib alone would double what this process holds
        json.dump(cost, file)


if __name__ == "__main__":
    main()
