"""Upload sessions: fragments in order, the last of which makes the file (Q6, Q7)."""

from collections.abc import Mapping
from typing import Any

from haulage.model.errors import Conflict, Gone, HaulageError, OutcomeUnknown, SessionGone, Transient
from haulage.model.item import Carried
from haulage.services.contract import Json, Precondition
from haulage.services.microsoft.graph import Graph
from haulage.services.microsoft.items import SELECT, DriveItem, Session, time_text
from haulage.services.microsoft.refusals import Overlap
from haulage.services.transport import Request


def times_of(carried: Carried) -> dict[str, str]:
    """The facet that keeps a client's own times."""
    told = {"lastModifiedDateTime": carried.modified_us, "createdDateTime": carried.created_us}
    known = {name: time_text(value) for name, value in told.items() if value is not None}
    return {name: text for name, text in known.items() if text is not None}


async def revised(graph: Graph, path: str, condition: Precondition) -> dict[str, str]:
    """The headers of a write that replaces just one revision. Raises Conflict where another one is there.

    A revision is the tag of the content; what a write may be bound to is the tag of the whole item (Q9).
    """
    if condition.revision is None:
        return {}
    try:
        found = await graph.get("GetItem", f"{graph.url(path)}?$select={SELECT}", DriveItem)
    except Gone:
        raise Conflict(f"{path}: it is not there any more") from None
    if found.revision != condition.revision or found.e_tag is None:
        raise Conflict(f"{path}: another revision is there than the one to be replaced")
    return {"If-Match": found.e_tag}


async def begin(graph: Graph, path: str, size: int, carried: Carried, condition: Precondition) -> str:
    """The address of a new session, which is its own permission. Raises Conflict, QuotaFull, NameRefused, Gone.

    OneDrive Consumer is told the size, and refuses at once what it has no room for.
    """
    headers = await revised(graph, path, condition)
    item: dict[str, Any] = {"@microsoft.graph.conflictBehavior": "fail" if condition.absent else "replace"}
    if times := times_of(carried):
        item["fileSystemInfo"] = times
    if graph.personal:
        item["fileSize"] = size
    answer = await graph.send(
        "CreateUploadSession", "POST", graph.url(path, "createUploadSession"), {"item": item}, headers, repeatable=True
    )
    return graph.decoded(answer, "CreateUploadSession", Session).url


async def expected(graph: Graph, url: str, size: int) -> int:
    """The first byte that the session lacks; the size where it lacks none. Raises SessionGone."""
    session = await graph.get("GetUploadSession", url, Session, bare=True)
    return int(session.ranges[0].partition("-")[0]) if session.ranges else size


async def send(graph: Graph, url: str, offset: int, body: memoryview, size: int) -> DriveItem | None:
    """Send one fragment, or what the session lacks of it. Returns the item where it was the last.

    Raises SessionGone, Conflict, QuotaFull; OutcomeUnknown where the answer to the last fragment was lost.
    """
    last = offset + len(body) == size
    try:
        return await _put(graph, url, offset, body, size, repeatable=not last)
    except Overlap:
        start = await expected(graph, url, size)
        if last and start >= size:
            raise SessionGone("the session has every byte already") from None
        if start >= offset + len(body):
            return None
        if start < offset:
            raise SessionGone(f"the session expects byte {start}, before the part from {offset} on") from None
        return await _put(graph, url, start, body[start - offset :], size, repeatable=not last)


async def _put(
    graph: Graph, url: str, offset: int, body: memoryview, size: int, *, repeatable: bool
) -> DriveItem | None:
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Range": f"bytes {offset}-{offset + len(body) - 1}/{size}",
    }
    request = Request("UploadFragment", "PUT", url, headers, body, repeatable, bare=True)
    answer = await graph.transport.call(request)
    if answer.status == 202:
        return None
    try:
        return graph.decoded(answer, "UploadFragment", DriveItem)
    except Transient as error:
        if repeatable:
            raise
        raise OutcomeUnknown(error.message) from error  # it may have been made a file of, whoever answered


async def held(graph: Graph, state: Json, part_bytes: int) -> Mapping[int, Json] | None:
    """Receipts of the whole parts that the session has; None where it is gone."""
    size = int(state["size"])
    try:
        start = await expected(graph, state["url"], size)
    except SessionGone:
        return None
    whole = -(-size // part_bytes) if start >= size else start // part_bytes
    sizes = [min(part_bytes, size - index * part_bytes) for index in range(whole)]
    return {number: {"number": number, "size": one} for number, one in enumerate(sizes, 1)}


async def forget(graph: Graph, url: str) -> None:
    """End a session; it being gone already is fine."""
    try:
        await graph.transport.call(Request("CancelUpload", "DELETE", url, bare=True))
    except HaulageError as error:
        if not error.item_only:
            raise
