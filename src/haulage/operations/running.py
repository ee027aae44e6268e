"""Runs in this process: started, watched, paused, cancelled and gone on with by people or schedules."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import msgspec

from haulage.engine.context import Options
from haulage.engine.counts import Watch
from haulage.ledger import audit
from haulage.ledger import runs as run_rows
from haulage.ledger.audit import Actor
from haulage.ledger.codec import load
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError, Refused
from haulage.model.filters import Filters
from haulage.model.outcome import RunKind, Status, status_words
from haulage.operations import history, rerunning, transfers
from haulage.operations.locations import Given
from haulage.operations.runlog import log_of

MOST_RUNS = 50
KEPT_PROBLEMS = 50
SAMPLE_SECONDS = 1.0
KEPT_SAMPLES = 600
RATE_SAMPLES = 10
TELL_SECONDS = 10.0
"""Before that, nobody can tell how long it takes."""
STOPPED = "Haulage was stopped"
"""What a run says that was paused because this process ended: it goes on when a process begins."""
PAUSED_BY = "paused by "
LAST_WORDS_SECONDS = 3.0
"""How long the end of the process waits for notices that are being sent."""
MOST_CRASHES = 3
"""After so many kills in a row a run is not started again by itself: it may be what kills."""


class Live:
    """A run that goes on in this process. samples: seconds since it began, and bytes sent and items done by then."""

    def __init__(self) -> None:
        self.watch = Watch(self._hear)
        self.started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[transfers.Ended] | None = None
        self.problems: deque[dict[str, Any]] = deque(maxlen=KEPT_PROBLEMS)
        self.samples: deque[tuple[float, int, int]] = deque(maxlen=KEPT_SAMPLES)

    def _hear(self, event: str, facts: dict[str, Any]) -> None:
        if event == "started" and not self.started.done():
            self.started.set_result(int(facts["run"]))
        elif event == "problem":
            self.problems.appendleft(facts)

    def sample(self) -> None:
        """Note how far it is."""
        counts = self.watch.counts
        self.samples.append((time.monotonic() - self.watch.began, counts.sent_bytes, counts.settled()))


Told = Callable[[int, str], Awaitable[Any]]
"""Hears of a run that ended: its number, and who had started it."""


class Wanted(msgspec.Struct, frozen=True):
    """A copy to be run. rerun: how many times Haulage has started it again by itself."""

    source: str
    destination: str
    options: Options
    actor: Actor
    rerun: int = 0


class Runner:
    """All runs of this process. told: hears of their ends; of one that is run again by itself, of the last one's."""

    def __init__(self, ledger: Ledger, told: Told | None = None) -> None:
        self.ledger = ledger
        self._told = told
        self._live: dict[int, Live] = {}
        self._begun: set[asyncio.Task[Any]] = set()
        self._following: set[asyncio.Task[None]] = set()
        self._undecided: set[int] = set()
        self._sampler: asyncio.Task[None] | None = None
        self._closing = False

    async def start(self, source: str, destination: str, options: Options, actor: Actor) -> int:
        """Start a copy; returns the run's number once both sides have answered.

        Where it ends with problems that may pass, it is run again by itself, as often as `rerunning` says.
        Raises what `transfers.copy` does before anything is started, and Refused where too many runs go on.
        """
        return await self._start(Wanted(source, destination, options, actor))

    async def _start(self, wanted: Wanted) -> int:
        if len(self._begun) >= MOST_RUNS:
            raise Refused(f"{MOST_RUNS} runs go on already", "Wait until one of them has ended.")
        live = Live()
        sides = Given(wanted.source, "source"), Given(wanted.destination, "destination")
        work = transfers.copy(self.ledger, *sides, wanted.options, live.watch, create=True)
        task = live.task = asyncio.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._ended)
        self._sampler = self._sampler or asyncio.create_task(self._sample())
        either: list[asyncio.Future[Any]] = [task, live.started]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not live.started.done():
            return (await task).run.id
        run_id = live.started.result()
        self._live[run_id] = live
        self._undecided.add(run_id)
        task.add_done_callback(lambda _: self._live.pop(run_id, None))
        facts = {"source": wanted.source, "destination": wanted.destination, "rerun": wanted.rerun}
        await self.ledger.run(audit.append, wanted.actor, "run start", f"run {run_id}", **facts)
        following = asyncio.create_task(self._follow(task, run_id, wanted))
        self._following.add(following)
        following.add_done_callback(self._following.discard)
        return run_id

    async def _follow(self, task: asyncio.Task[transfers.Ended], run_id: int, wanted: Wanted) -> None:
        """See a run to its end: it is run again where that may help, else whoever started it is told."""
        await asyncio.wait([task])
        try:
            if await self._run_again(task, run_id, wanted):
                return
        except Exception as error:
            log_of(self.ledger).bug(error, command="rerun")
        finally:
            self._undecided.discard(run_id)
        try:
            if self._told is not None:
                await self._told(run_id, wanted.actor.who)
        except HaulageError as error:
            log_of(self.ledger).warn("notice not sent", run=run_id, message=error.message)
        except Exception as error:
            log_of(self.ledger).bug(error, command="notices")

    async def _run_again(self, task: asyncio.Task[transfers.Ended], run_id: int, wanted: Wanted) -> bool:
        """Start it again, if that may help and it was not done too often. The run that ended says so."""
        if self._closing or wanted.rerun >= rerunning.RERUNS or task.cancelled() or task.exception() is not None:
            return False
        if not await asyncio.to_thread(rerunning.worthwhile, self.ledger, task.result()):
            return False
        again = msgspec.structs.replace(
            wanted, rerun=wanted.rerun + 1, actor=msgspec.structs.replace(wanted.actor, origin="rerun")
        )
        try:
            number = await self._start(again)
        except HaulageError as error:
            await self.ledger.run(run_rows.remark, run_id, f"not run again by itself: {error.message}")
            return False
        how_often = f"rerun {again.rerun} of at most {rerunning.RERUNS}"
        told = f"some failures may pass, so it was run again by itself as run {number} ({how_often})"
        await self.ledger.run(run_rows.remark, run_id, told)
        return True

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._begun.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, HaulageError):
            log_of(self.ledger).bug(error, command="run")

    async def _sample(self) -> None:
        while True:
            for live in self._live.values():
                live.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    async def stop(self, run_id: int, actor: Actor, *, pause: bool) -> None:
        """Cancel a run, or pause it: what was proven stays. Raises Refused where it does not go on in this process."""
        live = self._live.get(run_id)
        if live is None or live.task is None:
            raise Refused(f"run {run_id} does not go on here", "Only a run that goes on can be paused or cancelled.")
        live.watch.stopping = (Status.PAUSED, f"{PAUSED_BY}{actor.who}") if pause else None
        event = "run pause" if pause else "run cancel"
        await self.ledger.run(audit.append, actor, event, f"run {run_id}")
        live.task.cancel()
        await asyncio.wait([live.task])

    async def go_on(self, run: RunRow, actor: Actor, rerun: int = 0) -> int:
        """Start a run's transfer again: it goes on where it stood. Returns the new run's number. Raises Refused.

        rerun: see `Wanted`.
        """
        if run.ended_us is None:
            raise Refused(f"run {run.id} goes on", "Pause or cancel it first.")
        if run.kind != RunKind.COPY:
            raise Refused("only a copy can be gone on with", "Start a new one.")
        key = await asyncio.to_thread(self.ledger.read, run_rows.transfer_key, run.transfer_id)
        options = Options(msgspec.convert(load(key.filters), Filters))
        return await self._start(Wanted(key.source_shown, key.destination_shown, options, actor, rerun))

    async def resume_for(self, connector_id: int, actor: Actor) -> list[int]:
        """Start again what was paused for a connector that is authorised again now."""
        started = []
        for source, destination, options in transfers.paused_for(self.ledger, connector_id):
            try:
                started.append(await self.start(source.location, destination.location, options, actor))
            except HaulageError as error:  # the other side's matter: it stays paused
                log_of(self.ledger).warn("not resumed", source=source.location, message=error.message)
        return started

    async def resume_interrupted(self) -> list[int]:
        """Start again what the end of an earlier process cut short, each for whoever started it. Returns new numbers.

        Only what was started through a server: a killed `haulage copy` is its own person's matter.
        """
        started = []
        for run_id in await asyncio.to_thread(self.ledger.read, run_rows.interrupted, STOPPED):
            run = await asyncio.to_thread(history.find, self.ledger, run_id)
            events = await asyncio.to_thread(self.ledger.read, audit.of, f"run {run_id}")
            begun = next((one for one in events if one.event == "run start"), None)
            crashes = await asyncio.to_thread(
                self.ledger.read, run_rows.crashes_in_a_row, run.transfer_id, MOST_CRASHES
            )
            if begun is None or run.ended_us is None or crashes >= MOST_CRASHES:
                continue
            try:
                rerun = begun.facts.get("rerun", 0)  # those of before this version say nothing
                started.append(await self.go_on(run, Actor(begun.who, "restart"), rerun))
            except HaulageError as error:
                log_of(self.ledger).warn("not resumed", run=run_id, message=error.message)
        return started

    def undecided(self, run_id: int) -> bool:
        """Whether that run goes on here, or has ended and may be about to be run again by itself."""
        return run_id in self._undecided

    def live(self, run_id: int) -> Live | None:
        """The run, if it goes on in this process."""
        return self._live.get(run_id)

    def progress(self, run: RunRow) -> dict[str, Any]:
        """A run as it is now: see docs/reference. Of a run of another process, what it last wrote down."""
        live = self._live.get(run.id)
        counts = run.counts if live is None or run.ended_us is not None else live.watch.counts.as_json()
        told = {
            "run": run.id,
            "kind": run.kind,
            "source": run.source,
            "destination": run.destination,
            "status": run.status,
            "status_text": status_words(run.status, run.kind),
            "message": run.message,
            "started_us": run.started_us,
            "ended_us": run.ended_us,
            "here": live is not None,
            "counts": counts,
        }
        return {**told, **(_pace(live) if live is not None else _no_pace())}

    async def close(self) -> None:
        """The process ends: pause what goes on."""
        self._closing = True
        for live in self._live.values():
            live.watch.stopping = Status.PAUSED, STOPPED
        tasks = [*self._begun, *([self._sampler] if self._sampler else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._following:
            await asyncio.wait(self._following, timeout=LAST_WORDS_SECONDS)
        for following in self._following:
            following.cancel()


def _no_pace() -> dict[str, Any]:
    return {"rate": None, "average": None, "seconds_left": None, "waits_for": None, "problems": [], "chart": []}


def _pace(live: Live) -> dict[str, Any]:
    """Bytes a second just now and since the beginning, seconds left where they can be told, and what it waits for."""
    counts, samples = live.watch.counts, list(live.samples)
    passed = max(time.monotonic() - live.watch.began, 0.001)
    recent = samples[-RATE_SAMPLES:]
    rate = 0.0
    if len(recent) > 1 and recent[-1][0] > recent[0][0]:
        rate = (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])
    average = counts.sent_bytes / passed
    left = None
    if counts.source_complete and rate > 0 and counts.successful_bytes and passed > TELL_SECONDS:
        left = max(0, counts.planned_bytes - counts.successful_bytes) / max(rate, average)
    return {
        "rate": rate,
        "average": average,
        "seconds_left": left,
        "waits_for": live.watch.waits_for(),
        "problems": list(live.problems),
        "chart": _chart(samples),
    }


def _chart(samples: list[tuple[float, int, int]], most: int = 60) -> list[dict[str, float]]:
    """Bytes a second over the time that is known, in at most so many steps."""
    step = max(1, len(samples) // most)
    kept = samples[::step]
    return [
        {"seconds": after[0], "rate": (after[1] - before[1]) / max(after[0] - before[0], 0.001)}
        for before, after in pairwise(kept)
    ]
