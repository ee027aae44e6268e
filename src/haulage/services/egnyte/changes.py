"""Whether anything happened in a folder since: by the domain's record of events (Q11)."""

import msgspec

from haulage.model.errors import Gone, Mismatch
from haulage.services.egnyte.calls import Calls, decoded

EVENTS = "pubapi/v1/events"
PAGE_EVENTS = 100
MOST_PAGES = 5  # of what others did elsewhere in the domain: beyond that, listing the folders is as cheap


class Position(msgspec.Struct):
    """GET events/cursor"""

    latest_event_id: int


class Event(msgspec.Struct):
    """One event: where it happened. data: target_path, source_path, and more."""

    data: dict[str, object] = {}


class Events(msgspec.Struct):
    """GET events"""

    latest_id: int
    events: list[Event] = []


async def position(calls: Calls) -> str:
    """The latest event's id."""
    return str((await calls.get("events cursor", calls.url(EVENTS, "/cursor"), Position)).latest_event_id)


async def quiet_since(calls: Calls, since: str, folder: str) -> str | None:
    """The id of the latest event, if none since was in the folder, or moved what it lies in; else None."""
    at = int(since)
    for _ in range(MOST_PAGES):
        url = calls.url(EVENTS, "", f"id={at}&count={PAGE_EVENTS}&type=file_system")
        try:
            answer = await calls.ask("list events", url)
        except Gone:  # it is not kept any more
            return None
        if answer.status == 204:
            return str(at)
        found = decoded(answer, "list events", Events)
        if found.latest_id <= at:
            raise Mismatch("Egnyte: the record of events does not go on")
        if not found.events or any(_about(one, folder) for one in found.events):
            return None
        at = found.latest_id
        if len(found.events) < PAGE_EVENTS:
            return str(at)
    return None


def _about(event: Event, folder: str) -> bool:
    """Whether an event was in the folder, or about one that it lies in. One that names no path may be."""
    named = [event.data[name] for name in ("target_path", "source_path") if event.data.get(name)]
    return not named or any(_touch(str(one), folder) for one in named)


def _touch(path: str, folder: str) -> bool:
    one, other = (f"{text.rstrip('/')}/".casefold() for text in (path, folder))
    return one.startswith(other) or other.startswith(one)
