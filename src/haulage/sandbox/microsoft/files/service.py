"""Graph's files as one: all endpoints, what a call costs, what is kept across restarts."""

from typing import TYPE_CHECKING, Any

import msgspec

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import growing
from haulage.sandbox.microsoft.files.batching import Batching
from haulage.sandbox.microsoft.files.changing import Changing
from haulage.sandbox.microsoft.files.content import Contents
from haulage.sandbox.microsoft.files.delta import Delta
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.items import Drive, SavedDrive
from haulage.sandbox.microsoft.files.kinds import KINDS
from haulage.sandbox.microsoft.files.meter import Meter
from haulage.sandbox.microsoft.files.moving import Copying
from haulage.sandbox.microsoft.files.reading import Reading
from haulage.sandbox.microsoft.files.sessions import Session
from haulage.sandbox.microsoft.files.sharing import Sharing
from haulage.sandbox.microsoft.files.sites import Sites
from haulage.sandbox.microsoft.files.storing import Storing
from haulage.sandbox.microsoft.files.uploading import Uploading
from haulage.sandbox.microsoft.files.waiting import Monitor, Monitors

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Microsoft


class SavedFiles(msgspec.Struct):
    """The state between two runs."""

    drives: dict[str, SavedDrive]
    provisioned: list[str]
    sessions: list[Session]
    monitors: dict[str, Monitor]


class Files:
    """Everything that Graph does with files."""

    def __init__(self, service: "Microsoft") -> None:
        self._service = service
        self.meter = Meter(service.budgets)
        self.desk = desk = Desk(service, self.meter)
        reading, self.storing, self.monitors = Reading(desk), Storing(desk), Monitors(desk)
        self.contents = Contents(desk)
        self.sharing = Sharing(desk)
        self.uploading = Uploading(desk, reading, self.storing)
        self.delta = Delta(desk, reading)
        self._topics = (
            reading, self.delta, self.contents, Changing(desk, reading, self.storing, self.monitors),
            self.uploading, Copying(desk, self.storing, self.monitors), self.monitors, self.sharing, Sites(desk),
            Batching(desk, service),
        )  # fmt: skip

    def routes(self) -> list[Route]:
        """Every endpoint."""
        return [route for topic in self._topics for route in topic.routes()]

    def charge(self, call: Call, route: Route) -> Answer | None:
        """Take a call's price from the budgets; the answer to a call that they do not allow."""
        units = route.details.get("units")
        if not units:
            return None
        if "units_without_token" in route.details and "token" not in call.event.path:
            units = route.details["units_without_token"]
        caller = self._service.admitted(call)
        user = caller.user.id if caller.user else ""
        wait = self.meter.charge(
            call, tenant=caller.tenant.id, user=user, units=float(units), sharing="sharing" in route.details
        )
        if not wait:
            return None
        answer = self._service.throttled(call, wait)
        self.meter.tell(call, answer)
        return answer

    def facts(self) -> dict[str, Any]:
        """Counts for the control page."""
        drives = self.desk.places.drives.values()
        return {
            "sites": len(self.desk.places.sites),
            "drives": len(drives),
            "drives looked into": sum(one.grown for one in drives),
            "items": sum(len(one.items) for one in drives),
            "upload sessions": sum(not one.done for one in self.uploading.sessions.values()),
        }

    def drive_named(self, details: dict[str, Any]) -> Drive:
        """The drive that a deed names: by `drive` (an id), `user` or `site` (an address). Raises ValueError."""
        places = self.desk.places
        found: Drive | None = None
        if "drive" in details:
            found = places.drive(str(details["drive"]))
        elif "user" in details:
            user = self._service.directory.account(str(details["user"]))
            found = places.drive_of(user) if user else None
        elif "site" in details:
            site = places.site_named(str(details["site"]).replace(":", ""))
            found = places.default_drive(site) if site else None
        if found is None:
            raise ValueError("name a drive by drive, user or site")
        return found

    def wide_folder(self, details: dict[str, Any]) -> dict[str, Any]:
        """See Microsoft.do_wide_folder."""
        drive = self.drive_named(details)
        count = int(details.get("count", 100_000))
        folder = growing.add_wide(self._service.world, drive, self.desk.places.author(drive), count)
        return {"drive": drive.id, "folder": folder, "count": count}

    def quota(self, details: dict[str, Any]) -> dict[str, Any]:
        """See Microsoft.do_quota."""
        drive = self.drive_named(details)
        drive.total = drive.used + int(details["left"]) if "left" in details else int(details["total"])
        return {"drive": drive.id, "total": drive.total, "used": drive.used}

    def expire_delta(self, details: dict[str, Any]) -> dict[str, Any]:
        """See Microsoft.do_expire_delta."""
        drive = self.drive_named(details)
        now = self._service.world.clock.now()
        drive.note(drive.root.id, now)  # so that a token of this very moment is too old as well
        drive.since = len(drive.log)
        return {"drive": drive.id}

    def flag(self, details: dict[str, Any]) -> dict[str, Any]:
        """See Microsoft.do_flag."""
        drive = self.drive_named(details)
        item = drive.items.get(str(details.get("item")))
        flags = {"malware": 1, "locked": 2, "restricted": 4}
        name = str(details.get("flag"))
        if item is None or name not in flags:
            raise ValueError(f"name an item by its id, and a flag: {', '.join(flags)}")
        on = bool(details.get("on", True))
        item.flags = item.flags | flags[name] if on else item.flags & ~flags[name]
        drive.touch(item, self._service.world.clock.now())
        return {"item": item.id, "flag": name, "on": on}

    def switches(self, details: dict[str, Any]) -> dict[str, Any]:
        """See Microsoft.do_switch."""
        for name, value in details.items():
            if name == "rewrite_office":
                kinds = set(KINDS) - {"personal"} if value == "all" else {"documentLibrary"} if value else set()
                self.storing.rewrite_in = kinds
            elif name == "strict_fragments":
                self.uploading.strict = bool(value)
            elif name == "refuse_bearer":
                self.uploading.refuse_bearer = self.contents.refuse_bearer = bool(value)
            elif name == "delta_paths":
                self.delta.paths = bool(value)
            elif name == "links_blocked":
                self.sharing.links_blocked = bool(value)
            else:
                raise ValueError(f"there is no switch {name!r}")
        return {
            "rewrite_office": sorted(self.storing.rewrite_in),
            "strict_fragments": self.uploading.strict,
            "refuse_bearer": self.uploading.refuse_bearer,
            "links_blocked": self.sharing.links_blocked,
            "delta_paths": self.delta.paths,
        }

    def save(self) -> SavedFiles:
        """For `load`."""
        places = self.desk.places
        return SavedFiles(
            places.save(), places.provisioned, list(self.uploading.sessions.values()), self.monitors.running
        )

    def load(self, saved: SavedFiles) -> None:
        """Take up what `save` gave."""
        self.desk.places.load(saved.drives, saved.provisioned)
        self.uploading.sessions = {one.id: one for one in saved.sessions}
        self.monitors.running = saved.monitors
