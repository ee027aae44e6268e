"""What answers mean, as a table; and the two that are put right: a wrong region and a wrong clock."""

import time
from email.utils import formatdate

import pytest

from haulage.model import errors
from haulage.model.errors import HaulageError, Throttled
from haulage.services.s3.judge import COMPLETE, Judge
from haulage.services.s3.place import Place
from haulage.services.s3.sign import Signer
from haulage.services.transport import Answer, NoEffect, Request

URL = "https://bucket.s3.us-east-1.amazonaws.com/k"


class Bench:
    """A judge with what it may correct."""

    def __init__(self, **settings: str) -> None:
        self.place = Place(settings, "bucket", "us-east-1")
        self.signer = Signer(None, "us-east-1")
        self.moves = 0
        self.judge = Judge(self.place, self.signer, self._moved)

    def _moved(self) -> None:
        self.moves += 1

    def __call__(
        self,
        status: int,
        code: str = "",
        operation: str = "GetObject",
        more: str = "",
        headers: dict | None = None,
        asked: dict | None = None,
        url: str = URL,
    ) -> HaulageError | None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Why.</Message>{more}</Error>" if code else ""
        method = {"HeadObject": "HEAD", "PutObject": "PUT", COMPLETE: "POST"}.get(operation, "GET")
        self.request = Request(operation, method, url, asked or {})
        return self.judge(self.request, Answer(status, headers or {}, body.encode()))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "NoSuchKey", errors.Gone),
        (404, "NoSuchBucket", errors.RootGone),
        (404, "NoSuchUpload", errors.SessionGone),
        (404, "", errors.Gone),
        (405, "MethodNotAllowed", errors.Gone),
        (403, "InvalidObjectState", errors.Blocked),
        (403, "AccessDenied", errors.Denied),
        (403, "", errors.Denied),
        (403, "InvalidAccessKeyId", errors.AuthLost),
        (403, "SignatureDoesNotMatch", errors.AuthLost),
        (400, "ExpiredToken", errors.AuthLost),
        (400, "InvalidToken", errors.AuthLost),
        (401, "", errors.AuthLost),
        (400, "BadDigest", errors.Mismatch),
        (400, "XAmzContentSHA256Mismatch", errors.Mismatch),
        (400, "KeyTooLongError", errors.NameRefused),
        (400, "MetadataTooLarge", errors.TooLarge),
        (400, "EntityTooLarge", errors.TooLarge),
        (400, "InvalidPart", errors.SessionGone),
        (412, "PreconditionFailed", errors.Changed),
        (416, "InvalidRange", errors.Changed),
        (507, "", errors.QuotaFull),
        (400, "QuotaExceeded", errors.QuotaFull),
        (501, "NotImplemented", errors.Refused),
        (400, "InvalidArgument", HaulageError),
        (302, "", HaulageError),
        (500, "InternalError", errors.Transient),
        (502, "", errors.Transient),
        (504, "", errors.Transient),
        (408, "", errors.Transient),
        (400, "RequestTimeout", NoEffect),
        (409, "OperationAborted", NoEffect),
        (503, "SlowDown", Throttled),
        (503, "", Throttled),
        (429, "", Throttled),
        (500, "SlowDown", Throttled),
        (503, "InternalError", errors.Transient),
    ],
)
def test_errors_of_reads(status: int, code: str, kind: type[HaulageError]) -> None:
    """The code says it where there is one; the status where there is none."""
    error = Bench()(status, code)
    assert type(error) is kind
    assert f"({status})" in error.message
    assert code in error.message


@pytest.mark.parametrize(
    ("operation", "status", "code", "request_headers", "kind"),
    [
        ("PutObject", 412, "PreconditionFailed", {"if-none-match": "*"}, errors.Conflict),
        ("PutObject", 412, "", {"if-none-match": "*"}, errors.Conflict),
        ("PutObject", 404, "NoSuchKey", {"if-match": '"x"'}, errors.Conflict),
        ("PutObject", 404, "NoSuchBucket", {"if-match": '"x"'}, errors.RootGone),
        ("PutObject", 409, "ConditionalRequestConflict", {"if-none-match": "*"}, NoEffect),
        (COMPLETE, 412, "PreconditionFailed", {"if-none-match": "*"}, errors.Conflict),
        (COMPLETE, 409, "ConditionalRequestConflict", {"if-none-match": "*"}, errors.SessionGone),
        (COMPLETE, 404, "NoSuchUpload", {}, errors.SessionGone),
        ("HeadObject", 412, "", {}, errors.Changed),
        ("HeadObject", 400, "", {}, errors.Denied),
    ],
)
def test_errors_in_their_context(
    operation: str, status: int, code: str, request_headers: dict, kind: type[HaulageError]
) -> None:
    """Q8: a failed precondition of a write is a conflict, of a read a change."""
    assert type(Bench()(status, code, operation, asked=request_headers)) is kind


