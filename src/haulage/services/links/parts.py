"""What uploads in parts share on file servers: receipts of proven parts, and that parts join."""

from collections.abc import Sequence

from haulage.model.errors import SessionGone, ShortRead
from haulage.services.contract import Json


def gone(state: Json) -> SessionGone:
    """The hidden file of that upload is not there any more."""
    return SessionGone(f"the unfinished file of {state['path']!r} is gone")


def receipt(number: int, offset: int, size: int, sha256: str) -> Json:
    """Of a part that was read back: where it stands, how many bytes, and their SHA-256 in hex."""
    return {"number": number, "offset": offset, "size": size, "sha256": sha256}


def refuse_gaps(path: str, size: int, receipts: Sequence[Json]) -> None:
    """Raise ShortRead unless the parts make up all of the file, each byte once."""
    end = 0
    for offset, length in sorted((one["offset"], one["size"]) for one in receipts):
        if offset != end:
            raise ShortRead(f"{path!r}: the parts do not join at byte {end}")
        end += length
    if end != size:
        raise ShortRead(f"{path!r}: the parts add up to {end} of {size} bytes")
