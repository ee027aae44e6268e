"""The program as a person at a terminal runs it: signing in with a browser, by pasting, and on another device."""

import json
import subprocess
import urllib.request
from typing import Any

from tests.connectors.people import REALM, Office
from tests.e2e.program import PROGRAM, Program, Ran

QUICK = {"HAULAGE_ATTEMPTS": "4", "HAULAGE_BACKOFF_SECONDS": "0.02"}


class Terminal(Program):
    """`haulage` in an office's state folder; whoever signs in decides in the office's browser."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.home, QUICK)
        self.office = office
        self.shown = ""

    def add(self, service_id: str, name: str, account: dict[str, Any], *words: str) -> Ran:
        """Connect that account of the sandbox."""
        return self.sign_in(("connectors", "add", service_id, name, "--realm", REALM, *words), account)

    def sign_in(self, words: tuple[str, ...], account: dict[str, Any], do: str = "allow") -> Ran:
        """Run a command that signs in, and decide at the service as that account.

        do: "allow" or "cancel". What the browser shows in the end is in `shown`.
        """
        command = [*PROGRAM, *words, "--json"]
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            first = process.stdout.readline()
            pasted = ""
            if first and (said := json.loads(first)).get("event") == "sign_in":
                pasted = self._decide(said, account, do, "--paste" in words)
            out, err = process.communicate(pasted, timeout=120)
        return Ran(subprocess.CompletedProcess(command, process.returncode, first + out, err))

    def _decide(self, said: dict[str, Any], account: dict[str, Any], do: str, paste: bool) -> str:
        """What is to be pasted."""
        form = {"do": do, "user": account["user"], "password": account["password"]}
        if "code" in said:
            self.shown = self.office.browser.post(said["url"], user_code=said["code"], **form)
            return ""
        came = self.office.browser.post(said["url"], **form)
        if paste:
            return f"{came}\n"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(came, timeout=60) as page:
            self.shown = page.read().decode()
        return ""
