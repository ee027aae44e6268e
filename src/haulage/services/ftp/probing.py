"""What a server does with names: tried in a hidden folder, gone afterwards."""

from contextlib import suppress

from haulage.model.errors import HaulageError
from haulage.model.naming import NameRules
from haulage.services.ftp.asking import entries
from haulage.services.ftp.replies import PASSING, LinkLost, Negative
from haulage.services.ftp.tree import not_made
from haulage.services.ftp.wire import Wire
from haulage.services.links import lastly
from haulage.services.spelling import OTHER_FORM, SPELT, TRIED, observed, with_losses

PLAIN, PLAIN_OTHER_CASE = "b", "B"
"""For the case: a name that every encoding has."""


async def probed(wire: Wire, root: str, name: str, names: NameRules) -> NameRules:
    """The rules with what was seen below the root. Raises what the server says to making a folder there.

    name: of the hidden folder. With that of an attempt whose link broke, what it left is used, and removed.
    """
    folder = f"{root.rstrip('/')}/{name}"
    await _made(wire, folder)
    try:
        await _made(wire, f"{folder}/{PLAIN}")
        # An encoding that has not the first has the common form alone.
        await _all(wire, "MKD", [f"{folder}/{one}" for one in (SPELT, *TRIED) if wire.can_write(one)])
        await wire.ask("CWD", folder)
        listed = [wire.read(entry.name) or "" for entry in await entries(wire, folder, "", ours=True)]
        case = await _or_refused(wire, "CWD", f"{folder}/{PLAIN_OTHER_CASE}")
        form = wire.can_write(OTHER_FORM) and await _or_refused(wire, "CWD", f"{folder}/{OTHER_FORM}")
        return observed(with_losses(names, listed), listed, other_form=form, other_case=case)
    finally:
        await lastly(removed(wire, root, folder))


async def _made(wire: Wire, folder: str) -> None:
    """Make a folder, or find it made."""
    try:
        await wire.ask("MKD", folder)
    except Negative as refused:
        if not await _or_refused(wire, "CWD", folder):
            raise not_made(folder, refused) from None


async def _or_refused(wire: Wire, verb: str, argument: str) -> bool:
    """Whether the server does it. Raises Negative where it cannot tell just now."""
    try:
        await wire.ask(verb, argument)
    except Negative as error:
        if error.reply.code in PASSING:
            raise
        return False
    return True


async def _all(wire: Wire, verb: str, arguments: list[str]) -> None:
    """Ask all at once. Some may be refused; raises Negative where the server cannot tell just now."""
    for argument in arguments:
        await wire.send(verb, argument)
    passing: Negative | None = None
    for _ in arguments:
        try:
            await wire.hear(verb)
        except Negative as error:
            passing = error if error.reply.code in PASSING else passing
    if passing is not None:
        raise passing


async def removed(wire: Wire, root: str, folder: str) -> None:
    """What was tried in it goes by the names that it is listed with. It is left first: nobody removes where he is."""
    with suppress(LinkLost, OSError, Negative, HaulageError):
        await wire.ask("CWD", folder)
        inside = [wire.read(entry.name) for entry in await entries(wire, folder, "", ours=True)]
        names = [name for name in inside if name and wire.can_write(name)]
        await wire.ask("CWD", root)
        await _all(wire, "RMD", [*(f"{folder}/{name}" for name in names), folder])
