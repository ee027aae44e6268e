"""The signer, held against botocore's own."""

import datetime
import string

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from haulage.services.s3.sign import EMPTY_SHA256, UNSIGNED, Keys, Signer, encoded, query
from haulage.services.transport import Request

NOW = datetime.datetime(2026, 3, 9, 4, 5, 6, tzinfo=datetime.UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

keys = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)
names = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=20).map(lambda name: f"x-amz-{name}")
values = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x7f"), max_size=40)
headers = st.dictionaries(names, values, max_size=6)
queries = st.dictionaries(
    st.sampled_from(["prefix", "list-type", "uploadId", "partNumber", "uploads"]), keys, max_size=4
)


def signer(token: str | None = None, region: str = "eu-west-1") -> Signer:
    return Signer(Keys("AKIDEXAMPLE", SECRET, token), region, clock=NOW.timestamp)


def by_botocore(request: Request, token: str | None = None, region: str = "eu-west-1") -> str:
    """What botocore puts into `Authorization` for the same request at the same second."""
    theirs = AWSRequest(request.method, request.url, dict(request.headers), data=request.body or b"")
    unsigned = request.headers.get("x-amz-content-sha256") == UNSIGNED
    theirs.context["client_config"] = Config(s3={"payload_signing_enabled": not unsigned})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: NOW)
        botocore.auth.S3SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, token), "s3", region).add_auth(theirs)
    return str(theirs.headers["Authorization"])


@settings(max_examples=300, deadline=None)
@given(keys, headers, queries, st.sampled_from(["GET", "PUT", "HEAD", "POST", "DELETE"]), st.binary(max_size=40))
def test_signatures_are_botocores(key: str, extra: dict, fields: dict, method: str, body: bytes) -> None:
    """Any key, header and query: the same signature, byte for byte."""
    url = f"https://bucket.s3.eu-west-1.amazonaws.com/{encoded(key)}"
    url += f"?{query(**fields)}" if fields else ""
    request = Request("X", method, url, extra, body)
    extra.pop("x-amz-content-sha256", None)
    extra.pop("x-amz-date", None)
    extra.pop("x-amz-security-token", None)
    assert signer().sign(request)["authorization"] == by_botocore(request)


@pytest.mark.parametrize(
    "key",
    [
        "a//b",
        "/lead",
        "./x/../y",
        "trail ",
        " lead",
        "a\x01b",
        "emoji 🙂",
        "a+b&c=d?e#f",
        "%41",
        "~_-.",
        "é",
        "é",
        "dir/",
    ],
)
def test_awkward_keys_are_signed_as_they_are_sent(key: str) -> None:
    """Nothing is normalised before it is signed."""
    request = Request("GetObject", "GET", f"http://127.0.0.1:9000/bucket/{encoded(key)}", {"range": "bytes=1-"})
    assert signer().sign(request)["authorization"] == by_botocore(request)


def test_an_unsigned_payload_and_a_session_token() -> None:
    """Parts are not hashed twice; temporary keys send and sign their token."""
    request = Request("UploadPart", "PUT", "https://host/b/k?partNumber=1&uploadId=a%2Fb", body=b"part")
    request.headers = {"x-amz-content-sha256": UNSIGNED, "x-amz-checksum-crc32c": "AAAAAA=="}
    signed = signer("a token").sign(request)
    assert signed["x-amz-security-token"] == "a token"
    assert signed["x-amz-content-sha256"] == UNSIGNED
    assert signed["authorization"] == by_botocore(request, "a token")


def test_a_given_payload_hash_is_signed_as_it_is() -> None:
    """The engine has hashed the body already."""
    given_hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    request = Request("PutObject", "PUT", "https://host/b/k", {"x-amz-content-sha256": given_hash}, b"hello")
    assert signer().sign(request)["authorization"] == by_botocore(request)
    assert signer().sign(Request("PutObject", "PUT", "https://host/b/k", body=b"hello")) == signer().sign(request)
    assert signer().sign(Request("GetObject", "GET", "https://host/b/k"))["x-amz-content-sha256"] == EMPTY_SHA256


def test_the_day_the_region_and_the_keys_may_change() -> None:
    """The cached key of one day, region and secret is never used for another."""
    now = [NOW.timestamp()]
    ours = Signer(Keys("AKIDEXAMPLE", SECRET), "eu-west-1", clock=lambda: now[0])
    request = Request("GetObject", "GET", "https://host/b/k")
    first = ours.sign(request)["authorization"]
    ours.region = "us-east-1"
    assert ours.sign(request)["authorization"] == by_botocore(request, region="us-east-1") != first
    ours.region = "eu-west-1"
    now[0] += 86_400
    assert "20260310/eu-west-1" in ours.sign(request)["authorization"]
    ours.offset_seconds = -86_400
    assert ours.sign(request)["authorization"] == first
    ours.keys = Keys("AKIDEXAMPLE", "another")
    assert ours.sign(request)["authorization"] != first


def test_no_secret_in_the_repr_of_keys() -> None:
    """I13."""
    assert SECRET not in repr(Keys("AKIDEXAMPLE", SECRET, "token"))
    assert "token" not in f"{Keys('AKIDEXAMPLE', SECRET, 'token')}"
