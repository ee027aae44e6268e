"""What the stages of a run share."""

import asyncio

import msgspec

from haulage.engine.counts import Watch
from haulage.engine.governor import HIGHEST_LIMIT, Bandwidth, Concurrency, Memory, first_limit
from haulage.engine.listing import Listing
from haulage.engine.room import Room
from haulage.ledger.items import Marks
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Ledger
from haulage.model.filters import Filters
from haulage.model.outcome import Side
from haulage.services.contract import CopiesWithin, Drive, MakesFiles

MEMORY_BYTES = 48 * 1024 * 1024
UNIT_ITEMS = 500
UNIT_BYTES = 2 * 1024**3
ATTEMPTS = 3
RESERVE_NAMES = 100


class Options(msgspec.Struct, frozen=True):
    """What a person chose for a run.

    migration_id: of the migration that it is one transfer of: what several of its users see is copied with one of them.
    source_must_hold: an empty source is a mistake (a prefix below which nothing lies), and ends the run.
    plan_only: list and decide, copy nothing. accept_emptied: copy although many files became empty at the source.
    """

    filters: Filters = Filters()
    bandwidth_bytes: int | None = None
    plan_only: bool = False
    accept_emptied: bool = False
    source_must_hold: bool = False
    migration_id: int | None = None


class Context:
    """One run: its drives, its ledger, what its listings showed, and what all its copying shares.

    within: the destination, while its service copies by itself from the source.
    """

    def __init__(
        self, ledger: Ledger, run: RunRow, source: Drive, target: Drive, options: Options, watch: Watch, marks: Marks
    ) -> None:
        self.ledger = ledger
        self.run = run
        self.source = source
        self.target = target
        self.options = options
        self.watch = watch
        self.counts = watch.counts
        self.marks = marks
        self.source_listing = Listing()
        self.target_listing = Listing()
        self.positions: dict[Side, str] = {}
        self.target_listed = True  # and not taken to be as it was
        if isinstance(source, MakesFiles):
            source.leads_to(target)
        self.within = target if isinstance(target, CopiesWithin) and target.copies_from(source) else None
        self.source_scanned = asyncio.Event()
        self.target_scanned = asyncio.Event()
        self.more_scanned = asyncio.Event()
        writing = target.traits.parallel + target.traits.waiting
        highest = min(source.traits.parallel, writing, HIGHEST_LIMIT)
        self.concurrency = Concurrency(first_limit(watch.answer_seconds), highest)
        watch.on_pause.append(self.concurrency.throttled)
        self.memory = Memory(MEMORY_BYTES)
        self.bandwidth = Bandwidth(options.bandwidth_bytes)
        self.room = Room(target)
        # numbers only: where copying waits for the whole plan, all of them wait there
        self.units: asyncio.Queue[int | None] = asyncio.Queue(0 if self.room.told else 8)

    @property
    def real_folders(self) -> bool:
        """Whether folders are nodes of their own at the destination."""
        return self.target.traits.folders == "real"
