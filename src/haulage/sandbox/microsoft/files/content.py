"""The bytes of items, and their versions.

Sources: the Graph pages driveitem-get-content, driveitem-list-versions and their neighbours.
"""

from email.utils import formatdate
from urllib.parse import quote

from haulage.sandbox.frame.contents import EMPTY, Content
from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, ranged, redirect
from haulage.sandbox.microsoft.files import errors, kinds
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.items import MALWARE, RESTRICTED, Drive, Item, Version
from haulage.sandbox.microsoft.files.paging import listing, sliced
from haulage.sandbox.microsoft.files.routes import CONTENT, ITEM, READ, WRITE, route, unsigned
from haulage.sandbox.microsoft.files.showing import mime_type

VERSION = f"{ITEM}/versions/{{version}}"


class Contents:
    """Sends bytes, and goes back to older ones. refuse_bearer: 401 to a token on a pre-authenticated URL."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.refuse_bearer = False

    def routes(self) -> list[Route]:
        """Contents and versions."""
        made = self._desk.handler
        page = "driveitem-get-content"
        return [
            route("GET", f"{ITEM}/content", page, made(self.content), READ),
            route("GET", f"{ITEM}/contentStream", page, made(self.content), READ),
            route("GET", f"{ITEM}/versions", "driveitem-list-versions", made(self.versions), READ, 2),
            route("GET", VERSION, "driveitemversion-get", made(self.version), READ),
            route("GET", f"{VERSION}/content", "driveitemversion-get-contents", made(self.version_content), READ),
            route("POST", f"{VERSION}/restoreVersion", "driveitemversion-restore", made(self.restore), WRITE, 2),
            route("DELETE", VERSION, "driveitemversion-delete", made(self.delete), WRITE, 2),
            *(
                unsigned("GET", CONTENT, path, "download", page, made(self.download))
                for path in (
                    "/personal/{user}/_layouts/15/download.aspx",
                    "/sites/{site}/_layouts/15/download.aspx",
                    "/sites/{site}/{web}/_layouts/15/download.aspx",
                    "/_layouts/15/download.aspx",
                )
            ),
        ]

    def content(self, call: Call) -> Answer:
        """To where the bytes are."""
        drive, item = self._desk.find(call)
        if item.folder or item.target is not None:
            raise errors.not_found("The resource could not be found: it is not a file.")
        self._sound(call, item)
        if call.query.get("format"):
            raise Wrong(501, "notSupported", "Conversion is not simulated by this sandbox.")
        if call.headers.get("If-None-Match") in self._desk.tags(drive, item):
            return Answer(304)
        return redirect(self._address(call, drive, item, 0))

    def _address(self, call: Call, drive: Drive, item: Item, version: int) -> str:
        tickets = self._desk.tickets
        return tickets.prefix(call, drive) + tickets.download(drive, item, call.event.time, version)

    def _sound(self, call: Call, item: Item) -> None:
        if item.flags & RESTRICTED:
            raise errors.denied("Access has been blocked by Conditional Access policies.", "accessRestricted")
        forced = "forceInfectedDownload" in call.headers.get("Prefer", "") or call.query.get("AVOverride") == "1"
        if item.flags & MALWARE and not forced:
            raise Wrong(
                403, "malwareDetected", "Malware was detected in the requested item", "virusSuspicious",
                {"X-Virus-Infected": "Sandbox.Test.Malware"},
            )  # fmt: skip

    def download(self, call: Call) -> Answer:
        """The bytes themselves: whoever has the URL may have them."""
        if call.method == "HEAD":
            raise Wrong(405, "notAllowed", "HEAD is not supported here.")
        found = self._desk.tickets.read(call.query.get("tempauth", ""), call.event.time)
        if found is None or (self.refuse_bearer and "Authorization" in call.headers):
            raise Wrong(401, "unauthenticated", "The caller is not authenticated.", "expiredToken")
        name, identity, number = found
        drive = self._desk.places.drive(name)
        item = drive.items.get(identity) if drive else None
        if drive is None or item is None:
            raise errors.not_found()
        content = item.held() if number in (0, item.version) else _past(item, number).content
        return self._sent(call, drive, item, content, number or item.version)

    def _sent(self, call: Call, drive: Drive, item: Item, content: Content, number: int) -> Answer:
        self._desk.spend(call, "app-hour-bytes-out", content.size, drive)
        version = kinds.version_id(drive.kind, self._desk.world.ids, item.id, number)
        headers = {
            "Content-Type": mime_type(item.name.rpartition(".")[2].lower()),
            "ETag": self._desk.tags(drive, item)[0],
            "Last-Modified": formatdate(item.modified, usegmt=True),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(item.name)}",
        }
        return ranged(call, content, Sight(item.id, version), headers)

    def versions(self, call: Call) -> Answer:
        """Newest first."""
        drive, item = self._desk.find(call)
        shown = self._desk.show.versions(drive, item)
        context = self._desk.context(call, f"drives('{drive.id}')/items('{item.id}')/versions")
        return self._desk.answer(call, listing(call, context, sliced(shown)))

    def version(self, call: Call) -> Answer:
        """One version."""
        drive, item = self._desk.find(call)
        wanted = call.params["version"]
        shown = self._desk.show.versions(drive, item)
        found = shown[0] if wanted == "current" else next((one for one in shown if one["id"] == wanted), None)
        if found is None:
            raise errors.not_found()
        context = self._desk.context(call, f"drives('{drive.id}')/items('{item.id}')/versions/$entity")
        return self._desk.answer(call, {"@odata.context": context, **found})

    def version_content(self, call: Call) -> Answer:
        """To where the bytes of an older version are."""
        drive, item = self._desk.find(call)
        self._sound(call, item)
        number = self._number(drive, item, call.params["version"])
        if number == item.version:
            raise errors.invalid("You cannot get the content of the current version.")
        return redirect(self._address(call, drive, item, number))

    def _number(self, drive: Drive, item: Item, name: str) -> int:
        """The number of the version of an id. Raises Wrong."""
        ids = self._desk.world.ids
        numbers = [item.version, *(one.number for one in item.past or ())]
        for number in numbers:
            if kinds.version_id(drive.kind, ids, item.id, number) == name or (
                name == "current" and number == item.version
            ):
                return number
        raise errors.not_found()

    def restore(self, call: Call) -> Answer:
        """An older version's bytes as a new version."""
        drive, item = self._desk.find(call, write=True)
        old = _past(item, self._number(drive, item, call.params["version"]))
        replace(drive, item, old.content, call.event.time, self._desk.editor(call))
        self._desk.record(call, drive, item, "content")
        return Answer(204)

    def delete(self, call: Call) -> Answer:
        """An older version is gone for good."""
        drive, item = self._desk.find(call, write=True)
        if not drive.kind.sites:
            raise errors.unsupported("API not found")
        number = self._number(drive, item, call.params["version"])
        if number == item.version:
            raise errors.invalid("You cannot delete the current version.")
        item.past = [one for one in item.past or () if one.number != number] or None
        self._desk.record(call, drive, item, "metadata")
        return Answer(204)


def _past(item: Item, number: int) -> Version:
    found = next((one for one in item.past or () if one.number == number), None)
    if found is None:
        raise errors.not_found()
    return found


def keep_version(item: Item) -> None:
    """What is current becomes a past version."""
    held = Version(item.version, item.changed, item.held(), item.size, item.editor)
    item.past = [*(item.past or ()), held]
    item.version += 1


def replace(drive: Drive, item: Item, content: Content, now: float, editor: str) -> None:
    """New bytes for a file: a new version; the time of change is now until a client says otherwise."""
    keep_version(item)
    drive.grow(item.parent, content.size - item.size)
    item.content, item.size = (content if content.size else EMPTY), content.size
    item.modified = float(int(now)) if drive.kind.whole_seconds else round(now, 3)
    item.content_tag += 1
    item.editor = editor
    drive.touch(item, now)
