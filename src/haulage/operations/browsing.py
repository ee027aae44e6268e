"""Looking into an account: where its locations may begin, and what a folder holds."""

from typing import Any

import msgspec

from haulage.engine.counts import Watch
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, Refused
from haulage.model.item import Item
from haulage.model.location import parse
from haulage.operations import accounts, connectors
from haulage.operations.locations import Given, lost_at, open_drive
from haulage.services.authorisation import ListsRoots

MOST_ITEMS = 1000


class Browsed(msgspec.Struct, frozen=True):
    """What is at a place. roots: names of buckets, users, ... above any folder; more: not everything is told."""

    roots: list[str]
    items: list[Item]
    more: bool = False


async def browse(ledger: Ledger, text: str, most: int = MOST_ITEMS) -> Browsed:
    """The first items of a folder, or what there is to choose from above all folders. Moves no data, counts as none.

    Raises Refused, NeedsReauthorisation, Unreachable, Gone, RootGone.
    """
    location = parse(text)
    given = Given(text, "source")
    try:
        if location.connector is not None and not location.root:
            roots = await _roots(ledger, location.connector)
            if roots is not None:
                return Browsed(roots[:most], [], len(roots) > most)
        return await _folder(ledger, given, most)
    except AuthLost as error:
        raise lost_at(ledger, (given,), error) from error


async def _roots(ledger: Ledger, name: str) -> list[str] | None:
    row, chosen, settings = connectors.loaded(ledger, name)
    pacer = accounts.quiet_pacer(chosen)
    if chosen.authorisation is not None:
        account = accounts.open_account(ledger, row, settings, pacer)
        try:
            if isinstance(account, ListsRoots):
                return [one.path for one in await account.roots()]
        finally:
            await account.close()
    elif chosen.roots is not None and not chosen.whole_root:
        return list(await chosen.roots(settings, pacer))
    return None


async def _folder(ledger: Ledger, given: Given, most: int) -> Browsed:
    drive = await open_drive(ledger, given, Watch())
    try:
        items: list[Item] = []
        cursor: str | None = None
        while len(items) <= most:
            page = await drive.page("", cursor)
            items += page.items
            cursor = page.cursor
            if cursor is None:
                break
        return Browsed([], items[:most], cursor is not None or len(items) > most)
    finally:
        await drive.close()


def told(found: Browsed) -> dict[str, Any]:
    """As a document."""
    items = [
        {"path": one.path, "kind": one.kind.value, "bytes": one.size, "modified_us": one.modified_us}
        for one in found.items
    ]
    return {"roots": found.roots, "items": items, "more": found.more}


def checked_count(most: int) -> int:
    """How many may be asked for. Raises Refused."""
    if not 1 <= most <= MOST_ITEMS:
        raise Refused(f"{most} items cannot be shown at once", f"Choose between 1 and {MOST_ITEMS:,}.")
    return most
