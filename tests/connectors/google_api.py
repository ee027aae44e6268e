"""Drive's own interface in a person's name, called at the sandbox's port without any of our client's code."""

import json
import urllib.parse
import urllib.request
from typing import Any

from testbed.sandbox import Sandbox

APPS = "application/vnd.google-apps."
FOLDER = f"{APPS}folder"


class DriveApi:
    """Plain calls. Whatever fails raises urllib's HTTPError."""

    def __init__(self, sandbox: Sandbox, user: str) -> None:
        offer = sandbox.service("google-drive")
        told = sandbox.do("google", "sign_in", user=user, client_id=offer["client_id"])
        self._headers = {"Authorization": f"Bearer {told['access_token']}", "Content-Type": "application/json"}
        self._base = f"{offer['base_url']}/drive/v3/"
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def __call__(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Call it; the decoded answer."""
        words = urllib.parse.urlencode({"supportsAllDrives": "true", **query})
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._base}{path}?{words}", sent, self._headers, method=method)  # noqa: S310 - loopback
        with self._open(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def make(self, name: str, mime_type: str, parent: str = "root", **facts: Any) -> str:
        """Make something without content; its id."""
        body = {"name": name, "mimeType": mime_type, "parents": [parent], **facts}
        return str(self("POST", "files", body)["id"])

    def update(self, file_id: str, **facts: Any) -> None:
        """Change its facts."""
        self("PATCH", f"files/{file_id}", facts)

    def copy(self, file_id: str, name: str, parent: str) -> str:
        """Copy it; the copy's id."""
        return str(self("POST", f"files/{file_id}/copy", {"name": name, "parents": [parent]})["id"])

    def found(self, question: str) -> list[dict[str, Any]]:
        """Files that answer a question of files.list."""
        fields = "files(id,name,mimeType,modifiedTime,trashed,parents)"
        told = self("GET", "files", q=question, fields=fields, pageSize="1000", includeItemsFromAllDrives="true")
        return list(told["files"])

    def children(self, parent: str) -> dict[str, dict[str, Any]]:
        """What lies in a folder and not in the trash, by name."""
        return {one["name"]: one for one in self.found(f"'{parent}' in parents and trashed = false")}
