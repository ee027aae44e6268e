"""Scan: both sides are listed into the ledger, at the same time."""

from functools import partial

from haulage.engine.context import Context
from haulage.engine.listing import holdable, pages
from haulage.ledger import at_destination
from haulage.ledger import items as item_rows
from haulage.ledger import runs as run_rows
from haulage.ledger.items import Merged
from haulage.ledger.store import Connection
from haulage.model import naming
from haulage.model.errors import Gone, HaulageError, RootGone
from haulage.model.item import Item, Kind, Page
from haulage.model.outcome import Side
from haulage.services.contract import Drive, MakesItsRoot, TellsChanges


async def scan_source(context: Context) -> None:
    """List the source into the ledger, page by page; every page wakes the planner."""
    listing, counts = context.source_listing, context.counts
    if await _quiet(context, context.source, Side.SOURCE):
        await _replay(context)
    else:
        async for page in pages(context.source, listing):
            await _merge(context, holdable(page, context.source, context.target))
            counts.folders_listed = listing.folders
    if not counts.listed and context.options.source_must_hold:
        raise RootGone(f"nothing lies below {context.run.source}", "Check the spelling of the source's path.")
    unlisted = [Item(path, Kind.FOLDER) for path in listing.folder_errors]
    if unlisted:
        await _merge(context, unlisted)
    counts.source_complete = listing.complete
    counts.incomplete += [f"source: {why}" for why in listing.why_incomplete]
    context.source_scanned.set()
    context.more_scanned.set()


async def _merge(context: Context, items: list[Item]) -> None:
    if not items:
        return
    ids = context.source.traits.lasting_ids
    merge = partial(item_rows.merge_source, ids=ids)
    _count(context, await context.ledger.run(merge, context.run.transfer_id, items, context.marks))


def _count(context: Context, merged: Merged) -> None:
    counts = context.counts
    counts.listed += merged.listed
    counts.listed_bytes += merged.listed_bytes
    counts.unchanged += merged.unchanged
    counts.unchanged_bytes += merged.unchanged_bytes
    context.more_scanned.set()


async def _quiet(context: Context, drive: Drive, side: Side) -> bool:
    """Whether nothing happened at that side since the ledger knew it wholly. Notes where it stands now.

    A service that cannot tell is listed: nothing rests on its answer but the saving.
    """
    if not isinstance(drive, TellsChanges):
        return False
    try:
        before = (await context.ledger.run(run_rows.positions, context.run.transfer_id))[side]
        now = await drive.quiet_since(before) if before is not None else None
        context.positions[side] = now or await drive.position()
    except HaulageError as error:
        if not error.item_only:
            raise
        return False
    return now is not None


async def _replay(context: Context) -> None:
    """What the ledger knows of the source takes the listing's place."""
    more, after = True, None
    while more:
        merged, after = await context.ledger.run(item_rows.replay_source, context.run.transfer_id, after, context.marks)
        _count(context, merged)
        more = after is not None


async def scan_target(context: Context) -> None:
    """List the destination: what is as we left it is marked, everything else is noted as found there.

    A root that was made a moment ago holds nothing. What others put there since is found when it is in the way.
    """
    listing = context.target_listing

    run, fold = context.run, naming.folding(context.target.traits.names)

    def merge(connection: Connection, page: Page) -> None:
        listed = at_destination.as_given(connection, run.transfer_id, page.items, fold)
        at_destination.merge_target(connection, run.transfer_id, run.id, listed, context.marks)

    try:
        if await _quiet(context, context.target, Side.DESTINATION):
            context.target_listed = False
            await context.ledger.run(at_destination.replay_target, context.run.transfer_id, context.marks)
        elif not (isinstance(context.target, MakesItsRoot) and context.target.root_is_new):
            async for page in pages(context.target, listing):
                if page.items:
                    await context.ledger.run(merge, page)
    except (RootGone, Gone):
        if not context.options.plan_only:
            raise  # a plan may be made for a destination that is yet to be created
    context.counts.target_complete = listing.complete
    context.counts.incomplete += [f"destination: {why}" for why in listing.why_incomplete]
    context.target_scanned.set()
