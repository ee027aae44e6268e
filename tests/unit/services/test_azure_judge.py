"""What the service's answers mean."""

import time
from email.utils import formatdate

import pytest

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
from haulage.services.azure_blob.judge import Judge
from haulage.services.azure_blob.sign import Clock
from haulage.services.transport import Answer, NoEffect, Request


def judged(operation: str, status: int, code: str = "", message: str = "", **headers: str) -> HaulageError | None:
    """The verdict, checked to be the same whether the code stands in the header or in the body only."""
    request = Request(operation, "GET", "https://a.example/c/secret-name?sig=secret-signature")
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}\nRequestId:1</Message></Error>".encode()
    verdict = Judge(Clock(), "az://a/c")(request, Answer(status, told, body))
    if code:
        again = Judge(Clock(), "az://a/c")(request, Answer(status, {**told, "x-ms-error-code": code}, b""))
        assert type(again) is type(verdict) or message
    assert "secret" not in str(verdict)
    return verdict


@pytest.mark.parametrize("status", [200, 206])
def test_success(status: int) -> None:
    assert judged("GetBlob", status) is None


@pytest.mark.parametrize("operation", ["PutBlob", "PutBlock", "PutBlockList"])
def test_only_201_means_that_something_was_written(operation: str) -> None:
    """T14."""
    assert judged(operation, 201) is None
    assert isinstance(judged(operation, 200, "InternalError"), Transient)
    assert isinstance(judged(operation, 202), Transient)


@pytest.mark.parametrize(
    ("operation", "status", "code", "kind"),
    [
        ("GetBlob", 404, "BlobNotFound", Gone),
        ("GetBlob", 404, "ContainerNotFound", RootGone),
        ("GetBlob", 404, "", Gone),
        ("ListBlobs", 404, "", RootGone),
        ("PutBlob", 409, "ContainerBeingDeleted", RootGone),
        ("GetBlob", 412, "ConditionNotMet", Changed),
        ("GetBlob", 416, "InvalidRange", Changed),
        ("GetBlob", 409, "BlobArchived", Blocked),
        ("PutBlob", 409, "BlobBeingRehydrated", Blocked),
        ("GetBlob", 409, "BlobUsesCustomerSpecifiedEncryption", Blocked),
        ("PutBlob", 412, "LeaseIdMissing", Blocked),
        ("PutBlockList", 412, "LeaseIdMismatchWithBlobOperation", Blocked),
        ("PutBlob", 409, "BlobImmutableDueToPolicy", Blocked),
        ("PutBlob", 409, "BlobAlreadyExists", Conflict),
        ("PutBlob", 412, "ConditionNotMet", Conflict),
        ("PutBlockList", 412, "TargetConditionNotMet", Conflict),
        ("PutBlock", 409, "InvalidBlobType", Conflict),
        ("PutBlockList", 400, "InvalidBlockList", SessionGone),
        ("PutBlock", 400, "InvalidBlobOrBlock", Blocked),
        ("PutBlob", 400, "Md5Mismatch", Mismatch),
        ("PutBlob", 400, "MetadataTooLarge", TooLarge),
        ("PutBlob", 413, "RequestBodyTooLarge", TooLarge),
        ("PutBlob", 400, "InvalidUri", NameRefused),
        ("PutBlob", 507, "", QuotaFull),
        ("GetBlob", 401, "InvalidAuthenticationInfo", AuthLost),
        ("GetBlob", 401, "", AuthLost),
        ("GetBlob", 403, "AuthenticationFailed", AuthLost),
        ("GetBlob", 403, "AccountIsDisabled", AuthLost),
        ("GetBlob", 403, "KeyBasedAuthenticationNotPermitted", AuthLost),
        ("GetBlob", 403, "AuthorizationPermissionMismatch", Denied),
        ("GetBlob", 403, "AuthorizationFailure", Denied),
        ("PutBlob", 403, "UnauthorizedBlobOverwrite", Denied),
        ("GetBlob", 403, "", Denied),
        ("GetBlob", 503, "ServerBusy", Throttled),
        ("GetBlob", 429, "", Throttled),
        ("GetBlob", 500, "OperationTimedOut", Transient),
        ("GetBlob", 500, "InternalError", Transient),
        ("GetBlob", 502, "", Transient),
        ("GetBlob", 504, "", Transient),
        ("GetBlob", 599, "", Transient),
        ("GetBlob", 408, "", Transient),
        ("GetBlob", 302, "", Refused),
        ("GetBlob", 400, "SomethingNew", HaulageError),
        ("GetBlob", 418, "", HaulageError),
    ],
)
def test_errors(operation: str, status: int, code: str, kind: type[HaulageError]) -> None:
    verdict = judged(operation, status, code)
    assert type(verdict) is kind
    assert str(status) in str(verdict)


def test_a_throttle_tells_how_long() -> None:
    """F02."""
    verdict = judged("GetBlob", 503, "ServerBusy", Retry_After="7")
    assert isinstance(verdict, Throttled)
    assert verdict.wait_seconds == 7


def test_the_emulators_codes_for_a_wrong_key_and_a_wrong_hash() -> None:
    message = "Server failed to authenticate the request."
    assert type(judged("ListBlobs", 403, "AuthorizationFailure", message)) is AuthLost
    assert type(judged("PutBlob", 400, "InvalidOperation", "Provided contentMD5 doesn't match.")) is Mismatch


def test_a_container_that_is_there_already_was_made() -> None:
    assert judged("CreateContainer", 409, "ContainerAlreadyExists") is None


def test_a_wrong_clock_is_put_right_and_the_call_made_again() -> None:
    """F40: the refusal took no effect, so even a conditional write may be repeated."""
    judge = Judge(Clock(), "az://a/c")
    request = Request("PutBlob", "PUT", "https://a.example/c", repeatable=False)
    date = formatdate(time.time() + 3600, usegmt=True)
    answer = Answer(403, {"x-ms-error-code": "AuthenticationFailed", "Date": date})
    assert isinstance(judge(request, answer), NoEffect)
    assert type(judge(request, answer)) is AuthLost, "with the right time it can only be the key"


def test_a_wrong_key_with_a_right_clock_is_not_tried_again() -> None:
    date = formatdate(time.time(), usegmt=True)
    assert type(judged("GetBlob", 403, "AuthenticationFailed", Date=date)) is AuthLost


def test_a_long_or_hostile_message_is_cut() -> None:
    """S19."""
    verdict = judged("GetBlob", 400, "X", "\x1b[31m" + "a" * 100_000)
    assert len(str(verdict)) < 500
