"""Somebody who calls a simulated Box, in a sandbox of its own."""

import base64
import hashlib
import json
from typing import Any

import aiohttp

from tests.sandbox.inside import Inside

PART = 8 << 20
SIZE = 20_000_000


class Caller:
    """One user of Box. user: the id."""

    def __init__(self, box: Inside, token: str, user: str) -> None:
        self.box = box
        self.token = token
        self.user = user

    async def __call__(self, method: str, path: str, document: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, document, headers."""
        told = {
            "Authorization": f"Bearer {self.token}",
            **{name.replace("_", "-"): one for name, one in headers.items()},
        }
        body = None if document is None else json.dumps(document)
        status, found, answer = await self.box(method, path, headers=told, data=body)
        return status, found, answer.headers

    async def folder(self, name: str, parent: str = "0") -> str:
        """A new folder's id."""
        status, made, _ = await self("POST", "/2.0/folders", {"name": name, "parent": {"id": parent}})
        assert status == 201, made
        return str(made["id"])

    async def upload(self, name: str, parent: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """Upload in one request."""
        form = aiohttp.FormData()
        form.add_field("attributes", json.dumps({"name": name, "parent": {"id": parent}}))
        form.add_field("contents", body, filename="any", content_type="application/octet-stream")
        told = {"Authorization": f"Bearer {self.token}", **headers}
        status, made, _ = await self.box("POST", "/api/2.0/files/content", data=form, headers=told)
        return status, made

    async def fault(self, fault: str, operation: str = "*", **more: Any) -> None:
        """The next call of the operation meets this fault."""
        await self.box.control("POST", "faults", {"fault": fault, "operation": operation, "times": 1, **more})


async def caller(box: Inside, place: int = 0) -> Caller:
    """A user; of 0 the admin."""
    offer = box.services["box"]
    admins = [one for one in offer["accounts"] if one["role"] == "admin"]
    others = [one for one in offer["accounts"] if one["role"] == "user"]
    user = [*admins[:1], *others][place]["user"]
    signed_in = await box.do("sign-in", user=user, client_id=offer["client_id"])
    _, me = await box.get("/2.0/users/me", signed_in["access_token"])
    return Caller(box, signed_in["access_token"], me["id"])


def sha(body: bytes) -> str:
    """What the header Digest has."""
    return "sha=" + base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


async def opened(user: Caller, folder: str, name: str = "large.bin") -> str:
    """A new upload session."""
    status, made, _ = await user(
        "POST", "/api/2.0/files/upload_sessions", {"folder_id": folder, "file_size": SIZE, "file_name": name}
    )
    assert status == 201, made
    assert (made["part_size"], made["total_parts"]) == (PART, 3)
    return str(made["id"])


async def part(user: Caller, session: str, body: bytes, offset: int) -> tuple[int, Any]:
    """Send the part that begins at an offset."""
    piece = body[offset : offset + PART]
    status, made, _ = await user.box(
        "PUT",
        f"/api/2.0/files/upload_sessions/{session}",
        data=piece,
        headers={
            "Authorization": f"Bearer {user.token}",
            "Digest": sha(piece),
            "Content-Range": f"bytes {offset}-{offset + len(piece) - 1}/{len(body)}",
        },
    )
    return status, made
