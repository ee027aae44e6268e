"""What a server does with names, and whether it computes checksums: tried in a hidden folder, gone afterwards."""

import asyncio
import secrets
from contextlib import suppress

import asyncssh
import msgspec

from haulage.model.naming import NameRules
from haulage.services.links import Progress, lastly
from haulage.services.sftp.checksums import Way, way_of
from haulage.services.sftp.reading import all_at_once, close_quietly
from haulage.services.sftp.wire import CREATE, READ, WRITE, File, Wire
from haulage.services.spelling import OTHER_CASE, OTHER_FORM, SPELT, TRIED, observed, with_losses

_FILE = b"/probe"
_REFUSALS = (
    asyncssh.SFTPFailure,
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPInvalidFilename,
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPBadMessage,
)


class Found(msgspec.Struct, frozen=True):
    """What was found out. reads_through: a handle that writes can be read from, too (Q16)."""

    names: NameRules
    checksums: Way | None
    reads_through: bool


class Probe:
    """One try to write, in a hidden folder that is made for it; it may be made again after a break.

    checksums: whether to find out about those.
    """

    def __init__(self, folder: bytes, names: NameRules, *, checksums: bool) -> None:
        self._folder = folder
        self._names = names
        self._checksums = checksums
        self._again = False

    async def __call__(self, wire: Wire, progress: Progress) -> Found:
        """Raises what the server says to making a folder there."""
        again, self._again = self._again, True
        try:
            await wire.make_folder(self._folder)
        except asyncssh.SFTPFailure:
            if not again:
                raise
        try:
            names = await self._spelling(wire)
            progress.waiting()
            return Found(names, *await self._file(wire))
        finally:
            await lastly(removed(wire, self._folder))

    async def _spelling(self, wire: Wire) -> NameRules:
        """A server that refuses such a name, or forgets it, keeps the form alone that is common."""
        names = [self._folder + b"/" + name.encode() for name in (SPELT, *TRIED)]
        answers = await asyncio.gather(*(wire.make_folder(name) for name in names), return_exceptions=True)
        for error in answers:
            if isinstance(error, BaseException) and not isinstance(error, _REFUSALS):
                raise error
        listed = [name.decode("utf-8", "replace") async for name, _ in wire.entries(self._folder)]
        form, case = [await self._is_there(wire, name) for name in (OTHER_FORM, OTHER_CASE)]
        return observed(with_losses(self._names, listed), listed, other_form=form, other_case=case)

    async def _is_there(self, wire: Wire, name: str) -> bool:
        try:
            await wire.lstat(self._folder + b"/" + name.encode())
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPFailure):
            return False
        return True

    async def _file(self, wire: Wire) -> tuple[Way | None, bool]:
        path, body = self._folder + _FILE, secrets.token_bytes(64)
        try:
            file = await wire.open(path, READ | WRITE | CREATE)
        except (asyncssh.SFTPFailure, asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported):
            return None, False
        try:
            await file.write(0, body)
            through = await _reads(file, body)
            return await way_of(wire, file, path, body) if self._checksums and through else None, through
        finally:
            await close_quietly(file)


async def _reads(file: File, body: bytes) -> bool:
    """Whether what was written reads back on the handle that wrote it, and it tells of its file."""
    try:
        return bool(await file.read(0, len(body)) == body and (await file.stat()).size == len(body))
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
        raise
    except asyncssh.SFTPError:
        return False


async def removed(wire: Wire, folder: bytes) -> None:
    """Remove such a folder with what was tried in it, and nothing else; where the server refuses, it stays."""
    with suppress(asyncssh.Error, OSError):
        inside = [(name, facts) async for name, facts in wire.entries(folder)]
        for name, _ in inside:
            where = folder + b"/" + name
            await (wire.remove(where) if where.endswith(_FILE) else wire.remove_folder(where))
        await all_at_once(wire.remove_folder(folder))
