"""Whether anything happened in an account since: by its stream of changes (Q13)."""

import msgspec

from haulage.model.errors import HaulageError, Mismatch
from haulage.services.box.calls import Calls

NOW = "now"


class Events(msgspec.Struct):
    """GET /events. next_stream_position: a number for users, and a text for administrators' streams."""

    chunk_size: int
    next_stream_position: int | str


async def _since(calls: Calls, position: str) -> Events:
    return await calls.get("GetEvents", f"events?stream_type=changes&limit=1&stream_position={position}", Events)


async def position(calls: Calls) -> str:
    """Where the stream stands."""
    return str((await _since(calls, NOW)).next_stream_position)


async def quiet_since(calls: Calls, since: str) -> str | None:
    """Where it stands, if nothing at all happened in the account since then; else None. The end is an empty page."""
    if not since.isdecimal():
        raise Mismatch("Box: that is no position in a stream of changes")
    try:
        found = await _since(calls, since)
    except HaulageError as error:
        if error.code != HaulageError.code:
            raise
        return None  # a position that Box does not take any more is refused as a wrong parameter
    return None if found.chunk_size else str(found.next_stream_position)
