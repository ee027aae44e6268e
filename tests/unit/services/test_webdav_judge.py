"""What a server's answers mean."""

import pytest
from multidict import CIMultiDict

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
from haulage.services.transport import Answer, NoEffect, PutRight, Request
from haulage.services.webdav.auth import Login
from haulage.services.webdav.judge import DestinationRefused, Exists, IsFolder, Judge, NoParent, NoWebDav
from haulage.services.webdav.place import Place

URL = "https://h/dav"


def judged(method: str, status: int, operation: str = "", body: bytes = b"", **headers: str) -> HaulageError | None:
    judge = Judge(Place({"url": URL}, ""), Login("u", "p", "basic", encrypted=True))
    request = Request(operation or method, method, f"{URL}/x", {})
    return judge(request, Answer(status, CIMultiDict(headers), body))


def sabre(exception: str, message: str = "") -> bytes:
    return (
        '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        f"<s:exception>{exception}</s:exception><s:message>{message}</s:message></d:error>"
    ).encode()


@pytest.mark.parametrize(
    ("method", "status", "kind"),
    [
        ("GET", 404, Gone),
        ("PROPFIND", 410, Gone),
        ("GET", 412, Changed),
        ("MOVE", 412, Conflict),
        ("PUT", 412, Conflict),
        ("PUT", 409, NoParent),
        ("PUT", 404, NoParent),
        ("MKCOL", 409, NoParent),
        ("MKCOL", 405, Exists),
        ("PUT", 405, Conflict),
        ("GET", 405, Refused),
        ("PUT", 403, Denied),
        ("PUT", 413, TooLarge),
        ("PUT", 414, NameRefused),
        ("MOVE", 423, NoEffect),
        ("GET", 429, Throttled),
        ("GET", 503, Throttled),
        ("PUT", 507, QuotaFull),
        ("PUT", 501, Refused),
        ("GET", 500, Transient),
        ("MOVE", 504, Transient),
        ("GET", 418, HaulageError),
        ("GET", 302, HaulageError),
        ("PROPFIND", 200, NoWebDav),
        ("PROPFIND", 405, NoWebDav),
        ("MOVE", 400, DestinationRefused),
        ("DELETE", 207, HaulageError),
    ],
)
def test_what_answers_mean(method: str, status: int, kind: type[HaulageError]) -> None:
    """Q13, Q16. A DELETE that tells of failures is none."""
    assert type(judged(method, status)) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, sabre("X\\BadRequest", "The computed checksum does not match"), Mismatch),
        (400, sabre("OCA\\DAV\\InvalidPath", "File name is a reserved word"), NameRefused),
        (403, sabre("X\\Forbidden", "no"), Denied),
        (403, sabre("X\\EntityTooLarge"), TooLarge),
        (400, b"<html>", HaulageError),
    ],
)
def test_what_sabre_says(status: int, body: bytes, kind: type[HaulageError]) -> None:
    """Nextcloud and ownCloud tell more than the status."""
    assert type(judged("PUT", status, body=body)) is kind


def test_answers_about_an_upload() -> None:
    """Chunks that the server has forgotten."""
    assert type(judged("MOVE", 404, "Assemble")) is SessionGone


def test_waits_are_told() -> None:
    """The account waits as long as it is asked to."""
    error = judged("PUT", 429, **{"Retry-After": "7"})
    assert isinstance(error, Throttled)
    assert error.wait_seconds == 7


@pytest.mark.parametrize("location", ["/dav/x/", "https://h/dav/x/", "http://inside:8080/dav/x/"])
def test_a_folder_is_no_file(location: str) -> None:
    """Servers send on from a folder's name to the one with a slash; nothing else is followed."""
    assert type(judged("PROPFIND", 301, Location=location)) is IsFolder
    assert type(judged("PROPFIND", 301, Location="https://elsewhere/x/")) is NoWebDav
    assert type(judged("GET", 301, Location="https://elsewhere/x/")) is HaulageError


def test_a_multistatus_that_is_cut_off() -> None:
    """Q4: told as a passing trouble, so that it is asked again; never as a short folder."""
    whole = b'<d:multistatus xmlns:d="DAV:"></d:multistatus>\n'
    assert judged("PROPFIND", 207, body=whole) is None
    for body in (whole[:20], b"", whole + b"Internal Server Error"):
        assert type(judged("PROPFIND", 207, body=body)) is Transient


def test_a_password_that_is_refused() -> None:
    """What was sent is noted in the request, so a first 401 is a question and a second an answer."""
    judge = Judge(Place({"url": URL}, ""), login := Login("u", "p", "auto", encrypted=True))
    request = Request("Get", "GET", f"{URL}/x", {})
    asked = Answer(
        401, CIMultiDict([("WWW-Authenticate", 'Digest realm="r", nonce="n"'), ("WWW-Authenticate", "Basic")])
    )
    login.sign(request)
    assert type(judge(request, asked)) is PutRight
    assert login.sign(request)["Authorization"].startswith("Basic ")
    assert type(judge(request, asked)) is AuthLost
