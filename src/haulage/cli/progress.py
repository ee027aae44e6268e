"""Shows a run while it goes: a live display on a terminal, plain lines elsewhere, JSON lines for machines."""

import asyncio
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from haulage.cli.output import printable, say_json, size_text, time_text
from haulage.engine.counts import Watch
from haulage.model.errors import OutputLost
from haulage.model.outcome import Status
from haulage.operations import budgets

TICK_SECONDS = 0.5
PLAIN_SECONDS = 5.0
RATE_SECONDS = 10.0
PROBLEMS_SHOWN = 5


class Rate:
    """Bytes and items a second: over the last seconds, and since the beginning; and what that means for the rest."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._samples: deque[tuple[float, int, int]] = deque([(watch.began, 0, 0)])

    def sample(self) -> None:
        """Note where the run stands."""
        counts = self._watch.counts
        now = time.monotonic()
        self._samples.append((now, counts.sent_bytes, counts.successful))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_SECONDS:
            self._samples.popleft()

    def now(self) -> tuple[float, float]:
        """Bytes and items a second of late."""
        (first, first_bytes, first_items), (last, last_bytes, last_items) = self._samples[0], self._samples[-1]
        span = max(last - first, 0.001)
        return (last_bytes - first_bytes) / span, (last_items - first_items) / span

    def average(self) -> float:
        """Bytes a second since the beginning."""
        return self._watch.counts.sent_bytes / max(time.monotonic() - self._watch.began, 0.001)

    def left_seconds(self) -> float | None:
        """Seconds that the rest will take, by bytes and by items, the slower; None when that cannot be told."""
        counts = self._watch.counts
        if not (counts.source_complete and counts.target_complete) or time.monotonic() - self._watch.began < 2:
            return None
        bytes_rate, items_rate = self.now()
        bytes_left = max(0, counts.planned_bytes - counts.sent_bytes - counts.resumed_bytes)
        items_left = max(0, counts.planned - counts.successful - counts.failed)
        estimates = [left / rate for left, rate in ((bytes_left, bytes_rate), (items_left, items_rate)) if rate > 0]
        return max(estimates) if estimates else None


def facts(watch: Watch, rate: Rate) -> dict[str, Any]:
    """The progress event: where the run stands, in numbers."""
    counts = watch.counts
    bytes_now, items_now = rate.now()
    left = rate.left_seconds()
    return {
        "listed": counts.listed,
        "listed_bytes": counts.listed_bytes,
        "listing_complete": counts.source_complete and counts.target_complete,
        "unchanged": counts.unchanged,
        "planned": counts.planned,
        "planned_bytes": counts.planned_bytes,
        "successful": counts.successful,
        "successful_bytes": counts.successful_bytes,
        "sent_bytes": counts.sent_bytes,
        "failed": counts.failed + counts.changed_at_source,
        "bytes_per_second": round(bytes_now),
        "items_per_second": round(items_now, 1),
        "average_bytes_per_second": round(rate.average()),
        "seconds_left": None if left is None else round(left),
        "waits_for": watch.waits_for(),
    }


def line(watch: Watch, rate: Rate) -> str:
    """The same in one line for people."""
    counts = watch.counts
    bytes_now, items_now = rate.now()
    left = rate.left_seconds()
    done = f"{counts.successful:,} of {counts.planned:,} items, {size_text(counts.sent_bytes)}"
    listed = f"{counts.listed:,} listed" + ("" if counts.source_complete else " so far")
    speed = f"{size_text(bytes_now)}/s now, {size_text(rate.average())}/s average, {items_now:,.0f} items/s"
    remaining = "time left: cannot tell yet" if left is None else f"time left: {time_text(left)}"
    parts = [listed, done, speed, remaining]
    wrong = counts.failed + counts.changed_at_source
    if wrong:
        parts.append(f"{wrong:,} failed")
    if waiting := watch.waits_for():
        parts.append(f"waiting for {waiting}")
    return " | ".join(parts)


class Display:
    """Where events go. mode: "json", "live" (a terminal) or "plain"."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._problems: deque[str] = deque(maxlen=PROBLEMS_SHOWN)
        self.problem_count = 0
        self.plan_lines = 0
        self._lost: OutputLost | None = None
        self._on_lost: Callable[[OutputLost], object] = lambda _: None

    @property
    def as_json(self) -> bool:
        """Whether it writes for machines."""
        return self._mode == "json"

    def event(self, name: str, event_facts: dict[str, Any]) -> None:
        """Take an event of the run as it happens."""
        try:
            self._show(name, event_facts)
        except OutputLost as error:
            self._stop(error)

    def _stop(self, error: OutputLost) -> None:
        """Nobody can be told any more: the run is stopped as by Ctrl-C, once."""
        if self._lost is None:
            self._lost = error
            self._on_lost(error)

    def _show(self, name: str, event_facts: dict[str, Any]) -> None:
        if self._mode == "json":
            say_json({"event": name, **event_facts})
        elif name == "problem":
            self._problem(event_facts)
        elif name == "plan":
            self.plan_lines += 1
            shown = printable(event_facts["path"])
            if event_facts["target"] and event_facts["target"] != event_facts["path"]:
                shown += f" -> {printable(event_facts['target'])}"
            sys.stdout.write(f"{event_facts['action']:7} {size_text(event_facts['bytes']):>10}  {shown}\n")
        elif name == "budget":
            told = msgspec.convert(event_facts, budgets.Estimate)
            sys.stderr.write("".join(f"{one}\n" for one in budgets.words(told)))
        elif name == "waiting" and self._mode == "plain":
            sys.stderr.write(f"waiting for {event_facts['waits_for']}, as asked\n")

    def _problem(self, told: dict[str, Any]) -> None:
        self.problem_count += 1
        text = f"{told['outcome']}: {printable(told['path'])}: {printable(told['message'] or '')} ({told['code']})"
        self._problems.append(text)
        if self._mode == "plain" and self.problem_count <= 100:
            sys.stderr.write(f"{text}\n")

    @asynccontextmanager
    async def around(self, watch: Watch) -> AsyncIterator[None]:
        """Show progress while the body runs."""
        running = asyncio.current_task()

        def stop(error: OutputLost) -> None:
            watch.stopping = Status.CANCELED, error.message
            if running is not None:
                running.cancel()

        self._on_lost = stop
        ticker = asyncio.create_task(self._live(watch) if self._mode == "live" else self._lines(watch))
        try:
            yield
        except asyncio.CancelledError:
            if self._lost is None:
                raise
            raise OutputLost(f"the run was stopped: {self._lost.message}") from None
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)

    async def _lines(self, watch: Watch) -> None:
        rate, last = Rate(watch), time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            rate.sample()
            if self._mode == "json":
                watch.tell("progress", **facts(watch, rate))
            elif time.monotonic() - last >= PLAIN_SECONDS:
                last = time.monotonic()
                sys.stderr.write(line(watch, rate) + "\n")

    async def _live(self, watch: Watch) -> None:
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        rate = Rate(watch)
        with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
            while True:
                rate.sample()
                counts = watch.counts
                total = max(counts.planned_bytes, 1)
                bar = ProgressBar(total, min(counts.sent_bytes + counts.resumed_bytes, total), width=60)
                problems = [Text(text, style="red", no_wrap=True) for text in self._problems]
                live.update(Group(bar, *(Text(part) for part in line(watch, rate).split(" | ")), *problems))
                await asyncio.sleep(0.25)
