"""`haulage sandbox demo`: a person's OneDrive moves to Dropbox, both simulated on this machine, to watch.

The sandbox is a process of its own, as `haulage sandbox up` makes it, and Haulage is run as a person would run it; only
the browser is played.
"""

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from haulage.cli import web_demo
from haulage.cli.showing import Facts, Haulage, StepFailed, Stopwatch, say, step
from haulage.model.words import size_text

USERS = 12
START_SECONDS = 120.0
OFFICE, DROP = "office", "dropbox"
FIRST, SECOND, THIRD = "First", "Second", "Third"
WHO = 2  # whose files move, by their place among the accounts of OneDrive for Business
UNHURRIED = ("--bandwidth", "20M")  # so that the fastest machine, too, can be stopped half way
Ready = dict[str, Any]


@contextmanager
def sandbox(folder: Path, environment: dict[str, str]) -> Iterator[Ready]:
    """A running sandbox without quotas: the document that it printed. Raises StepFailed."""
    command = [sys.executable, "-m", "haulage.cli.main", "sandbox", "up", "--json", "--users", str(USERS)]
    said, log = folder / "sandbox.json", folder / "sandbox.log"
    with said.open("wb") as out, log.open("wb") as err:
        command += ["--quotas", "off"]
        running = subprocess.Popen(command, env=environment, stdout=out, stderr=err)  # noqa: S603 - our own program
    try:
        until = time.monotonic() + START_SECONDS
        while not said.read_bytes().endswith(b"\n"):
            if running.poll() is not None or time.monotonic() > until:
                raise StepFailed(f"the sandbox did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield json.loads(said.read_bytes())
    finally:
        running.terminate()
        running.wait(30)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_facts: Any) -> None:
        """Go nowhere: where the service sends the browser is opened by itself."""


