"""Who may see and change what."""

from typing import TYPE_CHECKING

from haulage.sandbox.frame.world import World
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.items import UNIQUE, Drive, Item
from haulage.sandbox.microsoft.files.people import People, key_of
from haulage.sandbox.microsoft.files.places import Places, Site

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Caller

NONE, READ, WRITE = 0, 1, 2


def caller_key(caller: "Caller") -> str:
    """As authors are named."""
    return key_of(caller.user) if caller.user else f"app/{caller.client_id}"


class Access:
    """Answers from ownership, membership of sites, and what was granted on items."""

    def __init__(self, world: World, people: People, places: Places) -> None:
        self._world = world
        self._people = people
        self._places = places
        self._levels: dict[tuple[str, str], int] = {}
        self._groups: dict[str, set[str]] = {}

    def level(self, caller: "Caller", drive: Drive) -> int:
        """What somebody may in a whole drive."""
        if caller.user is None:
            return WRITE if caller.tenant.id == drive.tenant else NONE
        found = self._levels.get((caller_key(caller), drive.id))
        if found is None:
            if drive.owner == caller_key(caller):
                found = WRITE
            else:
                site = self._places.sites.get(drive.site)
                found = NONE if site is None or site.personal else self._of_site(caller, site)
            self._levels[caller_key(caller), drive.id] = found
        return found

    def _of_site(self, caller: "Caller", site: Site) -> int:
        user = caller.user
        if user is None:
            return WRITE
        if user.personal or user.guest or user.person.role == "external":
            return NONE
        number = user.person.number
        space = next((one for one in self._world.organisation.spaces if one.number == site.space), None)
        if space is None:
            return WRITE if user.admin else READ
        if number in space.owners or number in space.members:
            return WRITE
        return READ if not site.private and f"group/{space.group}" in self.groups(caller_key(caller)) else NONE

    def groups(self, key: str) -> set[str]:
        """The groups that somebody is in, by key."""
        if (found := self._groups.get(key)) is None:
            found = self._groups[key] = self._people.groups_of(key)
        return found

    def sees(self, caller: "Caller", site: Site) -> bool:
        """Whether somebody may open a site."""
        if caller.user is None:
            return any(self._places.drives[one].tenant == caller.tenant.id for one in site.drives)
        return site.owner == caller_key(caller) if site.personal else self._of_site(caller, site) > NONE

    def known(self, caller: "Caller", drive: Drive) -> bool:
        """Whether somebody may name a drive: anybody of its tenant may, since an item may be shared with them."""
        if self.level(caller, drive) > NONE:
            return True
        user = caller.user
        if user is None:
            return False
        return user.personal != drive.kind.sites

    def check(self, caller: "Caller", drive: Drive, item: Item, *, write: bool) -> None:
        """Raises Wrong where somebody may not read (write) an item."""
        needed = WRITE if write else READ
        if self.level(caller, drive) >= needed:
            return
        granted = self._granted(caller, drive, item)
        if granted < needed:
            raise errors.denied() if granted or self.level(caller, drive) else errors.not_found()

    def _granted(self, caller: "Caller", drive: Drive, item: Item) -> int:
        keys = {caller_key(caller)} | self.groups(caller_key(caller))
        level = NONE
        for one in (item, *drive.above(item)):
            for permission in one.permissions or ():
                if permission.who in keys:
                    level = max(level, READ if permission.roles == ("read",) else WRITE)
            if one.flags & UNIQUE:
                break
        return level
