"""The end of the demonstrations: `haulage up`, open on a transfer that is running.

The first administrator's link is opened, and the transfer is started, as a browser would: with cookies and forms.
"""

import json
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar

from haulage.cli.showing import Facts, Haulage, StepFailed, say

NAME = "demo"
UNDER_WAY_SECONDS = 60.0
END_SECONDS = 150.0


class Browser:
    """Cookies and forms of one server on this machine."""

    def __init__(self, url: str) -> None:
        self._url = url
        none, jar = urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(none, jar)
        self._form_key = ""

    def open(self, path: str, **form: str) -> str:
        """Open a page, or send a form of the page that was opened last; the address it ends at. Raises StepFailed."""
        body = urllib.parse.urlencode({"form_key": self._form_key, **form}).encode() if form else None
        request = urllib.request.Request(f"{self._url}{path}", body, {"Origin": self._url})  # noqa: S310 - http
        try:
            with self._opener.open(request, timeout=60) as answer:
                text, where = answer.read().decode(), answer.geturl()
        except urllib.error.HTTPError as error:
            raise StepFailed(f"{path.split('/')[1]} answered {error.code}") from error
        if found := re.search(r'name="form_key" value="([0-9a-f]+)"', text):
            self._form_key = found[1]
        return str(where)


@contextmanager
def _up(haulage: Haulage) -> Iterator[Facts]:
    """The web application while it serves: its address, and the first administrator's link. Raises StepFailed."""
    with haulage.begin("up", "--port", "0", "--no-browser") as serving:
        try:
            assert serving.stdout is not None  # noqa: S101 - a pipe was asked for
            line = serving.stdout.readline()
            if not line:
                raise StepFailed("`haulage up` did not start")
            yield json.loads(line)
        finally:
            serving.terminate()
            serving.wait(60)


def for_a_person() -> bool:
    """Whether somebody watches, who will end it."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")


def open_on_a_transfer(haulage: Haulage, source: str, destination: str, slow: Callable[[float], None]) -> None:
    """Serve the web application with that copy running in it. slow: sets the services' latency, in seconds.

    With a person at the terminal it is theirs until they press Ctrl-C; without one, it is watched to its end.
    Raises StepFailed.
    """
    watched = for_a_person()
    slow(1.0 if watched else 0.25)
    with _up(haulage) as told:
        browser, password = Browser(told["url"]), secrets.token_urlsafe(12)
        link = urllib.parse.urlsplit(told["claim"] or "").path
        if not link:
            raise StepFailed("`haulage up` showed no link to begin with")
        browser.open(link)
        browser.open(link, name=NAME, password=password, again=password)
        page = urllib.parse.urlsplit(browser.open("/wizard/start", source=source, destination=destination)).path
        if not page.startswith("/runs/"):
            raise StepFailed("the Transfer Wizard started no run")
        where = f"{told['url']}/sign-in?{urllib.parse.urlencode({'next': page})}"
        say("It is up, and the transfer is running in it. To watch it, to pause, resume or cancel it, open")
        print(f"  {where}\nand sign in as {NAME} with the password {password}", flush=True)
        if watched:
            webbrowser.open(where)
            say("Press Ctrl-C when you have seen enough; services are slowed down so that there is time to look.")
            _until_interrupted()
        else:
            _to_the_end(haulage, slow)


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print(flush=True)
        say("Stopped: the transfer is paused.")


def _to_the_end(haulage: Haulage, slow: Callable[[float], None]) -> None:
    """Nobody watches: see that it runs, and how it ends. Raises StepFailed."""
    run = _wait(haulage, lambda run: run["ended_us"] or run["counts"].get("successful"), UNDER_WAY_SECONDS)
    if run["ended_us"]:
        say("There is no terminal, so nobody is waited for.")
    else:
        done = run["counts"]["successful"]
        say(f"There is no terminal, so nobody is waited for. {done:,} items are proven; the rest follows.")
    slow(0.0)
    run = _wait(haulage, lambda run: run["ended_us"], END_SECONDS)
    if run["status"] >= 200:
        raise StepFailed(f"the transfer in the web application ended as {run['status']} {run['status_text']}")
    say(f"It ended as {run['status']} {run['status_text']}: {run['counts']['successful']:,} items.")


def _wait(haulage: Haulage, ready: Callable[[Facts], object], seconds: float) -> Facts:
    """The newest run, as soon as it is ready. Raises StepFailed after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run = haulage.ask("runs", "--limit", "1")[0]
        if ready(run):
            return run
        time.sleep(0.5)
    raise StepFailed(f"the transfer in the web application came to nothing in {seconds:.0f} s")
