"""Examine: asks both sides of one item for more than their listings tell, and reads it where that is not enough."""

import asyncio

import msgspec

from haulage.engine import compare
from haulage.engine.compare import Pair
from haulage.engine.context import ATTEMPTS, Context
from haulage.engine.counts import Counts
from haulage.engine.ending import first_error
from haulage.engine.same import read_digests
from haulage.engine.sides import at_source, at_target
from haulage.model.errors import Changed, Gone, HaulageError
from haulage.model.item import Item
from haulage.model.outcome import Outcome, OutcomeKind, Side
from haulage.services.contract import Drive

CHUNK_BYTES = 1024 * 1024
"""No drive hands out more at once; what is read is let go chunk by chunk."""


class VerifyCounts(Counts):
    """Counters of a verification. Its `successful` are the verified ones, `weak` of them by size only.

    extra: items at the destination alone, which are no part of `listed`. by_code: items by code, where one was given.
    """

    extra: int = 0
    extra_bytes: int = 0
    read_bytes: int = 0
    by_code: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        super().add(outcome)
        if outcome.code is not None:
            self.by_code[outcome.code] = self.by_code.get(outcome.code, 0) + 1


class Examiner:
    """Examines pairs, many at once within the bounds of the context."""

    def __init__(self, context: Context, counts: VerifyCounts, deep: bool) -> None:
        self._context = context
        self._counts = counts
        self._deep = deep

    async def outcome(self, pair: Pair) -> Outcome:
        """The pair's outcome; tried again if something changed meanwhile. Raises only what concerns the whole run."""
        failure = HaulageError("not tried")
        for _ in range(ATTEMPTS):
            try:
                if isinstance(failure, Changed | Gone):
                    now = await self._source_item(pair)
                    there = await at_target(self._context.target.item(pair.target))
                    pair = msgspec.structs.replace(pair, item=now, there=there)
                return await self._attempt(pair)
            except HaulageError as error:
                if not error.item_only:
                    raise
                failure = error
                if not (error.retryable or isinstance(error, Changed | Gone)):
                    break
        if isinstance(failure, Gone) and failure.side == Side.SOURCE:
            return compare.not_checked(pair, failure, OutcomeKind.GONE_AT_SOURCE)
        if not isinstance(failure, Changed):
            return compare.not_checked(pair, failure)
        if failure.side == Side.SOURCE:
            return compare.not_checked(pair, failure, OutcomeKind.CHANGED_AT_SOURCE)
        message = "it kept changing at the destination while it was read"
        return compare.failed(pair, "changed_at_destination", message, "Verify again when nothing writes there.")

    async def _source_item(self, pair: Pair) -> Item:
        """The source's item as it is now. Raises Gone."""
        now = await at_source(self._context.source.item(pair.item.path))
        if now is None:
            gone = Gone("removed at the source while the run went on")
            gone.side = Side.SOURCE
            raise gone
        return now

    async def _attempt(self, pair: Pair) -> Outcome:
        """From what is known of both sides to their bytes."""
        if pair.there is None:
            pair = await self._with_there(pair)
            if pair.there is None:
                return compare.missing(pair)
        if (verdict := compare.judge(pair, deep=self._deep)) is not None:
            return verdict
        if self._deep and pair.there is not None:
            return await self._read_both(pair, pair.there)
        pair = await self._asked(pair)
        if pair.there is None:
            return compare.missing(pair)
        if (verdict := compare.judge(pair, deep=False)) is not None:
            return verdict
        unsized = pair.item.size is None or pair.there.size is None
        if pair.source_altered or pair.target_altered or unsized:
            return await self._read(pair, pair.there)
        return compare.weak(pair)

    async def _with_there(self, pair: Pair) -> Pair:
        return msgspec.structs.replace(pair, there=await at_target(self._context.target.item(pair.target)))

    async def _asked(self, pair: Pair) -> Pair:
        """Ask for hashes that the listings do not tell: first where none is known, and the other if it has some."""
        if pair.there is None or not pair.there.hashes:
            pair = await self._with_there(pair)
            if pair.there is not None and pair.there.hashes and not compare.in_common(pair.item, pair.there):
                pair = msgspec.structs.replace(pair, item=await self._source_item(pair))
            return pair
        pair = msgspec.structs.replace(pair, item=await self._source_item(pair))
        if pair.item.hashes and not (pair.there is not None and compare.in_common(pair.item, pair.there)):
            pair = await self._with_there(pair)
        return pair

    async def _read(self, pair: Pair, there: Item) -> Outcome:
        """Read what has to be read: one side is enough where the other tells a hash that we can compute."""
        context, item = self._context, pair.item
        if (told := compare.computable(item.hashes)) is not None:
            theirs = await self._hashed(context.target, there, told)
            how = "the destination read, against what the source tells"
            return compare.by_bytes(pair, {told: item.hashes[told]}, theirs, how)
        if (told := compare.computable(there.hashes)) is not None:
            ours = await self._hashed(context.source, item, told)
            how = "the source read, against what the destination tells"
            return compare.by_bytes(pair, ours, {told: there.hashes[told]}, how)
        return await self._read_both(pair, there)

    async def _read_both(self, pair: Pair, there: Item) -> Outcome:
        context = self._context
        try:
            async with asyncio.TaskGroup() as both:
                ours = both.create_task(self._hashed(context.source, pair.item, "sha256"))
                theirs = both.create_task(self._hashed(context.target, there, "sha256"))
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        return compare.by_bytes(pair, ours.result(), theirs.result(), "both sides read")

    async def _hashed(self, drive: Drive, item: Item, algorithm: str) -> dict[str, str]:
        """Read it from there, within the bounds of memory and bandwidth."""
        context = self._context
        at_its_side = at_source if drive is context.source else at_target
        held = min(item.size or 0, CHUNK_BYTES)
        await context.memory.take(held)
        try:
            return await at_its_side(read_digests(drive, item, {algorithm}, self._came))
        finally:
            context.memory.give(held)

    async def _came(self, count: int) -> None:
        self._counts.read_bytes += count
        await self._context.bandwidth.spend(count)
