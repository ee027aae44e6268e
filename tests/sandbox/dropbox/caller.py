"""Somebody who calls a simulated Dropbox, in a sandbox of its own."""

import json
from typing import Any

from tests.sandbox.inside import Inside


class Caller:
    """One account of Dropbox."""

    def __init__(self, box: Inside, token: str, account: str) -> None:
        self.box = box
        self.token = token
        self.account = account

    async def __call__(self, route: str, document: Any, **headers: str) -> tuple[int, Any]:
        """A route in rpc style: status and document."""
        told = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        status, found, answer = await self.box("POST", f"/2/{route}", headers=told, data=json.dumps(document))
        if status not in (400, 500, 501):
            assert answer.headers["Content-Type"] == "application/json"
        return status, found

    async def send(self, route: str, document: Any, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        """A route in upload style."""
        told = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/octet-stream",
            "Dropbox-API-Arg": json.dumps(document),
            **headers,
        }
        status, found, _ = await self.box("POST", f"/2/{route}", headers=told, data=body)
        return status, found

    async def upload(self, path: str, body: bytes = b"x", **more: Any) -> Any:
        """Upload, which must succeed."""
        status, made = await self.send("files/upload", {"path": path, **more}, body)
        assert status == 200, made
        return made

    async def fault(self, fault: str, operation: str = "*", **more: Any) -> None:
        """The next call of the operation meets this fault."""
        await self.box.control("POST", "faults", {"fault": fault, "operation": operation, "times": 1, **more})

    async def names(self, **asked: Any) -> list[str]:
        """What pages of a folder have, one behind the other."""
        _, page = await self("files/list_folder", asked)
        found = [one["name"] for one in page["entries"]]
        for _ in range(6):
            if not page["has_more"]:
                break
            _, page = await self("files/list_folder/continue", {"cursor": page["cursor"]})
            found += [one["name"] for one in page["entries"]]
        return found


async def caller(box: Inside, place: int = 0) -> Caller:
    """An account; of 0 the admin."""
    offer = box.services["dropbox"]
    accounts = sorted(offer["accounts"], key=lambda one: one["role"] != "admin")
    signed_in = await box.do("sign-in", user=accounts[place]["user"], client_id=offer["client_id"])
    return Caller(box, signed_in["access_token"], accounts[place]["details"]["account_id"])
