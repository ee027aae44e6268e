"""What a simulated service is to the frame."""

from typing import Any, ClassVar

import msgspec

from haulage.sandbox.frame.budgets import Budgets, Limit
from haulage.sandbox.frame.routing import Route, Table
from haulage.sandbox.frame.wire import Answer, Call
from haulage.sandbox.frame.world import World


class Account(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How one signs in. role: "user", "admin", "app", "guest" ... ; details: what else a client has to be told.

    Of `refresh_token` and `key` (the text of a key file, say) there is what the service has.
    """

    user: str
    role: str
    password: str = ""
    refresh_token: str = ""
    key: str = ""
    details: dict[str, Any] = {}


class Offer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How to connect to one of the product's service ids."""

    client_id: str
    client_secret: str
    accounts: list[Account]
    redirect_uris: list[str] = []
    details: dict[str, Any] = {}


class Simulator:
    """One vendor's services. A subclass sets the class's data and has the routes' handlers as methods.

    id: "microsoft", "google" ... ; hosts: all of the vendor's that are simulated, wildcards as "*.sharepoint.com";
    sources: the pages behind the keys that routes name; limits: its quotas as documented; presets: faults of the
    catalogue in this vendor's own way; omissions: what is knowingly not simulated, for the reference.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    hosts: ClassVar[tuple[str, ...]]
    sources: ClassVar[dict[str, str]] = {}
    limits: ClassVar[tuple[Limit, ...]] = ()
    presets: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {}
    omissions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.budgets = Budgets([msgspec.structs.replace(limit) for limit in self.limits])
        self.latency_seconds = 0.0
        self.table = Table(self.routes())

    def routes(self) -> list[Route]:
        """Every endpoint that is simulated."""
        raise NotImplementedError  # a subclass without routes is none

    def host_key(self, host: str) -> str:
        """The host as routes name it: "contoso.sharepoint.com" is that of "*.sharepoint.com"."""
        if host in self.hosts:
            return host
        matching = (one for one in self.hosts if one.startswith("*") and host.endswith(one[1:]))
        return next(matching, host)

    def rewrite(self, path: str) -> str:
        """The path in the form that routes have, where the vendor has several spellings of one."""
        return path

    def method(self, call: Call) -> str:
        """The method that is meant, where a header can name another than the request's own."""
        return call.method

    def identify(self, call: Call, route: Route) -> None:
        """Find out who calls and whose budget it is: sets actor and scope of the event. Refuses nothing yet."""

    def admit(self, call: Call, route: Route) -> Answer | None:
        """May they, and is there budget: sets the event's units. None to go on, else what is answered instead."""
        raise NotImplementedError  # a service without sign-in is none

    def throttled(self, call: Call, retry_after: str | None) -> Answer:
        """The vendor's answer to a caller that has to wait; retry_after: the header's text, None to leave it out."""
        raise NotImplementedError  # each vendor has its own

    def failed(self, call: Call, status: int) -> Answer:
        """The vendor's answer for a failure of its own (500, 502, 503, 504)."""
        raise NotImplementedError  # each vendor has its own

    def missing(self, call: Call) -> Answer:
        """The answer for what is not simulated: 501, in the vendor's form of an error, and saying so."""
        raise NotImplementedError  # each vendor has its own

    def offers(self) -> dict[str, Offer]:
        """How to connect, by the product's service id."""
        raise NotImplementedError  # there is always a way

    def facts(self) -> dict[str, Any]:
        """What the control page shows of the state: counts of users, items, bytes."""
        return {}

    def save(self) -> bytes:
        """All state, for `load`."""
        raise NotImplementedError  # a service that forgets is none

    def load(self, saved: bytes) -> None:
        """Take up what `save` gave."""
        raise NotImplementedError  # a service that forgets is none
