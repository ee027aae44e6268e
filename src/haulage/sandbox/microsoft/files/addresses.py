"""The many spellings of a path in Graph, and what they mean.

All end as one form: `/v1.0/drives/{drive}/items/{item}/...`, in which `{drive}` is an id or an alias ("me",
"users~ID", "groups~ID", "sites~ADDRESS") and `{item}` an address: "root", an id, or either of them with ":/path".
Source: onedrive-api-docs, "Addressing resources in a drive on OneDrive".
"""

import re

PREFIX = re.compile(r"^(?:/v1\.0|/beta|.*?/_api/v2\.0)(?=/)")
CALLED = re.compile(r"^(?:microsoft\.graph\.)?([A-Za-z]+)\(.*\)$")
ARGUMENT = re.compile(r"\((?:token|q)=(?:'|%27)(.*?)(?:'|%27)\)")
HEX_COLON = re.compile(r"%3A", re.IGNORECASE)
OWNERS = ("users", "groups")


def rewrite(path: str) -> str:
    """The path as the table of routes has it; both still encoded."""
    found = PREFIX.match(path)
    if found is None:
        return path
    rest = HEX_COLON.sub(":", path[found.end() :]).lstrip("/")  # Microsoft's SDKs send two: their base ends with one
    return "/v1.0" + _with_drive(f"/{rest}")


def argument(path: str) -> str | None:
    """The argument of `delta(token='T')` or `search(q='T')` in a path, still encoded; None if there is none."""
    found = ARGUMENT.search(path)
    return found.group(1) if found else None


def _with_drive(rest: str) -> str:
    """rest: from the version on, as "/me/drive/root"."""
    parts = rest.split("/", 4)
    first = parts[1]
    if first == "drives" and len(parts) > 2:
        return _with_item(f"/drives/{parts[2]}", "/".join(parts[3:]))
    if first == "drive":
        return _with_item("/drives/me", rest[len("/drive/") :])
    if first == "me" and len(parts) > 2:
        return _owned(rest, "/me", "me", "/".join(parts[2:]))
    if first in OWNERS and len(parts) > 3:
        return _owned(rest, f"/{first}/{parts[2]}", f"{first}~{parts[2]}", "/".join(parts[3:]))
    if first == "sites" and len(parts) > 2:
        return _with_site(rest[len("/sites/") :])
    return rest


def _owned(whole: str, owner: str, alias: str, rest: str) -> str:
    """rest: what follows the owner, as "drive/root"."""
    word, _, more = rest.partition("/")
    if word == "drive":
        return _with_item(f"/drives/{alias}", more)
    if word == "drives" and more:
        drive, _, more = more.partition("/")
        return _with_item(f"/drives/{drive}", more)
    if word == "lists" and (found := re.match(r"([^/]+)/drive(?:/|$)(.*)", more)):
        return _with_item(f"/drives/{alias}~{found.group(1)}", found.group(2))
    if CALLED.match(word):
        return f"{owner}/{_plain(word)}"
    return whole if owner.startswith(("/me", "/users", "/groups")) else f"{owner}/{rest}".rstrip("/")


def _with_site(rest: str) -> str:
    """rest: what follows /sites/: an id, or host and path between colons."""
    head, slash, more = rest.partition("/")
    if head.endswith(":"):
        inside, _, more = more.partition(":")
        head, more = f"{head[:-1]}%2F{inside.strip('/').replace('/', '%2F')}", more.lstrip("/")
    if CALLED.match(head):
        return f"/sites/{_plain(head)}"
    return _owned(f"/sites/{head}{slash}{more}", f"/sites/{head}", f"sites~{head}", more)


def _with_item(drive: str, body: str) -> str:
    """body: what follows the drive: "", "root:/A/b:/content", "items/ID/children", "special/documents" ..."""
    if body.startswith("items/"):
        body = body[len("items/") :]
    elif body.startswith("special/"):
        name, _, more = body[len("special/") :].partition("/")
        body = f"special~{name}" + (f"/{more}" if more else "")
    elif not body.startswith("root"):
        return f"{drive}/{_plain(body)}" if body else drive
    head, colon, tail = body.partition(":")
    if colon and "/" not in head:
        inside, _, deed = tail.partition(":")
        inside = inside.strip("/").replace("/", "%2F").removeprefix("%2F").removeprefix("%2f")
        address = f"{head}:%2F{inside}" if inside else head
        return f"{drive}/items/{address}{_deed(deed)}"
    head, slash, deed = body.partition("/")
    return f"{drive}/items/{head}{_deed(slash + deed)}"


def _deed(rest: str) -> str:
    """What is done with the item: "/children", "/delta" ..."""
    rest = rest.rstrip("/")
    return "/".join(_plain(word) for word in rest.split("/")) if rest else ""


def _plain(word: str) -> str:
    """A function's or action's name without namespace and parentheses."""
    if (found := CALLED.match(word)) is not None:
        return found.group(1)
    return word.removeprefix("microsoft.graph.")
