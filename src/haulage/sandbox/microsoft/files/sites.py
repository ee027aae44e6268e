"""Sites and drives.

Sources: the Graph pages site, site-get, site-getbypath, site-search, site-getallsites, site-list-subsites, drive-list,
drive-get.
"""

from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.paging import listing, option, selected, sliced
from haulage.sandbox.microsoft.files.places import Site
from haulage.sandbox.microsoft.files.routes import READ, READ_SITES, route
from haulage.sandbox.microsoft.files.showing import Document

ALL_SITES = "Sites.Read.All Sites.ReadWrite.All Sites.FullControl.All"


class Sites:
    """Where files are."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Sites, and the drives of whoever has some."""
        made = self._desk.handler
        return [
            route("GET", "/drives/{drive}", "drive-get", made(self.drive), READ),
            route("GET", "/me/drives", "drive-list", made(self.my_drives), READ, 2),
            route("GET", "/users/{user}/drives", "drive-list", made(self.user_drives), READ, 2),
            route("GET", "/groups/{group}/drives", "drive-list", made(self.group_drives), READ, 2),
            route("GET", "/sites/{site}/drives", "drive-list", made(self.site_drives), READ, 2),
            route("GET", "/sites/{site}/sites", "site-list-subsites", made(self.subsites), READ_SITES, 2),
            route("GET", "/sites/{site}", "site-get", made(self.site), READ_SITES),
            route("GET", "/sites/getAllSites", "site-getallsites", made(self.all_sites), ALL_SITES, 2),
            route("GET", "/sites", "site-search", made(self.search), READ_SITES, 2),
        ]

    def drive(self, call: Call) -> Answer:
        """One drive, with its quota."""
        drive = self._desk.drive(call)
        shown = {"@odata.context": self._desk.context(call, "drives/$entity"), **self._desk.show.drive(drive)}
        return self._desk.answer(call, selected(call, [shown])[0])

    def my_drives(self, call: Call) -> Answer:
        """The caller's own; one."""
        call.params["drive"] = "me"
        return self._drives(call, [self._desk.show.drive(self._desk.drive(call))])

    def user_drives(self, call: Call) -> Answer:
        """A person's; one."""
        drive = self._desk.drive_of(call, self._desk.user(call, call.params["user"]))
        return self._drives(call, [self._desk.show.drive(drive)])

    def group_drives(self, call: Call) -> Answer:
        """A group's: those of its site."""
        call.params["drive"] = f"groups~{call.params['group']}"
        site = self._desk.places.sites[self._desk.drive(call).site]
        return self._drives(call, self._of(call, site))

    def site_drives(self, call: Call) -> Answer:
        """A site's libraries; those of the system only where `$select` names `system`."""
        return self._drives(call, self._of(call, self._desk.site(call, call.params["site"])))

    def _of(self, call: Call, site: Site) -> list[Document]:
        places, show = self._desk.places, self._desk.show
        found = [drive for one in site.drives if (drive := places.drive(one)) is not None]
        shown = [show.drive(one) for one in found]
        if "system" in (option(call, "select") or "").split(","):
            hidden = [drive for one in site.system if (drive := places.drive(one)) is not None]
            shown += [{**show.drive(one), "system": {}} for one in hidden]
        return shown

    def _drives(self, call: Call, shown: list[Document]) -> Answer:
        return self._collection(call, "drives", shown)

    def _collection(self, call: Call, of: str, shown: list[Document]) -> Answer:
        document = listing(call, self._desk.context(call, of), sliced(shown))
        document["value"] = selected(call, document["value"])
        return self._desk.answer(call, document)

    def site(self, call: Call) -> Answer:
        """One site, by id or by path."""
        found = self._desk.site(call, call.params["site"])
        shown = {"@odata.context": self._desk.context(call, "sites/$entity"), **self._shown(found)}
        return self._desk.answer(call, selected(call, [shown])[0])

    def _shown(self, site: Site) -> Document:
        shown: Document = {
            "id": site.id,
            "name": site.path.rpartition("/")[2],
            "displayName": site.name,
            "description": "",
            "webUrl": site.web_url,
            "createdDateTime": rfc3339(site.created),
            "lastModifiedDateTime": rfc3339(site.created),
            "siteCollection": {"hostname": site.host},
        }
        if not site.path:
            shown |= {"root": {}, "siteCollection": {"hostname": site.host, "root": {}}}
        if site.personal:
            shown["isPersonalSite"] = True
        return shown

    def subsites(self, call: Call) -> Answer:
        """The sites below one."""
        above = self._desk.site(call, call.params["site"])
        found = [one for one in self._desk.places.sites.values() if one.parent == above.id]
        return self._collection(call, "sites", [self._shown(one) for one in found])

    def _visible(self, call: Call) -> list[Site]:
        caller = self._desk.caller(call)
        if caller.tenant.personal:
            raise Wrong(400, "BadRequest", "This API is not supported for MSA accounts")
        return [one for one in self._desk.places.sites.values() if self._desk.access.sees(caller, one)]

    def all_sites(self, call: Call) -> Answer:
        """Every site of the tenant, people's own ones too: for applications by themselves only."""
        if self._desk.caller(call).user is not None:
            raise errors.denied("This API can only be called by an application.")
        return self._collection(call, "sites", [self._shown(one) for one in self._visible(call)])

    def search(self, call: Call) -> Answer:
        """`?search=word`, `*` for all; without it, all for an application."""
        wanted = call.query.get("search") or call.query.get("$search")
        if wanted is None:
            return self.all_sites(call)
        words = wanted.strip('"').lower().strip("*").split()
        found = [
            one
            for one in self._visible(call)
            if not one.personal and all(word in f"{one.name} {one.path}".lower() for word in words)
        ]
        return self._collection(call, "sites", [self._shown(one) for one in found])
