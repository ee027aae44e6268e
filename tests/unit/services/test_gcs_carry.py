"""What goes along with an object, to and from its resource."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.model.errors import TooLarge, Transient
from haulage.model.item import Carried
from haulage.services.gcs.carry import carried_of, hashes_of, item_of, modified_us, resource_of, time_us
from haulage.services.gcs.wire import Object

YEAR_9999_US = 253_402_300_799_999_999


@given(st.integers(-62_135_596_800_000_000, YEAR_9999_US))
def test_any_time_comes_back(moment_us: int) -> None:
    """Q13: to the microsecond, in any year that RFC 3339 can write."""
    pairs = resource_of(Carried(modified_us=moment_us), {})["metadata"]
    assert modified_us(Object("a", "1", metadata=pairs)) == moment_us


@pytest.mark.parametrize(
    ("pairs", "wanted_us"),
    [
        ({"mtime": "2024-01-02T03:04:05.123456789Z"}, 1_704_164_645_123_456),
        ({"mtime": "2024-01-02T03:04:05+01:00"}, 1_704_161_045_000_000),
        ({"goog-reserved-file-mtime": "1704164645"}, 1_704_164_645_000_000),
        ({"mtime": "yesterday", "goog-reserved-file-mtime": "-5"}, -5_000_000),
        ({"mtime": "2024-01-02T03:04:05"}, 1_600_000_000_000_000),
        ({"goog-reserved-file-mtime": "9" * 30}, 1_600_000_000_000_000),
        ({}, 1_600_000_000_000_000),
    ],
)
def test_times_that_others_wrote(pairs: dict[str, str | None], wanted_us: int) -> None:
    """Q13: rclone's, gsutil's, and nonsense, which leaves the time at which the object was stored."""
    assert modified_us(Object("a", "1", updated="2020-09-13T12:26:40Z", metadata=pairs)) == wanted_us


def test_what_is_no_time() -> None:
    assert time_us("") is None
    assert time_us("2024-01-02") is None


def test_all_that_goes_along_comes_back() -> None:
    carried = Carried(
        modified_us=1_700_000_000_000_001,
        content_type="text/plain",
        content_encoding="gzip",
        content_language="de",
        content_disposition="inline",
        cache_control="no-cache",
        metadata={"Owner": "Zoë", "empty": ""},
    )
    resource = resource_of(carried, {"crc32c": "00000001", "md5": "00" * 16})
    assert (resource["crc32c"], resource["md5Hash"]) == ("AAAAAQ==", "AAAAAAAAAAAAAAAAAAAAAA==")
    found = Object(
        "a",
        "1",
        content_type=resource["contentType"],
        content_encoding=resource["contentEncoding"],
        content_language=resource["contentLanguage"],
        content_disposition=resource["contentDisposition"],
        cache_control=resource["cacheControl"],
        metadata=resource["metadata"],
    )
    assert carried_of(found) == carried


def test_metadata_that_is_too_large_is_told() -> None:
    """Q14."""
    assert resource_of(Carried(metadata={"a": "x" * 8191}), {})
    with pytest.raises(TooLarge, match="8193"):
        resource_of(Carried(metadata={"a": "x" * 8192}), {})


def test_a_composed_object_has_no_md5() -> None:
    """Q5."""
    assert hashes_of(Object("a", "1", crc32c="AAAAAQ==")) == {"crc32c": "00000001"}


@pytest.mark.parametrize("size", [None, "", "-1", "many"])
def test_an_object_without_a_size_is_no_file(size: str | None) -> None:
    with pytest.raises(Transient):
        item_of("a", Object("a", "1", size=size))
