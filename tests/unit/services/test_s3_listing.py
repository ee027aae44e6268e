"""Listings: keys to paths, and every doubt said aloud."""

import itertools
from urllib.parse import quote_plus

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulage.model.errors import Refused, Transient
from haulage.model.item import Item, Kind, Page
from haulage.services.s3 import S3
from haulage.services.s3.listing import Cursor, advance, page_of, time_us
from haulage.services.s3.wire import Listing, Row
from testbed.servers import Moto

ETAG = "d41d8cd98f00b204e9800998ecf8427e"


def row(key: str, size: int = 7, storage: str = "STANDARD", restored: str | None = None) -> Row:
    return Row(key, "2024-01-02T03:04:05.678Z", ETAG, str(size), storage, restored)


def page(
    *rows: Row,
    prefix: str = "",
    below: str | None = None,
    cursor: Cursor | None = None,
    prefixes: tuple = (),
    **fields: str,
) -> Page:
    listing = Listing({"IsTruncated": "false", **fields}, list(rows), list(prefixes))
    return page_of(listing, prefix, cursor, prefix if below is None else below)


keys = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(keys)
def test_any_key_comes_back(key: str) -> None:
    """T41: encoded as S3 does it, whatever is in it; the path is the key below the prefix, exactly."""
    found = page(row(quote_plus("pre/" + key, safe="/")), prefix="pre/", EncodingType="url")
    assert found.complete
    [item] = found.items
    assert (item.path, item.kind) == (key, Kind.FILE)


def test_an_entry_as_an_item() -> None:
    [item] = page(row("pre/a b"), prefix="pre/").items
    assert item == Item("a b", Kind.FILE, 7, 1_704_164_645_678_000, ETAG, {"md5": ETAG})


def test_without_an_encoding_keys_are_taken_as_they_are() -> None:
    """A store that does not know encoding-type=url does not say that it used it."""
    assert [item.path for item in page(row("a+b%20c")).items] == ["a+b%20c"]
    assert [item.path for item in page(row("a+b%20c%2B"), EncodingType="url").items] == ["a b c+"]


def test_markers_and_data_that_end_in_a_slash() -> None:
    """Q7: zero bytes are a folder's marker; bytes are data, which keeps its slash. The root's own marker is no item."""
    found = page(
        row("pre/", 0), row("pre/d/", 0), row("pre/d/e//", 0), row("pre/data/", 5), row("pre//", 0), prefix="pre/"
    )
    assert found.complete
    assert [(item.path, item.kind, item.size) for item in found.items] == [
        ("d", Kind.FOLDER, None),
        ("d/e/", Kind.FOLDER, None),
        ("data/", Kind.FILE, 5),
        ("/", Kind.FILE, 0),
    ]


def test_data_under_the_roots_own_name_is_not_hidden() -> None:
    """It has no path below the root, so it cannot be copied; but it is told."""
    [item] = page(row("pre/", 5), prefix="pre/").items
    assert (item.path, item.kind) == ("", Kind.OTHER)
    assert item.note


@pytest.mark.parametrize(
    ("storage", "note"), [("GLACIER", "archived"), ("DEEP_ARCHIVE", "archived"), ("GLACIER_IR", None)]
)
def test_archived_objects_say_so(storage: str, note: str | None) -> None:
    """Unless a restored copy can be read."""
    assert page(row("a", storage=storage)).items[0].note == note
    assert page(row("a", storage=storage, restored="2026-01-01T00:00:00Z")).items[0].note is None


def test_etags_of_parts_and_of_directory_buckets_are_no_md5() -> None:
    listing = Listing(
        {"IsTruncated": "false"}, [row("a"), Row("b", None, f"{ETAG}-2", "7", None), Row("c", "", "", "7", None)], []
    )
    assert [item.hashes for item in page_of(listing, "", None, "").items] == [{"md5": ETAG}, {}, {}]
    assert [item.revision for item in page_of(listing, "", None, "").items] == [ETAG, f"{ETAG}-2", None]
    assert [item.hashes for item in page_of(listing, "", None, "", etag_may_be_md5=False).items] == [{}, {}, {}]


@pytest.mark.parametrize(
    "found",
    [
        page(row("pre/a"), row("foreign"), prefix="pre/"),
        page(row("pre/a"), row("pre/a"), prefix="pre/"),
        page(row("pre/a"), row("pre/%ff"), prefix="pre/", EncodingType="url"),
        page(row("pre/a"), prefix="pre/", IsTruncated="true"),
        page(row("pre/a"), prefix="pre/", IsTruncated=""),
        page(row("pre/a"), prefix="pre/", prefixes=("other/",)),
        page(row("pre/a"), prefix="pre/", prefixes=("pre/",)),
        page(row("pre/a"), prefix="pre/", prefixes=("pre//",)),
        page(row("pre/a"), prefix="pre/", IsTruncated="true", NextContinuationToken="t", cursor=Cursor("t", "x")),
    ],
    ids=[
        "foreign",
        "twice",
        "not UTF-8",
        "no token",
        "not said",
        "foreign folder",
        "itself",
        "nameless folder",
        "loop",
    ],
)
def test_a_page_that_cannot_be_right_is_incomplete(found: Page) -> None:
    """F28, F29, T30, I12: its good items are told once, and the listing proves no absence any more."""
    assert [item.path for item in found.items] == ["a"]
    assert not found.complete
    assert found.why_incomplete
    assert found.cursor is None


