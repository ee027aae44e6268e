"""OData's options, and pages with opaque links to the next."""

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from haulage.sandbox.frame.wire import Call
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.showing import Document

DEFAULT_TOP = 200
LARGEST_TOP = 1000  # onedrive-api-docs, issue 319; more is taken as this
DOWNLOAD = "@microsoft.graph.downloadUrl"


def option(call: Call, name: str) -> str | None:
    """An OData option: on paths of drives the `$` may be left out."""
    found = call.query.get(f"${name}")
    return call.query.get(name) if found is None else found


def top(call: Call) -> int:
    """How many items a page holds. Raises Wrong."""
    asked = option(call, "top")
    if asked is None:
        return DEFAULT_TOP
    if not asked.isdecimal() or int(asked) < 1:
        raise errors.invalid(f"Invalid value '{asked}' for $top query option found.", "invalidParameterFormat")
    return min(int(asked), LARGEST_TOP)


def selected(call: Call, documents: list[Document]) -> list[Document]:
    """The documents with the properties that `$select` names."""
    asked = option(call, "select")
    if not asked:
        return documents
    names = {one.strip() for one in asked.split(",")}
    if "content.downloadUrl" in names or DOWNLOAD in names:
        names.add(DOWNLOAD)
    return [
        {name: value for name, value in one.items() if name in names or name.startswith("@odata")} for one in documents
    ]


def packed(*facts: object) -> str:
    """A token of facts, opaque to clients."""
    text = "\x1f".join(map(str, facts)).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def unpacked(token: str) -> list[str]:
    """The facts of a token. Raises ValueError where it is none."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    return raw.decode("utf-8", "surrogatepass").split("\x1f")


def link(call: Call, **more: str) -> str:
    """The call's own address with other options; "" takes one out."""
    query = {name: value for name, value in call.query.items() if name.lstrip("$") not in {*more, "skipToken"}}
    query |= {f"${name}" if name == "skiptoken" else name: value for name, value in more.items() if value}
    return f"{call.origin}{call.path}" + (f"?{urlencode(query, safe='$,')}" if query else "")


def listing(call: Call, context: str, rows: Callable[[str, int], tuple[list[Any], str]]) -> Document:
    """A page of a collection, damaged where the fault plan says so.

    rows(start, count): the rows from a position on, and the position after them, "" at the end. They become the value.
    """
    start, looping, count = _position(call), False, top(call)
    if start.startswith("loop "):
        start, looping = start[len("loop ") :], True
    found, after = rows(start, count)
    if call.fault("page_empty") is not None:
        found, after = [], start or " "
    elif call.fault("page_twice") is not None:
        after = start or " "
    elif call.fault("page_missing") is not None and after:
        _, after = rows(after, count)
    if looping or call.fault("cursor_loop") is not None:
        after = f"loop {start or ' '}"
    document = {"@odata.context": context, "value": found}
    if after:
        document["@odata.nextLink"] = link(call, skiptoken=packed("P", after))
    return document


def sliced(rows: list[Any]) -> Callable[[str, int], tuple[list[Any], str]]:
    """For `listing`: rows that are all at hand; a position is a number."""

    def page(start: str, count: int) -> tuple[list[Any], str]:
        at = int(start or 0)
        return rows[at : at + count], str(at + count) if at + count < len(rows) else ""

    return page


def _position(call: Call) -> str:
    """Where the page that is asked for begins."""
    token = call.query.get("$skiptoken") or call.query.get("$skipToken") or option(call, "skiptoken")
    if option(call, "skip") is not None:
        raise errors.invalid("$skip is not supported on this API. Only URLs returned by the API can be used to page.")
    if token is None:
        return ""
    if call.fault("cursor_expired") is not None:
        raise errors.invalid("The skip token has expired.", "invalidParameterFormat")
    try:
        kind, position = unpacked(token)
    except ValueError:
        kind, position = "", ""
    if kind != "P":
        raise errors.invalid("The skip token is malformed.", "invalidParameterFormat")
    return "" if position == " " else position
