"""Where files are: the sites of the organisation, the drives of people and sites, and those of personal accounts."""

import re
from urllib.parse import quote

import msgspec

from haulage.sandbox.frame.world import World
from haulage.sandbox.microsoft.directory import Directory, User
from haulage.sandbox.microsoft.files import growing
from haulage.sandbox.microsoft.files.items import Drive, SavedDrive, load_drive, save_drive
from haulage.sandbox.microsoft.files.kinds import BUSINESS, LIBRARY, PERSONAL, Kind, drive_id, same_drive
from haulage.sandbox.microsoft.files.people import key_of
from haulage.sandbox.organisation.people import ORGANISATION, Space
from haulage.sandbox.organisation.trees import EARLIEST

TENANT = "aurora"
SHAREPOINT = f"{TENANT}.sharepoint.com"
MY_SHAREPOINT = f"{TENANT}-my.sharepoint.com"
PERSONAL_PAGES = "onedrive.live.com"
WIDE_SPACE = 4  # the space in whose library the folder of 20,000 files is
WITH_ARCHIVE = (2, 5)  # spaces whose site has a second library
TEAM = 1  # the space that is a team, with a private channel
WITH_SUBSITE = 3
SLUG = re.compile(r"[^A-Za-z0-9]+")


class Site(msgspec.Struct, kw_only=True):
    """A site. id: host, collection and web; path: on the host; parent: the id of the site above a subsite.

    drives: ids of its libraries, the default one first; system: those that listings leave out unless asked. owner: the
    key of whose it is; space: the number of its space, 0 for none. private: members only, not visitors.
    """

    id: str
    host: str
    path: str
    name: str
    created: float
    owner: str
    space: int = 0
    parent: str = ""
    personal: bool = False
    private: bool = False
    drives: list[str] = []
    system: list[str] = []

    @property
    def web_url(self) -> str:
        """Its page."""
        return f"https://{self.host}{quote(self.path)}"


