"""Drives of services where one signs in: in the sandbox, reached under the vendors' own host names.

Between the drive and the sandbox stands a door that ends TLS (testbed.front), so that a FaultProxy can stand behind it.
"""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from google.auth import jwt
from google.auth.crypt import RSASigner

from haulage.model.errors import AuthLost
from haulage.services.authorisation import Access, OpensDrives, Route, WayId
from haulage.services.contract import Drive
from haulage.services.registry import service
from testbed.front import Front
from testbed.sandbox import Sandbox

from .kit import FreePacer, Place


@dataclass(frozen=True)
class Cloud:
    """One kind of drive. service: its id; way: how it was authorised.

    where: the path of the drive in Graph, for the witness, and the root of a location in it. always: it is tried in
    every test run, and not only in the long one. told: of the offer, the settings that a person gives besides.
    """

    service: str
    where: Callable[["Clouds", dict[str, Any], str], tuple[str, str]]
    page_size: tuple[str, str]
    least_part_bytes: int
    part_size: tuple[str, str]
    token: Callable[["Clouds", dict[str, Any]], str]
    way: WayId = "code"
    limits: dict[str, str] = field(default_factory=dict)
    always: bool = False
    told: Callable[[dict[str, Any]], dict[str, str]] = lambda offer: {}


