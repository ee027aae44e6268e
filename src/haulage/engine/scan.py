"""Scan: both sides are listed into the ledger, at the same time."""

from haulage.engine.context import Context
from haulage.engine.listing import holdable, pages
from haulage.ledger import items as item_rows
from haulage.model.errors import RootGone
from haulage.model.item import Item, Kind, Page


async def scan_source(context: Context) -> None:
    """List the source into the ledger, page by page; every page wakes the planner."""
    listing, counts = context.source_listing, context.counts
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
    transfer = context.run.transfer_id
    merged = await context.ledger.run(item_rows.merge_source, transfer, items, context.marks)
    counts = context.counts
    counts.listed += merged.listed
    counts.listed_bytes += merged.listed_bytes
    counts.unchanged += merged.unchanged
    counts.unchanged_bytes += merged.unchanged_bytes
    context.more_scanned.set()


async def scan_target(context: Context) -> None:
    """List the destination: what is as we left it is marked, everything else is noted as found there."""
    listing = context.target_listing

    async def merge(page: Page) -> None:
        run = context.run
        await context.ledger.run(item_rows.merge_target, run.transfer_id, run.id, page.items, context.marks)

    try:
        async for page in pages(context.target, listing):
            if page.items:
                await merge(page)
    except RootGone:
        if not context.options.plan_only:
            raise  # a plan may be made for a destination that is yet to be created
    context.counts.target_complete = listing.complete
    context.counts.incomplete += [f"destination: {why}" for why in listing.why_incomplete]
    context.target_scanned.set()
