"""The same few calls at each simulated service: fill a folder, list it, read a small file and a large one.

A call is (method, path, headers, body); paths of a service's own port.
"""

import http.client
import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from testbed.sandbox import Sandbox

SMALL_FILES = 10
SMALL_BYTES = 1_000
LARGE_BYTES = 32 << 20
GRAPH = "/v1.0/me/drive"
GOOGLE_FIELDS = "nextPageToken,files(id,name,size,md5Checksum,modifiedTime,parents,mimeType,trashed)"
BOX_FIELDS = "type,id,etag,sha1,name,size,content_modified_at,item_status"


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Calls(NamedTuple):
    """What is measured at one service: a listing of ten entries, a download of a kilobyte, one of 32 MiB."""

    listing: Call
    small: Call
    large: Call


class Wire:
    """Somebody signed in at one service of a sandbox."""

    def __init__(self, sandbox: Sandbox, vendor: str, service: str) -> None:
        offer = sandbox.service(service)
        self.port = urllib.parse.urlsplit(offer["base_url"]).port
        admins = [one["user"] for one in offer["accounts"] if one["role"] == "admin"]
        self.user = admins[0]
        token = sandbox.do(vendor, "sign-in", user=self.user, client_id=offer["client_id"])["access_token"]
        self.bearer = {"Authorization": f"Bearer {token}"}

    def answer(self, call: Call) -> tuple[Mapping[str, str], bytes]:
        """The headers and the body that a call is answered with. Raises AssertionError where it is refused."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(call.method, call.path, call.body or None, dict(call.headers))
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status < 400, (call.path, response.status, body[:300])
        return {name.lower(): value for name, value in response.getheaders()}, body

    def document(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON that a call with or without JSON is answered with."""
        kind = {} if body is None else {"Content-Type": "application/json"}
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return json.loads(self.answer(Call(method, path, {**self.bearer, **kind, **headers}, sent))[1] or b"{}")


class Prepare(Protocol):
    """Fills a folder at one service, and says how it is read."""

    def __call__(self, wire: Wire) -> Calls: ...


def _contents() -> dict[str, bytes]:
    small = {f"f{number}": str(number).encode() * SMALL_BYTES for number in range(SMALL_FILES)}
    return {name: text[:SMALL_BYTES] for name, text in small.items()} | {"large": bytes(LARGE_BYTES)}


def _local(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def microsoft(wire: Wire) -> Calls:
    """Microsoft Graph: children, and downloads at the address that needs no token."""
    urls = {}
    for name, data in _contents().items():
        folder = "Bench" if name != "large" else "Bench large"
        made = wire.document("PUT", f"{GRAPH}/root:/{urllib.parse.quote(folder)}/{name}:/content", data)
        head, _ = wire.answer(Call("GET", f"{GRAPH}/items/{made['id']}/content", wire.bearer))
        urls[name] = Call("GET", _local(head["location"]))
    folder = wire.document("GET", f"{GRAPH}/root:/Bench")
    path = f"/v1.0/drives/{folder['parentReference']['driveId']}/items/{folder['id']}/children?$top=1000"
    return Calls(Call("GET", path, wire.bearer), urls["f1"], urls["large"])


def google(wire: Wire) -> Calls:
    """Google Drive: files.list of a parent, and alt=media."""
    kind = "application/vnd.google-apps.folder"
    folders = [wire.document("POST", "/drive/v3/files", {"name": name, "mimeType": kind})["id"] for name in "ab"]
    ids = {}
    for name, data in _contents().items():
        meta = json.dumps({"name": name, "parents": [folders[name == "large"]]}).encode()
        body = b"--x\r\nContent-Type: application/json\r\n\r\n" + meta
        body += b"\r\n--x\r\nContent-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--x--\r\n"
        head = {**wire.bearer, "Content-Type": "multipart/related; boundary=x"}
        answer = wire.answer(Call("POST", "/upload/drive/v3/files?uploadType=multipart", head, body))[1]
        ids[name] = json.loads(answer)["id"]
    query = urllib.parse.urlencode({"q": f"'{folders[0]}' in parents", "fields": GOOGLE_FIELDS, "pageSize": 1000})
    small, large = (Call("GET", f"/drive/v3/files/{ids[one]}?alt=media", wire.bearer) for one in ("f1", "large"))
    return Calls(Call("GET", f"/drive/v3/files?{query}", wire.bearer), small, large)


def box(wire: Wire) -> Calls:
    """Box: items of a folder, and downloads at the address that needs no token."""
    folders = [
        wire.document("POST", "/2.0/folders", {"name": f"Bench {name}", "parent": {"id": "0"}})["id"] for name in "ab"
    ]
    urls = {}
    for name, data in _contents().items():
        attributes = json.dumps({"name": name, "parent": {"id": folders[name == "large"]}}).encode()
        body = b'--x\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n' + attributes
        body += (
            b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + data + b"\r\n--x--\r\n"
        )
        head = {**wire.bearer, "Content-Type": "multipart/form-data; boundary=x"}
        made = json.loads(wire.answer(Call("POST", "/api/2.0/files/content", head, body))[1])["entries"][0]
        head_of, _ = wire.answer(Call("GET", f"/2.0/files/{made['id']}/content", wire.bearer))
        urls[name] = Call("GET", _local(head_of["location"]))
    path = f"/2.0/folders/{folders[0]}/items?fields={BOX_FIELDS}&limit=1000&usemarker=true"
    return Calls(Call("GET", path, wire.bearer), urls["f1"], urls["large"])


def dropbox(wire: Wire) -> Calls:
    """Dropbox: list_folder and download."""
    for name, data in _contents().items():
        folder = "/bench" if name != "large" else "/bench large"
        head = {"Dropbox-API-Arg": json.dumps({"path": f"{folder}/{name}"}), "Content-Type": "application/octet-stream"}
        wire.answer(Call("POST", "/2/files/upload", {**wire.bearer, **head}, data))
    small, large = (
        Call("POST", "/2/files/download", {**wire.bearer, "Dropbox-API-Arg": json.dumps({"path": path})})
        for path in ("/bench/f1", "/bench large/large")
    )
    asked = Call(
        "POST", "/2/files/list_folder", {**wire.bearer, "Content-Type": "application/json"}, b'{"path":"/bench"}'
    )
    return Calls(asked, small, large)


def egnyte(wire: Wire) -> Calls:
    """Egnyte: a folder with what is in it, and fs-content."""
    for folder in ("Bench", "Bench%20large"):
        wire.document("POST", f"/pubapi/v1/fs/Shared/{folder}", {"action": "add_folder"})
    for name, data in _contents().items():
        folder = "/Shared/Bench" if name != "large" else "/Shared/Bench large"
        head = {**wire.bearer, "Content-Type": "application/octet-stream"}
        path = urllib.parse.quote(f"/pubapi/v1/fs-content{folder}/{name}")
        wire.answer(Call("POST", path, head, data))
    small, large = (
        Call("GET", urllib.parse.quote(f"/pubapi/v1/fs-content{path}"), wire.bearer)
        for path in ("/Shared/Bench/f1", "/Shared/Bench large/large")
    )
    return Calls(Call("GET", "/pubapi/v1/fs/Shared/Bench?count=1000", wire.bearer), small, large)


VENDORS: dict[str, tuple[str, Prepare]] = {
    "microsoft": ("onedrive-business", microsoft),
    "google": ("google-drive", google),
    "box": ("box", box),
    "dropbox": ("dropbox", dropbox),
    "egnyte": ("egnyte", egnyte),
}
"""By simulator: the service that one signs in to, and how its folder is filled."""
