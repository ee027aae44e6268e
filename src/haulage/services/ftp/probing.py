"""What a server does with names: tried in a hidden folder, gone afterwards."""

from contextlib import suppress

from haulage.model.errors import NameRefused
from haulage.model.naming import NameRules
from haulage.services.ftp.asking import entries
from haulage.services.ftp.replies import PASSING, LinkLost, Negative
from haulage.services.ftp.wire import Wire
from haulage.services.links import lastly
from haulage.services.spelling import OTHER_FORM, SPELT, observed

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
        if wire.can_write(SPELT):  # an encoding that has it not has the common form alone
            await _or_refused(wire, "MKD", f"{folder}/{SPELT}")
        await wire.ask("CWD", folder)
        listed = [wire.read(entry.name) or "" for entry in await entries(wire, folder, "", ours=True)]
        case = await _or_refused(wire, "CWD", f"{folder}/{PLAIN_OTHER_CASE}")
        form = wire.can_write(OTHER_FORM) and await _or_refused(wire, "CWD", f"{folder}/{OTHER_FORM}")
        return observed(names, listed, other_form=form, other_case=case)
    finally:
        await lastly(removed(wire, root, folder))


async def _made(wire: Wire, folder: str) -> None:
    """Make a folder, or find it made."""
    try:
        await wire.ask("MKD", folder)
    except Negative as refused:
        if not await _or_refused(wire, "CWD", folder):
            raise refused from None


async def _or_refused(wire: Wire, verb: str, argument: str) -> bool:
    """Whether the server does it. Raises Negative where it cannot tell just now."""
    try:
        await wire.ask(verb, argument)
    except Negative as error:
        if error.reply.code in PASSING:
            raise
        return False
    return True


async def removed(wire: Wire, root: str, folder: str) -> None:
    """Leave it first: nobody can remove the folder that he is in."""
    asks = [("CWD", root), ("RMD", f"{folder}/{PLAIN}"), ("RMD", f"{folder}/{SPELT}"), ("RMD", folder)]
    with suppress(LinkLost, OSError):
        for verb, argument in asks:
            with suppress(Negative, NameRefused):
                await wire.ask(verb, argument)
