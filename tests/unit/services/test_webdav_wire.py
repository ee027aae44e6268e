"""What is read of a server's documents."""

import pytest

from haulage.model.errors import Transient
from haulage.services.webdav.wire import Entry, bare, checksums_of, date_us, failure_of, multistatus


def response(href: str, inside: str = "") -> str:
    return f"<d:response><d:href>{href}</d:href>{inside}</d:response>"


def document(*responses: str) -> bytes:
    return (
        f'<d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">{"".join(responses)}</d:multistatus>'.encode()
    )


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/a/b%20c/", "/a/b c"),
        ("http://other:80/a/%C3%A4", "/a/ä"),
        ("/a/half ä %25", "/a/half ä %"),
        ("/a/%E4", "/a/ä"),
        ("/a/q%3Fx%23y", "/a/q?x#y"),
        ("/a/b?version=3#top", "/a/b"),
        ("\n /a \n", "/a"),
        ("/a/plus+%2B", "/a/plus++"),
        ("", ""),
    ],
)
def test_hrefs(href: str, path: str) -> None:
    """Q1, Q5: addresses and paths, encoded more or less; Latin-1 where it is no UTF-8."""
    assert multistatus(document(response(href)))[0].path == path


def test_an_encoded_slash_is_noticed() -> None:
    """A name with one in it cannot be told from two names."""
    assert [entry.slash for entry in multistatus(document(response("/a%2fb"), response("/a/b")))] == [True, False]


def test_properties_that_are_not_there() -> None:
    """Q4: each propstat has its own status."""
    good = (
        "<d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype><d:getetag>W/&quot;x&quot;</d:getetag>"
        "<oc:checksums><oc:checksum>SHA1:AB MD5:cd</oc:checksum></oc:checksums></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
    )
    bad = (
        "<d:propstat><d:prop><d:getcontentlength>9</d:getcontentlength></d:prop>"
        "<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
    )
    found = multistatus(document(response("/a", good + bad)))[0]
    assert found == Entry("/a", folder=True, etag="x", checksums="SHA1:AB MD5:cd")
    assert checksums_of(found.checksums) == {"sha1": "ab", "md5": "cd"}
    alone = multistatus(document(response("/a", "<d:status>HTTP/1.1 507 Full</d:status>")))[0]
    assert (alone.status, alone.size) == (507, None)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY e "e">]><d:multistatus xmlns:d="DAV:">&e;</d:multistatus>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><d:multistatus xmlns:d="DAV:"/>',
        b'<!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
        b"<html><body>Sign in</body></html>",
        b'<d:multistatus xmlns:d="DAV:"><d:response>',
        b'<?xml version="1.0" encoding="klingon"?><d:multistatus xmlns:d="DAV:"/>',
        b"",
        b"\x00\xff",
    ],
)
def test_hostile_documents_are_refused(body: bytes) -> None:
    """Q6: no document type, no entity; what is no multistatus is no empty folder either."""
    with pytest.raises(Transient):
        multistatus(body)


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000),
        ("Tue, 14 Nov 2023 22:13:20 +0000", 1_700_000_000),
        ("Tue Nov 14 22:13:20 2023", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("Wed, 1 Nov 2023 00:00:00 GMT", 1_698_796_800),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(text: str, stamp: int | None) -> None:
    """Q8: what is none is unknown, and not 1970."""
    assert date_us(text) == (None if stamp is None else stamp * 1_000_000)


@pytest.mark.parametrize(("etag", "text"), [('"x"', "x"), ('W/"x"', "x"), ("x", "x"), ('"', '"'), ('""', "")])
def test_etags(etag: str, text: str) -> None:
    """Q7."""
    assert bare(etag) == text


def test_what_an_error_says() -> None:
    """sabre's document, or nothing."""
    inside = "<s:exception>A\\B</s:exception><s:message>no</s:message>"
    sabre = f'<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">{inside}</d:error>'.encode()
    assert (failure_of(sabre).exception, failure_of(sabre).message) == ("A\\B", "no")
    for body in (
        b"",
        b"busy",
        b"<html>",
        b'<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>',
        b"<a>" + b" " * 70_000 + b"</a>",
    ):
        assert failure_of(body).message == ""
