"""Verify: both sides are listed anew and compared, item by item. Nothing is written on either side.

The destination's listing goes into the ledger first; then the source's streams past it, a page at a time. What the
two listings prove is settled at once; the rest is asked or read, several items at a time.
"""

import asyncio
from functools import partial

import msgspec

from haulage.engine import compare
from haulage.engine.compare import Pair
from haulage.engine.context import Context, Options
from haulage.engine.counts import Watch
from haulage.engine.ending import ended, to_its_end
from haulage.engine.examine import Examiner, VerifyCounts
from haulage.engine.leaving import carried_with, copied_at
from haulage.engine.listing import holdable, pages
from haulage.ledger import checks
from haulage.ledger import runs as run_rows
from haulage.ledger.at_destination import as_given
from haulage.ledger.carriers import copied_at_other_places, copied_elsewhere
from haulage.ledger.checks import Place
from haulage.ledger.items import Known, Marks
from haulage.ledger.runs import RunRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model import naming
from haulage.model.errors import Gone, HaulageError, NameRefused, RootGone
from haulage.model.item import Item, Kind, Page, beside_file, what_it_is
from haulage.model.outcome import Outcome, OutcomeKind, Side, Status
from haulage.services.contract import Drive

BEAT_SECONDS = 5.0
FLUSH_ITEMS = 500
SMALL_ITEM_BYTES = 64 * 1024


async def run_verify(
    ledger: Ledger, run: RunRow, source: Drive, target: Drive, options: Options, watch: Watch, *, deep: bool
) -> tuple[Status, HaulageError | None]:
    """Compare both sides, and end the run in the ledger. Returns and raises what `engine.ending.ended` does.

    deep: every file is read on both sides. Every item of the source's listing gets exactly one outcome.
    """
    watch.counts = counts = VerifyCounts()
    context = Context(ledger, run, source, target, options, watch, Marks(0))
    return await ended(_run(context, counts, deep), partial(_end, context), watch.pauses)


async def _run(context: Context, counts: VerifyCounts, deep: bool) -> Status:
    verifier = Verifier(context, counts, deep)
    try:
        await verifier.run()
    finally:
        await to_its_end(verifier.flush())
    if counts.settled() != counts.listed:
        raise RuntimeError(f"{counts.listed} items were listed, {counts.settled()} have an outcome")
    if not (counts.source_complete and counts.target_complete):
        return Status.LISTING_INCOMPLETE
    if counts.failed or counts.changed_at_source:
        sides = context.watch.sides
        if Side.SOURCE in sides:
            return Status.SOME_ERRORS_BOTH if Side.DESTINATION in sides else Status.SOME_DOWNLOAD_ERRORS
        return Status.SOME_UPLOAD_ERRORS
    return Status.UNSUPPORTED_ITEMS if counts.unsupported else Status.SUCCESS


async def _end(context: Context, status: Status, message: str | None) -> None:
    _note_calls(context)
    await context.ledger.run(run_rows.finish, context.run.id, status, context.counts.as_json(), message)


def _note_calls(context: Context) -> None:
    context.counts.source_calls = dict(context.source.calls)
    context.counts.target_calls = dict(context.target.calls)


class Decided(msgspec.Struct):
    """What became of a page of the source: outcomes that stand, and pairs of which more has to be found out."""

    outcomes: list[Outcome] = []
    pairs: list[Pair] = []
    listed: int = 0
    listed_bytes: int = 0


