"""Listings that a service does not bring to their end."""

import msgspec
import pytest

from haulage.engine.listing import Listing, pages
from haulage.model.item import Item, Kind, Page
from haulage.services.contract import Traits
from tests.unit.engine.drives import TRAITS


class Circling:
    """Lists folder by folder. follows: the cursor after each."""

    traits: Traits = msgspec.structs.replace(TRAITS, folders="real")

    def __init__(self, follows: dict[str | None, str | None]) -> None:
        self.follows = follows
        self.asked = 0

    async def page(self, folder: str, cursor: str | None) -> Page:
        """A file and, in the root, a folder."""
        self.asked += 1
        assert self.asked < 100, "it never ends"
        inside = [Item("in", Kind.FOLDER)] if folder == "" and cursor is None else []
        return Page([Item(f"{folder}/{self.asked}", Kind.FILE, 1), *inside], self.follows[cursor])


@pytest.mark.parametrize("length", [1, 2, 5])
async def test_a_circle_is_noticed_however_long_it_is(length: int) -> None:
    """T31: by the first page that comes again; of every folder."""
    names = [str(number) for number in range(length)]
    follows: dict[str | None, str | None] = {None: "0"}
    follows.update({one: names[(at + 1) % length] for at, one in enumerate(names)})
    drive, listing = Circling(follows), Listing()
    found = [page async for page in pages(drive, listing)]  # type: ignore[arg-type] # all of a drive that is asked for
    assert (len(found), listing.complete) == (2 * (length + 1), False)
    assert sorted(listing.why_incomplete) == [
        "the listing of '' went in a circle",
        "the listing of 'in' went in a circle",
    ]


async def test_folders_have_cursors_of_their_own() -> None:
    """Many folders may name their pages alike."""
    drive, listing = Circling({None: "0", "0": "1", "1": None}), Listing()
    found = [page async for page in pages(drive, listing)]  # type: ignore[arg-type] # likewise
    assert (len(found), listing.complete) == (6, True)
