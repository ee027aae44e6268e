"""Egnyte's events, by cursor; and its trash."""

from typing import Any
from urllib.parse import quote

from haulage.sandbox.egnyte.desk import DENIED, FILES, Desk, whole
from haulage.sandbox.egnyte.fs import FileSystem
from haulage.sandbox.egnyte.model import Happening, Trashed
from haulage.sandbox.egnyte.names import key_of
from haulage.sandbox.egnyte.people import HOST
from haulage.sandbox.egnyte.wire import refuse
from haulage.sandbox.frame.clock import rfc3339
from haulage.sandbox.frame.history import Change
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

DEFAULT_COUNT, LARGEST_COUNT = 50, 100
LARGEST_TRASH_REQUEST = 10
PURGED_AFTER_SECONDS = 30 * 86_400.0


class Events(Desk):
    """/pubapi/v1/events and /pubapi/v2/events, which has changes of permissions, too."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        made = []
        for version in ("v1", "v2"):
            base = f"/pubapi/{version}/events"
            made.append(Route("GET", HOST, base, "list events", "events", self.list, FILES))
            made.append(Route("GET", HOST, f"{base}/cursor", "events cursor", "events", self.cursor, FILES))
        return made

    def _oldest(self) -> int:
        kept = self.store.kept_events()
        return kept[0].id if kept else self.store.state.last_event

    def cursor(self, call: Call) -> Answer:
        """Where one stands now, and the oldest event that is kept."""
        kept = self.store.kept_events()
        stamp = kept[-1].time if kept else call.event.time
        latest = self.store.state.last_event
        return json_answer(
            {"timestamp": rfc3339(stamp, 3), "latest_event_id": latest, "oldest_event_id": self._oldest()}
        )

    def list(self, call: Call) -> Answer:
        """The events after an id; 204 where there are none. An id that is too old is not found."""
        after, count = whole(call, "id", -1), whole(call, "count", DEFAULT_COUNT)
        if after < 0 or not 1 <= count <= LARGEST_COUNT:
            raise refuse(400, "id or count is invalid")
        if after < self._oldest() - 1 or call.fault("cursor_expired") is not None:
            raise refuse(404, "The event id is not available any more")
        found = [one for one in self.store.kept_events() if one.id > after and self._wanted(call, one)]
        if call.query.get("reverse") == "1":
            found.reverse()
        page = found[:count]
        if call.fault("page_empty") is not None:
            page = []
        if not page:
            return Answer(204)
        if call.fault("page_twice") is not None:
            page = [page[0], *page]
        latest = max(one.id for one in page)
        if call.fault("cursor_loop") is not None:
            latest = after
        told = {"latest_id": latest, "oldest_id": min(one.id for one in page), "count": len(page)}
        return json_answer({**told, "events": [self._told(call, one) for one in page]})

    def _wanted(self, call: Call, one: Happening) -> bool:
        """Only what the caller may see, and has not asked to leave out."""
        query, user = call.query, self.user(call)
        if one.kind == "permission_change" and "/v1/" in call.path:
            return False
        if query.get("type") and one.kind not in query["type"].split("|"):
            return False
        if query.get("suppress") == "user" and one.actor == user.id:
            return False
        if query.get("suppress") == "app" and one.client == self.client(call):
            return False
        paths = [str(one.data[name]) for name in ("target_path", "source_path") if name in one.data]
        folder = key_of(query.get("folder", "")).rstrip("/")
        if folder and not any(key_of(path) == folder or key_of(path).startswith(folder + "/") for path in paths):
            return False
        return user.kind == "admin" or any(self._seen(call, path) for path in paths)

    def _seen(self, call: Call, path: str) -> bool:
        while path:
            found = self.store.find(path)
            if found is not None:
                return self.store.allowed(self.user(call), found, "Viewer Only")
            path = path.rpartition("/")[0]
        return False

    def _told(self, call: Call, one: Happening) -> dict[str, Any]:
        return {
            "id": one.id,
            "timestamp": rfc3339(one.time, 3),
            "action_source": "PublicAPI",
            "actor": one.actor,
            "type": one.kind,
            "action": one.action,
            "object_detail": f"{call.at(HOST)}/pubapi/v1/fs{quote(str(one.data['target_path']))}",
            "data": one.data,
        }


class Trash(Desk):
    """What was deleted, to be brought back or to be gone for good."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", HOST, "/pubapi/v2/fs/trash", "list trash", "trash", self.list, FILES),
            Route("POST", HOST, "/pubapi/v1/fs/trash", "restore or purge", "trash", self.act, FILES),
        ]

    def _may(self, call: Call) -> None:
        if self.user(call).kind == "standard":
            raise refuse(403, DENIED)

    def list(self, call: Call) -> Answer:
        """A page, the latest first."""
        self._may(call)
        user = self.user(call)
        found = [one for one in self.store.state.trash.values() if user.kind == "admin" or one.deleted_by == user.name]
        found.sort(key=lambda one: one.deleted_at, reverse=True)
        offset, count = whole(call, "offset", 0), whole(call, "count", DEFAULT_COUNT)
        page = found[offset : offset + count]
        told = {"count": len(page), "offset": offset, "has_more": offset + count < len(found)}
        return json_answer({**told, "items": [_told(one) for one in page]})

    async def act(self, call: Call) -> Answer:
        """RESTORE or PURGE of up to ten; 207 where it did not work for some."""
        self._may(call)
        told = await self.document(call)
        action, ids = str(told.get("action", "")).upper(), [str(one) for one in told.get("ids") or ()]
        if action not in ("RESTORE", "PURGE") or not 1 <= len(ids) <= LARGEST_TRASH_REQUEST:
            raise refuse(400, "action or ids are invalid")
        results = [(one, *self._one(call, action, one)) for one in ids]
        if all(code == 200 for _, code, _ in results):
            return Answer(200)
        resources = [{"id": one, "code": code, "descriptions": [text]} for one, code, text in results]
        return json_answer({"resources": resources}, 207)

    def _one(self, call: Call, action: str, identifier: str) -> tuple[int, str]:
        found, store = self.store.state.trash.get(identifier), self.store
        user = self.user(call)
        if found is None or (user.kind != "admin" and found.deleted_by != user.name):
            return 404, "Not found in the trash"
        if action == "PURGE":
            call.event.changes.append(Change("delete", found.item, path=found.path))
            store.purge(found)
            return 200, ""
        item = store.restore(found)
        if item is None:
            return 409, "The original location is not there any more, or something else is there"
        self.changed(call, item, "restore")
        FileSystem(self.service).tell(call, "restore", item)
        return 200, ""


def _told(one: Trashed) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.kind,
        "path": one.path,
        "name": one.path.rpartition("/")[2],
        "size": one.size,
        "deleted_by": one.deleted_by,
        "delete_date": rfc3339(one.deleted_at),
        "purge_date": rfc3339(one.deleted_at + PURGED_AFTER_SECONDS),
    }