class Clouds:
    """The sandbox that all cases share, and the door to it."""

    def __init__(self, sandbox: Sandbox, front: Front) -> None:
        self.sandbox = sandbox
        self.front = front
        self.ca_pem = Path(sandbox.ca_file).read_text()

    def ask(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Call a service at its own port. Status, body, headers; redirects are not followed."""
        request = urllib.request.Request(url, body, headers or {}, method=method)  # noqa: S310 - loopback
        try:
            with _OPENER.open(request, timeout=60) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    def form(self, url: str, **fields: str) -> dict[str, Any]:
        """POST a form; the answer's JSON."""
        status, body, _ = self.ask("POST", url, urllib.parse.urlencode(fields).encode())
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """A sandbox of six people without quotas, and a door to it."""
    folder = tmp_path_factory.mktemp("clouds")
    running = Sandbox(folder, users=6, options=("--state", str(folder / "state")))
    with running as sandbox, Front(sandbox.ca_file, str(folder / "state" / "ca.key")) as front:
        yield Clouds(sandbox, front)


class FixedToken:
    """Credentials of one token, which is never renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def bearer(self) -> str:
        return self._token

    async def refused(self, token: str) -> None:
        raise AuthLost("the token was refused")

    async def revocable(self) -> str:
        return self._token


@dataclass(frozen=True)
class CloudPlace(Place):
    """A folder of a cloud's drive. Its settings are a token, and the address to which the door leads."""

    clouds: Clouds | None = None
    way: WayId = "code"
    drive: str = ""
    base: str = ""
    told: dict[str, str] = field(default_factory=dict)

    def open(self) -> Drive:
        assert self.clouds is not None and self.service.authorisation is not None
        port = urlsplit(self.settings["via"]).port
        assert port is not None
        route = Route(self.clouds.front.to(port), self.clouds.ca_pem)
        held = FixedToken(self.settings["token"])
        access = Access(self.told, self.way, held, FreePacer(), route, "contract", acting=lambda subject: held)
        account = self.service.authorisation.open_account(access)
        assert isinstance(account, OpensDrives)
        return account.open(self.root)


def cloud_place(clouds: Clouds, server: str) -> CloudPlace:
    """The root below which all cases of a session have their folders."""
    cloud = CLOUDS[server]
    offer = clouds.sandbox.service(cloud.service)
    token = cloud.token(clouds, offer)
    drive, base = cloud.where(clouds, offer, token)
    return CloudPlace(
        server=server,
        service=service(cloud.service),
        settings={"via": offer["base_url"], "token": token},
        root=base,
        base=base,
        drive=drive,
        least_part_bytes=cloud.least_part_bytes,
        endpoint="via",
        secrets=(token,),
        wrong={"token": "not-a-token-of-anybody"},
        page_size=cloud.page_size,
        part_size=cloud.part_size,
        clouds=clouds,
        way=cloud.way,
        told=cloud.told(offer),
    )


def _microsoft(tenant: str) -> Callable[[Clouds, dict[str, Any]], str]:
    def token(clouds: Clouds, offer: dict[str, Any]) -> str:
        account = next(one for one in offer["accounts"] if one.get("refresh_token"))
        told = clouds.form(
            f"{offer['base_url']}/{tenant}/oauth2/v2.0/token",
            grant_type="refresh_token",
            refresh_token=account["refresh_token"],
            client_id=offer["client_id"],
            client_secret=offer["client_secret"],
        )
        return str(told["access_token"])

    return token


def _application(clouds: Clouds, offer: dict[str, Any]) -> str:
    tenant = offer["details"]["tenant"]
    told = clouds.form(
        f"{offer['base_url']}/{tenant}/oauth2/v2.0/token",
        grant_type="client_credentials",
        scope="https://graph.microsoft.com/.default",
        client_id=offer["client_id"],
        client_secret=offer["client_secret"],
    )
    return str(told["access_token"])


_GRAPH_PAGES = ("haulage.services.microsoft.drive", "PAGE_ITEMS")
_GRAPH_PARTS = ("haulage.services.microsoft.traits", "LEAST_PART_BYTES")
_UNIT = 320 * 1024
_GRAPH_LIMITS = {
    "checks hashes": "Graph takes no hash along with an upload: its answer tells the hash of what arrived, which the "
    "engine compares (learn.microsoft.com/graph/api/driveitem-createuploadsession)",
    "keeps conditions at the end of racing uploads": "Graph takes the condition when a session is begun, and this case "
    "begins without one; what there is is looked at before the last fragment",
}
_PERSONAL_LIMITS = {
    **_GRAPH_LIMITS,
    "tells which revision it sends": "no document says which tag a download of OneDrive Consumer carries: where it is "
    "another one the item is asked once more, and its bytes are held against its hash",
}


def _mine(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    return "/me/drive", ""


def _of_a_user(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    users = clouds.sandbox.service("onedrive-business")["accounts"]
    email = next(one["user"] for one in users if one["role"] == "user" and one.get("refresh_token"))
    return f"/users/{email}/drive", email


def _of_a_site(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    """The library of the first site that is nobody's own, by the address that a browser shows."""
    headers = {"Authorization": f"Bearer {token}"}
    graph = f"{offer['base_url']}/v1.0"
    sites = json.loads(clouds.ask("GET", f"{graph}/sites/getAllSites", None, headers)[1])["value"]
    site = next(one for one in sites if not one.get("isPersonalSite") and "/sites/" in one["webUrl"])
    drive = json.loads(clouds.ask("GET", f"{graph}/sites/{site['id']}/drive", None, headers)[1])
    return f"/drives/{drive['id']}", drive["webUrl"]


_GRAPH = (_GRAPH_PAGES, _UNIT, _GRAPH_PARTS)


def _dropbox(clouds: Clouds, offer: dict[str, Any], *roles: str) -> str:
    found = [one for one in offer["accounts"] if not roles or one["role"] in roles]
    account = next(one for one in found if one.get("refresh_token"))
    told = clouds.form(
        f"{offer['base_url']}/oauth2/token",
        grant_type="refresh_token",
        refresh_token=account["refresh_token"],
        client_id=offer["client_id"],
        client_secret=offer["client_secret"],
    )
    return str(told["access_token"])


def _dropbox_team(clouds: Clouds, offer: dict[str, Any]) -> str:
    return _dropbox(clouds, offer, "admin")


def _of_a_team(clouds: Clouds, offer: dict[str, Any], token: str, route: str) -> dict[str, Any]:
    """An answer about the whole team."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = b"null" if route.startswith("token") else b"{}"
    status, told, _ = clouds.ask("POST", f"{offer['base_url']}/2/team/{route}", body, headers)
    assert status == 200, told
    found: dict[str, Any] = json.loads(told)
    return found


def _dropbox_member(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    """The home of a member, for whom the admin calls. Headers as JSON, and the root."""
    members = _of_a_team(clouds, offer, token, "members/list_v2")["members"]
    profiles = [one["profile"] for one in members if one["profile"]["status"][".tag"] == "active"]
    one = profiles[-1]
    return json.dumps({"Dropbox-API-Select-User": one["team_member_id"]}), str(one["email"])


def _dropbox_team_folder(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    """A team folder, in which the admin has no right of its own."""
    admin = _of_a_team(clouds, offer, token, "token/get_authenticated_admin")["admin_profile"]["team_member_id"]
    one = _of_a_team(clouds, offer, token, "team_folder/list")["team_folders"][-1]
    where = json.dumps({".tag": "namespace_id", "namespace_id": one["team_folder_id"]})
    headers = {"Dropbox-API-Select-Admin": admin, "Dropbox-API-Path-Root": where}
    return json.dumps(headers), str(one["name"])


_DROPBOX = (
    ("haulage.services.dropbox.drive", "PAGE_ITEMS"),
    64 * 1024,
    ("haulage.services.dropbox.traits", "LEAST_PART_BYTES"),
)
_DROPBOX_LIMITS = {
    "forgets an aborted upload": "Dropbox itself keeps a session for a week, and no call ends it "
    "(dropbox.com/developers/documentation/http/documentation#files-upload_session-start)",
}


def _google(clouds: Clouds, offer: dict[str, Any]) -> str:
    account = next(one for one in offer["accounts"] if one.get("refresh_token"))
    told = clouds.form(
        f"{offer['base_url']}/token",
        grant_type="refresh_token",
        refresh_token=account["refresh_token"],
        client_id=offer["client_id"],
        client_secret=offer["client_secret"],
    )
    return str(told["access_token"])


def _delegated(clouds: Clouds, offer: dict[str, Any]) -> str:
    """A token in a user's name, of a service account to which the whole domain is delegated."""
    key, now = json.loads(offer["accounts"][0]["key"]), int(time.time())
    claims = {"iss": key["client_email"], "sub": _user_of_google(clouds), "iat": now, "exp": now + 3600}
    claims |= {"aud": "https://oauth2.googleapis.com/token", "scope": "https://www.googleapis.com/auth/drive"}
    told = clouds.form(
        f"{offer['base_url']}/token",
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion=jwt.encode(RSASigner.from_service_account_info(key), claims).decode(),
    )
    return str(told["access_token"])


def _user_of_google(clouds: Clouds) -> str:
    accounts = clouds.sandbox.service("google-drive")["accounts"]
    return str(next(one["user"] for one in accounts if one["role"] == "user"))


def _of_a_google_user(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    return "root", f"{_user_of_google(clouds)}/My Drive"


def _google_administrator(offer: dict[str, Any]) -> dict[str, str]:
    return {"admin_email": offer["accounts"][0]["user"]}


def _my_drive(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    return "root", ""


def _shared_drive(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    drives = json.loads(clouds.ask("GET", f"{offer['base_url']}/drive/v3/drives", None, headers)[1])["drives"]
    return drives[0]["id"], f"Shared drives/{drives[0]['name']}"


_GOOGLE_SIZES = (
    ("haulage.services.google.drive", "PAGE_ITEMS"),
    256 * 1024,
    ("haulage.services.google.traits", "LEAST_PART_BYTES"),
)
_GOOGLE = (*_GOOGLE_SIZES, _google)
_GOOGLE_LIMITS = {
    "checks hashes": "Drive takes no hash along with an upload: its answer tells the hashes of what arrived, which the "
    "engine compares (developers.google.com/workspace/drive/api/guides/manage-uploads)",
    "forgets an aborted upload": "Drive keeps a session for a week, and no call is documented that ends it (the same "
    "page)",
    "tells which revision it sends": "the answer to a download names no revision: it is asked right after the answer "
    "has begun, which a made-up header does not change",
}
_BOX_PART_BYTES = 64 * 1024
_BOX = (
    ("haulage.services.box.drive", "PAGE_ITEMS"),
    2 * _BOX_PART_BYTES,
    ("haulage.services.box.traits", "LEAST_PART_BYTES"),
)
_BOX_LIMITS = {
    "tells which revision it sends": "the address of a download is that of one version, and its answer names none "
    "(developer.box.com/reference/get-files-id-content)",
    "takes other bytes for a part": "what a session has taken stays; the same bytes may be sent again "
    "(developer.box.com/guides/uploads/chunked)",
}


def _box(clouds: Clouds, offer: dict[str, Any]) -> str:
    """A token. Box is told to take small sessions too, in parts of which two make one of ours."""
    clouds.sandbox.do("box", "parts", smallest=1, part_bytes=_BOX_PART_BYTES)
    told = clouds.sandbox.do("box", "sign-in", user=_box_user(offer), client_id=offer["client_id"])
    return str(told["access_token"])


def _box_user(offer: dict[str, Any]) -> str:
    return str(next(one["user"] for one in offer["accounts"] if one.get("refresh_token")))


def _box_other(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    """A user of the enterprise, for whom the admin calls."""
    users = clouds.sandbox.service("box")["accounts"]
    one = next(one for one in users if one["role"] == "user" and one["refresh_token"])
    return str(one["details"]["id"]), str(one["user"])


_EGNYTE_CHUNK_BYTES = 64 * 1024
_EGNYTE_LIMITS = {
    "keeps conditions of racing writes": "Egnyte has no condition on a write (an upload onto a file makes a new "
    "version of it): what is there is looked at just before (developers.egnyte.com, File System Management)",
    "keeps conditions at the end of racing uploads": "the same",
    "forgets an aborted upload": "Egnyte keeps chunks for a day, and no call ends an upload (the same page)",
}


def _egnyte(clouds: Clouds, offer: dict[str, Any]) -> str:
    """A token. Egnyte is told to take small chunks too."""
    clouds.sandbox.do("egnyte", "chunks", smallest=1)
    told = clouds.sandbox.do("egnyte", "sign-in", user=_egnyte_user(offer), client_id=offer["client_id"])
    return str(told["access_token"])


def _egnyte_user(offer: dict[str, Any]) -> str:
    return str(next(one["user"] for one in offer["accounts"] if one["refresh_token"]))


def _egnyte_private(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    return "", f"Private/{_egnyte_user(offer)}"


def _egnyte_shared(clouds: Clouds, offer: dict[str, Any], token: str) -> tuple[str, str]:
    return "", "Shared"


_EGNYTE = (
    ("haulage.services.egnyte.drive", "PAGE_ITEMS"),
    _EGNYTE_CHUNK_BYTES,
    ("haulage.services.egnyte.traits", "LEAST_PART_BYTES"),
    _egnyte,
)


def _egnyte_domain(offer: dict[str, Any]) -> dict[str, str]:
    return {"domain": offer["details"]["domain"]}


CLOUDS = {
    "egnyte": Cloud("egnyte", _egnyte_private, *_EGNYTE, limits=_EGNYTE_LIMITS, always=True, told=_egnyte_domain),
    "egnyte-shared": Cloud("egnyte", _egnyte_shared, *_EGNYTE, limits=_EGNYTE_LIMITS, told=_egnyte_domain),
    "box": Cloud("box", _mine, *_BOX, _box, limits=_BOX_LIMITS, always=True),
    "box-user": Cloud("box-enterprise", _box_other, *_BOX, _box, limits=_BOX_LIMITS),
    "google-drive": Cloud("google-drive", _my_drive, *_GOOGLE, limits=_GOOGLE_LIMITS, always=True),
    "google-shared-drive": Cloud("google-drive", _shared_drive, *_GOOGLE, limits=_GOOGLE_LIMITS),
    "google-workspace": Cloud(
        *("google-workspace", _of_a_google_user, *_GOOGLE_SIZES, _delegated, "jwt", _GOOGLE_LIMITS),
        told=_google_administrator,
    ),
    "dropbox": Cloud("dropbox", _mine, *_DROPBOX, _dropbox, limits=_DROPBOX_LIMITS, always=True),
    "dropbox-member": Cloud("dropbox-business", _dropbox_member, *_DROPBOX, _dropbox_team, limits=_DROPBOX_LIMITS),
    "dropbox-team-folder": Cloud(
        "dropbox-business", _dropbox_team_folder, *_DROPBOX, _dropbox_team, limits=_DROPBOX_LIMITS
    ),
    "onedrive-business": Cloud(
        "onedrive-business", _mine, *_GRAPH, _microsoft("organizations"), limits=_GRAPH_LIMITS, always=True
    ),
    "onedrive-personal": Cloud("onedrive", _mine, *_GRAPH, _microsoft("consumers"), limits=_PERSONAL_LIMITS),
    "office365-user": Cloud("office365", _of_a_user, *_GRAPH, _application, "secret", _GRAPH_LIMITS),
    "office365-site": Cloud("office365", _of_a_site, *_GRAPH, _application, "secret", _GRAPH_LIMITS),
}


class GraphWitness:
    """Plain calls of Graph at the sandbox's own port, without any of our client's code."""

    def __init__(self, place: CloudPlace) -> None:
        assert place.clouds is not None
        self._ask = place.clouds.ask
        self._drive = f"{place.settings['via']}/v1.0{place.drive}"
        self._root = place.root.removeprefix(place.base).strip("/")
        self._headers = {"Authorization": f"Bearer {place.settings['token']}"}

    def _url(self, path: str, action: str) -> str:
        return f"{self._drive}/root:/{quote(f'{self._root}/{path}'.strip('/'))}:{action}"

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        status, told, _ = self._ask("PUT", self._url(path, "/content"), body, self._headers)
        assert status in (200, 201), told

    def remove(self, path: str) -> None:
        status, told, _ = self._ask("DELETE", self._url(path, ""), None, self._headers)
        assert status == 204, told

    def fetch(self, path: str) -> bytes | None:
        status, _, headers = self._ask("GET", self._url(path, "/content"), None, self._headers)
        if status == 404:
            return None
        assert status == 302
        status, body, _ = self._ask("GET", headers["Location"])
        assert status == 200
        return body

    def leftovers(self, files: set[str]) -> list[str]:
        return sorted(set(self._walk("")) - files)

    def _walk(self, folder: str) -> list[str]:
        found: list[str] = []
        url = self._url(folder, "/children?$top=1000")
        while url:
            status, body, _ = self._ask("GET", url, None, self._headers)
            assert status == 200, body
            page = json.loads(body)
            for one in page["value"]:
                path = f"{folder}/{one['name']}".strip("/")
                found += self._walk(path) if "folder" in one else [path]
            url = page.get("@odata.nextLink", "")
        return found


class DropboxWitness:
    """Plain calls of Dropbox at the sandbox's own port, without any of our client's code."""

    def __init__(self, place: CloudPlace) -> None:
        assert place.clouds is not None
        self._ask = place.clouds.ask
        self._base = place.settings["via"]
        self._root = place.root.strip("/")
        self._headers = {"Authorization": f"Bearer {place.settings['token']}"}
        if place.service.id == "dropbox-business":  # the first part of the root says whose it is
            self._root = self._root.partition("/")[2]
            self._headers |= json.loads(place.drive)

    def _call(self, route: str, argument: dict[str, Any], body: bytes | None = None) -> tuple[int, bytes]:
        text = json.dumps(argument)
        headers = dict(self._headers)
        if body is None:
            headers["Content-Type"] = "application/json"
            status, told, _ = self._ask("POST", f"{self._base}/2/files/{route}", text.encode(), headers)
        else:
            headers |= {"Dropbox-API-Arg": text, "Content-Type": "application/octet-stream"}
            status, told, _ = self._ask("POST", f"{self._base}/2/files/{route}", body, headers)
        return status, told

    def _path(self, path: str) -> str:
        return f"/{self._root}/{path}".rstrip("/")

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        status, told = self._call("upload", {"path": self._path(path), "mode": "overwrite"}, body)
        assert status == 200, told

    def remove(self, path: str) -> None:
        status, told = self._call("delete_v2", {"path": self._path(path)})
        assert status == 200, told

    def fetch(self, path: str) -> bytes | None:
        headers = {**self._headers, "Dropbox-API-Arg": json.dumps({"path": self._path(path)})}
        status, told, _ = self._ask("POST", f"{self._base}/2/files/download", b"", headers)
        return told if status == 200 else None

    def leftovers(self, files: set[str]) -> list[str]:
        status, told = self._call("list_folder", {"path": self._path(""), "recursive": True, "limit": 2000})
        assert status == 200, told
        page = json.loads(told)
        found = list(page["entries"])
        while page["has_more"]:
            page = json.loads(self._call("list_folder/continue", {"cursor": page["cursor"]})[1])
            found += page["entries"]
        below = len(self._path("")) + 1
        return sorted({one["path_display"][below:] for one in found if one[".tag"] == "file"} - files)


class BoxWitness:
    """Plain calls of Box at the sandbox's own port, without any of our client's code."""

    def __init__(self, place: CloudPlace) -> None:
        assert place.clouds is not None
        self._ask = place.clouds.ask
        self._base = place.settings["via"]
        self._root = place.root.removeprefix(place.base).strip("/")
        self._headers = {"Authorization": f"Bearer {place.settings['token']}"}
        if place.drive.isdigit():
            self._headers["As-User"] = place.drive

    def _children(self, folder_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            url = f"{self._base}/2.0/folders/{folder_id}/items?fields=id,type,name&limit=1000&offset={len(found)}"
            status, body, _ = self._ask("GET", url, None, self._headers)
            assert status == 200, body
            page = json.loads(body)
            found += page["entries"]
            if len(found) >= page["total_count"] or not page["entries"]:
                return found

    def _id(self, path: str) -> str | None:
        at: str | None = "0"
        for name in filter(None, f"{self._root}/{path}".split("/")):
            at = next((one["id"] for one in self._children(at) if one["name"] == name), None) if at else None
        return at

    def _made(self, folder: str) -> str:
        """The id of that folder, which is made where it is missing."""
        if (there := self._id(folder)) is not None:
            return there
        above, _, name = folder.rpartition("/")
        body = json.dumps({"name": name, "parent": {"id": self._made(above)}}).encode()
        headers = {**self._headers, "Content-Type": "application/json"}
        status, told, _ = self._ask("POST", f"{self._base}/2.0/folders", body, headers)
        assert status == 201, told
        return str(json.loads(told)["id"])

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        above, _, name = path.rpartition("/")
        at = self._id(path)
        facts = json.dumps({"name": name} if at else {"name": name, "parent": {"id": self._made(above)}})
        mark = "a-line-between-parts"
        head = f'--{mark}\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n{facts}\r\n'
        head += f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        whole = head.encode() + body + f"\r\n--{mark}--\r\n".encode()
        headers = {**self._headers, "Content-Type": f"multipart/form-data; boundary={mark}"}
        url = f"{self._base}/api/2.0/files/{at}/content" if at else f"{self._base}/api/2.0/files/content"
        status, told, _ = self._ask("POST", url, whole, headers)
        assert status == 201, told

    def remove(self, path: str) -> None:
        above, _, name = path.rpartition("/")
        (there,) = [one for one in self._children(self._id(above) or "0") if one["name"] == name]
        what = f"files/{there['id']}" if there["type"] == "file" else f"folders/{there['id']}?recursive=true"
        status, told, _ = self._ask("DELETE", f"{self._base}/2.0/{what}", None, self._headers)
        assert status == 204, told

    def fetch(self, path: str) -> bytes | None:
        at = self._id(path)
        if at is None:
            return None
        status, _, headers = self._ask("GET", f"{self._base}/2.0/files/{at}/content", None, self._headers)
        assert status == 302
        status, body, _ = self._ask("GET", headers["Location"])
        assert status == 200
        return body

    def leftovers(self, files: set[str]) -> list[str]:
        return sorted(self._walk(self._id("") or "0", "") - files)

    def _walk(self, folder_id: str, above: str) -> set[str]:
        found: set[str] = set()
        for one in self._children(folder_id):
            path = f"{above}/{one['name']}".strip("/")
            found |= self._walk(one["id"], path) if one["type"] == "folder" else {path}
        return found


class EgnyteWitness:
    """Plain calls of Egnyte at the sandbox's own port, without any of our client's code."""

    def __init__(self, place: CloudPlace) -> None:
        assert place.clouds is not None
        self._ask = place.clouds.ask
        self._base = f"{place.settings['via']}/pubapi/v1"
        self._root = place.root.strip("/")
        self._headers = {"Authorization": f"Bearer {place.settings['token']}"}

    def _url(self, api: str, path: str) -> str:
        return f"{self._base}/{api}/{quote(f'{self._root}/{path}'.strip('/'))}"

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            url = self._url("fs", "/".join(parts[:count]))
            headers = {**self._headers, "Content-Type": "application/json"}
            assert self._ask("POST", url, b'{"action":"add_folder"}', headers)[0] in (201, 403)
        status, told, _ = self._ask("POST", self._url("fs-content", path), body, self._headers)
        assert status == 200, told

    def remove(self, path: str) -> None:
        status, told, _ = self._ask("DELETE", self._url("fs", path), None, self._headers)
        assert status == 200, told

    def fetch(self, path: str) -> bytes | None:
        status, told, _ = self._ask("GET", self._url("fs-content", path), None, self._headers)
        return told if status == 200 else None

    def leftovers(self, files: set[str]) -> list[str]:
        return sorted(self._walk("") - files)

    def _walk(self, folder: str) -> set[str]:
        found: set[str] = set()
        seen, total = 0, 1
        while seen < total:
            url = f"{self._url('fs', folder)}?list_content=true&count=1000&offset={seen}"
            status, body, _ = self._ask("GET", url, None, self._headers)
            assert status == 200, body
            page = json.loads(body)
            seen, total = seen + page["count"], page["total_count"]
            for one in page.get("folders", ()):
                found |= self._walk(f"{folder}/{one['name']}".strip("/"))
            found |= {f"{folder}/{one['name']}".strip("/") for one in page.get("files", ())}
        return found


class GoogleWitness:
    """Plain calls of Drive at the sandbox's own port, without any of our client's code."""

    def __init__(self, place: CloudPlace) -> None:
        assert place.clouds is not None
        self._ask = place.clouds.ask
        self._base = place.settings["via"]
        self._top = place.drive
        self._root = place.root.removeprefix(place.base).strip("/")
        self._headers = {"Authorization": f"Bearer {place.settings['token']}"}

    def _children(self, folder_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            query = {
                "q": f"'{folder_id}' in parents and trashed = false",
                "pageSize": "1000",
                "fields": "nextPageToken,files(id,name,mimeType)",
                "supportsAllDrives": "true",
                "includeItemsFromAllDrives": "true",
                **({"pageToken": token} if token else {}),
            }
            url = f"{self._base}/drive/v3/files?{urllib.parse.urlencode(query)}"
            status, body, _ = self._ask("GET", url, None, self._headers)
            assert status == 200, body
            page = json.loads(body)
            found += page["files"]
            token = page.get("nextPageToken", "")
            if not token:
                return found

    def _id(self, path: str) -> str | None:
        at: str | None = self._top
        for name in f"{self._root}/{path}".strip("/").split("/"):
            at = next((one["id"] for one in self._children(at) if one["name"] == name), None) if at else None
        return at

    def _made(self, path: str, **facts: str) -> str:
        """The id of what is at that path; a new item with these facts where there is nothing."""
        if (there := self._id(path)) is not None:
            return there
        above, _, name = path.rpartition("/")
        parent = self._made(above, mimeType="application/vnd.google-apps.folder")
        body = json.dumps({"name": name, "parents": [parent], **facts}).encode()
        headers = {**self._headers, "Content-Type": "application/json"}
        url = f"{self._base}/drive/v3/files?supportsAllDrives=true"
        status, told, _ = self._ask("POST", url, body, headers)
        assert status == 200, told
        return str(json.loads(told)["id"])

    def plant(self, path: str, body: bytes, content_encoding: str | None = None) -> None:
        at, more = self._made(path), "supportsAllDrives=true"
        headers = {**self._headers, "Content-Type": "application/octet-stream"}
        url = f"{self._base}/upload/drive/v3/files/{at}?uploadType=media&{more}"
        status, told, _ = self._ask("PATCH", url, body, headers)
        assert status == 200, told

    def remove(self, path: str) -> None:
        """Into the trash, as a person does."""
        url = f"{self._base}/drive/v3/files/{self._id(path)}?supportsAllDrives=true"
        headers = {**self._headers, "Content-Type": "application/json"}
        status, told, _ = self._ask("PATCH", url, b'{"trashed":true}', headers)
        assert status == 200, told

    def fetch(self, path: str) -> bytes | None:
        at = self._id(path)
        if at is None:
            return None
        url = f"{self._base}/drive/v3/files/{at}?alt=media&supportsAllDrives=true"
        status, told, _ = self._ask("GET", url, None, self._headers)
        return told if status == 200 else None

    def leftovers(self, files: set[str]) -> list[str]:
        return sorted(self._walk(self._id("") or "", "") - files)

    def _walk(self, folder_id: str, above: str) -> set[str]:
        found: set[str] = set()
        for one in self._children(folder_id):
            path = f"{above}/{one['name']}".strip("/")
            found |= self._walk(one["id"], path) if one["mimeType"].endswith(".folder") else {path}
        return found


WITNESSES: dict[str, Callable[[CloudPlace], Any]] = {
    "onedrive": GraphWitness,
    "onedrive-business": GraphWitness,
    "office365": GraphWitness,
    "dropbox": DropboxWitness,
    "dropbox-business": DropboxWitness,
    "google-drive": GoogleWitness,
    "google-workspace": GoogleWitness,
    "box": BoxWitness,
    "egnyte": EgnyteWitness,
    "box-enterprise": BoxWitness,
}
"""By the service's id."""
