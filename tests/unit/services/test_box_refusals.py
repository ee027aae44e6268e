"""What Box keeps back is told in words, each with what to do."""

import json

import pytest

from haulage.model.errors import Blocked
from haulage.services.box.refusals import meaning
from haulage.services.transport import Answer, Request


@pytest.mark.parametrize(
    ("code", "says", "fix"),
    [("access_denied_item_locked", "locked", "unlock"), ("forbidden_by_policy", "policy", "administrator")],
)
def test_what_is_kept_back(code: str, says: str, fix: str) -> None:
    """F39: about this item alone, not tried again; a person is told what to do."""
    body = json.dumps({"type": "error", "status": 403, "code": code}).encode()
    request = Request("GetContent", "GET", "https://api.box.com/2.0/files/1/content", {}, b"")
    error = meaning(request, Answer(403, {}, body))
    assert isinstance(error, Blocked)
    assert says in error.message
    assert fix in error.fix
    assert not error.retryable
