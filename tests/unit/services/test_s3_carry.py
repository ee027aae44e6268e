"""What goes along with the bytes, to headers and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.model.errors import NameRefused, TooLarge
from haulage.model.item import Carried
from haulage.services.s3.carry import carried_of, date_us, headers_of, pair_text, pair_value, time_of, time_text

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)


@given(texts)
def test_any_value_comes_back(text: str) -> None:
    """And what is sent can stand in a header: printable ASCII, neither space nor anything else cut off at its ends."""
    value = pair_value(text)
    assert value.isascii()
    assert value.isprintable()
    assert value == value.strip()
    assert pair_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?UTF-8?B?Wm/Dqw==?=", "Zoë"),
        ("=?UTF-8?Q?Zo=C3=AB?=", "Zoë"),
        ("=?utf-8?b?Wm/Dqw==?= =?utf-8?q?_M=C3=BCller?=", "Zoë Müller"),
        ("=?no-such-charset?B?YQ==?=", "=?no-such-charset?B?YQ==?="),
        ("=?UTF-8?B?*?=", "=?UTF-8?B?*?="),
        ("=? not encoded", "=? not encoded"),
        ("Zoë", "Zoë"),
        (b"Zo\xeb".decode("utf-8", "surrogateescape"), "Zoë"),
        ("two  words", "two  words"),
    ],
)
def test_values_that_others_wrote(value: str, text: str) -> None:
    """AWS returns RFC 2047; some stores return the raw bytes, as UTF-8 or as Latin-1."""
    assert pair_text(value) == text


@given(st.integers(-(10**16), 10**17))
def test_any_time_comes_back(time_us: int) -> None:
    """To the microsecond, before 1970 too, in rclone's form."""
    text = time_text(time_us)
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]{0,5}[1-9])?", text)
    assert time_of(text) == time_us


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1700000000", 1_700_000_000_000_000),
        ("1700000000.123456789", 1_700_000_000_123_456),
        ("1700000000.1", 1_700_000_000_100_000),
        ("-0.5", -500_000),
        ("0", 0),
        ("2024-01-02T03:04:05Z", None),
        ("1e9", None),
        ("", None),
        (".5", None),
        ("9" * 30, None),
    ],
)
def test_times_that_others_wrote(text: str, expected: int | None) -> None:
    """rclone has nine fraction digits, s3fs none; what is no time stays an ordinary pair."""
    assert time_of(text) == expected


def test_dates() -> None:
    assert date_us("Tue, 02 Jan 2024 03:04:05 GMT") == 1_704_164_645_000_000
    assert date_us("") is None
    assert date_us("yesterday") is None


def test_the_round_trip_of_everything() -> None:
    """Names of pairs come back in lower case: S3 keeps them so."""
    carried = Carried(
        modified_us=1_700_000_123_456_789,
        content_type="text/plain; charset=utf-8",
        content_encoding="gzip",
        content_language="de-CH",
        content_disposition='attachment; filename="a b.txt"',
        cache_control="no-cache",
        metadata={"Author": "Zoë", "empty": ""},
    )
    headers = headers_of(carried)
    assert headers["x-amz-meta-mtime"] == "1700000123.456789"
    back = carried_of({name.title(): value for name, value in headers.items()}, None)
    assert back.metadata == {"author": "Zoë", "empty": ""}
    assert (back.modified_us, back.content_type) == (carried.modified_us, carried.content_type)
    assert (back.content_encoding, back.cache_control) == ("gzip", "no-cache")
    assert (back.content_language, back.content_disposition) == ("de-CH", 'attachment; filename="a b.txt"')
    assert headers_of(Carried()) == {}


def test_the_time_pair_is_ours_or_the_users() -> None:
    """A pair "mtime" that is no time is a pair; the time that is carried replaces any other spelling of it."""
    assert carried_of({"x-amz-meta-mtime": "later"}, 5) == Carried(modified_us=5, metadata={"mtime": "later"})
    assert carried_of({"x-amz-meta-mtime": "1.5"}, 5) == Carried(modified_us=1_500_000)
    assert headers_of(Carried(modified_us=2_000_000, metadata={"Mtime": "later"})) == {"x-amz-meta-mtime": "2"}
    assert headers_of(Carried(metadata={"mtime": "later"})) == {"x-amz-meta-mtime": "later"}


@pytest.mark.parametrize(
    ("stored", "own"),
    [("aws-chunked", None), ("gzip,aws-chunked", "gzip"), ("AWS-Chunked, br", "br"), ("br", "br"), ("", None)],
)
def test_how_somebody_once_sent_it_is_no_encoding(stored: str, own: str | None) -> None:
    """Some stores keep "aws-chunked" as if it were the object's own (rclone, backend/s3)."""
    assert carried_of({"Content-Encoding": stored}, None).content_encoding == own
    assert headers_of(Carried(content_encoding=stored)).get("content-encoding") == own


def test_metadata_that_is_too_large_is_told() -> None:
    """2 KB of names and values, as they are sent: nothing is dropped in silence."""
    headers_of(Carried(metadata={"a": "x" * 2047}))
    with pytest.raises(TooLarge) as caught:
        headers_of(Carried(metadata={"a": "x" * 2048}))
    assert caught.value.item_only
    assert "metadata" in caught.value.fix
    with pytest.raises(TooLarge):
        headers_of(Carried(metadata={"a": "é" * 800}))


@pytest.mark.parametrize(
    "carried",
    [
        Carried(metadata={"a b": "x"}),
        Carried(metadata={"é": "x"}),
        Carried(metadata={"": "x"}),
        Carried(metadata={"a": "\udc80"}),
        Carried(content_type="text/plain\r\nx-amz-acl: public-read"),
        Carried(content_disposition="attachment\x00"),
    ],
)
def test_what_cannot_stand_in_a_header_is_told(carried: Carried) -> None:
    """And never becomes a header of its own."""
    with pytest.raises(NameRefused):
        headers_of(carried)
