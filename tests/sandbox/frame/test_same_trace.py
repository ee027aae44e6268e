"""The same seed and the same calls give the same trace and the same answers, at every service."""

import json
import re
from typing import Any

import pytest

from tests.sandbox.inside import Inside, inside

AT = 1_790_000_000.0
HERE = re.compile(r"(127\.0\.0\.1|localhost):\d+")
TOKENS = {  # service id, path of its token endpoint, how a refresh is asked for beyond the usual fields
    "box": ("box", "/oauth2/token"),
    "dropbox": ("dropbox", "/oauth2/token"),
    "egnyte": ("egnyte", "/puboauth/token"),
    "google": ("google-drive", "/token"),
    "microsoft": ("onedrive-business", "/common/oauth2/v2.0/token"),
}
CALLS: dict[str, list[tuple[str, str, Any]]] = {  # method, path, JSON or bytes
    "box": [
        ("GET", "/2.0/users/me", None),
        ("GET", "/2.0/folders/0/items?limit=50&fields=id,name,size,sha1,modified_at,etag", None),
        ("POST", "/2.0/folders", {"name": "new", "parent": {"id": "0"}}),
        ("GET", "/2.0/events?stream_position=0", None),
        ("GET", "/2.0/files/1", None),
    ],
    "dropbox": [
        ("POST", "/2/files/list_folder", {"path": "", "recursive": True, "limit": 100}),
        ("POST", "/2/files/create_folder_v2", {"path": "/new"}),
        ("POST", "/2/files/get_metadata", {"path": "/missing"}),
    ],
    "egnyte": [
        ("GET", "/pubapi/v1/userinfo", None),
        ("GET", "/pubapi/v1/fs/Shared?list_content=true", None),
        ("POST", "/pubapi/v1/fs/Shared/new", {"action": "add_folder"}),
        ("POST", "/pubapi/v1/fs-content/Shared/new/a.txt", b"some text"),
        ("GET", "/pubapi/v1/fs-content/Shared/new/a.txt", None),
        ("GET", "/pubapi/v1/fs/Shared/missing", None),
    ],
    "google": [
        ("GET", "/drive/v3/about?fields=*", None),
        ("GET", "/drive/v3/files?fields=*&pageSize=50", None),
        ("POST", "/drive/v3/files", {"name": "new", "mimeType": "application/vnd.google-apps.folder"}),
        ("POST", "/upload/drive/v3/files?uploadType=media", b"some text"),
        ("GET", "/drive/v3/files/missing", None),
    ],
    "microsoft": [
        ("GET", "/v1.0/me", None),
        ("GET", "/v1.0/me/drive/root/children", None),
        ("PUT", "/v1.0/me/drive/root:/new/a.txt:/content", b"some text"),
        ("GET", "/v1.0/me/drive/root/delta", None),
        ("GET", "/v1.0/me/drive/items/missing", None),
    ],
}


async def tried(vendor: str) -> tuple[list[Any], list[str]]:
    """The answers (without this run's ports) and the trace of one sandbox."""
    async with inside(vendor, users=6, clock=AT) as box:
        bearer = {"Authorization": f"Bearer {await token_of(box)}"}
        answers = []
        for method, path, body in CALLS[vendor]:
            sent = {"data": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
            status, answer, _ = await box(method, path, headers=bearer, **sent)
            answers.append([method, path, status, HERE.sub("HOST", json.dumps(answer))])
        async with box.session.get(box.box.listeners.control + "history/") as told:
            trace = HERE.sub("HOST", await told.text()).splitlines()
        return answers, trace


async def token_of(box: Inside) -> str:
    """Somebody's access token."""
    service_id, path = TOKENS[box.vendor.id]
    service = box.services[service_id]
    account = service["accounts"][0]
    if box.vendor.id == "egnyte":
        fields = {"grant_type": "password", "username": account["user"], "password": account["password"]}
        fields |= {"client_id": service["details"]["classic_client_id"]}
    else:
        fields = {"grant_type": "refresh_token", "refresh_token": account["refresh_token"]}
        fields |= {"client_id": service["client_id"], "client_secret": service["client_secret"]}
    status, granted = await box.token(path, **fields)
    assert status == 200, granted
    return str(granted["access_token"])


@pytest.mark.parametrize("vendor", CALLS)
async def test_the_same_seed_and_calls_make_the_same_trace(vendor: str) -> None:
    """Down to ids and times. The last call fails, the others do not."""
    (answers, trace), again = await tried(vendor), await tried(vendor)
    assert len(trace) == 1 + len(answers)
    assert [status < 400 for _, _, status, _ in answers] == [True] * (len(answers) - 1) + [False], answers
    assert (answers, trace) == again