@pytest.mark.parametrize(
    "bad", [Row(None, None, None, "1", None), Row("a", None, None, None, None), Row("a", None, None, "-1", None)]
)
def test_an_entry_without_key_or_size_is_no_answer(bad: Row) -> None:
    with pytest.raises(Transient):
        page(bad)


def test_an_empty_page_may_have_a_successor() -> None:
    """F29: nothing on it, and the listing goes on."""
    found = page(IsTruncated="true", NextContinuationToken="t/+=&")
    assert found.complete
    assert found.cursor is not None
    assert Cursor.of(found.cursor).token == "t/+=&"


@pytest.mark.parametrize(("tail", "loop"), [(0, 1), (0, 2), (1, 1), (3, 5), (10, 7), (0, 50)])
def test_a_loop_of_tokens_is_found(tail: int, loop: int) -> None:
    """T31: whatever its length, by the cursor alone (it may be another process that goes on)."""
    tokens = itertools.chain((f"t{n}" for n in range(tail)), itertools.cycle(f"l{n}" for n in range(loop)))
    cursor: Cursor | None = None
    for pages, token in enumerate(tokens):  # noqa: B007 - counted for the assertion below
        cursor = advance(cursor and Cursor.of(cursor.text), token)
        if cursor is None:
            break
    assert pages <= 3 * (tail + loop) + 2
    if loop == 1:
        assert pages <= tail + 1 + 1


def test_a_long_listing_is_no_loop() -> None:
    cursor: Cursor | None = None
    for number in range(5000):
        cursor = advance(cursor, f"token-{number}")
        assert cursor is not None
    assert cursor is not None
    assert len(cursor.text) < 200


@pytest.mark.parametrize("text", ["", "token", "{}", "[1]", '{"token": 1}', "\udc80"])
def test_a_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        Cursor.of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T03:04:05.678Z", 1_704_164_645_678_000),
        ("2024-01-02T03:04:05Z", 1_704_164_645_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2024-01-02T03:04:05+01:00", None),
        ("2024-13-02T03:04:05Z", None),
        ("yesterday", None),
        ("Z", None),
    ],
)
def test_times(text: str, expected: int | None) -> None:
    assert time_us(text) == expected


class FreePacer:
    """Lets every call out."""

    async def ready(self) -> None:
        return None

    def throttled(self, wait_seconds: float | None) -> None:
        return None

    def answered(self) -> None:
        return None

    def at_most(self, calls_a_second: float) -> None:
        return None


AWKWARD = [
    "a//b", "/lead", "//two", "./dot", "x/../y", "..", "trail ", " lead", "a+b", "a%20b", "%", "a&amp;b<c>", 'q"uo\'te',
    "tab\there", "\x01control", "emoji 🙂", "é", "é", "ＡＢ", "back\\slash", "a", "a/b", "a?b#c", "marker/", "￮",
]  # fmt: skip


async def test_the_listing_is_botos(moto: Moto, bucket: str) -> None:
    """Every awkward key, over several pages: what boto3 lists, in the same order, with the same facts."""
    account = {"aws_access_key_id": moto.access_key_id, "aws_secret_access_key": moto.secret_access_key}
    client = boto3.client("s3", endpoint_url=moto.endpoint_url, region_name=moto.region, **account)
    client.create_bucket(Bucket=bucket)
    for key in AWKWARD:
        client.put_object(Bucket=bucket, Key=key, Body=b"" if key == "marker/" else key.encode())
    theirs = [
        one for answer in client.get_paginator("list_objects_v2").paginate(Bucket=bucket) for one in answer["Contents"]
    ]
    settings = {
        "endpoint_url": moto.endpoint_url,
        "access_key_id": moto.access_key_id,
        "secret_access_key": moto.secret_access_key,
    }
    drive = S3.open_drive(settings, bucket, FreePacer())
    ours = (await drive.tree(None)).items  # type: ignore[attr-defined] # S3 lists trees
    await drive.close()
    assert [item.path + ("/" if item.kind == Kind.FOLDER else "") for item in ours] == [one["Key"] for one in theirs]
    assert set(AWKWARD) == {one["Key"] for one in theirs}
    for item, one in zip(ours, theirs, strict=True):
        assert item.modified_us == int(one["LastModified"].timestamp() * 1e6)
        assert item.kind == Kind.FOLDER or (item.size, f'"{item.revision}"') == (one["Size"], one["ETag"])