class Verifier:
    """One verification."""

    def __init__(self, context: Context, counts: VerifyCounts, deep: bool) -> None:
        self._context = context
        self._counts = counts
        self._deep = deep
        self._examiner = Examiner(context, counts, deep)
        self._rules = context.target.traits.names
        self._now_us = now_us()
        self._copies: list[int] = []
        self._refuted: set[int] = set()
        self._number = 0
        self._waiting: list[Outcome] = []
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """List both sides and compare."""
        context = self._context
        self._copies = await context.ledger.run(checks.copies, context.run.transfer_id)
        self._refuted = await context.ledger.run(checks.refuted, context.run.transfer_id, self._copies)
        async with asyncio.TaskGroup() as around:
            beat = around.create_task(self._beat())
            await self._list_target()
            await self._compare_source()
            await self._unlisted_folders()
            await self._extras()
            beat.cancel()

    async def _beat(self) -> None:
        """Show that the run lives, keep what was found out, and notice early when it was taken over."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            _note_calls(self._context)
            await self.flush()

    async def flush(self) -> None:
        """Record the outcomes that wait. Raises LeaseLost, DiskFull, LedgerUnusable."""
        async with self._writing:
            waiting, self._waiting = self._waiting, []
            context = self._context
            await context.ledger.run(checks.record, context.run.id, waiting, self._counts.as_json())

    async def _settle(self, outcome: Outcome) -> None:
        self._context.watch.outcome(outcome)
        self._waiting.append(outcome)
        if len(self._waiting) >= FLUSH_ITEMS:
            await self.flush()

    async def _list_target(self) -> None:
        context, listing = self._context, self._context.target_listing
        run, fold = context.run, naming.folding(self._rules)

        def note(connection: Connection, page: Page) -> None:
            checks.note(connection, run.id, as_given(connection, run.transfer_id, page.items, fold))

        async for page in pages(context.target, listing):
            await context.ledger.run(note, page)
        self._counts.target_complete = listing.complete
        self._counts.incomplete += [f"destination: {why}" for why in listing.why_incomplete]

    async def _compare_source(self) -> None:
        context, listing, counts = self._context, self._context.source_listing, self._counts
        async with asyncio.TaskGroup() as examinations:
            async for page in pages(context.source, listing):
                decided = await context.ledger.run(self._decide, page)
                counts.folders_listed = listing.folders
                counts.listed += decided.listed
                counts.listed_bytes += decided.listed_bytes
                for outcome in decided.outcomes:
                    await self._settle(outcome)
                for pair in decided.pairs:
                    await context.concurrency.acquire()
                    examinations.create_task(self._examine(pair))
        if not counts.listed and context.options.source_must_hold:
            raise RootGone(f"nothing lies below {context.run.source}", "Check the spelling of the source's path.")
        counts.source_complete = listing.complete
        counts.incomplete += [f"source: {why}" for why in listing.why_incomplete]

    def _decide(self, connection: Connection, page: Page) -> Decided:
        """In the ledger's thread: what both listings say of a page of the source."""
        context, run = self._context, self._context.run
        page = self._apart(connection, page)
        of_paths = checks.known_at(connection, run.transfer_id, [item.path for item in page.items])
        known = {(one.path, one.kind): one for one in of_paths.values()}
        uncopied = [one.id for one in of_paths.values() if one.done_target_revision is None]
        carried = self._carried(connection, uncopied) if context.source.traits.shared_ids else {}
        aims = [self._aim(item, known.get((item.path, item.kind))) for item in page.items]
        names = [aim or item.path for item, aim in zip(page.items, aims, strict=True)]
        keys = [checks.key(name, kind) for name in names for kind in (Kind.FILE, Kind.FOLDER)]
        places = checks.places(connection, run.id, keys)
        held = {(item.path, item.kind) for item in holdable(page, context.source, context.target)}
        decided, claims = Decided(), dict[str, str]()
        for item, aim in zip(page.items, aims, strict=True):
            key = checks.key(aim or item.path, item.kind)
            place = places.get(key, Place())
            if (item.path, item.kind) not in held:
                if place.there is not None:
                    claims[key] = item.path  # its folder is there, marked: no item here, but not an extra one either
            elif item.path not in (place.claimed, claims.get(key)):  # else it was listed twice, and counted then
                holder = claims.setdefault(key, place.claimed or item.path)
                there = place.there or self._other_kind(item, aim or item.path, places)
                pair = self._pair(item, aim or item.path, there, known.get((item.path, item.kind)), decided)
                if pair.known is not None and (other := carried.get(pair.known.id)) is not None:
                    decided.outcomes.append(compare.explained(pair, OutcomeKind.SKIPPED, *other))
                else:
                    self._sort(pair, self._refusal(pair, aim, holder), decided)
        checks.claim(connection, run.id, claims)
        self._prove(connection, decided)
        return decided

    def _apart(self, connection: Connection, page: Page) -> Page:
        """Markers of folders that have the name of a file are what `beside_file` says, unless both sides hold them."""
        folders = [item.path for item in page.items if item.kind == Kind.FOLDER]
        if not folders or self._context.source.traits.folders == "real":
            return page
        run_id = self._context.run.id
        keys = [checks.key(path, kind) for path in folders for kind in (Kind.FILE, Kind.FOLDER)]
        places = checks.places(connection, run_id, keys)
        files = {item.path for item in page.items if item.kind == Kind.FILE}
        files |= {path for path in folders if places.get(checks.key(path, Kind.FILE), Place()).claimed == path}
        alone = {path for path in folders if places.get(checks.key(path, Kind.FOLDER), Place()).there is None}
        items = [
            beside_file(item) if item.kind == Kind.FOLDER and item.path in files & alone else item
            for item in page.items
        ]
        return msgspec.structs.replace(page, items=items)

    def _carried(self, connection: Connection, ids: list[int]) -> dict[int, tuple[str, str, str]]:
        """What of these was copied as another item: code, message and fix."""
        others = copied_elsewhere(connection, self._context.run.transfer_id, ids)
        places = copied_at_other_places(connection, ids)
        told = {item_id: copied_at(place) for item_id, place in places.items()}
        return told | {item_id: carried_with(other) for item_id, other in others.items()}

    def _pair(self, item: Item, target: str, there: Item | None, known: Known | None, decided: Decided) -> Pair:
        """A listed item gets its number, and counts."""
        self._number += 1
        decided.listed += 1
        decided.listed_bytes += item.size or 0
        return Pair(self._number, item, target, there, known)

    def _other_kind(self, item: Item, target: str, places: dict[str, Place]) -> Item | None:
        """A folder where a file should be, or the other way round, where the destination cannot have both."""
        if not self._context.real_folders:
            return None
        other = Kind.FILE if item.kind == Kind.FOLDER else Kind.FOLDER
        return places.get(checks.key(target, other), Place()).there

    def _refusal(self, pair: Pair, aim: str | None, holder: str) -> Outcome | None:
        """The outcome of an item that has no place at the destination. holder: the source item that has its key."""
        if aim is None:
            what = "the destination takes no such name"
            return compare.failed(pair, NameRefused.code, what, NameRefused.default_fix)
        return None if holder == pair.item.path else compare.place_taken(pair, holder)

    def _aim(self, item: Item, known: Known | None) -> str | None:
        """The item's path at the destination; None where no name can be fitted. Without a copy, its first choice."""
        if known is not None and known.target is not None:
            return known.target
        if known is not None and known.done_target_revision is not None:
            return known.path
        try:
            return naming.fit(item.path, self._rules, folder=item.kind == Kind.FOLDER).path
        except NameRefused:
            return None

    def _sort(self, pair: Pair, refusal: Outcome | None, decided: Decided) -> None:
        """Into `decided`: an outcome where one stands already, else the pair. refusal: it can have no place."""
        item, context = pair.item, self._context
        if (rule := context.options.filters.refuses(item, self._now_us)) is not None:
            fix = "Change the filters to compare it."
            decided.outcomes.append(compare.explained(pair, OutcomeKind.SKIPPED, "filter", rule, fix))
        elif item.kind == Kind.OTHER:
            message, fix = what_it_is(item.note)
            decided.outcomes.append(compare.explained(pair, OutcomeKind.UNSUPPORTED, "not_a_file", message, fix))
        elif refusal is not None:
            decided.outcomes.append(refusal)
        elif pair.there is None and item.kind == Kind.FOLDER and not context.target_listing.complete:
            message = "the destination could not be listed whole, and this folder was not in what was listed"
            decided.outcomes.append(compare.failed(pair, "not_listed", message, "Run haulage verify again."))
        elif pair.there is None and context.target_listing.complete and (item.kind == Kind.FOLDER or not pair.copied):
            decided.outcomes.append(compare.missing(pair))
        else:
            decided.pairs.append(pair)

    def _prove(self, connection: Connection, decided: Decided) -> None:
        """Settle what the listings settle, with what the ledger recorded when the items were copied."""
        pairs, decided.pairs = decided.pairs, []
        ids = [pair.known.id for pair in pairs if pair.known is not None and self._needs_proof(pair)]
        ids = [one for one in ids if self._deep or one not in self._refuted]
        proofs = checks.proofs(connection, self._copies, ids) if ids else {}
        for pair in pairs:
            if pair.known is not None and pair.known.id in proofs:
                pair = msgspec.structs.replace(pair, proof=proofs[pair.known.id])
            verdict = compare.judge(pair, deep=self._deep)
            if verdict is None:
                decided.pairs.append(pair)
            else:
                decided.outcomes.append(verdict)

    def _needs_proof(self, pair: Pair) -> bool:
        if not pair.copied or pair.item.kind != Kind.FILE:
            return False
        return self._deep or pair.there is None or not compare.in_common(pair.item, pair.there)

    async def _examine(self, pair: Pair) -> None:
        began_us = now_us()
        try:
            outcome = await self._examiner.outcome(pair)
        finally:
            self._context.concurrency.release(1 + (pair.item.size or 0) / SMALL_ITEM_BYTES)
        await self._settle(msgspec.structs.replace(outcome, evidence={**outcome.evidence, "began_us": began_us}))

    async def _unlisted_folders(self) -> None:
        """Folders whose listing failed after they had been compared as items, or that were none: they have failed."""
        context, counts = self._context, self._counts
        errors = context.source_listing.folder_errors
        if not errors:
            return
        await self.flush()
        recorded = await context.ledger.run(checks.outcomes_at, context.run.id, [*errors])
        for path, error in errors.items():
            number, before = recorded.get(path, (0, None))
            if before == OutcomeKind.VERIFIED:
                await context.ledger.run(checks.withdraw, context.run.id, [number])
                counts.successful -= 1
            elif before is not None:
                continue
            else:
                self._number = number = self._number + 1
                counts.listed += 1
            kind = OutcomeKind.GONE_AT_SOURCE if isinstance(error, Gone) else OutcomeKind.FAILED
            error.side = Side.SOURCE
            await self._settle(compare.not_checked(Pair(number, Item(path, Kind.FOLDER), path), error, kind))

    async def _extras(self) -> None:
        """What only the destination has is listed and counted. Of an incomplete listing nothing follows."""
        context, counts = self._context, self._counts
        after: str | None = ""
        while context.source_listing.complete and after is not None:
            extras, after = await context.ledger.run(checks.unclaimed, context.run.id, after)
            outcomes = []
            for item in extras:
                self._number += 1
                outcomes.append(compare.only_there(self._number, item))
                counts.extra += 1
                counts.extra_bytes += item.size or 0
            await context.ledger.run(checks.record, context.run.id, outcomes, counts.as_json(), listed=False)
