"""A person with a browser, and an office: an installation whose services are those of a sandbox."""

import asyncio
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from haulage import logs
from haulage.connectors import realms as realms_of
from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.operations import authorise, realms
from haulage.operations.authorise import Draft, Kept
from haulage.services.authorisation import AccessKind
from haulage.services.registry import service
from testbed.sandbox import Sandbox
from tests import canary

ADA = Actor("ada", "test")
REALM = "sandbox"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *facts: Any) -> None:
        """Go nowhere: the test wants to see the address."""


class Browser:
    """Opens a consent page through the sandbox's proxy, and decides there. No script, no pictures."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": sandbox.proxy}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=sandbox.ca_file)),
            _Stay(),
        )

    def post(self, url: str, **form: str) -> str:
        """Post the page's form; the address that the browser is sent to, or the page's text where it stays."""
        try:
            answer = self._open.open(url, urllib.parse.urlencode(form).encode(), timeout=60)
            return str(answer.read().decode())
        except urllib.error.HTTPError as redirected:
            return str(redirected.headers.get("Location") or redirected.read().decode())

    def allow(self, url: str, user: str, password: str) -> str:
        """Sign in and allow everything."""
        return self.post(url, do="allow", user=user, password=password)

    def cancel(self, url: str) -> str:
        """Say no."""
        return self.post(url, do="cancel")


class Office:
    """An installation with a sandbox as its realm."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.browser = Browser(sandbox)
        self.home = folder
        self.ledger = Ledger.open(folder / "ledger.db")
        line = folder / "sandbox.json"
        line.write_text(json.dumps(sandbox.ready_document))
        realms.add(self.ledger, line, REALM, ADA)
        canary.public.update(self.public())

    def public(self) -> set[str]:
        """What the realm tells that is no secret: ids of applications, names of tenants and domains."""
        told = realms_of.secrets(realms.realm_of(self.ledger, REALM)).items()
        return {value for name, value in told if not name.endswith("secret")}

    def leaks(self) -> list[str]:
        """Files of the installation that hold a secret, in the open, which this process has seen (G14)."""
        public = self.public()
        known = {one.encode() for one in logs._secrets if len(one) >= 12 and one not in public}
        mine = ("vault.key", "sandbox.json")  # the key itself, and what the sandbox wrote for whoever adds it
        files = [one for one in self.home.rglob("*") if one.is_file() and one.name not in mine]
        return [f"{one.name}: {secret[:4]!r}" for one in files for secret in known if secret in one.read_bytes()]

    def people(self, service_id: str, *roles: str) -> list[dict[str, Any]]:
        """The accounts of a service, in those roles ("admin", "user", ...)."""
        found = self.sandbox.service(service_id)["accounts"]
        return [one for one in found if not roles or one["role"] in roles]

    def draft(self, service_id: str, usage: AccessKind = "read", name: str = "", **settings: str) -> Draft:
        """A connector to be."""
        way = settings.pop("way", None)
        return authorise.draft(self.ledger, service(service_id), settings, name=name, way=way, usage=usage, realm=REALM)

    async def sign_in(self, made: Draft, account: dict[str, Any]) -> Kept:
        """Finish a draft in the browser, as that account."""
        chosen = service(made.service)
        redirect = authorise.redirect_to_here(chosen, authorise.loopback_port())
        begun = authorise.begin(self.ledger, made, redirect, ADA, "session")
        came = await asyncio.to_thread(self.browser.allow, begun.url, account["user"], account["password"])
        return await authorise.finish(self.ledger, made.service, came, ADA, "session")

    async def connect(
        self, service_id: str, account: dict[str, Any], usage: AccessKind = "read", name: str = ""
    ) -> Kept:
        """A connector of that account, by browser."""
        return await self.sign_in(self.draft(service_id, usage, name, way="code"), account)

    def connect_workspace(self, name: str) -> None:
        """A connector of the administrator of an organisation at Google, by a service account's key."""
        admin = self.people("google-workspace", "admin")[0]
        settings = {"admin_email": admin["user"], "service_account_key": admin["key"]}
        made = self.draft("google-workspace", "write", name, **settings)
        asyncio.run(authorise.by_itself(self.ledger, made, ADA))

    def token_requests(self, service_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Calls to token endpoints since then, as the sandbox saw them."""
        seen = self.sandbox.history(after=after, service=VENDORS[service_id])
        return [one for one in seen if "token" in one["operation"] and "revoke" not in one["operation"]]


VENDORS = {
    "box": "box",
    "box-enterprise": "box",
    "google-drive": "google",
    "google-workspace": "google",
    "dropbox": "dropbox",
    "dropbox-business": "dropbox",
    "onedrive": "microsoft",
    "onedrive-business": "microsoft",
    "office365": "microsoft",
    "egnyte": "egnyte",
}
"""Which simulated vendor a service belongs to."""
