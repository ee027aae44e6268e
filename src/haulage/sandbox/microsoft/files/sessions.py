"""Upload sessions: what they hold, and the rules for their fragments.

Source: the Graph page driveitem-createuploadsession; where practice differs, onedrive-api-docs issues 64, 75, 93, 1073,
1260 and 1273.
"""

import re

import msgspec

from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.wire import Call
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.errors import Wrong
from haulage.sandbox.microsoft.files.storing import Dates

RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
FRAGMENT_MULTIPLE = 320 << 10
LARGEST_FRAGMENT = 250 << 20  # documented are 60 MiB; rclone's documentation names this as what is really taken
SLIDING_SECONDS = 15 * 60.0
TICKET_SECONDS = 24 * 3600.0
PERSONAL_SECONDS = 7 * 24 * 3600.0


class Session(msgspec.Struct, kw_only=True):
    """A file on its way in. item: the one to replace, "" for a new one; parent, name, missing: where a new one goes.

    how: the conflict behaviour. total: as the first fragment says, -1 before it. parts: what has come, in order,
    without holes. expires: slides with every fragment in libraries; dies: the end of the URL itself. match: the
    If-Match to hold at the end too. uneven: a fragment before the last was not a multiple of 320 KiB. last: where the
    last fragment began. done: the item's id at the end.
    """

    id: str
    drive: str
    item: str
    parent: str
    name: str
    missing: list[str]
    how: str
    dates: Dates
    editor: str
    begun: float
    expires: float
    dies: float
    deferred: bool = False
    match: str = ""
    total: int = -1
    received: int = 0
    last: int = -1
    parts: list[Content] = []
    uneven: bool = False
    done: str = ""


def fragment(call: Call, session: Session) -> tuple[int, int]:
    """The first byte of the fragment that a call brings, and the first behind it. Raises Wrong."""
    found = RANGE.fullmatch(call.headers.get("Content-Range", "").strip())
    length = int(call.headers.get("Content-Length") or 0)
    if found is None:
        raise errors.invalid("The Content-Range header is missing or malformed.")
    first, last, total = map(int, found.groups())
    if length == 0:
        raise errors.invalid("A fragment of zero length is not allowed.")
    if last < first or last >= total:
        raise errors.invalid("The Content-Range header is missing or malformed.")
    if length > LARGEST_FRAGMENT:
        raise Wrong(413, "invalidRequest", "The fragment is too large.", "maxFragmentSizeExceeded")
    if length != last - first + 1 or (session.total >= 0 and total != session.total):
        raise out_of_range("The fragment's length does not agree with what was declared.", "fragmentLengthMismatch")
    if session.done:
        return first, last + 1
    if first < session.received:
        raise out_of_range("The fragment overlaps with data that was received already.", "fragmentOverlap")
    if first > session.received:
        raise out_of_range("The fragment is out of order.", "fragmentOutOfOrder")
    session.total = total
    return first, last + 1


def out_of_range(message: str, inner: str) -> Wrong:
    """416, as the service refuses fragments."""
    return Wrong(416, "invalidRange", message, inner)


def expected(session: Session, *, closed: bool) -> list[str]:
    """nextExpectedRanges: one range at most; libraries close it."""
    if 0 <= session.total <= session.received:
        return []
    end = str(session.total - 1) if closed and session.total >= 0 else ""
    return [f"{session.received}-{end}"]
