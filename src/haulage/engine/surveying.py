"""A scan of one location: it is listed, and every item is judged. Nothing is read or written there."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from haulage.engine.counts import Counts, Watch
from haulage.engine.ending import ended
from haulage.engine.listing import Listing, pages
from haulage.engine.survey import Survey, ancestors
from haulage.ledger import checks, surveyed
from haulage.ledger import runs as run_rows
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model import naming
from haulage.model.errors import Blocked, HaulageError, RootGone
from haulage.model.filters import Filters
from haulage.model.item import Item, Kind, what_it_is
from haulage.model.outcome import Outcome, OutcomeKind, Side, Status
from haulage.services.contract import Drive, Traits

BEAT_SECONDS = 5.0
TO_THE_END = (Status.SUCCESS, Status.UNSUPPORTED_ITEMS, Status.LISTING_INCOMPLETE)
"""How a scan ends that has listed all that it could."""


class SurveyCounts(Counts):
    """Counters of a scan: `listed`, and of those `skipped`, `unsupported` and `failed`; `survey` once it has ended."""

    survey: dict[str, Any] = msgspec.field(default_factory=dict)


async def run_survey(
    ledger: Ledger,
    run: RunRow,
    drive: Drive,
    filters: Filters,
    destinations: Mapping[str, Traits],
    watch: Watch,
    *,
    must_hold: bool = False,
    keep: bool = False,
) -> tuple[Status, HaulageError | None]:
    """List the drive, judge, and end the run in the ledger. Returns and raises what `engine.ending.ended` does.

    must_hold: that nothing is there is a mistake (a misspelt prefix), and ends the run. keep: what was listed stays in
    the ledger, for reports, until the next such scan of the same location.

    Items that cannot be copied have an outcome; of the others the run keeps numbers and short lists alone.
    """
    watch.counts = counts = SurveyCounts()
    surveyor = Surveyor(ledger, run, drive, filters, Survey(destinations), watch, counts, keep=keep)
    return await ended(surveyor.run(must_hold), surveyor.end)


class Surveyor:
    """One scan."""

    def __init__(
        self,
        ledger: Ledger,
        run: RunRow,
        drive: Drive,
        filters: Filters,
        survey: Survey,
        watch: Watch,
        counts: SurveyCounts,
        *,
        keep: bool = False,
    ) -> None:
        self._ledger = ledger
        self._run = run
        self._drive = drive
        self._filters = filters
        self._survey = survey
        self._watch = watch
        self._counts = counts
        self._keep = keep
        self._listing = Listing()
        self._number = 0
        self._now_us = now_us()

    async def run(self, must_hold: bool) -> Status:
        """List and judge. Returns the run's status. Raises RootGone where nothing is and something must be."""
        async with asyncio.TaskGroup() as around:
            beat = around.create_task(self._beat())
            await self._list()
            beat.cancel()
        counts = self._counts
        if must_hold and not counts.listed:
            raise RootGone(f"nothing lies below {self._run.source}", "Check the spelling of the path.")
        if not counts.source_complete:
            return Status.LISTING_INCOMPLETE
        return Status.UNSUPPORTED_ITEMS if counts.unsupported else Status.SUCCESS

    async def end(self, status: Status, message: str | None) -> None:
        """Note the survey, as far as it came, and the end."""
        survey, counts = self._survey, self._counts
        survey.folders, survey.empty_folders = await self._ledger.run(surveyed.count_folders, self._run.id)
        counts.survey = survey.document()
        counts.source_calls = dict(self._drive.calls)
        await self._ledger.run(self._finish, status, message)

    def _finish(self, connection: Connection, status: Status, message: str | None) -> None:
        """In the ledger's thread. Of a scan that did not come to its end, nothing is kept."""
        run = self._run
        run_rows.finish(connection, run.id, status, self._counts.as_json(), message)
        surveyed.settle(connection, run.id, run.transfer_id, keep=self._keep and status in TO_THE_END)

    async def _beat(self) -> None:
        """Show that the run lives, and notice early when it was taken over."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self._ledger.run(run_rows.beat, self._run.id, self._counts.as_json())

    async def _list(self) -> None:
        listing, counts = self._listing, self._counts
        async for page in pages(self._drive, listing):
            counts.folders_listed = listing.folders
            await self._take(page.items)
        await self._unlisted()
        counts.source_complete = counts.target_complete = listing.complete
        counts.incomplete += listing.why_incomplete

    async def _take(self, items: list[Item]) -> None:
        """Judge a page's items, and keep what is only known when everything is listed."""
        taken = []
        skipped = 0
        for item in items:
            if self._filters.refuses(item, self._now_us) is not None:
                skipped += 1
            else:
                taken.append((naming.fold(item.path, naming.STRICTEST), item))
        holders, outcomes = await self._ledger.run(self._judge, taken)
        fresh = 0
        for (_, item), holder in zip(taken, holders, strict=True):
            if holder is not None and holder.path == item.path and holder.kind == item.kind:
                continue  # listed twice
            fresh += 1
            self._counts.listed_bytes += item.size or 0
            if holder is not None:
                self._survey.duplicates.put(path=item.path, other=holder.path)
            if uncopyable(item) is None:
                self._survey.put(item)
        self._counts.listed += fresh + skipped
        self._counts.skipped += skipped
        for outcome in outcomes:
            self._survey.uncopyable.put(path=outcome.path, code=outcome.code, why=outcome.message)
            self._watch.outcome(outcome)

    def _judge(
        self, connection: Connection, taken: list[tuple[str, Item]]
    ) -> tuple[list[surveyed.Holder | None], list[Outcome]]:
        """In the ledger's thread: who had these names before, and the outcomes of what cannot be copied."""
        run_id = self._run.id
        holders = surveyed.name_holders(connection, run_id, taken)
        folders = [item.path for _, item in taken if item.kind == Kind.FOLDER]
        surveyed.note_folders(connection, run_id, folders, ancestors([item.path for _, item in taken]))
        outcomes = []
        for (_, item), holder in zip(taken, holders, strict=True):
            if holder is not None and (holder.path, holder.kind) == (item.path, item.kind):
                continue
            if (why := uncopyable(item)) is not None:
                self._number += 1
                outcomes.append(_outcome(self._number, item, OutcomeKind.UNSUPPORTED, *why))
        if outcomes:
            checks.record(connection, run_id, outcomes, self._counts.as_json())
        return holders, outcomes

    async def _unlisted(self) -> None:
        """Folders that could not be listed: their content is in no number."""
        outcomes = []
        for path, error in self._listing.folder_errors.items():
            self._number += 1
            self._survey.unlisted_folders.put(path=path, code=error.code, why=error.message)
            told = error.code, error.message, error.fix
            outcomes.append(_outcome(self._number, Item(path, Kind.FOLDER), OutcomeKind.FAILED, *told))
            self._watch.outcome(outcomes[-1])
        filled = [*self._listing.folder_errors]
        await self._ledger.run(surveyed.note_folders, self._run.id, [], filled)
        await self._ledger.run(checks.record, self._run.id, outcomes, self._counts.as_json())


def uncopyable(item: Item) -> tuple[str, str, str] | None:
    """Why an item cannot be copied: code, message, what to do; None if it can."""
    if item.kind == Kind.OTHER:
        return "not_a_file", *what_it_is(item.note)
    if item.kind == Kind.FILE and item.note is not None:
        return Blocked.code, item.note, Blocked.default_fix
    return None


def _outcome(number: int, item: Item, kind: OutcomeKind, code: str, message: str, fix: str) -> Outcome:
    return Outcome(number, item.path, kind, item.size or 0, code, message, fix, Side.SOURCE)
