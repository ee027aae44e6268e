"""What is in a folder that was entered: by MLSD, else by LIST with an exact time for every file."""

import re
from datetime import UTC, datetime

import msgspec

from haulage.model.errors import Denied, Mismatch
from haulage.services.ftp.lists import Entry, Unreadable, facts, table
from haulage.services.ftp.replies import PASSING, Negative, Reply
from haulage.services.ftp.wire import Wire
from haulage.services.links import UNFINISHED, Progress

CUT_SHORT, NOT_LISTED = re.compile(r"truncated", re.IGNORECASE), re.compile(r"failed to open", re.IGNORECASE)
AHEAD = 50
"""So many questions for a time are sent before the first answer is read."""


async def entries(
    wire: Wire, where: str, folder: str, progress: Progress | None = None, *, ours: bool = False
) -> list[Entry]:
    """What it holds, in no order; our own unfinished files only if `ours`. Raises Mismatch.

    where: the folder on the server, which is the current one.
    """
    try:
        if "MLST" in wire.features:
            found = [entry for line in await _lines(wire, "MLSD", where, progress) if (entry := facts(line))]
        else:
            found = await _table(wire, progress)
    except Unreadable as error:
        raise Mismatch(f"the listing of {folder!r} has a line that cannot be read: {error.args[0]!r}") from error
    found = [entry for entry in found if ours or not UNFINISHED.fullmatch(entry.name.decode("latin-1"))]
    if "MLST" in wire.features or "MDTM" not in wire.features:
        return found
    return await _with_times(wire, where, found, progress)


async def _table(wire: Wire, progress: Progress | None) -> list[Entry]:
    """LIST of the current folder: a path behind LIST would be taken for a pattern, and "-a" may be taken for one."""
    found = await _listed(wire, wire.lists_hidden is not False, progress)
    if wire.lists_hidden is None:
        plain = [] if any(entry.name == b"." for entry in found) else await _listed(wire, False, progress)
        wire.lists_hidden = _knows_hidden(found, plain)
        found = found if wire.lists_hidden else plain
    return [entry for entry in found if entry.name not in (b".", b"..")]


async def _listed(wire: Wire, hidden: bool, progress: Progress | None) -> list[Entry]:
    try:
        lines = await _lines(wire, "LIST", "-a" if hidden else "", progress)
    except Negative as error:
        if not hidden or wire.lists_hidden or error.reply.code in PASSING:
            raise
        return []  # "-a" is the name of something that is not there
    return list(table(lines, datetime.now(UTC)))


def _knows_hidden(shown: list[Entry], plain: list[Entry]) -> bool | None:
    """Whether "-a" is an option to the server; None where neither listing tells. A name shows that file, or nothing."""
    more, less = {entry.name for entry in shown}, {entry.name for entry in plain}
    if b"." in more:
        return True
    if not more and not less:
        return None
    return more != {b"-a"} and less <= more and all(name.startswith(b".") for name in more - less)


async def _with_times(wire: Wire, where: str, found: list[Entry], progress: Progress | None) -> list[Entry]:
    """A table tells minutes of an unknown time zone: so every file's time is asked for, many ahead."""
    files = [(entry, name) for entry in found if entry.kind == "file" and (name := wire.read(entry.name)) is not None]
    times: dict[bytes, str] = {}
    for start in range(0, len(files), AHEAD):
        some = files[start : start + AHEAD]
        for _, name in some:
            await wire.send("MDTM", f"{where.rstrip('/')}/{name}")
        for entry, _ in some:
            try:
                told = (await wire.hear("MDTM")).text.strip().partition(".")[0]
            except Negative:
                continue
            if re.fullmatch(r"\d{14}", told):
                times[entry.name] = told
        if progress is not None:
            progress.waiting()
    return [msgspec.structs.replace(entry, time=times.get(entry.name, "")) for entry in found]


async def _lines(wire: Wire, verb: str, argument: str, progress: Progress | None) -> list[bytes]:
    """The lines of a listing, complete as the server says. Raises Negative, LinkLost."""
    pieces = []
    async with wire.transfer(verb, argument) as data:
        async for piece in data.chunks():
            if progress is not None:
                progress.received(len(piece))
            pieces.append(piece)
        await data.close()
        reply = await wire.ended(verb)
    _refuse_partial(reply)
    told = b"".join(pieces)
    return [line for line in told.split(b"\r\n" if b"\r\n" in told else b"\n") if line]


def _refuse_partial(reply: Reply) -> None:
    """Raise for a listing that is said to be complete, and in the same breath not to be (Q9)."""
    told = " ".join(line.decode("utf-8", "replace") for line in reply.lines)[:200]
    if CUT_SHORT.search(told):
        raise Mismatch(
            f"the server lists only a part of the folder ({told!r})",
            "Raise the number of entries that it lists (Pure-FTPd: LimitRecursion), then run the same command again.",
        )
    if NOT_LISTED.search(told):
        raise Denied(f"the server does not list the folder ({told!r})")
