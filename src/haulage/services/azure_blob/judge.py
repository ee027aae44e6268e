"""What an answer of the service means.

Codes: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and common-rest-api-error-codes.
"""

import re

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
from haulage.services.azure_blob.sign import Clock
from haulage.services.transport import Answer, NoEffect, Request, retry_after_seconds

WRITES = frozenset({"PutBlob", "PutBlock", "PutBlockList"})

_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,80})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{1,300})")
_SOON = "It is being deleted: wait a minute, or choose another container."

_BY_CODE: dict[str, type[HaulageError]] = {
    "AccountIsDisabled": AuthLost,
    "AuthenticationFailed": AuthLost,
    "AuthorizationFailure": Denied,
    "AuthorizationPermissionMismatch": Denied,
    "AuthorizationProtocolMismatch": AuthLost,
    "AuthorizationResourceTypeMismatch": Denied,
    "AuthorizationServiceMismatch": AuthLost,
    "AuthorizationSourceIPMismatch": AuthLost,
    "InsufficientAccountPermissions": Denied,
    "InvalidAuthenticationInfo": AuthLost,
    "KeyBasedAuthenticationNotPermitted": AuthLost,
    "NoAuthenticationInformation": AuthLost,
    "PublicAccessNotPermitted": AuthLost,
    "UnauthorizedBlobOverwrite": Denied,
    "BlobNotFound": Gone,
    "ContainerNotFound": RootGone,
    "ContainerDisabled": RootGone,
    "BlobArchived": Blocked,
    "BlobBeingRehydrated": Blocked,
    "BlobUsesCustomerSpecifiedEncryption": Blocked,
    "InvalidBlobOrBlock": Blocked,
    "InvalidBlockId": Blocked,
    "BlobAlreadyExists": Conflict,
    "InvalidBlobType": Conflict,
    "InvalidBlockList": SessionGone,
    "Md5Mismatch": Mismatch,
    "Crc64Mismatch": Mismatch,
    "InvalidMd5": Mismatch,
    "InvalidRange": Changed,
    "MetadataTooLarge": TooLarge,
    "RequestBodyTooLarge": TooLarge,
    "BlockCountExceedsLimit": TooLarge,
    "InvalidResourceName": NameRefused,
    "InvalidUri": NameRefused,
    "OutOfRangeInput": NameRefused,
    "InternalError": Transient,
    "OperationTimedOut": Transient,
}
_BY_STATUS: dict[int, type[HaulageError]] = {
    400: HaulageError,
    401: AuthLost,
    403: Denied,
    404: Gone,
    408: Transient,
    413: TooLarge,
    416: Changed,
    500: Transient,
    502: Transient,
    504: Transient,
    507: QuotaFull,
}


class Judge:
    """Tells errors from answers, and puts the clock right when the service says what time it is.

    where: the account or container as a person names it, for messages.
    """

    def __init__(self, clock: Clock, where: str) -> None:
        self._clock = clock
        self._where = where

    def __call__(self, request: Request, answer: Answer) -> HaulageError | None:
        """None when it is what was asked for."""
        if 200 <= answer.status < 300:
            if request.operation in WRITES and answer.status != 201:
                return Transient(f"{request.operation}: {answer.status} says nothing of a blob that was written")
            if request.operation == "ListBlobs" and not answer.body[-64:].rstrip().endswith(b"EnumerationResults>"):
                return Transient("ListBlobs: the listing is cut off")  # well before it is parsed, so asked again
            return None
        code = answer.headers.get("x-ms-error-code") or _first(_CODE, answer.body)
        message = _first(_MESSAGE, answer.body).split("\n")[0].strip()
        text = f"{request.operation}: {answer.status} {code or 'without a code'}" + (f" ({message})" if message else "")
        if answer.status in (429, 503):
            return Throttled(text, retry_after_seconds(answer.headers))
        if code == "AuthenticationFailed" and self._clock.learn(answer.headers.get("Date")):
            return NoEffect(f"{text}; our clock was {-self._clock.offset_seconds:+.0f} s off, now put right")
        if code == "ContainerBeingDeleted":
            return RootGone(text, _SOON)
        if code == "ContainerAlreadyExists":
            return None
        if 300 <= answer.status < 400:
            return Refused(f"{text}: the endpoint redirects, which is not followed", "Give the final endpoint address.")
        kind = self._kind(request, answer.status, code, message)
        if kind is RootGone:
            return RootGone(f"there is no container {self._where}: {text}", RootGone.buckets_fix)
        if kind is AuthLost:
            text = f"the credentials for {self._where} are refused: {text}"
        return kind(text)

    def _kind(self, request: Request, status: int, code: str, message: str) -> type[HaulageError]:
        if code.startswith(("Lease", "BlobImmutable")):
            return Blocked
        if status == 412:
            return Conflict if request.operation in WRITES else Changed
        # Two codes of the emulator: the service keeps the first for missing permissions (Q11), and has Md5Mismatch.
        if code == "AuthorizationFailure" and "failed to authenticate" in message:
            return AuthLost
        if code == "InvalidOperation" and "contentMD5" in message:
            return Mismatch
        if code in _BY_CODE:
            return _BY_CODE[code]
        if status == 404 and request.operation.endswith(("Blobs", "Container")):
            return RootGone
        return _BY_STATUS.get(status, Transient if status >= 500 else HaulageError)


def _first(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    return found[1].decode(errors="replace") if found else ""
