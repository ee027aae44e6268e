"""The service's XML, read."""

import pytest

from haulage.model.errors import Mismatch
from haulage.model.item import Item, Kind
from haulage.services.azure_blob.wire import (
    archive_note,
    block_list_body,
    container_names,
    http_time_us,
    listing,
    parse,
    uncommitted_blocks,
)

TEN_US = 1_785_837_605_000_000
PROPERTIES = (
    "<Creation-Time>Tue, 04 Aug 2026 10:00:05 GMT</Creation-Time>"
    "<Last-Modified>Tue, 04 Aug 2026 10:00:05 GMT</Last-Modified><Etag>{etag}</Etag>"
    "<Content-Length>{size}</Content-Length><Content-Type>text/plain</Content-Type><Content-Encoding />"
    "<Content-MD5>{md5}</Content-MD5><BlobType>BlockBlob</BlobType>{more}"
)


def blob(
    name: str,
    size: int = 5,
    *,
    md5: str = "XUFAKrxLKna5cZ2REBfFkg==",
    more: str = "",
    metadata: str = "",
    attributes: str = "",
    etag: str = "0x1",
) -> str:
    properties = PROPERTIES.format(etag=etag, size=size, md5=md5, more=more)
    body = f"<Properties>{properties}</Properties><Metadata>{metadata}</Metadata>"
    return f"<Blob><Name{attributes}>{name}</Name>{body}</Blob>"


def page(*entries: str, marker: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c"><Blobs>{"".join(entries)}</Blobs>'
        f"<NextMarker>{marker}</NextMarker></EnumerationResults>"
    ).encode()


def items(*entries: str, prefix: str = "", below: str | None = None) -> list[Item]:
    found = listing(page(*entries), prefix, prefix if below is None else below)
    assert found.foreign == 0
    return found.items


def test_a_file_with_all_that_is_known_of_it() -> None:
    assert items(blob("pre/a b", etag='"0x8D"'), prefix="pre/") == [
        Item(
            "a b",
            Kind.FILE,
            5,
            TEN_US,
            "0x8D",
            {"md5": "5d41402abc4b2a76b9719d911017c592"},
            created_us=TEN_US,
        )
    ]


def test_a_file_without_a_stored_hash_has_none() -> None:
    assert items(blob("a", md5=""))[0].hashes == {}


def test_the_modification_time_is_the_services_even_beside_a_carried_one() -> None:
    assert items(blob("a", metadata="<mtime>2001-01-01T00:00:00Z</mtime>"))[0].modified_us == TEN_US


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (blob("dir", 0, metadata="<hdi_isfolder>true</hdi_isfolder>"), "dir"),
        (blob("dir", 0, metadata="<Hdi_IsFolder>True</Hdi_IsFolder>"), "dir"),
        (blob("dir/", 0, metadata="<hdi_isfolder>true</hdi_isfolder>"), "dir"),
        (blob("dir/", 0), "dir"),
        (blob("dir//", 0), "dir/"),
        (blob("dir", 0, more="<ResourceType>directory</ResourceType>"), "dir"),
    ],
)
def test_markers_of_folders(entry: str, path: str) -> None:
    assert items(entry) == [Item(path, Kind.FOLDER, modified_us=TEN_US)]


def test_a_marker_tells_the_folders_own_time() -> None:
    metadata = "<hdi_isfolder>true</hdi_isfolder><mtime>1970-01-01T00:00:01Z</mtime>"
    assert items(blob("dir", 0, metadata=metadata))[0].modified_us == 1_000_000


@pytest.mark.parametrize(
    "entry",
    [
        blob("dir/", 5),
        blob("dir", 5, metadata="<hdi_isfolder>true</hdi_isfolder>"),
        blob("dir", 0, metadata="<hdi_isfolder>false</hdi_isfolder>"),
        blob("/", 0),
    ],
)
def test_files_that_are_no_markers(entry: str) -> None:
    assert [item.kind for item in items(entry)] == [Kind.FILE]


def test_the_roots_own_marker_is_left_out_and_a_file_of_that_name_is_not() -> None:
    assert items(blob("pre/", 0), prefix="pre/") == []
    assert [item.path for item in items(blob("pre/", 5), prefix="pre/")] == [""]


