"""What Egnyte's throttles ask for: a second's, and the day's, which ends at midnight UTC."""

import pytest

from haulage.model.errors import Throttled
from haulage.services.egnyte.account import reads
from haulage.services.transport import Answer, Request

LIST = Request("list", "GET", "https://acme.egnyte.com/pubapi/v1/fs/Shared")
EVENING = "Fri, 27 Nov 2026 22:00:00 GMT"


@pytest.mark.parametrize(
    ("code", "headers", "wait"),
    [
        ("ERR_403_DEVELOPER_OVER_QPS", {"Retry-After": "1"}, 1),
        ("ERR_403_DEVELOPER_OVER_QPS", {"Date": EVENING}, None),
        ("ERR_403_DEVELOPER_OVER_RATE", {"Retry-After": "60", "Date": EVENING}, 60),
        ("ERR_403_DEVELOPER_OVER_RATE", {"Date": EVENING}, 7200),
        ("ERR_403_DEVELOPER_OVER_RATE", {}, None),
        ("ERR_403_DEVELOPER_OVER_RATE", {"Date": "no date"}, None),
    ],
)
def test_how_long_is_waited(code: str, headers: dict[str, str], wait: float | None) -> None:
    """Where the day's calls are used up and nothing is told, until midnight by the service's own clock (F40)."""
    told = reads(LIST, Answer(403, {"X-Mashery-Error-Code": code, **headers}, b"<h1>Developer Over Rate</h1>"))
    assert isinstance(told, Throttled)
    assert told.wait_seconds == wait
