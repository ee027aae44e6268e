"""What Google's refusals mean: which of them a wait of seconds helps, and which end the run until another day."""

import json

import pytest

from haulage.model.errors import HaulageError, QuotaFull, Throttled, TooLarge
from haulage.services.google.account import reads
from haulage.services.google.refusals import meaning
from haulage.services.transport import Answer, Request


def refused(reason: str, message: str) -> Answer:
    """Google's answer with that reason."""
    error = {"code": 403, "message": message, "errors": [{"domain": "usageLimits", "reason": reason}]}
    return Answer(403, {}, json.dumps({"error": error}).encode())


LIST = Request("ListFiles", "GET", "https://www.googleapis.com/drive/v3/files")


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_a_quota_of_a_minute_is_waited_for(reason: str) -> None:
    told = meaning(LIST, refused(reason, "User Rate Limit Exceeded"))
    assert isinstance(told, Throttled)


@pytest.mark.parametrize("read", [meaning, reads])
def test_a_projects_limit_of_a_day_ends_the_run(read: object) -> None:
    """Whoever asks: for files, or for whose account it is."""
    assert callable(read)
    told = read(LIST, refused("dailyLimitExceeded", "Daily Limit Exceeded"))
    assert isinstance(told, QuotaFull)
    assert "tomorrow" in told.fix
    assert not told.item_only


def test_the_days_upload_limit_ends_the_run() -> None:
    told = meaning(LIST, refused("userRateLimitExceeded", "User rate limit exceeded."))
    assert isinstance(told, QuotaFull)


@pytest.mark.parametrize(
    ("reason", "kind", "word"),
    [
        ("teamDriveFileLimitExceeded", QuotaFull, "shared drive"),
        ("numChildrenInNonRootLimitExceeded", TooLarge, "Divide the folder"),
        ("teamDriveHierarchyTooDeep", TooLarge, "higher"),
        ("myDriveHierarchyDepthLimitExceeded", TooLarge, "higher"),
    ],
)
def test_what_is_full_or_too_deep_is_no_matter_of_names_or_room(
    reason: str, kind: type[HaulageError], word: str
) -> None:
    """Neither another name nor more storage would help, so neither is advised."""
    told = meaning(LIST, refused(reason, "The limit has been exceeded."))
    assert type(told) is kind
    assert word in told.fix
    assert "Rename" not in told.fix and "buy" not in told.fix


def test_a_listing_that_took_too_long_is_no_missing_permission() -> None:
    told = meaning(LIST, refused("pageTokenExpired", "The page token has expired."))
    assert type(told) is HaulageError
