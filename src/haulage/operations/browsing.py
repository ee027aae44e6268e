"""Looking into an account: where its locations may begin, and what a folder holds."""

from collections import Counter
from typing import Any

import msgspec

from haulage.ledger import connectors as rows
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, Refused
from haulage.model.item import Item
from haulage.model.location import parse
from haulage.operations import accounts, connectors
from haulage.operations.locations import Given, lost_at, open_drive, refuse_read_only
from haulage.services.authorisation import ListsRoots, Root
from haulage.services.registry import service

MOST_ITEMS = 1000
LEAST_ITEMS = 500


class Browsed(msgspec.Struct, frozen=True):
    """What is at a place. roots: names of buckets, users, ... above any folder; more: not everything is told.

    kinds: how many roots of each kind there are (user, site, shared drive, bucket). cursor: where the service goes on.
    """

    roots: list[str]
    items: list[Item]
    more: bool = False
    kinds: dict[str, int] = {}
    cursor: str | None = None


async def browse(ledger: Ledger, text: str, most: int = MOST_ITEMS) -> Browsed:
    """The first items of a folder, or what there is to choose from above all folders. Moves no data, counts as none.

    Raises Refused, NeedsReauthorisation, Unreachable, Gone, RootGone.
    """
    location = parse(text)
    given = Given(text, "source")
    try:
        if location.connector is not None and service(ledger.read(rows.get, location.connector).service).traits is None:
            checked = await accounts.check(ledger, location.connector)
            raise Refused(f"{checked.told} Its files cannot be reached yet", "A later version of Haulage reaches them.")
        if location.connector is not None and not location.root:
            found = await roots(ledger, location.connector)
            if found is not None:
                kinds = dict(Counter(one.kind for one in found))
                return Browsed([one.path for one in found[:most]], [], len(found) > most, kinds)
        return await _folder(ledger, given, most)
    except AuthLost as error:
        raise lost_at(ledger, (given,), error) from error


async def has_roots(ledger: Ledger, name: str) -> bool:
    """Whether there is anything to choose from above a connector's folders, as far as that is known without a call."""
    row, chosen, settings = connectors.loaded(ledger, name)
    if chosen.authorisation is None:
        return chosen.roots is not None and not chosen.whole_root
    account = accounts.open_account(ledger, row, settings, accounts.quiet_pacer(chosen))
    try:
        return isinstance(account, ListsRoots)
    finally:
        await account.close()


async def roots(ledger: Ledger, name: str) -> list[Root] | None:
    """Where a connector's locations may begin: users, sites, drives, buckets. None where there is nothing to choose."""
    row, chosen, settings = connectors.loaded(ledger, name)
    pacer = accounts.quiet_pacer(chosen)
    if chosen.authorisation is not None:
        account = accounts.open_account(ledger, row, settings, pacer)
        try:
            if isinstance(account, ListsRoots):
                return await account.roots()
        finally:
            await account.close()
    elif chosen.roots is not None and not chosen.whole_root:
        return [Root(chosen.root_title, one, one) for one in await chosen.roots(settings, pacer)]
    return None


async def browse_on(ledger: Ledger, text: str, cursor: str | None, least: int = LEAST_ITEMS) -> Browsed:
    """What a folder holds, in portions of at least so many items while there are more, from a cursor on.

    cursor: as an earlier portion of the same place gave it; the service's own. Raises what `browse` does.
    """
    given = Given(text, "source")
    try:
        drive = await open_drive(ledger, given, None)
        try:
            items: list[Item] = []
            while len(items) < least:
                page = await drive.page("", cursor)
                items += page.items
                cursor = page.cursor
                if cursor is None:
                    break
            return Browsed([], items, cursor is not None, cursor=cursor)
        finally:
            await drive.close()
    except AuthLost as error:
        raise lost_at(ledger, (given,), error) from error


async def top(ledger: Ledger, text: str) -> Browsed:
    """As `browse` tells it, of a place above all folders; of a folder its first portion."""
    location = parse(text)
    if location.root:
        return await browse_on(ledger, text, None)
    found = await browse(ledger, text)
    return found if found.roots or not found.more else await browse_on(ledger, text, None)


async def _folder(ledger: Ledger, given: Given, most: int) -> Browsed:
    drive = await open_drive(ledger, given, None)
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


async def create_folder(ledger: Ledger, text: str, name: str) -> None:
    """Make a folder in a place. Raises Refused, NameRefused, AuthLost, Unreachable."""
    location = parse(text)
    if not name.strip() or "/" in name or name in (".", ".."):
        raise Refused("that cannot be a folder's name", "A name has no '/' in it.")
    given = Given(text, "destination")
    refuse_read_only(ledger, given)
    if location.connector is not None and not location.root and await roots(ledger, location.connector) is not None:
        raise Refused("nothing can be made at the top", "Make it at the service, or open one of the places first.")
    try:
        drive = await open_drive(ledger, given, None)
        try:
            await drive.create_folder(name)
        finally:
            await drive.close()
    except AuthLost as error:
        raise lost_at(ledger, (given,), error) from error


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
