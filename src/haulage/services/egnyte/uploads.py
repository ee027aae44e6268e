"""Writing content: in one request, or in chunks whose last one makes the file (Q8).

No call tells which chunks have arrived, so their receipts stay with the upload's state; the first one names the upload.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence

from haulage.model.errors import Mismatch, OutcomeUnknown, SessionGone, ShortRead
from haulage.model.item import Carried
from haulage.services.contract import Json
from haulage.services.egnyte.calls import CHUNKED, CONTENT, Calls, decoded
from haulage.services.egnyte.items import Made, time_text
from haulage.services.egnyte.refusals import CHUNK, UPLOAD_ID

CHECKSUM, CHUNK_CHECKSUM = "X-Sha512-Checksum", "X-Egnyte-Chunk-Sha512-Checksum"
NUMBER, LAST = "X-Egnyte-Chunk-Num", "X-Egnyte-Last-Chunk"
LIFE_SECONDS = 23 * 3600  # chunks are kept for 24 hours from the first one on


def dated(carried: Carried) -> dict[str, str]:
    """The header that sets a file's time."""
    known = carried.modified_us is not None and carried.modified_us >= 0
    text = time_text(carried.modified_us or 0) if known else None
    return {} if text is None else {"Last-Modified": text}


async def at_once(
    calls: Calls, path: str, body: bytes | memoryview, sha512: str, dates: Mapping[str, str]
) -> Made:  # fmt: skip
    """One request: a new file, or a new version of what is there. Raises Gone where the folder is missing."""
    url = calls.url(CONTENT, path)
    answer = await calls.send("upload", url, {CHECKSUM: sha512, **dates}, body, repeatable=False)
    made = decoded(answer, "upload", Made)
    made.checksum = made.checksum or answer.headers.get(CHECKSUM)
    return made


def _receipts(state: Json) -> Mapping[str, Json]:
    found: Mapping[str, Json] = state.get("receipts") or {}
    return found


def begun(state: Json, number: int) -> dict[str, str]:
    """The header that names the upload. Raises SessionGone where a chunk before that one is missing."""
    receipts = _receipts(state)
    if any(str(before) not in receipts for before in range(1, number)):
        raise SessionGone("Egnyte takes no chunk before those in front of it are there")
    return {UPLOAD_ID: str(receipts["1"]["upload"])} if number > 1 else {}


async def chunk(calls: Calls, where: str, state: Json, number: int, body: memoryview, digest: str | None) -> Json:
    """Send one chunk but the last. Returns its receipt. Raises SessionGone, Mismatch."""
    sha512 = digest or hashlib.sha512(body).hexdigest()
    headers = {**begun(state, number), NUMBER: str(number), CHUNK_CHECKSUM: sha512, **state["dates"]}
    answer = await calls.send(CHUNK, calls.url(CHUNKED, where), headers, body, repeatable=True)
    _same(answer.headers.get(CHUNK_CHECKSUM), sha512)
    receipt: Json = {"number": number, "size": len(body), "sha512": sha512}
    if number > 1:
        return receipt
    upload = answer.headers.get(UPLOAD_ID, "")
    if not upload:
        raise Mismatch("Egnyte: the answer to the first chunk names no upload")
    return {**receipt, "upload": upload, "until": int(time.time()) + LIFE_SECONDS}


def _same(told: str | None, sha512: str) -> None:
    if told is not None and told.lower() != sha512:
        raise Mismatch("Egnyte has another chunk than the one that was sent")


def held(state: Json) -> dict[int, Json] | None:
    """Receipts of what was sent; None where the service has forgotten it by now. The last part is not sent yet."""
    receipts = _receipts(state)
    if receipts and receipts["1"].get("until", 0) < time.time():
        return None
    sent = {int(number): receipt for number, receipt in receipts.items()}
    total = sum(one["size"] for one in sent.values())
    return {number: one for number, one in sent.items() if total < state["size"] or number < len(sent)}


def whole(state: Json, receipts: Sequence[Json], tail: memoryview | None) -> str:
    """What Egnyte will tell of the file: of the chunks' joined hashes (Q7). Raises ShortRead where one is missing."""
    total = sum(one["size"] for one in receipts)
    if (
        tail is None
        or total != state["size"]
        or [one["number"] for one in receipts] != list(range(1, len(receipts) + 1))
    ):
        raise ShortRead(f"{state['path']}: the parts hold {total} bytes of {state['size']}")
    joined = hashlib.sha512("".join(one["sha512"] for one in receipts).encode()).hexdigest()
    return f"2-{len(receipts)}-{receipts[0]['size']}-{joined}"


async def last(
    calls: Calls, where: str, state: Json, receipts: Sequence[Json], tail: memoryview, checksum: str
) -> Made:
    """Send the last chunk, which makes the file. Raises SessionGone, OutcomeUnknown, Mismatch."""
    begun = {UPLOAD_ID: str(receipts[0]["upload"])} if len(receipts) > 1 else {}
    headers = {**begun, NUMBER: str(len(receipts)), LAST: "true", **state["dates"]}
    headers |= {CHECKSUM: checksum, CHUNK_CHECKSUM: receipts[-1]["sha512"]}
    answer = await calls.send(CHUNK, calls.url(CHUNKED, where), headers, tail, repeatable=False)
    try:
        made = decoded(answer, CHUNK, Made)
    except Mismatch as error:
        raise OutcomeUnknown(error.message) from error
    if (made.checksum or checksum).lower() != checksum:
        raise Mismatch(f"Egnyte made another file of the chunks than the one that was sent: {made.checksum}")
    return made
