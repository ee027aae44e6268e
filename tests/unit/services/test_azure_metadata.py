"""Properties and metadata: there and back, whatever they hold."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.model.errors import HaulageError, TooLarge
from haulage.model.item import Carried
from haulage.services.azure_blob.metadata import (
    PREFIX,
    carried_of,
    decode_name,
    decode_value,
    encode_name,
    encode_value,
    folder_headers,
    format_time,
    headers_of,
    is_folder_mark,
    parse_time,
)

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# One microsecond before year 1 and after year 9999 lie outside of this.
YEAR_1_US, YEAR_10000_US = -62_135_596_800_000_000, 253_402_300_800_000_000


def answered(carried: Carried) -> dict[str, str]:
    """What a service answers for a blob that was written with these headers."""
    headers = {}
    for name, value in headers_of(carried).items():
        plain = name.removeprefix("x-ms-blob-")
        headers[name if name.startswith(PREFIX) else plain.title()] = value
    return headers


@given(text)
def test_any_metadata_name_becomes_an_identifier_and_comes_back(name: str) -> None:
    encoded = encode_name(name)
    assert IDENTIFIER.fullmatch(encoded)
    assert decode_name(encoded) == name


@given(st.from_regex(r"_?(_x[0-9a-f]{1,7}_|[a-zA-Z_]){1,6}", fullmatch=True))
def test_names_that_look_encoded_survive_both_ways(name: str) -> None:
    assert decode_name(encode_name(name)) == name
    assert encode_name(decode_name(name)) == name or decode_name(name) == name


@given(st.just("") | text)
def test_any_value_becomes_plain_ascii_and_comes_back(value: str) -> None:
    encoded = encode_value(value)
    assert re.fullmatch(r"[ -~]+", encoded)
    assert encoded == encoded.strip()
    assert decode_value(encoded) == value


@pytest.mark.parametrize(
    ("name", "encoded"),
    [("plain", "plain"), ("Two_2", "Two_2"), ("my-key", "my_x2d_key"), ("9th", "_x39_th"), ("a_x2d_b", "a_x5f_x2d_b")],
)
def test_the_rule_for_names(name: str, encoded: str) -> None:
    assert encode_name(name) == encoded


@pytest.mark.parametrize(
    ("value", "encoded"),
    [("a b", "a b"), ("ä", "=?UTF-8?B?w6Q=?="), ("a  b", "=?UTF-8?B?YSAgYg==?="), ("=?", "=?UTF-8?B?PT8=?=")],
)
def test_the_rule_for_values(value: str, encoded: str) -> None:
    assert encode_value(value) == encoded


@pytest.mark.parametrize("foreign", ["=?UTF-8?B?aGk=?=", "=?UTF-8?B?%%?=", "=?UTF-8?B?/w==?=", "=?UTF-8?Q?a?=", "=?"])
def test_values_that_we_would_not_have_written_are_left_alone(foreign: str) -> None:
    assert decode_value(foreign) == foreign


@pytest.mark.parametrize("foreign", ["_x61_", "a_x2d", "_x110000_", "_xffffff_", "_X2D_"])
def test_names_that_we_would_not_have_written_are_left_alone(foreign: str) -> None:
    assert decode_name(foreign) == foreign


@given(st.integers(YEAR_1_US, YEAR_10000_US - 1))
def test_times_come_back_to_the_microsecond(modified_us: int) -> None:
    assert parse_time(format_time(modified_us)) == modified_us


@given(st.integers(-(2**62), 2**62))
def test_times_beyond_the_calendar_come_back_too(modified_us: int) -> None:
    assert parse_time(format_time(modified_us)) == modified_us


@pytest.mark.parametrize(
    ("text", "modified_us"),
    [
        ("2026-08-04T10:00:05.123456789Z", 1_785_837_605_123_456),
        ("2026-08-04T12:00:05+02:00", 1_785_837_605_000_000),
        ("2026-08-04T10:00:05.5Z", 1_785_837_605_500_000),
        ("1969-12-31T23:59:59.25Z", -750_000),
        ("1785837605.25", 1_785_837_605_250_000),
        ("0", 0),
        ("yesterday", None),
        ("", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e400", None),
        ("2026-13-04T10:00:05Z", None),
    ],
)
def test_how_others_write_the_time(text: str, modified_us: int | None) -> None:
    assert parse_time(text) == modified_us


def test_what_rclone_writes_is_what_we_write() -> None:
    assert format_time(1_785_837_605_123_456) == "2026-08-04T10:00:05.123456000Z"
    assert format_time(YEAR_1_US) == "0001-01-01T00:00:00.000000000Z"


@given(
    modified_us=st.none() | st.integers(0, 2**52),
    content=st.tuples(*[st.none() | text] * 5),
    metadata=st.dictionaries(text.filter(lambda name: name.lower() != "mtime"), st.just("") | text, max_size=5),
)
def test_everything_carried_comes_back(
    modified_us: int | None, content: tuple[str | None, ...], metadata: dict[str, str]
) -> None:
    carried = Carried(modified_us, None, *content, metadata=metadata)
    try:
        answer = answered(carried)
    except TooLarge:
        return
    assert carried_of(answer) == carried


def test_eight_kilobytes_are_taken_and_a_byte_more_is_an_error_of_the_item() -> None:
    assert headers_of(Carried(metadata={"a": "b" * 8191}))
    with pytest.raises(TooLarge, match="8193 bytes") as caught:
        headers_of(Carried(metadata={"a": "b" * 8192}))
    assert caught.value.item_only


def test_a_pair_without_a_name_is_an_error_of_the_item() -> None:
    with pytest.raises(HaulageError, match="without a name"):
        headers_of(Carried(metadata={"": "b"}))


def test_our_time_wins_over_metadata_of_that_name() -> None:
    headers = headers_of(Carried(modified_us=0, metadata={"MTime": "nonsense"}))
    assert headers == {"x-ms-meta-mtime": "1970-01-01T00:00:00.000000000Z"}


def test_an_mtime_that_is_no_time_stays_metadata() -> None:
    assert carried_of({"x-ms-meta-MTime": "soon"}) == Carried(metadata={"MTime": "soon"})


def test_a_files_metadata_cannot_make_it_a_folder() -> None:
    carried = Carried(metadata={"HDI_IsFolder": "true"})
    headers = headers_of(carried)
    assert not is_folder_mark({name.removeprefix(PREFIX): value for name, value in headers.items()})
    assert carried_of(headers) == carried


def test_folder_marks_in_any_case() -> None:
    assert is_folder_mark({"Hdi_IsFolder": "TRUE"})
    assert not is_folder_mark({"hdi_isfolder": "false"})
    assert folder_headers(None) == {"x-ms-meta-hdi_isfolder": "true"}
    assert folder_headers(0)["x-ms-meta-mtime"] == "1970-01-01T00:00:00.000000000Z"
