"""How each service's calls look on the wire, and how its refusals sound: for the faults."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from haulage.services.contract import Drive
from testbed.proxy import FaultProxy
from testbed.rules import Answer, Rule, Seen, azure_error, s3_error

from .witness import Witness


@dataclass(frozen=True)
class Voice:
    """One vendor's protocol.

    calls: by kind (list, look, read, write, begin, part, parts, finish), which requests these are, as parts of a Rule.
    without_items: empties a page of a listing but leaves its cursor. revision: the header that tells it.
    """

    calls: Mapping[str, Mapping[str, Any]]
    denied: Answer
    trouble: Answer
    throttle: Answer
    without_items: Callable[[bytes], bytes]


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

VOICES = {"s3": S3, "azure-blob": AZURE}
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
        if path is not None:
            which["path"] = path
        return self.proxy.add(Rule(**which, **does))

    def seen(self, call: str) -> list[Seen]:
        """The calls of that kind so far."""
        return self.proxy.seen(**self.voice.calls[call])

    def clear(self) -> None:
        """No faults any more."""
        self.proxy.rules.clear()
