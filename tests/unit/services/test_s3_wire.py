"""S3's XML: the fast way and the slow way of reading say the same, and no document can do harm."""

import time
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulage.model.errors import Transient
from haulage.services.s3.wire import (
    Listing,
    complete_body,
    create_bucket_body,
    parse_error,
    parse_fields,
    parse_listing,
    parse_records,
)

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
TOP = "<Name>b</Name><Prefix>pre/</Prefix><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>"
ETAG = "d41d8cd98f00b204e9800998ecf8427e"

text = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",), exclude_characters="\x7f￾￿"), max_size=12)


def document(entries: str, top: str = TOP) -> bytes:
    return f"{HEAD}{top}{entries}</ListBucketResult>".encode()


def entry(key: str, etag: str = f"&quot;{ETAG}&quot;", more: str = "", size: str = "7") -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>2024-01-02T03:04:05.678Z</LastModified><ETag>{etag}</ETag>{more}"
        f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def slowly(body: bytes) -> Listing:
    """The same document with a comment, which only the slow way reads."""
    return parse_listing(body.replace(b"</ListBucketResult>", b"<!-- slow --></ListBucketResult>"))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(text, st.integers(0, 10**14)), max_size=5), st.sampled_from(['"', "&quot;", "&#34;", ""]))
def test_both_ways_of_reading_agree(rows: list[tuple[str, int]], quote: str) -> None:
    """Any keys, escaped or not needing it, and every way in which stores quote an ETag."""
    body = document("".join(entry(escape(key), f"{quote}{ETAG}{quote}", size=str(size)) for key, size in rows))
    fast, slow = parse_listing(body), slowly(body)
    assert [row.key for row in fast.rows] == [key for key, _ in rows]
    assert fast == slow
    assert all(row.etag == ETAG for row in fast.rows)


@pytest.mark.parametrize(
    "more",
    [
        "<ChecksumAlgorithm>CRC32C</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>",
        "<Owner><ID>x</ID><DisplayName>y &amp; z</DisplayName></Owner>",
        "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus>",
        "\n    <Owner/>\n",
    ],
)
def test_what_else_an_entry_holds_does_no_harm(more: str) -> None:
    body = document(entry("a", more=more) + entry("b"))
    assert parse_listing(body) == slowly(body)
    assert [row.key for row in parse_listing(body).rows] == ["a", "b"]


def test_entries_and_folders_in_any_order() -> None:
    """Some stores mix them, or write line breaks between."""
    body = document(
        f"<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>{entry('a')}\n"
        f"<CommonPrefixes><Prefix>y/</Prefix></CommonPrefixes>{entry('b')}"
    )
    listing = parse_listing(body)
    assert ([row.key for row in listing.rows], listing.prefixes) == (["a", "b"], ["x/", "y/"])
    assert listing.fields["Prefix"] == "pre/"
    assert listing.fields["IsTruncated"] == "false"
    assert listing == slowly(body)


def test_a_weak_etag_and_a_restored_object() -> None:
    restored = "<RestoreStatus><RestoreExpiryDate>2026-01-01T00:00:00Z</RestoreExpiryDate></RestoreStatus>"
    [weak, row] = parse_listing(document(entry("w", 'W/"x"') + entry("a", more=restored))).rows
    assert weak.etag == 'W/"x"'
    assert row.restored_until == "2026-01-01T00:00:00Z"


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(
        f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else chr(0)};".replace(chr(0), "") * 10}">' for n in range(1, 10)
    )
    + "]><ListBucketResult><Name>&lol9;</Name></ListBucketResult>"
)


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ListBucketResult><Name>&e;</Name></ListBucketResult>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><ListBucketResult/>',
    ],
    ids=["billion laughs", "a file", "a remote type"],
)
def test_document_types_are_refused(body: str) -> None:
    """S50: nothing is expanded, nothing is fetched."""
    for encoded in (body.encode(), body.encode("utf-16")):
        with pytest.raises(Transient):
            parse_listing(encoded)
    with pytest.raises(Transient, match="document type"):
        parse_fields(body.encode(), "ListBucketResult")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>log in</body></html>",
        document(entry("a"))[:-10],
        document(entry("a"))[: len(document("")) - 10],
        document("<Contents><Key>a"),
        document("<Contents><Key>&nbsp;</Key></Contents>"),
        document(entry("a"))[:-19] + b"</Other>",
        b"<ListBucketResult><Name>\xff</Name></ListBucketResult>",
        b"<Error><Code>InternalError</Code></Error>",
    ],
)
def test_what_is_no_listing_is_told(body: bytes) -> None:
    """F08, F12, T34: cut off, an error, a page of something else: never an empty listing."""
    with pytest.raises(Transient):
        parse_listing(body)


def test_no_document_takes_long() -> None:
    """F44: neither nesting nor an entry that almost fits makes it backtrack."""
    started = time.perf_counter()
    almost = document("<Contents>" + "<A>x</A>" * 20_000 + "<B>")
    deep = document("<x>" * 20_000 + "</x>" * 20_000)
    for body in (almost, document(entry("a").replace("</Contents>", "<Z>" * 9000))):
        with pytest.raises(Transient):
            parse_listing(body)
    parse_listing(deep)
    assert time.perf_counter() - started < 5


def test_errors() -> None:
    """What is no error says nothing, rather than something wrong."""
    body = b"<?xml version='1.0'?>\n<Error><Code>NoSuchKey</Code><Message>Not &lt;there&gt;</Message></Error>"
    assert parse_error(body) == {"Code": "NoSuchKey", "Message": "Not <there>"}
    for other in (b"", b"<html/>", b"<Error><Code>", b"Error", b"<!DOCTYPE a><Error><Code>x</Code></Error>"):
        assert parse_error(other) == {}


def test_records() -> None:
    fields: dict[str, str] = {}
    body = (
        b"<ListAllMyBucketsResult><Owner><ID>o</ID></Owner><Buckets><Bucket><Name>a</Name><CreationDate>d</CreationDate>"
        b"</Bucket><Bucket><Name>b</Name></Bucket></Buckets><ContinuationToken>t</ContinuationToken>"
        b"</ListAllMyBucketsResult>"
    )
    found = parse_records(body, "ListAllMyBucketsResult", fields, "Bucket")
    assert [record["Name"] for record in found] == ["a", "b"]
    assert fields == {"ContinuationToken": "t"}


def test_what_is_sent_is_escaped() -> None:
    """An ETag comes from the service; it becomes text, never an element."""
    body = complete_body([(1, '"a<b>&"', None), (2, '"c"', "AAAAAA==")])
    found = parse_records(body, "CompleteMultipartUpload", {}, "Part")
    assert found == [
        {"PartNumber": "1", "ETag": '"a<b>&"'},
        {"PartNumber": "2", "ETag": '"c"', "ChecksumCRC32C": "AAAAAA=="},
    ]
    assert parse_fields(create_bucket_body("eu-west-1"), "CreateBucketConf") == {"LocationConstraint": "eu-west-1"}
