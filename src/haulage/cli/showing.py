"""What demonstrations show: `haulage`, run as a person would, asked for JSON, or killed half way; and what is said."""

import json
import os
import signal
import subprocess
import sysconfig
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


def say(text: str = "") -> None:
    """A paragraph for people, before or after what a program prints by itself."""
    print(textwrap.fill(" ".join(text.split()), 100, break_long_words=False, break_on_hyphens=False), flush=True)


def step(number: int, text: str) -> None:
    """What comes next."""
    print(flush=True)
    say(f"{number}. {text}")


class StepFailed(Exception):
    """A step of the demonstration did not do what it should; the message says which and how."""


class Haulage:
    """The program with an environment and a state folder of its own."""

    def __init__(self, environment: dict[str, str], state: Path) -> None:
        """state: made by the program."""
        self._program = str(Path(sysconfig.get_path("scripts"), "haulage"))
        self._environment = {**environment, "HAULAGE_HOME": str(state)}

    def show(self, *words: str, **more: str) -> None:
        """Run it with its output going where ours goes. more: variables that it finds besides.

        Raises StepFailed unless it ends with 0.
        """
        environment = {**self._environment, **more}
        command = [self._program, *words]
        ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - ours
        if ended.returncode:
            raise StepFailed(f"`haulage {words[0]}` ended with {ended.returncode} instead of 0")

    def ask(self, *words: str) -> list[Facts]:
        """Run it with --json and return what it says. Raises StepFailed unless it ends with 0."""
        ended = subprocess.run(  # noqa: S603 - our own program
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

    def begin(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """Start it with --json and read what it says while it runs. more: variables that it finds besides."""
        command = [self._program, *words, "--json"]
        environment = {**self._environment, **more}
        return subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )

    def kill_when(self, enough: Callable[[Facts], bool], *words: str) -> Facts:
        """Start it with --json and kill it (SIGKILL) at the first progress event that is `enough`; return that event.

        Raises StepFailed if it ends before.
        """
        with subprocess.Popen(  # noqa: S603 - our own program
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
