"""Runs the program as a person would: a process of its own, with a state folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import canary

PROGRAM = [sys.executable, "-m", "haulage.cli.main"]


class Ran:
    """What came of a run of the program."""

    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        canary.printed(self.out + self.err)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines of standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def ended(self) -> dict[str, Any]:
        """The last event of a run that ended."""
        return next(event for event in reversed(self.events) if event["event"] == "ended")

    @property
    def counts(self) -> dict[str, Any]:
        """Its counters."""
        return self.ended["counts"]


class Program:
    """`haulage` with a state folder and an environment."""

    def __init__(self, home: Path, environment: dict[str, str] | None = None) -> None:
        self.home = home
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AZURE_", "HAULAGE_"))}
        self.environment = {**clean, "HAULAGE_HOME": str(home), **(environment or {})}

    def __call__(self, *words: str, timeout: float = 120) -> Ran:
        """Run it to its end."""
        canary.plant(words, self.environment)
        return Ran(
            subprocess.run(
                [*PROGRAM, *words],
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start it and leave it running."""
        return subprocess.Popen(
            [*PROGRAM, *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
        )
