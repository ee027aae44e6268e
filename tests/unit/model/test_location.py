"""Locations as people write them, and trees that must not overlap."""

import pytest

from haulage.model.errors import Refused
from haulage.model.location import Location, overlap, parse


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("s3://bucket", Location("s3://bucket", "bucket", "s3")),
        ("s3://bucket/a/b/", Location("s3://bucket/a/b/", "bucket/a/b", "s3")),
        ("s3://bucket//a", Location("s3://bucket//a", "bucket//a", "s3")),
        ("S3://bucket/a%20b", Location("S3://bucket/a%20b", "bucket/a%20b", "s3")),
        ("az://container/x", Location("az://container/x", "container/x", "az")),
        ("file:///a/b%20c/", Location("file:///a/b%20c/", "/a/b c", "file")),
        ("file://localhost/a", Location("file://localhost/a", "/a", "file")),
        ("/a/b", Location("/a/b", "/a/b", "file")),
        ("/a/b ", Location("/a/b ", "/a/b ", "file")),
        (" /a/b\n", Location("/a/b\n", "/a/b\n", "file")),
        ("file:///a/b%20", Location("file:///a/b%20", "/a/b ", "file")),
        ("file:///a%FF", Location("file:///a%FF", "/a\udcff", "file")),
        ("work:/x ", Location("work:/x ", "x ", connector="work")),
        ("davs://h:8443/a%20b/", Location("davs://h:8443/a%20b/", "h:8443/a%20b", "davs")),
        ("sftp://me@h:22/~/x/", Location("sftp://me@h:22/~/x/", "me@h:22/~/x", "sftp")),
        ("work:/bucket/x", Location("work:/bucket/x", "bucket/x", connector="work")),
        ("My Files:/", Location("My Files:/", "", connector="My Files")),
        ("work:", Location("work:", "", connector="work")),
    ],
)
def test_parse(text: str, wanted: Location) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "bucket",
        "s3://",
        "file://host/a",
        "s3://key:secret@bucket/x",
        "s3://b:9/x",
        "sftp://me:secret@h/x",
        "dav://",
        "name:relative",
        "a/b:/c",
    ],
)
def test_what_does_not_parse_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.fix


@pytest.mark.parametrize(
    ("source", "destination", "overlapping"),
    [
        ("s3://h/b/a", "s3://h/b/a", True),
        ("s3://h/b/a", "s3://h/b/a/x", True),
        ("s3://h/b/a/x", "s3://h/b/a", True),
        ("s3://h/b/a", "s3://h/b/ab", False),
        ("s3://h/b", "s3://g/b", False),
        ("file:///", "file:///x", True),
    ],
)
def test_overlap(source: str, destination: str, overlapping: bool) -> None:
    """T54, T55."""
    assert (overlap(source, destination) is not None) is overlapping


def test_a_folder_whose_name_is_no_text_is_named_by_a_url() -> None:
    with pytest.raises(Refused, match="not UTF-8") as refused:
        parse("/srv/a\udcff b")
    assert refused.value.fix.endswith("file:///srv/a%FF%20b")
    assert parse("file:///srv/a%FF%20b").root == "/srv/a\udcff b"
    with pytest.raises(Refused, match="not UTF-8"):
        parse("s3://bucket/\udcff")


def test_a_bare_name_is_shown_as_the_folder_that_it_may_be() -> None:
    with pytest.raises(Refused) as refused:
        parse("photos/2024")
    assert "./photos/2024" in refused.value.fix
