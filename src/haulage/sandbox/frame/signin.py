"""A simulated service whose accounts sign in: what tests can do to accounts and applications of any of them."""

from typing import Any

from haulage.sandbox.frame.consent import Dialogue, Wrong
from haulage.sandbox.frame.oauth import Application, Grant, OAuth, words
from haulage.sandbox.frame.signing import new_key
from haulage.sandbox.frame.simulator import Simulator
from haulage.sandbox.frame.world import World


class SignsIn(Simulator):
    """With an OAuth server. A subclass says who has an account, and what tokens a sign-in gives.

    access_seconds: how long new access tokens live; None: as the vendor says.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.access_seconds: float | None = None
        self.oauth = OAuth(world, self.id)
        self.dialogue = Dialogue(world, self.oauth, self.title)

    def known(self, user: str) -> str | None:
        """The account's address, of any way to write it; None if there is no such account."""
        person = self.world.organisation.by_email(user)
        return person.email if person else None

    def default_password(self, user: str) -> str:
        """The password of an account as the organisation gave it out; user: the address."""
        person = self.world.organisation.by_email(user)
        return self.world.organisation.password(person) if person else ""

    def key(self, name: str) -> str:
        """A private key of the service's, made when it is first needed; PEM."""
        if name not in self.oauth.records.keys:
            self.oauth.records.keys[name] = new_key()
        return self.oauth.records.keys[name]

    def password(self, user: str) -> str:
        """What an account signs in with now."""
        return self.oauth.records.passwords.get(user) or self.default_password(user)

    def check(self, user: str, password: str) -> str:
        """The address of the account that signs in. Raises Wrong."""
        found = self.known(user)
        if found is None or not password or password != self.password(found):
            raise Wrong("The user name or password is incorrect.")
        return found

    def sign_in(self, application: Application, user: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """A new grant with its tokens, as the token endpoint would answer it."""
        raise NotImplementedError  # each vendor has its own tokens

    def changed_password(self, user: str) -> None:
        """What a new password ends. Here nothing; vendors differ."""

    def _account(self, details: dict[str, Any]) -> str:
        found = self.known(str(details.get("user", "")))
        if found is None:
            raise ValueError(f"there is no account {details.get('user')!r}")
        return found

    def do_register_app(self, details: dict[str, Any]) -> dict[str, Any]:
        """Register an application: client_id, redirect_uris?, name?, secret?, certificate? (PEM), public?, and
        what the vendor knows besides. Takes the place of one with the same id.
        """
        taken = {"client_id", "redirect_uris", "name", "secret", "certificate", "public"}
        certificate = str(details.get("certificate", ""))
        made = self.oauth.register(
            Application(
                client_id=str(details["client_id"]),
                name=str(details.get("name", "A test application")),
                secret=str(details.get("secret", "")),
                redirect_uris=[str(one) for one in details.get("redirect_uris", [])],
                certificates={"default": certificate} if certificate else {},
                public=bool(details.get("public", False)),
                details={name: value for name, value in details.items() if name not in taken},
            )
        )
        return {"client_id": made.client_id, "name": made.name, "redirect_uris": made.redirect_uris}

    def do_allow_redirect(self, details: dict[str, Any]) -> dict[str, Any]:
        """Register one more redirect_uri of an application (client_id)."""
        application = self.oauth.application(str(details.get("client_id", "")))
        if application is None:
            raise ValueError(f"there is no application {details.get('client_id')!r}")
        application.redirect_uris = [*application.redirect_uris, str(details["redirect_uri"])]
        return {"client_id": application.client_id, "redirect_uris": application.redirect_uris}

    def do_sign_in(self, details: dict[str, Any]) -> dict[str, Any]:
        """A grant of an account (user) to an application (client_id), without the pages: gives its tokens.

        scopes?: a text; what it is without them is the vendor's choice.
        """
        application = self.oauth.application(str(details.get("client_id", "")))
        if application is None:
            raise ValueError(f"there is no application {details.get('client_id')!r}")
        return self.sign_in(application, self._account(details), words(str(details.get("scopes", ""))))

    def do_revoke_grant(self, details: dict[str, Any]) -> dict[str, Any]:
        """Take back what an account (user?) allowed an application (client_id?); without both: everything."""
        user = self._account(details) if "user" in details else ""
        ended = self.oauth.grants_of(user, str(details.get("client_id", "")))
        for grant in ended:
            self.end(grant, "revoked")
        return {"ended": len(ended)}

    def end(self, grant: Grant, why: str) -> None:
        """A grant holds no longer."""
        grant.ended = why

    def do_expire_tokens(self, details: dict[str, Any]) -> dict[str, Any]:
        """Let the access tokens of an account (user?), or all of them, run out now."""
        return {"expired": self.oauth.expire(self._account(details) if "user" in details else "")}

    def do_set_lifetime(self, details: dict[str, Any]) -> dict[str, Any]:
        """Let new access tokens live so many seconds (access_seconds); null: as the vendor says."""
        told = details.get("access_seconds")
        self.access_seconds = None if told is None else float(told)
        return {"access_seconds": self.access_seconds}

    def do_change_password(self, details: dict[str, Any]) -> dict[str, Any]:
        """Give an account (user) another password (password?), with all that it ends at this vendor."""
        user = self._account(details)
        self.oauth.records.passwords[user] = str(details.get("password") or self.oauth.secret(12, "new-"))
        self.changed_password(user)
        return {"user": user, "password": self.password(user)}
