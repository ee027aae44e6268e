"""How each service's calls look on the wire, and how its refusals sound: for the faults."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from haulage.services.contract import Drive
from testbed.proxy import FaultProxy
from testbed.rules import (
    Answer,
    Rule,
    Seen,
    azure_error,
    box_error,
    dropbox_error,
    egnyte_error,
    egnyte_throttle,
    google_error,
    graph_error,
    s3_error,
)

from .witness import Witness


@dataclass(frozen=True)
class Voice:
    """One vendor's protocol.

    calls: by kind (list, look, read, write, begin, part, parts, finish), which requests these are, as parts of a Rule.
    without_items: empties a page of a listing but leaves its cursor. other_revision: headers of an answer to a read
    that say that it is another revision. named: the address of a read tells the file's path. checked_by: the kind of
    call that asks whether the root is there. takes_hashes: an upload's hash goes along, and is checked. totals: a page
    of a listing tells how many items there are in all.
    """

    calls: Mapping[str, Mapping[str, Any]]
    denied: Answer
    trouble: Answer
    throttle: Answer
    without_items: Callable[[bytes], bytes]
    other_revision: Mapping[str, str] = field(default_factory=lambda: {"ETag": '"0123456789abcdef0123456789abcdef"'})
    named: bool = True
    checked_by: str = "list"
    takes_hashes: bool = True
    totals: bool = False


S3 = Voice(
    calls={
        "list": {"method": "GET", "query": {"list-type": "2"}},
        "look": {"method": "HEAD"},
        "read": {"method": "GET", "lacks": ("list-type", "uploads", "uploadId")},
        "write": {"method": "PUT", "path": r"^/[^/]+/.", "lacks": ("partNumber",)},
        "begin": {"method": "POST", "query": {"uploads": None}},
        "part": {"method": "PUT", "query": {"partNumber": None}},
        "parts": {"method": "GET", "query": {"uploadId": None}},
        "finish": {"method": "POST", "query": {"uploadId": None}},
    },
    denied=s3_error(403, "AccessDenied"),
    trouble=s3_error(500, "InternalError"),
    throttle=s3_error(503, "SlowDown"),
    without_items=lambda body: re.sub(rb"(?s)<Contents>.*</Contents>", b"", body),
)

AZURE = Voice(
    calls={
        "list": {"method": "GET", "query": {"comp": "list"}},
        "look": {"method": "HEAD"},
        "read": {"method": "GET", "lacks": ("comp", "restype")},
        "write": {"method": "PUT", "lacks": ("comp", "restype")},
        "part": {"method": "PUT", "query": {"comp": "block"}},
        "parts": {"method": "GET", "query": {"comp": "blocklist"}},
        "finish": {"method": "PUT", "query": {"comp": "blocklist"}},
    },
    denied=azure_error(403, "AuthorizationPermissionMismatch"),
    trouble=azure_error(500, "InternalError"),
    throttle=azure_error(503, "ServerBusy"),
    without_items=lambda body: re.sub(rb"(?s)<Blobs>.*</Blobs>", b"<Blobs/>", body),
)

GCS = Voice(
    calls={
        "list": {"method": "GET", "path": "/o$", "query": {"maxResults": None}},
        "look": {"method": "GET", "path": "/o/.", "lacks": ("alt",)},
        "read": {"method": "GET", "query": {"alt": "media"}},
        "write": {"method": "POST", "query": {"uploadType": "multipart"}},
        "begin": {"method": "POST", "query": {"uploadType": "resumable"}},
        "part": {"method": "PUT", "query": {"upload_id": None}, "sent": {"content-range": r"bytes \d+-"}},
        "parts": {"method": "PUT", "query": {"upload_id": None}, "sent": {"content-range": r"bytes \*"}},
        "finish": {"method": "PUT", "query": {"upload_id": None}, "sent": {"content-range": r"bytes \d+-"}},
    },
    denied=google_error(403, "forbidden"),
    trouble=google_error(500, "backendError"),
    throttle=google_error(429, "rateLimitExceeded"),
    without_items=lambda body: json.dumps({**json.loads(body), "items": []}).encode(),
    other_revision={"X-Goog-Generation": "1"},
)

GRAPH = Voice(
    calls={
        "list": {"method": "GET", "path": r"/children$"},
        "look": {"method": "GET", "path": r"/root:/[^?]*:$"},
        "read": {"method": "GET", "path": r"/download\.aspx$"},
        "write": {"method": "PUT", "path": r"(/uploadSession|/rup/.*|:/content)$"},
        "begin": {"method": "POST", "path": r"/createUploadSession$"},
        "part": {"method": "PUT", "path": r"(/uploadSession|/rup/.*)$"},
        "parts": {"method": "GET", "path": r"(/uploadSession|/rup/.*)$"},
        "finish": {"method": "PUT", "path": r"(/uploadSession|/rup/.*)$"},
    },
    denied=graph_error(403, "accessDenied"),
    trouble=graph_error(500, "generalException"),
    throttle=graph_error(429, "activityLimitReached"),
    without_items=lambda body: json.dumps({**json.loads(body), "value": []}).encode(),
    other_revision={"ETag": '"{00000000-0000-0000-0000-000000000000},99"'},
    named=False,
    checked_by="look",
    takes_hashes=False,
)

DROPBOX = Voice(
    calls={
        "list": {"method": "POST", "path": r"/files/list_folder(/continue)?$"},
        "look": {"method": "POST", "path": r"/files/get_metadata$"},
        "read": {"method": "POST", "path": r"/files/download$"},
        "write": {"method": "POST", "path": r"/upload_session/(start|finish_batch_v2)$"},
        "begin": {"method": "POST", "path": r"/upload_session/start$"},
        "part": {"method": "POST", "path": r"/upload_session/append_v2$"},
        "parts": {"method": "POST", "path": r"/upload_session/append_v2$"},
        "finish": {"method": "POST", "path": r"/upload_session/finish$"},
    },
    denied=dropbox_error(403, "no_permission"),
    trouble=dropbox_error(500, "internal_error"),
    throttle=dropbox_error(429, "too_many_requests"),
    without_items=lambda body: json.dumps({**json.loads(body), "entries": []}).encode(),
    other_revision={"Dropbox-API-Result": '{"name":"a.bin","id":"id:x","rev":"0123456789abcdef0","size":300000}'},
    named=False,
    checked_by="look",
)

BOX = Voice(
    calls={
        "list": {"method": "GET", "path": r"/2\.0/folders/\d+/items$"},
        "look": {"path": r"^/2\.0/files/(content|\d+)$"},
        "read": {"method": "GET", "path": r"^/d/1/"},
        "write": {"method": "POST", "path": r"^/api/2\.0/files/(\d+/)?content$"},
        "begin": {"method": "POST", "path": r"/files/(\d+/)?upload_sessions$"},
        "part": {"method": "PUT", "path": r"/files/upload_sessions/\w+$"},
        "parts": {"method": "GET", "path": r"/files/upload_sessions/\w+/parts$"},
        "finish": {"method": "POST", "path": r"/files/upload_sessions/\w+/commit$"},
    },
    denied=box_error(403, "access_denied_insufficient_permissions"),
    trouble=box_error(500, "internal_server_error"),
    throttle=box_error(429, "rate_limit_exceeded"),
    without_items=lambda body: json.dumps({**json.loads(body), "entries": []}).encode(),
    named=False,
    checked_by="look",
)

EGNYTE = Voice(
    calls={
        "list": {"method": "GET", "path": r"^/pubapi/v1/fs/", "query": {"list_content": "true"}},
        "look": {"method": "GET", "path": r"^/pubapi/v1/fs/", "query": {"list_content": "false"}},
        "read": {"method": "GET", "path": r"^/pubapi/v1/fs-content/"},
        "write": {"method": "POST", "path": r"^/pubapi/v1/fs-content/"},
        "part": {
            "method": "POST",
            "path": r"^/pubapi/v1/fs-content-chunked/",
            "sent": {"x-egnyte-last-chunk": "^$"},  # absent
        },
        "finish": {
            "method": "POST",
            "path": r"^/pubapi/v1/fs-content-chunked/",
            "sent": {"x-egnyte-last-chunk": "true"},
        },
    },
    totals=True,
    denied=egnyte_error(403, "You do not have permission to perform this action"),
    trouble=egnyte_error(500, "Internal server error"),
    throttle=egnyte_throttle("ERR_403_DEVELOPER_OVER_QPS"),
    without_items=lambda body: json.dumps({**json.loads(body), "folders": [], "files": []}).encode(),
    named=False,
    checked_by="look",
)

DAV = Voice(
    calls={
        "list": {"method": "PROPFIND", "sent": {"depth": "^1$"}},
        "look": {"method": "PROPFIND", "sent": {"depth": "^0$"}},
        "read": {"method": "GET"},
        "write": {"method": "PUT"},
        "part": {"method": "PUT"},
        "parts": {"method": "PROPFIND", "sent": {"depth": "^1$"}},
        "finish": {"method": "MOVE"},
    },
    denied=Answer(403, {"Content-Type": "text/html"}, b"<html>Forbidden</html>"),
    trouble=Answer(500, {"Content-Type": "text/html"}, b"<html>Internal Server Error</html>"),
    throttle=Answer(503, {"Content-Type": "text/html"}, b"<html>Service Unavailable</html>"),
    without_items=lambda body: body,  # a folder is listed as a whole
)

GOOGLE = Voice(
    calls={
        "list": {"method": "GET", "path": r"/drive/v3/files$", "query": {"orderBy": None}},
        "look": {"method": "GET", "path": r"/drive/v3/files$", "lacks": ("orderBy",)},
        "read": {"method": "GET", "query": {"alt": "media"}},
        "write": {"query": {"uploadType": "multipart"}},
        "begin": {"method": "POST", "query": {"uploadType": "resumable"}, "lacks": ("upload_id",)},
        "part": {"method": "PUT", "query": {"upload_id": None}, "sent": {"content-range": r"bytes \d+-"}},
        "parts": {"method": "PUT", "query": {"upload_id": None}, "sent": {"content-range": r"bytes \*"}},
        "finish": {"method": "PUT", "query": {"upload_id": None}, "sent": {"content-range": r"bytes \d+-"}},
    },
    denied=google_error(403, "insufficientFilePermissions"),
    trouble=google_error(500, "backendError"),
    throttle=google_error(403, "userRateLimitExceeded"),
    without_items=lambda body: json.dumps({**json.loads(body), "files": []}).encode(),
    named=False,
    checked_by="look",
    takes_hashes=False,
)

VOICES = {
    "google-drive": GOOGLE,
    "google-workspace": GOOGLE,
    "dropbox": DROPBOX,
    "dropbox-business": DROPBOX,
    "box": BOX,
    "box-enterprise": BOX,
    "s3": S3,
    "azure-blob": AZURE,
    "gcs": GCS,
    "webdav": DAV,
    "egnyte": EGNYTE,
    "onedrive": GRAPH,
    "onedrive-business": GRAPH,
    "office365": GRAPH,
}

"""By the service's id."""


@dataclass
class Faults:
    """A drive behind a proxy that breaks what a case asks for; the witness reaches the server directly."""

    proxy: FaultProxy
    voice: Voice
    drive: Drive
    witness: Witness

    def on(self, call: str, path: str | None = None, **does: Any) -> Rule:
        """Let the next call of that kind go wrong in this way (`does`: the parts of a Rule)."""
        which = dict(self.voice.calls[call])
        if path is not None and self.voice.named:
            which["path"] = path
        elif path is not None:
            does["times"] = 1  # the case reads that file first
        return self.proxy.add(Rule(**which, **does))

    def seen(self, call: str) -> list[Seen]:
        """The calls of that kind so far."""
        return self.proxy.seen(**self.voice.calls[call])

    def clear(self) -> None:
        """No faults any more."""
        self.proxy.rules.clear()
