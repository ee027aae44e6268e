"""SharedKey against Microsoft's own signer; the clock; Entra ID tokens."""

import base64
import string
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from hypothesis import given
from hypothesis import strategies as st

from haulage.model.errors import AuthLost, Unreachable
from haulage.services.azure_blob import sign
from haulage.services.azure_blob.sign import Clock, Plain, SharedKey, Token
from haulage.services.transport import Request

KEY = base64.b64decode("c2VjcmV0LXNlY3JldA==")

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
values = st.text(string.ascii_letters + string.digits + " -_=/+;.", min_size=1).map(str.strip).filter(bool)
meta_names = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8).map(
    lambda text: f"x-ms-meta-_{text}"
)
plain_headers = st.sampled_from(
    ["Content-MD5", "Content-Type", "If-Match", "If-None-Match", "Content-Encoding", "Content-Language"]
)
own_headers = st.sampled_from(
    ["x-ms-blob-type", "x-ms-range", "x-ms-blob-content-type", "x-ms-blob-content-md5", "x-ms-blob-cache-control"]
)
queries = st.dictionaries(
    st.sampled_from(["comp", "restype", "prefix", "marker", "blockid", "maxresults", "delimiter", "include"]), names
)


def vendors(method: str, url: str, headers: dict[str, str], length: int) -> str:
    """The Authorization header that azure-storage-blob makes."""
    request = HttpRequest(method, url, headers=headers | ({"Content-Length": str(length)} if length else {}))
    policy = SharedKeyCredentialPolicy("acct", base64.b64encode(KEY).decode())
    policy.on_request(PipelineRequest(request, PipelineContext(None)))
    return str(request.headers["Authorization"])


def unique(headers: dict[str, str]) -> bool:
    return len({name.lower() for name in headers}) == len(headers)


@given(
    method=st.sampled_from(["GET", "PUT", "HEAD"]),
    base=st.sampled_from(["https://acct.blob.core.windows.net", "http://127.0.0.1:10000/acct"]),
    name=names,
    query=queries,
    headers=st.dictionaries(st.one_of(plain_headers, own_headers, meta_names), values).filter(unique),
    length=st.integers(0, 10**7),
)
def test_a_signature_is_the_one_that_the_vendors_client_makes(
    method: str, base: str, name: str, query: dict[str, str], headers: dict[str, str], length: int
) -> None:
    url = f"{base}/cont/{quote(name, safe='/-._~')}"
    url += "?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items()) if query else ""
    ours = SharedKey("acct", KEY, Clock())(Request("Any", method, url, headers, bytes(length)))
    sent = {key: value for key, value in ours.items() if key != "Authorization"}
    assert ours["Authorization"] == vendors(method, url, sent, length)


def test_the_emulators_account_is_signed_twice() -> None:
    text = sign.string_to_sign("dev", "GET", "http://127.0.0.1:10000/dev/cont?comp=list", {}, 0)
    assert text.endswith("\n/dev/dev/cont\ncomp:list")


def test_metadata_headers_are_sorted_as_the_service_sorts_them() -> None:
    headers = {f"x-ms-meta-{name}": "1" for name in ("ab", "a1", "a_b", "_z", "b")}
    lines = sign.string_to_sign("a", "PUT", "https://a.example/c", headers, 0).split("\n")
    found = [line.split(":")[0].removeprefix("x-ms-meta-") for line in lines if line.startswith("x-ms-meta-")]
    assert found == ["_z", "a_b", "a1", "ab", "b"]


def test_a_sas_request_carries_no_other_credentials() -> None:
    headers = Plain(Clock())(Request("Any", "GET", "https://a.example/c?sig=x"))
    assert set(headers) == {"x-ms-date", "x-ms-version"}


def test_the_clock_takes_over_the_services_time_once() -> None:
    clock = Clock()
    theirs = "Tue, 04 Aug 2026 10:00:05 GMT"
    assert clock.learn(theirs)
    assert clock.date()[:16] == theirs[:16]
    assert not clock.learn(theirs), "the same time again is no reason for another attempt"


@pytest.mark.parametrize("date", [None, "", "yesterday", "nonsense GMT"])
def test_an_unreadable_date_changes_no_clock(date: str | None) -> None:
    clock = Clock()
    assert not clock.learn(date)
    assert clock.offset_seconds == 0


class FakeCredential:
    def __init__(self, lives_seconds: float = 3600, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.lives_seconds = lives_seconds
        self.error = error

    def get_token(self, scope: str) -> Any:
        self.asked.append(scope)
        if self.error:
            raise self.error
        return SimpleNamespace(token=f"token-{len(self.asked)}", expires_on=int(time.time() + self.lives_seconds))


async def test_a_token_is_asked_for_once_while_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = FakeCredential()
    monkeypatch.setattr(sign, "_credential", lambda: credential)
    token = Token(Clock())
    await token.ready()
    await token.ready()
    assert credential.asked == ["https://storage.azure.com/.default"]
    assert token(Request("Any", "GET", "https://a.example/c"))["Authorization"] == "Bearer token-1"


async def test_a_token_that_ends_soon_is_renewed_before_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = FakeCredential(lives_seconds=60)
    monkeypatch.setattr(sign, "_credential", lambda: credential)
    token = Token(Clock())
    await token.ready()
    await token.ready()
    assert token(Request("Any", "GET", "https://a.example/c"))["Authorization"] == "Bearer token-2"


async def test_no_credentials_at_all_is_a_lost_authorisation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign, "_credential", lambda: FakeCredential(error=ClientAuthenticationError("none\nof them")))
    with pytest.raises(AuthLost, match=r"none$") as caught:
        await Token(Clock()).ready()
    assert "az login" in caught.value.fix


async def test_a_broken_line_to_entra_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign, "_credential", lambda: FakeCredential(error=ServiceRequestError("no route")))
    with pytest.raises(Unreachable, match="no route"):
        await Token(Clock()).ready()
