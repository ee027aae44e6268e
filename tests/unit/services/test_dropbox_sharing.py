"""Shared folders at Dropbox that no listing of files tells of."""

from typing import Any, cast

import msgspec
import pytest

from haulage.model.item import Item, Kind, what_it_is
from haulage.services.dropbox.calls import Calls
from haulage.services.dropbox.sharing import untold

OWNED: dict[str, Any] = {"owner_display_names": ["Ada"]}
MOUNTED: dict[str, Any] = {"path_lower": "/plans"}


class Told:
    """Answers of Dropbox to calls about one shared folder, in pages of one."""

    def __init__(self, facts: dict[str, Any], access: tuple[str, ...]) -> None:
        self._facts = {"name": "Plans/old", "shared_folder_id": "7", "unknown": 1} | facts
        self._access = access

    async def ask(self, route: str, argument: dict[str, Any], kind: type[Any]) -> Any:
        if route == "sharing/list_folders":
            return msgspec.convert({"entries": [], "cursor": "next"}, kind)
        if route == "sharing/list_folders/continue":
            return msgspec.convert({"entries": [self._facts]}, kind)
        at = int(argument.get("cursor", 0))
        page: dict[str, Any] = {"users": [{"access_type": {".tag": self._access[at]}, "user": {}}], "groups": []}
        return msgspec.convert(page | ({"cursor": str(at + 1)} if at + 1 < len(self._access) else {}), kind)


async def told(facts: dict[str, Any], *access: str, team: bool = False) -> list[Item]:
    return await untold(cast(Calls, Told(facts, access)), team=team)


@pytest.mark.parametrize(
    ("facts", "access", "says", "fix"),
    [
        (OWNED, (), "not mounted", "Add it to the Dropbox"),
        (MOUNTED, ("editor", "viewer"), "without an owner", "give it an owner"),
        ({}, ("editor",), "no owner", "Add it to the Dropbox"),
        ({"is_team_folder": True}, (), "of the team", "Dropbox Business"),
        ({"is_inside_team_folder": True} | OWNED, (), "of the team", "Dropbox Business"),
    ],
)
async def test_each_is_told_with_what_to_do(
    facts: dict[str, Any], access: tuple[str, ...], says: str, fix: str
) -> None:
    """As something that is no file, with words and an advice of its own."""
    (item,) = await told(facts, *access)
    assert (item.path, item.kind, item.id) == ("Plans_old (shared folder 7)", Kind.OTHER, "7")
    message, advice = what_it_is(item.note)
    assert says in message
    assert fix in advice


async def test_what_a_listing_shows_or_another_root_has_is_not_told() -> None:
    """Mounted and owned (also where the owner's name cannot be had), or a team's folder, which is a root itself."""
    assert await told(MOUNTED | OWNED) == []
    assert await told(MOUNTED, "editor", "owner") == []
    assert await told(MOUNTED | {"is_team_folder": True}) == []
    assert await told({"is_team_folder": True}, team=True) == []
