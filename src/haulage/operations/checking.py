"""Checking a connector: who the account is, and whether what the contract promises of reading holds on it."""

from typing import Any

import msgspec

from haulage.engine.promises import Tried, promises
from haulage.ledger.store import Ledger
from haulage.model.errors import AuthLost, Denied, Gone, Refused, RootGone
from haulage.model.location import parse
from haulage.operations import accounts, browsing
from haulage.operations.connectors import Checked
from haulage.operations.locations import Given, connector_of, lost_at, open_drive
from haulage.services.registry import service

MOST_ROOTS = 5


class Report(msgspec.Struct, frozen=True):
    """What was found. place: where promises were tried; None where none could be, for the reason in `told`."""

    account: Checked
    place: str | None
    tried: list[Tried]
    told: str = ""

    @property
    def sound(self) -> bool:
        """Whether no promise is broken."""
        return all(one.state != "broken" for one in self.tried)


async def check(ledger: Ledger, text: str) -> Report:
    """Check a connector, given as NAME, or as NAME:/path to try the promises there. Writes nothing.

    Raises Refused, NeedsReauthorisation, Unreachable, and what the account's own check does.
    """
    name, colon, _ = text.partition(":")
    row = connector_of(ledger, Given(f"{name}:/", "source"))
    if row is None:
        raise Refused(f"{text!r} names no connector", "Write NAME or NAME:/path.")
    account = await accounts.check(ledger, name)
    chosen = service(row.service)
    if chosen.traits is None:
        return Report(account, None, [], f"The files of {chosen.title} cannot be reached yet.")
    if colon and parse(text).root:
        return await _at(ledger, account, text)
    if chosen.whole_root:
        return await _at(ledger, account, f"{name}:/")
    return await _at_some_root(ledger, account, name)


async def _at(ledger: Ledger, account: Checked, place: str) -> Report:
    given = Given(place, "source")
    try:
        drive = await open_drive(ledger, given, None)
        try:
            return Report(account, place, await promises(drive))
        finally:
            await drive.close()
    except AuthLost as error:
        raise lost_at(ledger, (given,), error) from error


async def _at_some_root(ledger: Ledger, account: Checked, name: str) -> Report:
    """At the first root that can be read and holds a file; some roots may be other people's, or empty."""
    try:
        found = await browsing.browse(ledger, f"{name}:/", MOST_ROOTS)
    except (Denied, Refused) as error:
        return Report(account, None, [], f"Name a place to try more: NAME:/path ({error.message}).")
    last: Report | None = None
    for root in found.roots:
        try:
            last = await _at(ledger, account, f"{name}:/{root}")
        except (Denied, Gone, RootGone):
            continue
        if all(one.state == "kept" for one in last.tried):
            return last
    return last or Report(account, None, [], "There is no place yet that could be read.")


def told(report: Report) -> dict[str, Any]:
    """As a document."""
    return {
        "asked": report.account.asked,
        "roots": report.account.roots,
        "told": report.account.told,
        "place": report.place,
        "promises": [msgspec.structs.asdict(one) for one in report.tried],
        "sound": report.sound,
    }
