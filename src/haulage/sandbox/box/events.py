"""Box's events: what happened, to users and to the enterprise's admins."""

import asyncio
from typing import Any

from haulage.sandbox.box.desk import API, Desk
from haulage.sandbox.box.errors import refuse, wrong
from haulage.sandbox.box.model import Happening
from haulage.sandbox.box.texts import dated, read_date
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

REALTIME = "2.realtime.services.box.net"
LONGEST_WAIT_SECONDS = 610.0
# How the enterprise's log names what users' streams call otherwise: developer.box.com/guides/events/enterprise-events
ADMIN_KINDS = {
    "ITEM_UPLOAD": "UPLOAD", "ITEM_CREATE": "ITEM_CREATE", "ITEM_MOVE": "MOVE", "ITEM_RENAME": "RENAME",
    "ITEM_TRASH": "DELETE", "ITEM_UNDELETE_VIA_TRASH": "UNDELETE", "ITEM_COPY": "COPY", "ITEM_MODIFY": "EDIT",
    "LOCK_CREATE": "LOCK", "LOCK_DESTROY": "UNLOCK", "ITEM_SHARED_CREATE": "ITEM_SHARED_CREATE",
    "ITEM_SHARED_UNSHARE": "ITEM_SHARED_UNSHARE", "COLLAB_ADD_COLLABORATOR": "COLLABORATION_ACCEPT",
    "COLLAB_INVITE_COLLABORATOR": "COLLABORATION_INVITE", "COLLAB_ROLE_CHANGE": "COLLABORATION_ROLE_CHANGE",
    "COLLAB_REMOVE_COLLABORATOR": "COLLABORATION_REMOVE",
}  # fmt: skip
NO_CHANGE = ("ITEM_SHARED_CREATE", "ITEM_SHARED_UNSHARE", "LOCK_CREATE", "LOCK_DESTROY")


class Events(Desk):
    """Source: developer.box.com/reference/get-events, options-events."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", API, "/2.0/events", "get_events", "events", self.get),
            Route("OPTIONS", API, "/2.0/events", "options_events", "events", self.servers),
            Route("GET", REALTIME, "/subscribe", "subscribe", "events", self.wait, details={"open": True}),
        ]

    async def get(self, call: Call) -> Answer:
        """The next entries of a stream: the caller's own, or for admins the enterprise's."""
        kind = call.query.get("stream_type", "all") or "all"
        limit, position = self.limit(call, 100, 500), call.query.get("stream_position", "0") or "0"
        if kind not in ("all", "changes", "sync", "admin_logs", "admin_logs_streaming"):
            raise wrong(call, "stream_type", "is none of all, changes, sync, admin_logs, admin_logs_streaming")
        if kind.startswith("admin"):
            return self._admin(call, position, limit)
        latest = len(self.store.state.events)
        if position == "now":
            return self._page([], latest)
        if not position.isdigit() or call.fault("cursor_expired") is not None:
            raise wrong(call, "stream_position", "is no stream position")
        found, following = self._following(self.user(call), int(position), limit, without=kind != "all")
        await self.hashed(item.content for one in found if (item := self.store.state.items.get(one.item)))
        return self._page([self._entry(call, one, one.kind) for one in found], following)

    def _following(self, user: str, after: int, limit: int, *, without: bool) -> tuple[list[Happening], int]:
        """What comes next in a user's stream (`without` what is no change), and where it ends.

        Only the end of the stream may come out empty: a chunk of size 0 says that there is no more.
        """
        while batch := self.store.stream(user, after, limit):
            after = batch[-1].number
            if found := [one for one in batch if not without or one.kind not in NO_CHANGE]:
                return found, after
        return [], max(len(self.store.state.events), after)

    def _page(self, entries: list[dict[str, Any]], following: int | str) -> Answer:
        return json_answer({"chunk_size": len(entries), "next_stream_position": following, "entries": entries})

    def _entry(self, call: Call, one: Happening, kind: str) -> dict[str, Any]:
        item = self.store.state.items.get(one.item)
        source: dict[str, Any] = {"type": "file", "id": one.item, "item_status": "deleted"}
        if item is not None:
            source = self.shapes.item(item, self.user(call), call)
            source.pop("item_collection", None)
        return {
            "type": "event",
            "event_id": self.world.ids.hex("box", "event", one.number, count=40),
            "event_type": kind,
            "created_by": self.shapes.user_mini(one.by),
            "created_at": dated(one.at),
            "recorded_at": dated(one.at),
            "session_id": None,
            "source": source,
        }

    def _admin(self, call: Call, position: str, limit: int) -> Answer:
        if self.record(call).role not in ("admin", "coadmin"):
            raise refuse(call, 403, "access_denied_insufficient_permissions")
        events = self.store.state.events
        if position == "now":
            return self._page([], str(len(events)))
        if not position.isdigit():
            raise wrong(call, "stream_position", "is no stream position")
        after, before = (
            read_date(call, call.query[name], name) if call.query.get(name) else standard
            for name, standard in (("created_after", 0.0), ("created_before", float("inf")))
        )
        kinds = [one for one in call.query.get("event_type", "").split(",") if one]
        found: list[Happening] = []
        at = min(int(position), len(events))
        while at < len(events) and len(found) < limit:
            one, at = events[at], at + 1
            if after <= one.at < before and (not kinds or ADMIN_KINDS.get(one.kind, one.kind) in kinds):
                found.append(one)
        return self._page([self._entry(call, one, ADMIN_KINDS.get(one.kind, one.kind)) for one in found], str(at))

    def servers(self, call: Call) -> Answer:
        """Where to wait for what happens next."""
        ticket = f"{self.user(call)}.{self.world.ids.hex('box', 'realtime', self.user(call), count=16)}"
        url = f"{call.at(REALTIME)}/subscribe?channel={ticket}&stream_type=all"
        server = {"type": "realtime_server", "url": url, "ttl": "10", "max_retries": "10", "retry_timeout": 610}
        return json_answer({"chunk_size": 1, "entries": [server]})

    async def wait(self, call: Call) -> Answer:
        """Answers when something happens for the user, or asks to come again after ten minutes."""
        user, _, signature = call.query.get("channel", "").partition(".")
        if signature != self.world.ids.hex("box", "realtime", user, count=16):
            raise refuse(call, 404, "not_found")
        told = call.query.get("stream_position", "")
        seen = int(told) if told.isdigit() else len(self.store.state.events)
        for _ in range(int(LONGEST_WAIT_SECONDS / 0.25)):
            if self.store.stream(user, seen, 1):
                return json_answer({"message": "new_change", "version": "v1"})
            await asyncio.sleep(0.25)
        return json_answer({"message": "reconnect", "version": "v1"})
