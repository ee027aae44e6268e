"""Somebody who calls a simulated Egnyte, in a sandbox of its own."""

import hashlib
import re
from typing import Any

from multidict import CIMultiDictProxy

from tests.sandbox.inside import Inside

FS, CONTENT, CHUNKED = "/pubapi/v1/fs", "/pubapi/v1/fs-content", "/pubapi/v1/fs-content-chunked"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Headers = CIMultiDictProxy[str]


def sha512(body: bytes) -> str:
    return hashlib.sha512(body).hexdigest()


class Caller:
    """One user of the domain."""

    def __init__(self, box: Inside, token: str, account: dict[str, Any]) -> None:
        self.box = box
        self.token = token
        self.user = str(account["user"])
        self.own = f"/Private/{self.user}"

    async def __call__(
        self, method: str, path: str, document: Any = None, headers: dict[str, str] | None = None, **more: Any
    ) -> tuple[int, Any, Headers]:
        """Status, document and headers."""
        told = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if document is not None:
            more["json"] = document
        status, found, answer = await self.box(method, path, headers=told, **more)
        return status, found, answer.headers

    async def folder(self, path: str) -> str:
        """Make a folder; its id."""
        status, made, _ = await self("POST", FS + path, {"action": "add_folder"})
        assert status == 201, made
        return str(made["folder_id"])

    async def upload(self, path: str, body: bytes = b"x", **headers: str) -> Any:
        """Upload, which must succeed."""
        status, made, _ = await self("POST", CONTENT + path, headers=headers, data=body)
        assert status == 200, made
        return made

    async def chunk(self, path: str, body: bytes, number: int, upload: str = "", **more: str) -> tuple[int, Any, Any]:
        """Send a chunk."""
        told = {"X-Egnyte-Chunk-Num": str(number), **({"X-Egnyte-Upload-Id": upload} if upload else {})}
        return await self("POST", CHUNKED + path, headers={**told, **more}, data=body)

    async def facts(self, path: str, **query: Any) -> Any:
        """What metadata or a listing says."""
        status, found, _ = await self("GET", FS + path, params=query)
        assert status == 200, found
        return found

    async def fault(self, fault: str, operation: str = "*", **more: Any) -> None:
        """The next call of the operation meets this fault."""
        await self.box.control("POST", "faults", {"fault": fault, "operation": operation, "times": 1, **more})


async def caller(box: Inside, kind: str = "admin", scopes: str = "") -> Caller:
    """The first account of a kind: admin, power, standard."""
    offer = box.services["egnyte"]
    account = next(one for one in offer["accounts"] if one["details"]["user_type"] == kind and one["refresh_token"])
    details = {"user": account["details"]["email"], "client_id": offer["client_id"], "scopes": scopes}
    return Caller(box, (await box.do("sign-in", **details))["access_token"], account)
