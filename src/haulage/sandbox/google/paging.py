"""Page tokens that carry their own place, for lists that are made anew for each page."""

import base64

import msgspec

from haulage.sandbox.google.errors import bad_parameter, invalid, typed_answer


class Place(msgspec.Struct, array_like=True):
    """Where a page begins: so many entries in, of the list that `what` names, told at `made`."""

    what: str
    at: int
    made: float


def page_token(what: str, at: int, now: float) -> str:
    """The token of the page that begins there."""
    return "~!!~" + base64.urlsafe_b64encode(msgspec.msgpack.encode(Place(what, at, now))).decode().rstrip("=")


def place(token: str, what: str, now: float, seconds: float) -> int:
    """Where the page of a token begins; tokens hold for so many seconds. Raises Refusal."""
    if not token:
        return 0
    text = token.removeprefix("~!!~")
    try:
        found = msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Place)
    except (ValueError, msgspec.DecodeError):
        raise invalid("pageToken") from None
    if found.what != what or now - found.made > seconds:
        raise invalid("pageToken")
    return found.at


def page_size(text: str | None, name: str, default: int, largest: int) -> int:
    """How many entries a page is to have; more than the largest are cut to it. Raises Refusal."""
    if text is None:
        return default
    try:
        wanted = int(text)
    except ValueError:
        raise typed_answer([(name, "TYPE_INT32", text)]) from None
    if wanted < 1:
        raise bad_parameter(f"Invalid value '{wanted}'. Values must be within the range: [1, {largest}]", name)
    return min(wanted, largest)