def test_a_missing_upload_without_a_word() -> None:
    """A 404 to a call about an upload is about the upload."""
    assert type(Bench()(404, "", "ListParts", url=URL + "?uploadId=x")) is errors.SessionGone


def test_the_wait_that_was_asked_for() -> None:
    error = Bench()(503, "SlowDown", headers={"Retry-After": "17"})
    assert isinstance(error, Throttled)
    assert error.wait_seconds == 17
    error = Bench()(503, "SlowDown")
    assert isinstance(error, Throttled)
    assert error.wait_seconds is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<Error><Code>InternalError</Code></Error>", errors.Transient),
        ("  \n <Error><Code>InternalError</Code></Error>", errors.Transient),
        ("<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>", Throttled),
        ("<Error><Code>PreconditionFailed</Code></Error>", errors.Conflict),
        ("", errors.Transient),
        ("   ", errors.Transient),
        ("<html>ok</html>", errors.Transient),
        ("<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>", errors.Transient),
        ("<CompleteMultipartUploadResult><ETag>x", errors.Transient),
    ],
)
def test_a_200_that_is_no_success(body: str, kind: type[HaulageError]) -> None:
    """Q6, T14, F08: an error in the body of a 200, or no result at all."""
    bench = Bench()
    bench(200)
    assert type(bench.judge(Request(COMPLETE, "POST", URL), Answer(200, {}, body.encode()))) is kind


def test_successes() -> None:
    bench = Bench()
    assert bench(200) is None
    assert bench(206) is None
    assert bench(204) is None
    body = b"\n\n <CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
    assert bench.judge(Request(COMPLETE, "POST", URL), Answer(200, {}, body)) is None


REGION = {"x-amz-bucket-region": "eu-central-1"}


@pytest.mark.parametrize(
    ("status", "code", "more", "headers", "operation"),
    [
        (301, "PermanentRedirect", "<Endpoint>x</Endpoint>", REGION, "ListObjectsV2"),
        (307, "TemporaryRedirect", "", REGION, "GetObject"),
        (400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>", {}, "GetObject"),
        (301, "", "", REGION, "HeadObject"),
        (400, "", "", REGION, "HeadObject"),
    ],
)
def test_a_wrong_region_is_corrected(status: int, code: str, more: str, headers: dict, operation: str) -> None:
    """Q3: the request is turned to the right place, signed for it, and sent again whatever it was."""
    bench = Bench()
    assert type(bench(status, code, operation, more, headers)) is NoEffect
    assert bench.request.url == "https://bucket.s3.eu-central-1.amazonaws.com/k"
    assert (bench.signer.region, bench.place.region, bench.moves) == ("eu-central-1", "eu-central-1", 1)


@pytest.mark.parametrize(
    ("status", "code", "headers", "operation", "kind"),
    [
        (301, "PermanentRedirect", {}, "GetObject", HaulageError),
        (301, "PermanentRedirect", {"x-amz-bucket-region": "evil.example/"}, "GetObject", HaulageError),
        (400, "InvalidArgument", REGION, "GetObject", HaulageError),
        (400, "", {"x-amz-bucket-region": "us-east-1"}, "HeadObject", errors.Denied),
        (403, "AccessDenied", REGION, "GetObject", errors.Denied),
        (400, "AuthorizationHeaderMalformed", {}, "GetObject", errors.AuthLost),
    ],
)
def test_what_is_no_word_about_the_region(
    status: int, code: str, headers: dict, operation: str, kind: type[HaulageError]
) -> None:
    """S3 names the region in many answers; only these are about it, and only a region is one."""
    bench = Bench()
    assert type(bench(status, code, operation, "", headers)) is kind
    assert (bench.request.url, bench.place.region, bench.moves) == (URL, "us-east-1", 0)


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_a_wrong_clock_is_corrected(skew: int) -> None:
    """F40: signed by the service's clock from then on; ours may be an hour off, either way."""
    bench = Bench()
    error = bench(403, "RequestTimeTooSkewed", headers={"Date": formatdate(time.time() + skew, usegmt=True)})
    assert type(error) is NoEffect
    assert abs(bench.signer.offset_seconds - skew) < 3
    bench(403, "RequestTimeTooSkewed", headers={"Date": "nonsense"})
    assert abs(bench.signer.offset_seconds - skew) < 3


def test_messages_are_short_and_say_only_what_the_service_says() -> None:
    """S15, S19: no string to sign, no key id; line breaks and length are bounded."""
    more = "<AWSAccessKeyId>AKIDSECRET</AWSAccessKeyId><StringToSign>s3cr3t</StringToSign>"
    error = Bench()(403, "SignatureDoesNotMatch", more=more)
    assert error is not None
    assert error.message == "AWS (us-east-1) refuses the access key: SignatureDoesNotMatch Why. (403)"
    long = Answer(400, {}, b"<Error><Code>X</Code><Message>" + b"a\n" * 5000 + b"</Message></Error>")
    error = Bench().judge(Request("GetObject", "GET", URL), long)
    assert error is not None
    assert len(error.message) < 400
    assert "\n" not in error.message
