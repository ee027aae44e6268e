"""How many calls a copy needs where a service takes few, and how long that will be: told before it starts."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import msgspec

from haulage.engine.counts import Watch
from haulage.ledger import runs as run_rows
from haulage.ledger.migration_rows import TransferRow
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, HaulageError, RootGone
from haulage.model.outcome import Side
from haulage.operations.locations import Given, lost_at, open_drive
from haulage.services.contract import Budget, Drive, TellsBudget, TellsTotals
from haulage.services.registry import service

DAY_SECONDS = 86_400


class Estimate(msgspec.Struct, frozen=True):
    """What a copy will need of a budget.

    calls_per_item: at most, of a file in one piece. items: at the source; None where nobody knows before it is listed,
    and then calls and seconds are unknown too.
    """

    side: Side
    title: str
    calls_a_second: float
    calls_a_day: int
    used: int
    more: str
    calls_per_item: int
    items: int | None = None
    calls: int | None = None
    seconds: int | None = None


def estimate(side: Side, title: str, budget: Budget, calls_per_item: int, items: int | None, now: float) -> Estimate:
    """What so many items need. now: seconds of UTC, since the day's calls are whole again at midnight."""
    facts = msgspec.structs.asdict(budget)
    if items is None:
        return Estimate(side, title, calls_per_item=calls_per_item, **facts)
    calls = items * calls_per_item
    today = max(0, budget.calls_a_day - budget.used)
    if calls <= today:
        seconds = calls / budget.calls_a_second
    else:
        days, rest = divmod(calls - today, max(1, budget.calls_a_day))
        seconds = DAY_SECONDS - now % DAY_SECONDS + days * DAY_SECONDS + rest / budget.calls_a_second
    return Estimate(side, title, calls_per_item=calls_per_item, items=items, calls=calls, seconds=int(seconds), **facts)


def words(told: Estimate) -> list[str]:
    """The same in sentences."""
    used = f", {told.used:,} of them used today" if told.used else ""
    each = "1 call" if told.calls_per_item == 1 else f"up to {told.calls_per_item} calls"
    most = told.calls_a_day // told.calls_per_item
    lines = [
        f"{told.title} takes {told.calls_a_second:g} calls a second and {told.calls_a_day:,} a day{used}. "
        f"An item takes {each}: at most {most:,} items a day."
    ]
    if told.items is None or told.seconds is None:
        lines.append("How long that will be is told once the source was listed: `haulage scan` does nothing else.")
    else:
        lines.append(f"{told.items:,} items need about {told.calls:,} calls: {duration(told.seconds)}.")
    return [*lines, told.more]


def duration(seconds: int) -> str:
    """About so long, in words."""
    if seconds >= 2 * DAY_SECONDS:
        return f"about {-(-seconds // DAY_SECONDS):,} days"
    if seconds >= 5_400:
        return f"about {-(-seconds // 3_600)} hours"
    return f"about {max(1, -(-seconds // 60))} minutes"


def stated(services: Iterable[str]) -> list[str]:
    """What those of these services state that take so few calls a day that they decide how long a copy takes."""
    quotas = [found.quotas for one in dict.fromkeys(services) if (found := service(one).traits) is not None]
    calls = [[one for one in some if one.of == "items"] for some in quotas]
    return [f"{one.words}." for some in calls if any(of.seconds >= DAY_SECONDS for of in some) for one in some]


async def tell(ledger: Ledger, watch: Watch, source: Drive, target: Drive) -> None:
    """Tell of the budget of each side that has one, and what it means for the items of the source."""
    sides = _sides(source, target)
    items = await _items(ledger, source) if sides else None
    for one in _estimates(sides, items):
        watch.tell("budget", **msgspec.to_builtins(one))


async def before(ledger: Ledger, source: Given, destination: Given) -> list[Estimate]:
    """The same, asked before anything is started. Raises what `open_drive` does, and what an account answers."""
    try:
        async with _opened(ledger, source, destination) as (first, second):
            sides = _sides(first, second)
            for _, drive in sides:
                with suppress(RootGone):  # the answer tells how much of the day is used, whatever else it says
                    await drive.check(write=False, create=False)
            return list(_estimates(sides, await _items(ledger, first) if sides else None))
    except AuthLost as error:
        raise lost_at(ledger, (source, destination), error) from error


async def of_rows(ledger: Ledger, source: Given, destination: Given, rows: Iterable[TransferRow]) -> list[Estimate]:
    """The same of users of a migration, by what was listed of them; makes no call. The places: those of one of them."""
    items: int | None = 0
    for row in rows:
        listed = max((one.counts.get("listed", 0) for one in (row.scan, row.run) if one is not None), default=0)
        items = items + listed if items is not None and listed else None
    async with _opened(ledger, source, destination) as (first, second):
        return list(_estimates(_sides(first, second), items))


@asynccontextmanager
async def _opened(ledger: Ledger, source: Given, destination: Given) -> AsyncIterator[tuple[Drive, Drive]]:
    async with AsyncExitStack() as stack:
        first = await open_drive(ledger, source, None)
        stack.push_async_callback(first.close)
        second = await open_drive(ledger, destination, None)
        stack.push_async_callback(second.close)
        yield first, second


def _sides(source: Drive, target: Drive) -> list[tuple[Side, Drive]]:
    """The sides that have a budget."""
    sides = [(Side.SOURCE, source), (Side.DESTINATION, target)]
    return [(side, drive) for side, drive in sides if isinstance(drive, TellsBudget)]


def _estimates(sides: list[tuple[Side, Drive]], items: int | None) -> Iterable[Estimate]:
    for side, drive in sides:
        if isinstance(drive, TellsBudget):
            each = drive.traits.read_calls if side == Side.SOURCE else drive.traits.put_calls
            title = drive.identity.partition(":")[0].capitalize()
            yield estimate(side, title, drive.budget(), each, items, time.time())


async def _items(ledger: Ledger, source: Drive) -> int | None:
    """How many there are: as the source tells, if it does, else as it was listed the last time."""
    if isinstance(source, TellsTotals):
        try:
            return await source.totals()
        except HaulageError as error:  # a count that is refused is no reason not to copy
            if not error.item_only:
                raise
    return await ledger.run(run_rows.last_listed, source.identity)