class Rehearsal:
    """The steps, on a sandbox that runs."""

    def __init__(self, ready: Ready, folder: Path, environment: dict[str, str]) -> None:
        self._ready, self._folder = ready, folder
        self._haulage = Haulage(environment, folder / "state")
        self._services = ready["services"]
        self._source = f"{OFFICE}:/{self._services['onedrive-business']['accounts'][WHO]['user']}"

    def connect(self) -> None:
        """Step 2."""
        step(
            2,
            "Connecting two accounts. Office 365 by the application's own secret, as an administrator would; Dropbox "
            "by signing in, where this demonstration fills in the consent page that a person would see in a browser.",
        )
        self._haulage.show("realms", "add", str(self._folder / "sandbox.json"))
        office = self._services["office365"]
        tenant, secret = office["details"]["tenant"], office["client_secret"]
        words = ("--way", "secret", "--set", f"tenant={tenant}", "--set", "client_secret=env:OFFICE_SECRET")
        self._haulage.show("connectors", "add", "office365", OFFICE, "--realm", "sandbox", *words, OFFICE_SECRET=secret)
        self._sign_in()

    def _sign_in(self) -> None:
        drop = self._services["dropbox"]
        words = ("connectors", "add", "dropbox", DROP, "--access", "write", "--realm", "sandbox", "--no-browser")
        more = ("--set", "client_secret=env:DROPBOX_SECRET")
        with self._haulage.begin(*words, *more, DROPBOX_SECRET=drop["client_secret"]) as adding:
            assert adding.stdout is not None  # noqa: S101 - a pipe was asked for
            said = json.loads(adding.stdout.readline() or "{}")
            if "url" in said:
                self._consent(said["url"], drop["accounts"][WHO])
            adding.stdout.read()
        if adding.returncode:
            raise StepFailed(f"connecting Dropbox ended with {adding.returncode} instead of 0")
        say(f"Added {DROP}: Dropbox, {drop['accounts'][WHO]['user']}.")

    def _consent(self, url: str, account: Facts) -> None:
        """Sign in and allow, at the sandbox through its proxy; then go where the service sends the browser."""
        trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self._ready["ca_file"]))
        through = urllib.request.ProxyHandler({"https": self._ready["proxy"]})
        form = urllib.parse.urlencode({"do": "allow", "user": account["user"], "password": account["password"]})
        try:
            urllib.request.build_opener(through, trust, _Stay()).open(url, form.encode(), timeout=60)
        except urllib.error.HTTPError as sent:
            back = sent.headers.get("Location", "")
            if back.startswith("http://localhost:"):
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(back, timeout=60).close()
                return
        raise StepFailed("Dropbox's consent page did not send the browser back")

    def copy(self) -> None:
        """Steps 3 and 4."""
        to = f"{DROP}:/{FIRST}"
        step(3, f"Copying somebody's OneDrive to Dropbox: haulage copy {self._source} {to}")
        self._haulage.show("copy", self._source, to)
        step(4, f"Having both sides listed anew and compared: haulage verify {self._source} {to}")
        self._haulage.show("verify", self._source, to)

    def interrupt(self) -> None:
        """Steps 5 and 6."""
        words = ("copy", self._source, f"{DROP}:/{SECOND}", *UNHURRIED)
        total = self._haulage.ask("runs", "--limit", "1")[0]["counts"]["listed_bytes"]
        step(5, f"Copying it once more, to {DROP}:/{SECOND}, and killing Haulage half way with SIGKILL.")
        killed = self._haulage.kill_when(lambda event: 2 * event["sent_bytes"] >= total, *words)
        say(f"Killed, after {killed['successful']:,} items and {size_text(killed['sent_bytes'])}.")
        step(6, f"Running the same command again: haulage {' '.join(words)}")
        self._haulage.show(*words)
        counts = self._haulage.ask("runs", "--limit", "1")[0]["counts"]
        say(
            f"It went on: {counts['unchanged']:,} items were proven before the kill and were not sent again; "
            f"{counts['adopted']:,} had arrived without being recorded, and were compared. This run sent "
            f"{size_text(counts['sent_bytes'])} of {size_text(counts['listed_bytes'])}."
        )
        if not counts["unchanged"] or counts["sent_bytes"] > 0.75 * counts["listed_bytes"]:
            raise StepFailed("the second run sent again what was at the destination already")

    def ask_the_sandbox(self) -> None:
        """Step 7. Raises StepFailed unless both copies hold the bytes that OneDrive gave, and OneDrive is untouched."""
        step(7, "Asking the sandbox, not Haulage: it keeps a history of every byte that it gave and was given.")
        given = {one["sha256"] for one in self._history("sights", "microsoft") if one["sent"] and one["sha256"]}
        there: dict[str, dict[str, str]] = {FIRST: {}, SECOND: {}}
        for change in self._history("changes", "dropbox"):
            _, top, path = change["path"].split("/", 2) if change["path"].count("/") > 1 else ("", "", "")
            if change["sha256"]:
                there[top][path] = change["sha256"]
        if not there[FIRST] or there[FIRST] != there[SECOND]:
            raise StepFailed("the two copies are not the same")
        if not set(there[FIRST].values()) <= given:
            raise StepFailed("Dropbox holds bytes that OneDrive never gave")
        if written := list(self._history("changes", "microsoft")):
            raise StepFailed(f"the source was written to: {written[0]}")
        if early := list(self._history("early", "")):
            raise StepFailed(f"a service was called before it wanted to be: {early[0]}")
        say(
            f"{len(there[FIRST]):,} files with content lie in each of the two folders, with the same SHA-256 as what "
            "OneDrive gave. OneDrive was not written to. No service was called while it had asked to wait."
        )

    def open_web(self) -> None:
        """Step 8."""
        step(8, "Opening the web application: haulage up")
        web_demo.open_on_a_transfer(self._haulage, self._source, f"{DROP}:/{THIRD}", self._slow)

    def _slow(self, seconds: float) -> None:
        """Have every call to the two services take so much longer."""
        for service in ("microsoft", "dropbox"):
            body = json.dumps({"service": service, "latency_seconds": seconds}).encode()
            said = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{self._ready['control']}settings", body, said, method="PUT")  # noqa: S310 - loopback
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).close()

    def _history(self, question: str, service: str) -> Iterator[Facts]:
        """The lines of the sandbox's history."""
        url = f"{self._ready['control']}history/{question}?service={service}"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
            for line in answer:
                yield json.loads(line)


def demonstrate(folder: Path) -> None:
    """All steps; what they make lies in `folder`, which is there and empty. Raises StepFailed."""
    watch = Stopwatch()
    unwanted = ("AWS_", "AZURE_", "HAULAGE_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    step(1, f"Starting simulated cloud services with an organisation of {USERS} people: haulage sandbox up")
    with sandbox(folder, environment) as ready:
        say(f"Up in {watch}. While it runs, its control page is {ready['control']}")
        rehearsal = Rehearsal(ready, folder, environment)
        rehearsal.connect()
        rehearsal.copy()
        rehearsal.interrupt()
        rehearsal.ask_the_sandbox()
        rehearsal.open_web()
    say()
    say(f"All of it worked, in {watch}; the sandbox is stopped.")
