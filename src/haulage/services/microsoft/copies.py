"""Copies that Graph makes by itself: asked for, waited for at a monitor, under a name of their own at first (Q20)."""

from contextlib import suppress

import msgspec

from haulage.model.errors import Blocked, Gone, SessionGone
from haulage.services.contract import Json
from haulage.services.microsoft.graph import Graph
from haulage.services.microsoft.items import SELECT, DriveItem
from haulage.services.microsoft.refusals import MEANINGS
from haulage.services.transport import Request

ASYNC = {"Prefer": "respond-async"}
TAKEN = "namealreadyexists"
LOOKS = 10


class Trouble(msgspec.Struct):
    """Why a copy failed."""

    code: str = ""
    message: str = ""


class Monitor(msgspec.Struct):
    """How far a copy is."""

    status: str = ""
    error: Trouble | None = None
    error_code: str = msgspec.field(name="errorCode", default="")


def path_of(state: Json) -> str:
    """Where a copy stands before it gets its place: beside it, under a name that only this attempt has."""
    above, slash, _ = str(state["path"]).rpartition("/")
    return f"{above}{slash}.haulage-{state['attempt']}.tmp"


async def begin(graph: Graph, source: Graph, item_id: str, folder_id: str, state: Json) -> Json:
    """Ask for a copy; the state then has the address of its monitor, which is its own permission.

    One at a host that is none of Microsoft's we know is not asked: the copy is looked for by its name.
    """
    body = {
        "name": path_of(state).rpartition("/")[2],
        "parentReference": {"driveId": graph.drive_id, "id": folder_id},
    }
    url = f"{source.by_id(item_id)}/copy?@microsoft.graph.conflictBehavior=fail"
    answer = await graph.send("CopyItem", "POST", url, body, ASYNC)
    monitor = answer.headers.get("Location", "")
    return {**state, "monitor": monitor} if graph.transport.may_call(monitor, bare=True) else state


async def ended(graph: Graph, monitor: str) -> bool:
    """Whether the service says that the copy is made. Raises what it failed for."""
    try:
        told = await graph.get("GetMonitor", monitor, Monitor, bare=True)
    except Gone:
        return True  # it lasts some hours: what there is then tells more
    if told.status != "failed":
        return told.status == "completed"
    code = (told.error_code or (told.error.code if told.error else "")).lower()
    if code == TAKEN:
        return True  # it was asked for twice: this name is the attempt's own
    raise MEANINGS.get(code, Blocked)(f"Microsoft: the copy failed ({code or 'no reason told'})")


async def found(graph: Graph, state: Json) -> DriveItem | None:
    """The copy under its attempt's name; None while it is yet to come. Raises SessionGone where none comes.

    One that is said to be made may be there a moment later.
    """
    try:
        return await graph.get("GetItem", f"{graph.url(path_of(state))}?$select={SELECT}", DriveItem)
    except Gone:
        state["looks"] = state.get("looks", 0) + 1
        if "monitor" not in state or state["looks"] >= LOOKS:
            raise SessionGone(f"{state['path']}: no copy of it is there") from None
        return None


async def forget(graph: Graph, state: Json) -> None:
    """Remove the copy; it not being there is fine."""
    with suppress(Gone):
        await graph.transport.call(Request("DeleteItem", "DELETE", graph.url(path_of(state))))
