"""Upload sessions: opened, filled fragment by fragment, asked about, given up, committed."""

from urllib.parse import parse_qs, urlsplit

from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.microsoft.files import errors, kinds
from haulage.sandbox.microsoft.files.desk import Desk, Target, Work
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.items import Drive
from haulage.sandbox.microsoft.files.reading import Reading
from haulage.sandbox.microsoft.files.routes import CONSUMER, FILES, ITEM, WRITE, route, unsigned
from haulage.sandbox.microsoft.files.sessions import (
    FRAGMENT_MULTIPLE,
    PERSONAL_SECONDS,
    SLIDING_SECONDS,
    TICKET_SECONDS,
    Session,
    expected,
    fragment,
)
from haulage.sandbox.microsoft.files.showing import Document
from haulage.sandbox.microsoft.files.storing import LARGEST_FILE, Storing, behaviour, dates
from haulage.sandbox.microsoft.files.tickets import sign

SOURCE_URL = "@microsoft.graph.sourceUrl"


class Uploading:
    """Takes large files. strict: a fragment that is no multiple of 320 KiB makes the commit fail, as it does at times.

    refuse_bearer: a token on an upload URL is answered with 401, as the documentation warns.
    """

    def __init__(self, desk: Desk, reading: Reading, storing: Storing) -> None:
        self._desk = desk
        self._reading = reading
        self._storing = storing
        self.sessions: dict[str, Session] = {}
        self.strict = False
        self.refuse_bearer = False

    def routes(self) -> list[Route]:
        """Sessions, and the URLs that they give."""
        made = self._desk.handler
        page = "driveitem-createuploadsession"
        library, consumer = f"/v1.0{ITEM}/uploadSession", "/rup/{cid}/{session}"
        verbs: dict[str, Work] = {"PUT": self.put, "GET": self.status, "DELETE": self.cancel, "POST": self.finish}
        return [
            route("POST", f"{ITEM}/createUploadSession", page, made(self.create), WRITE, 2),
            route("PUT", ITEM, page, made(self.commit), WRITE, 2),
            *(unsigned(verb, FILES, library, f"{verb} uploadUrl", page, made(work)) for verb, work in verbs.items()),
            *(
                unsigned(verb, CONSUMER, consumer, f"{verb} uploadUrl", page, made(work))
                for verb, work in verbs.items()
                if verb != "POST"
            ),
        ]

    async def create(self, call: Call) -> Answer:
        """A session for a new file or for new bytes of one that is there."""
        target = self._desk.target(call, write=True)
        drive, old = target.drive, target.item
        document = await self._desk.body(call)
        facet = document.get("item") or {}
        if not isinstance(facet, dict):
            raise errors.invalid("The item is malformed.", "invalidParameterFormat")
        how = behaviour(call, {**document, **facet}, "replace")
        if old is not None and (old.folder or how == "fail"):
            raise errors.taken(drive.kind.taken)
        if old is None:
            self._storing.check_name(drive, target.parent, target.name, folder=False)
        self._desk.matches(call, drive, old, "resourceModified")
        size = int(facet.get("fileSize") or 0)
        if size > LARGEST_FILE:
            raise Wrong(413, "invalidRequest", "The file is too large.", "maxFileSizeExceeded")
        self._storing.room(call, drive, size)
        session = self._opened(call, target, how, facet)
        session.deferred = bool(document.get("deferCommit"))
        self.sessions[session.id] = session
        told = self._told(session, drive)
        told["nextExpectedRanges"] = ["0-"]
        context = self._desk.context(call, "microsoft.graph.uploadSession")
        return self._desk.answer(
            call, {"@odata.context": context, "uploadUrl": self._url(call, drive, session), **told}
        )

    def _opened(self, call: Call, target: Target, how: str, facet: Document) -> Session:
        now, drive = call.event.time, target.drive
        consumer = not drive.kind.sites
        return Session(
            id=self._desk.world.ids.guid("session", call.event.number),
            drive=drive.id,
            item=target.item.id if target.item else "",
            parent=target.parent.id,
            name=target.name,
            missing=target.missing,
            how=how,
            dates=dates(facet.get("fileSystemInfo")),
            editor=self._desk.editor(call),
            begun=now,
            expires=now + (PERSONAL_SECONDS if consumer else SLIDING_SECONDS),
            dies=now + (PERSONAL_SECONDS if consumer else TICKET_SECONDS),
            match=call.headers.get("If-Match", ""),
        )

    def _url(self, call: Call, drive: Drive, session: Session) -> str:
        ids = self._desk.world.ids
        if not drive.kind.sites:
            return f"{call.at(CONSUMER)}/rup/{drive.id}/{session.id}"
        site = drive.base.rpartition("/")[0]
        item = session.item or kinds.item_id(drive.kind, ids, drive.id, drive.count)
        replace, rename = session.how == "replace", session.how == "rename"
        return (
            f"{call.at(drive.host)}{site}/_api/v2.0/drives/{drive.id}/items/{item}/uploadSession?guid='{session.id}'"
            f"&overwrite={replace}&rename={rename}&dc={int(session.deferred)}&tempauth=v1.{sign(ids, session.id)}"
        )

    def _told(self, session: Session, drive: Drive) -> Document:
        fractions = 0 if drive.kind.whole_seconds else 3
        return {
            "expirationDateTime": rfc3339(session.expires, fractions),
            "nextExpectedRanges": expected(session, closed=drive.kind.sites),
        }

    def _session(self, call: Call) -> tuple[Drive, Session]:
        """The session of an upload URL. Raises Wrong where it is over or was never there."""
        name = call.params.get("session") or call.query.get("guid", "").strip("'")
        return self._living(call, name)

    def _living(self, call: Call, name: str) -> tuple[Drive, Session]:
        session, lost = self.sessions.get(name), call.fault("session_lost")
        if lost is not None and not lost.get("transient"):
            self.sessions.pop(name, None)
        if session is None or lost is not None:
            raise Wrong(404, "itemNotFound", "The upload session was not found", "uploadSessionNotFound")
        if call.event.time >= session.dies or (self.refuse_bearer and "Authorization" in call.headers):
            raise Wrong(401, "unauthenticated", "The caller is not authenticated.", "expiredToken")
        drive = self._desk.places.drive(session.drive)
        if call.event.time >= session.expires or drive is None:
            del self.sessions[name]
            raise Wrong(404, "itemNotFound", "The upload session was not found", "uploadSessionNotFound")
        return drive, session

    async def put(self, call: Call) -> Answer:
        """One fragment; with the last one the file is there."""
        drive, session = self._session(call)
        first, after = fragment(call, session)
        self._desk.spend(call, "app-hour-bytes-in", after - first, drive)
        content = (await call.draft(self._desk.world.contents)).content()
        if session.done:
            return await self._repeated(call, drive, session, first)
        if (lost := call.fault("part_lost")) is not None:
            if lost.get("how") == "forgotten":
                return self._accepted(call, drive, session)
            content = self._desk.world.contents.of(bytes(content.size))
        if first != session.received:  # another call brought it meanwhile
            raise Wrong(416, "invalidRange", "The fragment was received already.", "fragmentOverlap")
        session.parts.append(content)
        session.received, session.last = after, first
        session.uneven |= after < session.total and content.size % FRAGMENT_MULTIPLE != 0
        if drive.kind.sites:
            session.expires = call.event.time + SLIDING_SECONDS
        if after < session.total or session.deferred:
            return self._accepted(call, drive, session)
        return await self._committed(call, drive, session)

    def _accepted(self, call: Call, drive: Drive, session: Session) -> Answer:
        return self._desk.answer(call, self._told(session, drive), 202)

    async def _repeated(self, call: Call, drive: Drive, session: Session, first: int) -> Answer:
        """The last fragment once more: the file is there already. msgraph-sdk does this at the end of every upload."""
        item = drive.items.get(session.done)
        if item is None or first != session.last:
            raise Wrong(416, "invalidRange", "The upload is complete.", "fragmentOverlap")
        return self._desk.answer(call, await self._reading.shown(call, drive, item))

    async def _committed(self, call: Call, drive: Drive, session: Session) -> Answer:
        """All is there: the file becomes visible. A name that is taken leaves the session as it is."""
        if session.uneven and self.strict:
            raise Wrong(500, "generalException", "The upload could not be committed.", "uploadSessionFailed")
        target = self._target(drive, session)
        if session.match and (target.item is None or session.match not in self._desk.tags(drive, target.item)):
            raise errors.changed("resourceModified")
        content = self._desk.world.contents.join(session.parts)
        item, new = self._storing.place(call, target, content, session.how, session.dates, session.editor)
        session.done, session.parts = item.id, []
        answer = self._desk.answer(call, await self._reading.shown(call, drive, item), 201 if new else 200)
        self._storing.promote(call, drive, item)
        return answer

    def _target(self, drive: Drive, session: Session) -> Target:
        if session.item and (item := drive.items.get(session.item)) is not None:
            return Target(drive, item, drive.items[item.parent], item.name)
        parent = drive.items.get(session.parent)
        if parent is None:
            raise errors.not_found("The folder of the upload is not there any more.")
        missing = list(session.missing)
        while missing and (found := drive.child(parent.id, missing[0])) is not None and found.folder:
            parent = found
            del missing[0]
        old = None if missing else drive.child(parent.id, session.name)
        return Target(drive, old, parent, session.name, missing)

    def status(self, call: Call) -> Answer:
        """What is still to come."""
        drive, session = self._session(call)
        return self._desk.answer(call, self._told(session, drive))

    def cancel(self, call: Call) -> Answer:
        """Give it up; nothing was ever visible."""
        _, session = self._session(call)
        del self.sessions[session.id]
        return Answer(204)

    async def finish(self, call: Call) -> Answer:
        """Commit a session with deferCommit: an empty POST."""
        drive, session = self._session(call)
        return await self._finished(call, drive, session)

    async def _finished(self, call: Call, drive: Drive, session: Session) -> Answer:
        if session.total < 0 or session.received < session.total:
            raise errors.invalid("Not all of the file has been received.", "uploadSessionIncomplete")
        if session.done:
            raise Wrong(404, "itemNotFound", "The upload session was not found", "uploadSessionNotFound")
        return await self._committed(call, drive, session)

    async def commit(self, call: Call) -> Answer:
        """Commit a session whose name was taken, perhaps under another: PUT of the folder, naming the session's URL."""
        drive, parent = self._desk.find(call, write=True)
        document = await self._desk.body(call)
        url = str(document.get(SOURCE_URL, ""))
        if not url or not parent.folder:
            raise errors.invalid("A folder, and the URL of an upload session, must be named.")
        parts = urlsplit(url)
        name = parse_qs(parts.query).get("guid", [parts.path.rpartition("/")[2]])[0].strip("'")
        _, session = self._living(call, name)
        session.item, session.parent, session.missing = "", parent.id, []
        session.name = str(document.get("name") or session.name)
        session.how, session.match = behaviour(call, document, session.how), call.headers.get("If-Match", "")
        self._storing.check_name(drive, parent, session.name, folder=False)
        return await self._finished(call, drive, session)
