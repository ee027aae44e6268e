"""What Cloud Storage's answers mean: https://cloud.google.com/storage/docs/json_api/v1/status-codes (2026-11)."""

from haulage.model.errors import (
    AuthLost,
    Changed,
    Conflict,
    Denied,
    Gone,
    HaulageError,
    Mismatch,
    NameRefused,
    QuotaFull,
    RootGone,
    SessionGone,
    Throttled,
    TooLarge,
    Transient,
)
from haulage.services.gcs.place import Place
from haulage.services.gcs.wire import Error, read_error
from haulage.services.transport import Answer, NoEffect, Request, TokenRefused, retry_after_seconds

INSERT, BEGIN, CHUNK, STATUS, CANCEL = "InsertObject", "BeginUpload", "UploadChunk", "UploadStatus", "CancelUpload"
SESSION = frozenset({CHUNK, STATUS, CANCEL})
WRITES = frozenset({INSERT, BEGIN, CHUNK})
ON_BUCKET = frozenset({INSERT, BEGIN, "ListObjects", "GetBucket"})
_THROTTLES = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
_ACCOUNT = frozenset({"accountDisabled", "accessNotConfigured", "userProjectAccountProblem", "authError"})


class Judge:
    """Maps an answer to the contract's errors, in the context of the call that it belongs to."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __call__(self, request: Request, answer: Answer) -> HaulageError | None:
        """None for what was asked for."""
        status = answer.status
        if 200 <= status < 300 or (status == 308 and request.operation in (CHUNK, STATUS)):
            return None
        told = read_error(answer.body)
        said = f"{told.reason} {told.message}".strip().replace("\n", " ")[:300] or "no reason given"
        message = f"{request.operation}: {said} ({status})"
        if status == 429 or told.reason in _THROTTLES or (status == 503 and "Retry-After" in answer.headers):
            return Throttled(message, retry_after_seconds(answer.headers))
        kind = self._kind(request, status, told)
        if kind is RootGone:
            message = f"there is no bucket {self._place.bucket!r} at {self._place.where}: {said} ({status})"
            return RootGone(message, RootGone.buckets_fix)
        if issubclass(kind, AuthLost):
            message = f"{self._place.where} refuses the credentials: {said} ({status})"
        return kind(message)

    def _kind(self, request: Request, status: int, told: Error) -> type[HaulageError]:
        operation = request.operation
        if status == 401:
            return TokenRefused
        if told.reason in _ACCOUNT:
            return AuthLost
        if operation in SESSION and status in (404, 410, 499):
            return SessionGone
        if operation == CANCEL and status == 501:
            return SessionGone  # an emulator that knows no cancelling: what it holds was never a file (Q9)
        if status in (404, 410):
            return RootGone if operation in ON_BUCKET or "bucket does not exist" in told.message else Gone
        if status in (304, 412):
            return Conflict if operation in WRITES else Changed
        if status == 403:
            return QuotaFull if told.reason in ("storageQuotaExceeded", "limitExceeded") else Denied
        if status == 409:
            return Conflict if operation == "CreateBucket" else NoEffect
        if status == 413:
            return TooLarge
        if status == 400:
            return _bad_request(told)
        return Transient if (status >= 500 and status != 501) or status == 408 else HaulageError


def _bad_request(told: Error) -> type[HaulageError]:
    """400 has one reason for many causes; its message tells which."""
    text = told.message.lower()
    if "crc32c" in text or "md5" in text or "hash" in text:
        return Mismatch
    if "object name" in text or "invalid name" in text:
        return NameRefused
    if "metadata" in text and ("too large" in text or "exceed" in text):
        return TooLarge
    return HaulageError