class Places:
    """All sites and drives. A drive's items are generated when it is first looked into."""

    def __init__(self, world: World, directory: Directory) -> None:
        self._world = world
        self._directory = directory
        self.sites: dict[str, Site] = {}
        self.drives: dict[str, Drive] = {}
        self._of_owner: dict[str, str] = {}
        self.group_sites: dict[str, str] = {}
        self._saved: dict[str, SavedDrive] = {}
        self.provisioned: list[str] = []
        self._root()
        for space in world.organisation.spaces:
            self._space(space)
        for user in directory.accounts():
            if user.personal:
                self._personal(user)
            elif user.licensed and user.person.provisioned and user.home == directory.organisation:
                self._business(user)

    def drive(self, name: str) -> Drive | None:
        """The drive of an id, with its items."""
        found = self.drives.get(same_drive(name))
        if found is not None and not found.grown:
            self._grow(found)
        return found

    def drive_of(self, user: User) -> Drive | None:
        """A person's own drive; None where it was not made yet."""
        found = self._of_owner.get(key_of(user))
        return self.drive(found) if found else None

    def provision(self, user: User) -> Drive:
        """Make a person's OneDrive for Business, as the first visit of its owner does."""
        self.provisioned.append(user.upn)
        return self._business(user)

    def _business(self, user: User) -> Drive:
        slug = user.upn.lower().replace("@", "_").replace(".", "_")
        site = self._site(MY_SHAREPOINT, f"/personal/{slug}", user.person.name, owner=key_of(user), personal=True)
        return self._library(BUSINESS, site, "OneDrive", "Documents", key_of(user))

    def _personal(self, user: User) -> None:
        key = key_of(user)
        drive = Drive(
            id=user.id, kind_name=PERSONAL.name, name="OneDrive", owner=key, tenant=user.home.id, host=PERSONAL_PAGES,
            base=f"/personal/{user.id}/Documents", created=EARLIEST,
        )  # fmt: skip
        self._keep(drive)

    def _root(self) -> None:
        site = self._site(SHAREPOINT, "", ORGANISATION, owner="person/1")
        self._library(LIBRARY, site, "Documents", "Shared Documents", "space/root")

    def _space(self, space: Space) -> None:
        slug = SLUG.sub("", space.name)
        path, owner = f"/sites/{slug}", f"person/{space.owners[0]}"
        site = self._site(SHAREPOINT, path, space.name, owner=owner, space=space.number)
        self._library(LIBRARY, site, "Documents", "Shared Documents", f"space/{space.number}")
        if space.number in WITH_ARCHIVE:
            self._library(LIBRARY, site, "Archive", "Archive", f"space/{space.number}/archive")
        assets = self._library(LIBRARY, site, "Site Assets", "SiteAssets", f"space/{space.number}/assets")
        site.drives.remove(assets.id)
        site.system.append(assets.id)
        self.group_sites[self._world.ids.guid("group", f"space/{space.number}")] = site.id
        if space.number == TEAM:
            channel = self._site(
                SHAREPOINT, f"{path}-Confidential", f"{space.name}-Confidential", owner=owner, space=space.number
            )
            channel.private = True
            self._library(LIBRARY, channel, "Documents", "Shared Documents", f"space/{space.number}/channel")
        if space.number == WITH_SUBSITE:
            below = self._site(SHAREPOINT, f"{path}/Minutes", "Minutes", owner=owner, space=space.number)
            below.parent = site.id
            self._library(LIBRARY, below, "Documents", "Shared Documents", f"space/{space.number}/minutes")

    def _site(self, host: str, path: str, name: str, *, owner: str, space: int = 0, personal: bool = False) -> Site:
        ids, where = self._world.ids, host + path
        collection = host + "/".join(path.split("/")[:3])
        identity = f"{host},{ids.guid('site collection', collection)},{ids.guid('web', where)}"
        site = Site(
            id=identity, host=host, path=path, name=name, created=EARLIEST, owner=owner, space=space, personal=personal
        )
        self.sites[identity] = site
        return site

    def _library(self, kind: Kind, site: Site, name: str, folder: str, owner: str) -> Drive:
        drive = Drive(
            id=drive_id(kind, self._world.ids, owner), kind_name=kind.name, name=name, owner=owner,
            tenant=self._directory.organisation.id, host=site.host, base=f"{site.path}/{folder}", created=EARLIEST,
            site=site.id, group="" if site.personal else f"space/{site.name}", total=(1 if site.personal else 25) << 40,
        )  # fmt: skip
        site.drives.append(drive.id)
        return self._keep(drive)

    def _keep(self, drive: Drive) -> Drive:
        self.drives[drive.id] = drive
        self._of_owner[drive.owner] = drive.id
        return drive

    def author(self, drive: Drive) -> str:
        """The key of who made a drive's generated items."""
        return self.sites[drive.site].owner if drive.site else drive.owner

    def _grow(self, drive: Drive) -> None:
        if (saved := self._saved.pop(drive.id, None)) is not None:
            load_drive(drive, saved)
            return
        kind, _, number = drive.owner.partition("/")
        organisation = self._world.organisation
        if kind == "space":
            spaces = {str(one.number): one.weight for one in organisation.spaces}
            weight = spaces.get(number, 0.0 if number.endswith("/assets") else 0.3)
        else:
            weight = organisation.person(int(number)).weight * (0.3 if kind == "personal" else 1.0)
        wide = drive.owner == f"space/{WIDE_SPACE}"
        growing.grow(self._world, drive, self.author(drive), weight, wide=wide)

    def default_drive(self, site: Site) -> Drive | None:
        """A site's first library."""
        return self.drive(site.drives[0]) if site.drives else None

    def site_named(self, name: str) -> Site | None:
        """By id, "root", host, host and path, or "root/path"."""
        if name in self.sites:
            return self.sites[name]
        host, _, path = name.partition("/")
        host = SHAREPOINT if host == "root" else host.lower()
        if (comma := host.split(",")) and len(comma) == 2:  # host and web alone, or host and collection alone
            return next((one for one in self.sites.values() if comma[1] in one.id.split(",")[1:]), None)
        path = f"/{path}".rstrip("/").lower()
        return next((one for one in self.sites.values() if one.host == host and one.path.lower() == path), None)

    def save(self) -> dict[str, SavedDrive]:
        """The drives that were looked into, by id."""
        return {**self._saved, **{one.id: save_drive(one) for one in self.drives.values() if one.grown}}

    def load(self, saved: dict[str, SavedDrive], provisioned: list[str]) -> None:
        """Take up what `save` gave; drives come back when they are looked into."""
        for upn in provisioned:
            if (user := self._directory.account(upn)) is not None:
                self.provision(user)
        self._saved = saved
