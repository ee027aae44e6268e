"""Shows a run that sends nothing while it goes: one line that says how far it is."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from haulage.cli.progress import PLAIN_SECONDS, TICK_SECONDS, Display
from haulage.engine.counts import Watch


class Ticker(Display):
    """line: how far it is, for people; facts: the same for machines. Neither is called before the run has begun."""

    def __init__(self, mode: str, line: Callable[[Watch], str], facts: Callable[[Watch], dict[str, Any]]) -> None:
        super().__init__(mode)
        self._line = line
        self._facts = facts

    async def _lines(self, watch: Watch) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self.as_json:
                watch.tell("progress", **self._facts(watch))
            elif time.monotonic() - last >= PLAIN_SECONDS:
                last = time.monotonic()
                sys.stderr.write(self._shown(watch) + "\n")

    async def _live(self, watch: Watch) -> None:
        from rich.console import Console, Group
        from rich.live import Live
        from rich.text import Text

        with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
            while True:
                problems = [Text(text, style="red", no_wrap=True) for text in self._problems]
                live.update(Group(Text(self._shown(watch)), *problems))
                await asyncio.sleep(0.25)

    def _shown(self, watch: Watch) -> str:
        waiting = watch.waits_for()
        return self._line(watch) + (f" | waiting for {waiting}" if waiting else "")


def mode(as_json: bool) -> str:
    """JSON if asked for, live on a terminal, plain lines elsewhere."""
    return "json" if as_json else "live" if sys.stderr.isatty() else "plain"