def test_prefixes_are_folders() -> None:
    found = items("<BlobPrefix><Name>pre/d/e/</Name></BlobPrefix>", prefix="pre/", below="pre/d/")
    assert found == [Item("d/e", Kind.FOLDER)]


def test_names_that_xml_cannot_carry_come_encoded() -> None:
    entries = blob("a%EF%BF%BE%25", attributes=' Encoded="true"'), blob("a%25")
    assert [item.path for item in items(*entries)] == ["a\ufffe%", "a%25"]


@pytest.mark.parametrize("name", ["a &amp; &lt;b&gt;", " lead", "trail ", "  ", "tab\there", "ünï😀", "a//b", "/lead"])
def test_names_are_kept_exactly(name: str) -> None:
    expected = name.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert [item.path for item in items(blob(name))] == [expected]


@pytest.mark.parametrize(
    ("tier", "note"),
    [
        ("<AccessTier>Archive</AccessTier>", "archived"),
        (
            "<AccessTier>Archive</AccessTier><ArchiveStatus>rehydrate-pending-to-hot</ArchiveStatus>",
            "archived, rehydrate-pending-to-hot",
        ),
        ("<AccessTier>Cool</AccessTier>", None),
        ("", None),
    ],
)
def test_archived_blobs_say_so(tier: str, note: str | None) -> None:
    assert items(blob("a", more=tier))[0].note == note
    assert archive_note("archive", None) == "archived"


def test_names_from_outside_are_counted_and_not_listed() -> None:
    found = listing(page(blob("pre/a"), blob("other/b")), "pre/", "pre/")
    assert ([item.path for item in found.items], found.foreign) == (["a"], 1)


def test_the_marker_decides_whether_there_is_more() -> None:
    assert listing(page(marker="2!88!x"), "", "").marker == "2!88!x"
    assert listing(page(), "", "").marker is None
    assert listing(b"<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>", "", "").marker is None


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><EnumerationResults><Blobs>&b;</Blobs></EnumerationResults>'
)


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS.encode(),
        b"\n<?xml version='1.0'?>" + LAUGHS.encode(),
        LAUGHS.encode("utf-16"),
        LAUGHS.encode("utf-16-be"),
        b'<?xml version="1.0" encoding="utf-16"?>' + LAUGHS.encode("utf-16-le"),
        b'<?xml version="1.0" encoding="cp037"?>' + LAUGHS.encode("cp037"),
    ],
)
def test_entities_are_refused_in_every_disguise(body: bytes) -> None:
    """S50: the billion laughs and their kin."""
    with pytest.raises(Mismatch):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        page(blob("a"))[:-40],
        b"\xff" + page(),
        page("<Blob><Properties /></Blob>"),
        page("<Blob><Name>a</Name></Blob>"),
        page(blob("a", md5="x")),
        page(blob("a")).replace(b"04 Aug", b"04 Xxx"),
        page(blob("a")).replace(b">5<", b">five<"),
        page(blob("a%FF", attributes=' Encoded="true"')),
    ],
)
def test_what_is_no_listing_is_never_taken_for_an_empty_one(body: bytes) -> None:
    """T34."""
    with pytest.raises(Mismatch):
        listing(body, "", "")


def test_dates_of_http() -> None:
    assert http_time_us("Tue, 04 Aug 2026 10:00:05 GMT") == TEN_US
    for text in ("", "Tue", "Tue, 04 Foo 2026 10:00:05 GMT", "Tue, 31 Feb 2026 10:00:05 GMT", "now or never at noon"):
        with pytest.raises(ValueError, match=r"."):
            http_time_us(text)


def test_block_lists() -> None:
    assert block_list_body(["YQ==", "Yg=="]).endswith(
        b"<BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>"
    )
    body = (
        b"<BlockList><CommittedBlocks><Block><Name>eA==</Name><Size>1</Size></Block></CommittedBlocks>"
        b"<UncommittedBlocks><Block><Name>YQ==</Name><Size>8388608</Size></Block></UncommittedBlocks></BlockList>"
    )
    assert uncommitted_blocks(body) == {"YQ==": 8_388_608}


def test_containers() -> None:
    body = (
        b"<EnumerationResults><Containers><Container><Name>one</Name></Container><Container><Name>two</Name></Container>"
        b"</Containers><NextMarker>m</NextMarker></EnumerationResults>"
    )
    assert container_names(body) == (["one", "two"], "m")
