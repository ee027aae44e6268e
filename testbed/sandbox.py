"""The product's own sandbox as a server of the test bed, and what its control port is asked.

`with Sandbox(folder, users=12) as sandbox: sandbox.fault(fault="F02", service="google", times=1)`
"""

import json
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed.process import Program, Server


class Sandbox(Server):
    """`haulage sandbox up` with a small organisation, in a process of its own.

    It chooses its ports itself, at each start anew. ready: the document it printed: proxy, ca_file, control, services.
    """

    title = "sandbox"
    ports_needed = 0

    def __init__(
        self, folder: Path, *, users: int = 12, seed: int = 7, quotas: str = "off", options: tuple[str, ...] = ()
    ):
        """options: more of the command line, such as ("--state", FOLDER)."""
        super().__init__(folder)
        self._command = [sys.executable, "-m", "haulage.cli.main", "sandbox", "up", "--json"]
        self._command += ["--users", str(users), "--seed", str(seed), "--quotas", quotas, *options]
        self.ready_document: dict[str, Any] = {}
        self._from = 0

    def launch(self) -> Program:
        """Start it; its output goes to the log, the ready line first."""
        self._from = self.log.stat().st_size if self.log.exists() else 0
        self.ready_document = {}
        return Program(self._command, self.log)

    def ready(self) -> bool:
        """Whether the ready line is there."""
        with self.log.open("rb") as log:
            log.seek(self._from)
            for line in log:
                if line.startswith(b"{") and line.endswith(b"\n"):
                    self.ready_document = json.loads(line)
        return bool(self.ready_document)

    def service(self, service_id: str) -> dict[str, Any]:
        """How to connect to one of the product's services."""
        found: dict[str, Any] = self.ready_document["services"][service_id]
        return found

    @property
    def proxy(self) -> str:
        """The CONNECT proxy."""
        return str(self.ready_document["proxy"])

    @property
    def ca_file(self) -> str:
        """The authority that clients trust."""
        return str(self.ready_document["ca_file"])

    @property
    def client_env(self) -> dict[str, str]:
        """The environment that leads most clients (Go, requests, httpx, httplib2, Node) through the proxy."""
        authority = (
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "HTTPLIB2_CA_CERTS",
            "NODE_EXTRA_CA_CERTS",
        )
        proxies = ("HTTPS_PROXY", "https_proxy")
        none = {name: "" for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")}
        return {**none, **dict.fromkeys(authority, self.ca_file), **dict.fromkeys(proxies, self.proxy)}

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Call the control port. Returns what it answers: one document, or the list of a history's lines."""
        url = self.ready_document["control"] + path.lstrip("/")
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - loopback
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            text = answer.read().decode()
            if answer.headers.get_content_type() == "application/x-ndjson":
                return [json.loads(line) for line in text.splitlines()]
            return json.loads(text)

    def fault(self, **rule: Any) -> str:
        """Set a fault rule; returns its id."""
        return str(self.ask("POST", "faults", rule)[0]["id"])

    def no_faults(self) -> None:
        """Take all faults back."""
        self.ask("DELETE", "faults")

    def settings(self, **wanted: Any) -> None:
        """Change latency or quotas: service, latency_seconds, quotas, quotas_off."""
        self.ask("PUT", "settings", wanted)

    def pass_time(self, seconds: float) -> None:
        """Step its clock."""
        self.ask("POST", "clock", {"step": seconds})

    def do(self, vendor: str, deed: str, **details: Any) -> Any:
        """A deed of one vendor's own, such as ("google", "revoke_grant", user=...)."""
        return self.ask("POST", f"do/{vendor}/{deed}", details)

    def history(self, question: str = "", **query: Any) -> list[dict[str, Any]]:
        """What happened: question is "", changes, states, sights or early; query narrows it (service, after ...)."""
        words = "&".join(f"{name}={urllib.parse.quote(str(value))}" for name, value in query.items())
        found: list[dict[str, Any]] = self.ask("GET", f"history/{question}?{words}")
        return found

    @property
    def calls(self) -> int:
        """How many calls there were so far."""
        return int(self.ask("GET", "state")["calls"])


def clean_env(more: Mapping[str, str]) -> dict[str, str]:
    """Our environment without credentials and settings of other clients, and with `more`."""
    unwanted = ("AWS_", "AZURE_", "HAULAGE_", "RCLONE_", "GOOGLE_", "BOX_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(unwanted)}, **more}
