"""The device flow: a code shown on one machine, and typed into a page on another."""

import html
from typing import TYPE_CHECKING

from haulage.sandbox.frame.consent import notice, page
from haulage.sandbox.frame.oauth import Code, words
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer, redirect
from haulage.sandbox.microsoft.directory import MANY
from haulage.sandbox.microsoft.permissions import BadScope, plain
from haulage.sandbox.microsoft.wire import LOGIN_HOSTS, login_error

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Microsoft
    from haulage.sandbox.microsoft.identity import Identity

SECONDS = 900.0
INTERVAL = 5
TITLE = "Microsoft"
OPEN = {"open": True}


class Device:
    """devicecode, and the pages behind microsoft.com/devicelogin and www.microsoft.com/link."""

    def __init__(self, service: "Microsoft", identity: "Identity") -> None:
        self._service = service
        self._identity = identity

    def routes(self) -> list[Route]:
        """Its endpoints."""
        pages = "microsoft.com www.microsoft.com"
        begin = "/{tenant}/oauth2/v2.0/devicecode"
        made = [Route("POST", LOGIN_HOSTS, begin, "devicecode", "device", self.begin, details=OPEN)]
        for method in ("GET", "POST"):
            for path in ("/devicelogin", "/link"):
                made.append(Route(method, pages, path, "devicelogin", "device", self.enter, details=OPEN))
        return made

    async def begin(self, call: Call) -> Answer:
        """A new pair of codes."""
        form, tenant = await call.form(), call.params["tenant"].lower()
        application = self._service.oauth.application(form.get("client_id", ""))
        if application is None:
            return login_error(call, "unauthorized_client", 700016, "The application was not found in the directory.")
        if tenant not in MANY and self._service.directory.tenant(tenant) is None:
            return login_error(call, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if not (application.public or application.details.get("public_flows")):
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            return login_error(call, "invalid_client", 7000218, text)
        try:
            scopes = plain(words(form.get("scope", "")))
        except BadScope as bad:
            return login_error(call, "invalid_scope", bad.number, str(bad))
        oauth = self._service.oauth
        device = oauth.code(
            Code(
                value=oauth.secret(100, "DA"),
                client_id=application.client_id,
                user="",
                scopes=scopes,
                redirect_uri="",
                expires_at=self._service.world.clock.now() + SECONDS,
                method="device",
                details={"segment": tenant, "typed": self._typed()},
            )
        )
        personal = tenant == "consumers"
        where = f"{call.at('www.microsoft.com')}/link" if personal else f"{call.at('microsoft.com')}/devicelogin"
        typed = device.details["typed"]
        message = f"To sign in, use a web browser to open the page {where} and enter the code {typed} to authenticate."
        return json_answer(
            {
                "user_code": typed,
                "device_code": device.value,
                "verification_uri": where,
                "expires_in": int(SECONDS),
                "interval": INTERVAL,
                "message": message,
            }
        )

    def _typed(self) -> str:
        """A code that can be typed: without digits and letters that look alike."""
        number = self._service.world.ids.number("device", self._service.oauth.secret(8))
        letters = "BCDFGHJKLMNPQRSTVWXZ23456789"
        return "".join(letters[number // len(letters) ** place % len(letters)] for place in range(9))

    def _find(self, typed: str) -> Code | None:
        wanted = typed.strip().upper()
        codes = self._service.oauth.records.codes.values()
        return next((one for one in codes if wanted and one.details.get("typed") == wanted), None)

    async def enter(self, call: Call) -> Answer:
        """The page that asks for the code, then sign-in and consent."""
        typed = call.query.get("code", "") or (await call.form() if call.method == "POST" else {}).get("code", "")
        found = self._find(typed)
        if found is None or found.used or self._service.oauth.expired(found):
            return self._ask("That code did not work. Check the code and try again." if typed else "")
        if "code" not in call.query:
            return redirect(f"{call.path}?code={found.details['typed']}", 303)
        application = self._identity.application(found.client_id, found.details["segment"])
        decided = await self._service.dialogue.ask(
            call,
            application.name,
            found.scopes,
            lambda user, password: self._identity.check(found.details["segment"], user, password),
        )
        if isinstance(decided, Answer):
            return decided
        if not decided.allowed:
            found.used = "declined"
            return notice(TITLE, "You declined", "The device was told so. Close this window.")
        user = self._service.directory.signed_in(decided.user)
        tenant = self._identity.effective(user, found.details["segment"])
        if self._identity.approval_needed(application, user, tenant, found.scopes):
            return notice(TITLE, "Need admin approval", "An administrator has to approve what it asks for.")
        self._identity.allow(application, user, tenant, found.scopes)
        found.user, found.used, found.details["tenant"] = user.upn, "allowed", tenant.id
        call.event.actor = user.upn
        return notice(TITLE, f"You have signed in to {application.name}", "You may now close this window.")

    def _ask(self, problem: str) -> Answer:
        alert = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
        return page(
            TITLE,
            "Enter code to allow access",
            f'{alert}<form method="post"><label for="code">Code</label><input id="code" name="code" autocomplete="off">'
            "<button>Next</button></form>",
        )
