"""Whether what this run has found or put at the destination is still there, where a folder was taken away meanwhile."""

from contextlib import aclosing

from haulage.engine.context import Context
from haulage.engine.listing import Listing, below
from haulage.engine.sides import at_target
from haulage.ledger import at_destination
from haulage.ledger.store import Connection
from haulage.model import naming
from haulage.model.item import Page
from haulage.services.contract import NoticesLoss


async def look_again(context: Context) -> None:
    """Tell what went with such folders: the run is no success then, and the next one copies it again (F34)."""
    if isinstance(context.target, NoticesLoss):
        for folder in sorted(context.target.taken):
            if lacking := await at_target(_lacking(context, folder)):
                context.counts.target_complete = False
                context.counts.incomplete.append(
                    f"destination: {folder!r} was taken away while the run went on, with {lacking:,} items that had "
                    "been brought there; the next run copies them again"
                )


async def _lacking(context: Context, folder: str) -> int:
    """How many items of ours a folder does not hold any more."""
    fold, found, transfer = naming.folding(context.target.traits.names), set[str](), context.run.transfer_id

    def note(connection: Connection, page: Page) -> None:
        found.update(one.path for one in at_destination.as_given(connection, transfer, page.items, fold))

    async with aclosing(below(context.target, Listing(), folder)) as source:
        async for page in source:
            await context.ledger.run(note, page)
    return len(await context.ledger.run(at_destination.left_below, transfer, folder) - found)
