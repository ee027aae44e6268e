"""Addresses, identity and regions."""

from typing import Any

import pytest

from haulage.model.errors import NameRefused, Refused
from haulage.services.s3.place import Place


def place(root: str = "bucket/pre", region: str = "us-east-1", **settings: str) -> Place:
    return Place(settings, root, region)


@pytest.mark.parametrize(
    ("settings", "root", "url"),
    [
        ({}, "bucket", "https://bucket.s3.us-east-1.amazonaws.com/k"),
        ({}, "dotted.bucket", "https://s3.us-east-1.amazonaws.com/dotted.bucket/k"),
        ({}, "Old_Bucket", "https://s3.us-east-1.amazonaws.com/Old_Bucket/k"),
        ({"addressing": "path"}, "bucket", "https://s3.us-east-1.amazonaws.com/bucket/k"),
        ({"endpoint_url": "http://127.0.0.1:9000"}, "bucket", "http://127.0.0.1:9000/bucket/k"),
        ({"endpoint_url": "https://S3.Example.org:443/"}, "bucket", "https://s3.example.org/bucket/k"),
        ({"endpoint_url": "https://x.org", "addressing": "virtual"}, "bucket", "https://bucket.x.org/k"),
        ({"endpoint_url": "https://x.org/base/"}, "bucket", "https://x.org/base/bucket/k"),
        ({"endpoint_url": "http://[::1]:9000"}, "bucket", "http://[::1]:9000/bucket/k"),
        ({"endpoint_url": "https://s3.eu-west-3.amazonaws.com"}, "b-1", "https://b-1.s3.eu-west-3.amazonaws.com/k"),
        ({"endpoint_url": "https://s3.amazonaws.com"}, "b-1", "https://b-1.s3.us-east-1.amazonaws.com/k"),
    ],
)
def test_addresses(settings: dict[str, str], root: str, url: str) -> None:
    """Q1: virtual at AWS where the name allows it, path style elsewhere; every call begins with the origin."""
    it = Place(settings, root, "us-east-1")
    assert it.url("k") == url
    assert url.startswith(it.origin)
    assert it.bucket_url("a=b").startswith(it.origin)


def test_china_has_its_own_domain() -> None:
    assert place(region="cn-north-1").url("k") == "https://bucket.s3.cn-north-1.amazonaws.com.cn/k"


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("a//b", "a//b"),
        ("/lead", "/lead"),
        ("../x/./y", "../x/./y"),
        ("t ", "t%20"),
        ("\x01", "%01"),
        ("é🙂", "%C3%A9%F0%9F%99%82"),
    ],
)
def test_keys_are_written_exactly(key: str, written: str) -> None:
    """Q5: nothing is normalised."""
    assert place().url(key) == "https://bucket.s3.us-east-1.amazonaws.com/" + written


@pytest.mark.parametrize(
    ("root", "prefix", "tail"),
    [
        ("bucket", "", "bucket"),
        ("bucket/", "", "bucket"),
        ("bucket/pre", "pre/", "bucket/pre"),
        ("bucket/pre/", "pre/", "bucket/pre"),
        ("bucket/a//", "a//", "bucket/a/"),
        ("bucket//a", "/a/", "bucket//a"),
    ],
)
def test_prefixes(root: str, prefix: str, tail: str) -> None:
    """A root names what lies below it; one identity for its spellings, another for other places."""
    it = place(root)
    assert (it.prefix, it.identity) == (prefix, "s3://aws/" + tail)
    assert it.key_of("x") == prefix + "x"


def test_identities() -> None:
    """Every spelling of one endpoint is one identity; the region and the way of addressing are no part of it."""
    same: list[dict[str, Any]] = [
        {"endpoint_url": "https://x.org"},
        {"endpoint_url": "HTTPS://X.org:443/"},
        {"endpoint_url": "https://x.org", "region": "eu-west-1"},
        {"endpoint_url": "https://x.org", "addressing": "virtual"},
    ]
    assert {place(**settings).identity for settings in same} == {"s3://x.org/bucket/pre"}
    assert place(endpoint_url="https://x.org:8443").identity == "s3://x.org:8443/bucket/pre"
    assert place(endpoint_url="https://s3.eu-west-3.amazonaws.com").identity == place().identity


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint_url": "x.org"},
        {"endpoint_url": "ftp://x.org"},
        {"endpoint_url": "https://"},
        {"endpoint_url": "https://user:pw@x.org"},
        {"endpoint_url": "https://x.org:port"},
        {"endpoint_url": "https://x.org?a=b"},
        {"addressing": "sideways"},
        {"region": "eu.west/1"},
        {"region": ""},
    ],
)
def test_settings_that_name_no_place(settings: dict[str, str]) -> None:
    with pytest.raises(Refused):
        place(**settings)


def test_keys_that_s3_does_not_take() -> None:
    """Q4: 1,024 bytes of UTF-8, prefix included; and only Unicode text."""
    it = place()
    assert it.key_of("x" * 1020)
    for path in ("x" * 1021, "é" * 511, "🙂" * 256):
        with pytest.raises(NameRefused):
            it.key_of(path)
    for path in ("\udc80", "x" * 300 + "\udc80"):
        with pytest.raises(NameRefused):
            it.url(it.key_of(path))


def test_the_region_is_corrected() -> None:
    """Q3: addresses made before the correction are rewritten too; a strange region moves nothing."""
    it = place()
    old, service, listing = it.url("k?x"), it.service_url, it.bucket_url("list-type=2")
    assert it.move("eu-west-1", old) == "https://bucket.s3.eu-west-1.amazonaws.com/k%3Fx"
    assert it.move("eu-west-1", listing) == "https://bucket.s3.eu-west-1.amazonaws.com/?list-type=2"
    assert it.move("eu-west-1", service) == "https://s3.eu-west-1.amazonaws.com/"
    assert it.move("eu-west-1", it.url("k")) == it.url("k")
    assert it.move("evil.example/", old) is None
    assert it.region == "eu-west-1"
    assert it.origin == "https://bucket.s3.eu-west-1.amazonaws.com/"
    own = place(endpoint_url="http://127.0.0.1:9000")
    assert own.move("garage", own.url("k")) == own.url("k")
    assert own.region == "garage"
