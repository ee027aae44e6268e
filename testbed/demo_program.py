"""Runs `haulage` as a person would: shown as it runs, asked for JSON, or killed on the way."""

import json
import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


class StepFailed(Exception):
    """A step of the demonstration did not do what it should; the message says which and how."""


class Haulage:
    """The program with an environment and a state folder of its own."""

    def __init__(self, environment: dict[str, str], state: Path) -> None:
        """state: made by the program."""
        self._program = str(Path(sysconfig.get_path("scripts"), "haulage"))
        self._environment = {**environment, "HAULAGE_HOME": str(state)}

    def show(self, *words: str) -> None:
        """Run it with its output going where ours goes. Raises StepFailed unless it ends with 0."""
        ended = subprocess.run([self._program, *words], env=self._environment, stdin=subprocess.DEVNULL, check=False)
        if ended.returncode:
            raise StepFailed(f"`haulage {words[0]}` ended with {ended.returncode} instead of 0")

    def ask(self, *words: str) -> list[Facts]:
        """Run it with --json and return what it says. Raises StepFailed unless it ends with 0."""
        ended = subprocess.run(
            [self._program, *words, "--json"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise StepFailed(f"`haulage {words[0]}` ended with {ended.returncode} instead of 0:\n{ended.stderr}")
        return [json.loads(line) for line in ended.stdout.splitlines()]

    def kill_when(self, enough: Callable[[Facts], bool], *words: str) -> Facts:
        """Start it with --json and kill it (SIGKILL) at the first progress event that is `enough`; return that event.

        Raises StepFailed if it ends before.
        """
        with subprocess.Popen(
            [self._program, *words, "--json"], env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as running:
            assert running.stdout is not None  # noqa: S101 - a pipe was asked for
            try:
                for line in running.stdout:
                    event = json.loads(line)
                    if event["event"] == "progress" and enough(event):
                        os.kill(running.pid, signal.SIGKILL)
                        return dict(event)
            finally:
                running.kill()
        raise StepFailed(f"`haulage {words[0]}` ended with {running.returncode} before it could be killed")


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __str__(self) -> str:
        return f"{time.monotonic() - self._began:.0f} s"
