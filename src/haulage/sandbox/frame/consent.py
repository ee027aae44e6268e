"""The pages on which a person signs in and allows an application what it asks for: plain forms, no script."""

import html
from collections.abc import Callable, Iterable

import msgspec

from haulage.sandbox.frame.oauth import OAuth
from haulage.sandbox.frame.wire import Answer, Call, html_answer
from haulage.sandbox.frame.world import World

TICKET_SECONDS = 900.0
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1d2730;background:#f2f4f7;margin:0;padding:2rem 1rem}"
    "main{background:#fff;border:1px solid #d5dbe2;border-radius:8px;max-width:26rem;margin:0 auto;padding:1.5rem 2rem}"
    "h1{font-size:1.3rem;margin:.2rem 0 1rem}label{display:block;margin:.8rem 0 .2rem}"
    "input:not([type=hidden]){font:inherit;width:100%;box-sizing:border-box;padding:.4rem .5rem}"
    "button{font:inherit;padding:.4rem 1.2rem;margin:1.2rem .6rem 0 0}"
    "[role=alert]{color:#a4161a;font-weight:600}footer{color:#5a6673;font-size:.85rem;margin-top:1.5rem}"
)


class Decision(msgspec.Struct, frozen=True):
    """What the person decided. user: who, "" if they left before they signed in."""

    user: str
    allowed: bool


class Wrong(Exception):
    """Sign-in is refused; the text tells the person why."""


Check = Callable[[str, str], str]
Gate = Callable[[str], "Answer | Decision | None"]


def page(service: str, heading: str, body: str, status: int = 200) -> Answer:
    """A page of a service. heading: text; body: HTML."""
    return html_answer(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(heading)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body><main>'
        f"<p>{html.escape(service)}</p><h1>{html.escape(heading)}</h1>{body}"
        "<footer>A page of a sandbox on this machine, not of the real service.</footer></main></body></html>",
        status,
    )


def notice(service: str, heading: str, text: str, status: int = 200) -> Answer:
    """A page that only says something."""
    return page(service, heading, f"<p>{html.escape(text)}</p>", status)


class Dialogue:
    """Leads a person through both pages. They post back to the address that they were asked for at."""

    def __init__(self, world: World, oauth: OAuth, service: str) -> None:
        """service: as the pages name it."""
        self._world = world
        self._oauth = oauth
        self._service = service
        self._tickets: dict[str, tuple[str, float]] = {}

    async def ask(
        self,
        call: Call,
        application: str,
        scopes: Iterable[str],
        check: Check,
        hint: str = "",
        gate: Gate = lambda _: None,
    ) -> Answer | Decision:
        """The next page to show, or what the person decided.

        check: gives the account of an address and a password; raises Wrong. hint: an address to fill in. gate: what an
        account gets instead of the second page: another page, or the decision that it made before; None for neither.
        Fields of the forms: user, password, ticket, and do: sign-in, allow or cancel. `do=allow` with user and
        password does both at once, for programs.
        """
        form = await call.form() if call.method == "POST" else {}
        ticket, deed = form.get("ticket", ""), form.get("do", "")
        user = self._holder(ticket)
        if deed == "cancel":
            return Decision(user, False)
        if not user and deed:
            try:
                user = check(form.get("user", "").strip(), form.get("password", ""))
            except Wrong as wrong:
                return self._sign_in(application, form.get("user", ""), str(wrong))
            ticket = self._admit(user)
        if not user:
            return self._sign_in(application, hint, "")
        if (instead := gate(user)) is not None:
            return instead
        if deed == "allow":
            self._tickets.pop(ticket, None)
            return Decision(user, True)
        return self._consent(application, user, scopes, ticket)

    def _holder(self, ticket: str) -> str:
        user, expires_at = self._tickets.get(ticket, ("", 0.0))
        return user if expires_at > self._world.clock.now() else ""

    def _admit(self, user: str) -> str:
        ticket = self._oauth.secret(32)
        self._tickets[ticket] = user, self._world.clock.now() + TICKET_SECONDS
        return ticket

    def _sign_in(self, application: str, user: str, problem: str) -> Answer:
        alert = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
        return page(
            self._service,
            "Sign in",
            f'<p>to go on to {html.escape(application)}</p>{alert}<form method="post">'
            '<label for="user">Email or user name</label>'
            f'<input id="user" name="user" autocomplete="username" value="{html.escape(user)}">'
            '<label for="password">Password</label>'
            '<input id="password" name="password" type="password" autocomplete="current-password">'
            '<button name="do" value="sign-in">Sign in</button><button name="do" value="cancel">Cancel</button></form>',
        )

    def _consent(self, application: str, user: str, scopes: Iterable[str], ticket: str) -> Answer:
        items = "".join(f"<li>{html.escape(one)}</li>" for one in scopes)
        return page(
            self._service,
            f"Allow {application}?",
            f"<p>{html.escape(user)}</p><p>{html.escape(application)} asks to be allowed:</p>"
            f"<ul>{items or '<li>access to this account</li>'}</ul>"
            f'<form method="post"><input type="hidden" name="ticket" value="{html.escape(ticket)}">'
            '<button name="do" value="allow">Allow</button><button name="do" value="cancel">Cancel</button></form>',
        )
