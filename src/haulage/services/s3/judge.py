"""What S3's answers mean. Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (2026-08)."""

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from haulage.model.errors import (
    AuthLost,
    Blocked,
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    QuotaFull,
    Refused,
    RootGone,
    SessionGone,
    Throttled,
    TooLarge,
    Transient,
)
from haulage.services.s3.place import Place
from haulage.services.s3.sign import Signer
from haulage.services.s3.wire import parse_error, parse_fields
from haulage.services.transport import Answer, NoEffect, Request, retry_after_seconds

COMPLETE = "CompleteMultipartUpload"
WRITES = frozenset({"PutObject", COMPLETE})

_MEANING: dict[str, type[HaulageError]] = {
    "NoSuchKey": Gone,
    "NoSuchVersion": Gone,
    "MethodNotAllowed": Gone,  # GET of a delete marker
    "NoSuchBucket": RootGone,
    "InvalidBucketName": RootGone,
    "NoSuchUpload": SessionGone,
    "InvalidPart": SessionGone,
    "InvalidPartOrder": SessionGone,
    "InvalidObjectState": Blocked,
    "AccessDenied": Denied,
    "AllAccessDisabled": Denied,
    "BucketAlreadyExists": Denied,
    "InvalidAccessKeyId": AuthLost,
    "SignatureDoesNotMatch": AuthLost,
    "ExpiredToken": AuthLost,
    "InvalidToken": AuthLost,
    "TokenRefreshRequired": AuthLost,
    "InvalidSecurity": AuthLost,
    "AccountProblem": AuthLost,
    "NotSignedUp": AuthLost,
    "AuthorizationHeaderMalformed": AuthLost,
    "BadDigest": Mismatch,
    "InvalidDigest": Mismatch,
    "XAmzContentSHA256Mismatch": Mismatch,
    "XAmzContentChecksumMismatch": Mismatch,
    "IncompleteBody": Mismatch,
    "EntityTooLarge": TooLarge,
    "MetadataTooLarge": TooLarge,
    "KeyTooLongError": NameRefused,
    "InvalidURI": NameRefused,
    "XMinioInvalidObjectName": NameRefused,
    "XMinioParentIsObject": NameRefused,
    "QuotaExceeded": QuotaFull,
    "XMinioStorageFull": QuotaFull,
    "XMinioAdminBucketQuotaExceeded": QuotaFull,
    "TooManyBuckets": QuotaFull,
    "NotImplemented": Refused,
    "InternalError": Transient,
    "RequestTimeout": NoEffect,
    "RequestTimeTooSkewed": NoEffect,
    "OperationAborted": NoEffect,
    "ConditionalRequestConflict": NoEffect,
}
_THROTTLES = frozenset({
    "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded",
    "Busy", "BandwidthLimitExceeded",
})  # fmt: skip
_BY_STATUS: dict[int, type[HaulageError]] = {
    401: AuthLost,
    403: Denied,
    404: Gone,
    405: Gone,
    409: Conflict,
    411: Refused,
    412: Conflict,
    413: TooLarge,
    414: NameRefused,
    416: Changed,
    501: Refused,
    507: QuotaFull,
}
_REGION_CODES = frozenset({"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "Redirect"})


class Judge:
    """Judges answers; corrects the region of `place` and the clock of `signer` where an answer tells them.

    moved: called after the region was corrected.
    """

    def __init__(self, place: Place, signer: Signer, moved: Callable[[], None]) -> None:
        self._place = place
        self._signer = signer
        self._moved = moved

    def __call__(self, request: Request, answer: Answer) -> HaulageError | None:
        """None for what was asked for."""
        if 200 <= answer.status < 300:
            if request.operation == "ListObjectsV2" and not answer.body[-64:].rstrip().endswith(b"ListBucketResult>"):
                return Transient("ListObjectsV2: the listing is cut off")  # well before it is parsed, so asked again
            return self._completed(request, answer) if request.operation == COMPLETE else None
        fields = parse_error(answer.body)
        if error := self._elsewhere(request, answer, fields):
            return error
        return self._refused(request, answer, fields)

    def _completed(self, request: Request, answer: Answer) -> HaulageError | None:
        """A 200 to this call may carry an error, or nothing at all (Q6)."""
        fields = parse_error(answer.body.lstrip())
        if fields:
            return self._refused(request, answer, fields)
        try:
            etag = parse_fields(answer.body.lstrip(), f"{COMPLETE}Result").get("ETag")
        except Transient as error:
            return Transient(f"{COMPLETE}: {error.message}")
        return None if etag else Transient(f"{COMPLETE}: the answer names no ETag")

    def _elsewhere(self, request: Request, answer: Answer, fields: Mapping[str, str]) -> HaulageError | None:
        """The bucket is in another region (Q3): go there. HEAD has no body, so the header alone must do."""
        if answer.status not in (301, 307, 400) or request.operation == "CreateBucket":
            return None
        region = answer.headers.get("x-amz-bucket-region") or fields.get("Region")
        if not region or not (fields.get("Code") in _REGION_CODES or not fields):
            return None
        if answer.status == 400 and region == self._place.region and not fields:
            return None
        url = self._place.move(region, request.url)
        if url is None:
            return None
        request.url, self._signer.region = url, self._place.region
        self._moved()
        return NoEffect(f"{request.operation}: the bucket is in the region {region}")

    def _refused(self, request: Request, answer: Answer, fields: Mapping[str, str]) -> HaulageError:
        status, code = answer.status, fields.get("Code", "")
        said = f"{code} {fields.get('Message', '')}".strip().replace("\n", " ")[:300] or "no reason given"
        message = f"{request.operation}: {said} ({status})"
        if code in _THROTTLES or (status in (429, 503) and code not in _MEANING):
            return Throttled(message, retry_after_seconds(answer.headers))
        if code == "RequestTimeTooSkewed":
            self._set_clock(answer.headers)
        kind = _MEANING.get(code)
        if kind is None:
            kind = _BY_STATUS.get(status) or (Transient if status >= 500 or status == 408 else HaulageError)
        kind = self._in_context(request, status, code, kind)
        if kind is RootGone:
            message = f"there is no bucket {self._place.bucket!r} at {self._place.where}: {said} ({status})"
            return RootGone(message, RootGone.buckets_fix)
        if kind is AuthLost:
            message = f"{self._place.where} refuses the access key: {said} ({status})"
        return kind(message)

    def _in_context(self, request: Request, status: int, code: str, kind: type[HaulageError]) -> type[HaulageError]:
        """What depends on the question: a failed precondition, a missing object, an answer without a code."""
        if status == 412 or code == "PreconditionFailed":
            return Conflict if request.operation in WRITES else Changed
        if not code and status == 404 and "uploadId=" in request.url:
            return SessionGone
        if kind is Gone and request.operation in WRITES and "if-match" in request.headers:
            return Conflict  # what should have been replaced is no longer there
        if code == "ConditionalRequestConflict" and request.operation == COMPLETE:
            return SessionGone  # this upload cannot be completed any more
        if request.method == "HEAD" and status == 400:
            return Denied
        return kind

    def _set_clock(self, headers: Mapping[str, str]) -> None:
        """Sign by the service's clock from now on (F40)."""
        try:
            theirs = parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except (ValueError, TypeError):
            return
        self._signer.offset_seconds = theirs - time.time()
