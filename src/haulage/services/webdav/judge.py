"""What a WebDAV server's answers mean: RFC 4918, and what servers make of it."""

from urllib.parse import urlsplit

from haulage.model.errors import (
    AuthLost,
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    QuotaFull,
    Refused,
    SessionGone,
    Throttled,
    TooLarge,
    Transient,
)
from haulage.services.transport import Answer, NoEffect, PutRight, Request, retry_after_seconds
from haulage.services.webdav.auth import Login
from haulage.services.webdav.place import Place
from haulage.services.webdav.wire import failure_of

WRITES = frozenset({"PUT", "MOVE", "MKCOL"})
_GOOD = {
    "PROPFIND": {207},
    "GET": {200, 206},
    "HEAD": {200},
    "PUT": {200, 201, 204},
    "MKCOL": {200, 201},
    "MOVE": {200, 201, 204},
    "DELETE": {200, 202, 204},
}
_BY_STATUS: dict[int, type[HaulageError]] = {
    404: Gone,
    410: Gone,
    408: NoEffect,
    413: TooLarge,
    414: NameRefused,
    423: NoEffect,  # locked, mostly by another call of ours that is under way
    425: NoEffect,
    429: Throttled,
    501: Refused,
    503: Throttled,  # overloaded, or in maintenance: it took no effect
    507: QuotaFull,
    509: Throttled,
}


class NoWebDav(Denied):
    """A web server that speaks no WebDAV at that address, or only the part of it that writes (Q23)."""

    default_fix = (
        "Give the address of a WebDAV folder, as the server documents it. One that only takes files cannot be used: "
        "nginx needs its module dav-ext, Apache 'Dav On', and 'DirectoryIndex disabled' where an index.html is."
    )


class NoParent(Gone):
    """The folder to write into is not there."""


class Exists(Conflict):
    """There is something of that name already (an answer to MKCOL)."""


class IsFolder(Gone):
    """The server sends on to the same address with a slash: it is a folder, and not a file."""


class DestinationRefused(HaulageError):
    """The server does not take the Destination of a MOVE as it is written; it may take another spelling (Q22)."""


TRY_MOVE = "TryMove"
"""The operation of the MOVE that finds out about spellings: a bad gateway in its answer is the server's own word."""


class Judge:
    """Maps an answer to the contract's errors, in the context of the call that it belongs to."""

    def __init__(self, place: Place, login: Login) -> None:
        self._place = place
        self._login = login

    def __call__(self, request: Request, answer: Answer) -> HaulageError | None:
        """None for what was asked for."""
        status, method = answer.status, request.method
        if status in _GOOD[method]:
            whole = status != 207 or answer.body[-64:].rstrip().endswith(b"multistatus>")
            return None if whole else Transient(f"{request.operation}: the multistatus is cut off")  # so asked again
        failure = failure_of(answer.body)
        said = f"{failure.exception.rpartition(chr(92))[2]} {failure.message}".strip().replace("\n", " ")[:300]
        message = f"{request.operation}: {said or 'no reason given'} ({status})"
        if status == 401:
            challenges = _all(answer, "WWW-Authenticate")
            if self._login.asked(request, challenges):
                return PutRight(message)
            return AuthLost(f"{self._place.where} refuses the user or the password: {message}")
        kind = self._kind(request, answer, said)
        if kind is NoWebDav:
            return NoWebDav(f"{self._place.where} does not list folders there: it answers {status} to PROPFIND")
        return Throttled(message, retry_after_seconds(answer.headers)) if kind is Throttled else kind(message)

    def _kind(self, request: Request, answer: Answer, said: str) -> type[HaulageError]:
        status, method = answer.status, request.method
        if method == "MOVE" and ((status == 400 and not said) or (status == 502 and request.operation == TRY_MOVE)):
            return DestinationRefused
        if status in (301, 302, 307, 308):
            # Behind a proxy the server knows itself by another scheme or name: the path alone counts.
            to = urlsplit(answer.headers.get("Location", "")).path
            if to == urlsplit(request.url).path + "/":
                return IsFolder
        if method == "PROPFIND" and (status < 400 or status in (405, 501)):
            return NoWebDav
        if status == 412:
            return Conflict if method in WRITES else Changed
        if status in (400, 403):
            return self._refused(status, said)
        if status == 409 and method in WRITES:
            return NoParent
        if status == 405:
            return Exists if method == "MKCOL" else Conflict if method in WRITES else Refused
        if status == 404 and method in ("PUT", "MKCOL"):
            return NoParent
        if status == 404 and request.operation in ("PutChunk", "Assemble"):
            return SessionGone
        if status in _BY_STATUS:
            return _BY_STATUS[status]
        return Transient if status >= 500 else HaulageError

    def _refused(self, status: int, said: str) -> type[HaulageError]:
        """What sabre's exceptions tell of a 400 or a 403."""
        if "checksum" in said.lower():
            return Mismatch
        if "InvalidPath" in said or "ileName" in said or "file name" in said.lower() or "EntityTooLarge" in said:
            return TooLarge if "EntityTooLarge" in said else NameRefused
        return Denied if status == 403 else HaulageError


def _all(answer: Answer, name: str) -> list[str]:
    """Every header of that name; a server offers several ways to sign in as several headers."""
    every = getattr(answer.headers, "getall", None)
    if every is not None:
        return list(every(name, []))
    return [answer.headers[name]] if name in answer.headers else []
