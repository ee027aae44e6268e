"""A folder of an SSH server as a drive: what the contract asks, as requests of SFTP."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncssh
import msgspec

from haulage.model.errors import AuthLost, Changed, Refused
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.services.contract import Content, Json, Pacer, Precondition
from haulage.services.leftovers import Leftovers
from haulage.services.links import Links, Pages, Progress, Server, read_server
from haulage.services.links.names import parts_of
from haulage.services.sftp import listing as listings
from haulage.services.sftp.judge import judge
from haulage.services.sftp.keys import HostKeyRefused, HostKeys, private_keys, read_host_keys, read_private_key, shown
from haulage.services.sftp.listing import Listing
from haulage.services.sftp.parts import Parts
from haulage.services.sftp.probing import Probe, removed
from haulage.services.sftp.reading import FileContent, opened
from haulage.services.sftp.traits import TRAITS
from haulage.services.sftp.tree import Tree
from haulage.services.sftp.wire import Verifying, Wire, connect
from haulage.services.sftp.writing import Writing, seconds_of
from haulage.services.transport import Limits

PORT = 22
CONNECTIONS = 4
CALLS_ON_EACH = 16
CHECK_ATTEMPTS = 3  # a person waits for the answer


class SftpDrive:
    """Files below one folder of a server; see the contract for what each method promises."""

    def __init__(self, settings: Mapping[str, str], root: str, pacer: Pacer, limits: Limits | None = None) -> None:
        self._private_key = read_private_key(settings)
        self._server: Server = read_server(settings, PORT)
        self._pins: HostKeys = read_host_keys(settings.get("host_key", ""))
        root = root.strip("/")
        parts_of(root)
        self.identity = self._server.identity("sftp", root)
        self._links: Links[Wire] = Links(
            self._connect, judge, pacer, most=CONNECTIONS, shared=CALLS_ON_EACH, limits=limits
        )
        self.calls: Mapping[str, int] = self._links.trace.calls
        proof = _proof(settings)
        reads_back, self._asks_for_checksums = proof != "size", proof == "hash"
        self._tree = Tree(self._links, _where(self._server.base, root))
        self._leftovers = Leftovers()
        self._listing = Listing(self._links, self._tree, self._leftovers)
        self._writing = Writing(self._links, self._tree, self._listing, self._leftovers, reads_back)
        self._parts = Parts(self._links, self._tree, self._writing)
        self._pages = Pages()
        names = msgspec.structs.replace(
            TRAITS.names, longest_path=(TRAITS.names.longest_path or 0) - len(self._tree.root)
        )
        confirms: Any = "hash" if reads_back else "size"
        self.traits = msgspec.structs.replace(TRAITS, names=names, confirms=confirms)

    def __repr__(self) -> str:
        return f"SftpDrive({self.identity!r})"

    async def _connect(self) -> Wire:
        """Raises HostKeyRefused before anything secret was sent."""
        verifying = Verifying(self._pins.holds)
        options: dict[str, Any] = {
            "host": self._server.host,
            "port": self._server.port,
            "username": self._server.user,
            "password": self._server.password or None,
            "client_keys": await private_keys(self._private_key),
        }
        if algorithms := self._pins.algorithms():
            options["server_host_key_algs"] = algorithms_of(algorithms)
        try:
            return await connect(verifying, options, self._links.trace.calls)
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed) as error:
            raise self._refusal(verifying, error) from error
        except asyncssh.PermissionDenied as error:
            raise self._not_let_in() from error

    def _not_let_in(self) -> AuthLost:
        """Says what was tried, so that nobody has to guess what the server wanted."""
        who = f"{self._server.user}@{self._server.host}"
        tried = [("password", self._server.password), ("private key", self._private_key.text)]
        given = " and the ".join(name for name, value in tried if value)
        if given:
            return AuthLost(f"the server refuses the {given} of {who}", f"Check the user name and the {given}.")
        return AuthLost(
            f"to log in as {who}, the server wants a password or a private key, and none was given",
            "Give the user's password, or the private key whose public half the server knows: in the fields password "
            "or private_key; by the environment, SFTP_PASSWORD or SFTP_PRIVATE_KEY; with a location by URL, "
            "--source-set or --destination-set private_key=file:PATH.",
        )

    def _refusal(self, verifying: Verifying, error: Exception) -> Exception:
        address = f"{self._server.host}:{self._server.port}"
        key = verifying.offered
        if key is None:
            if not self._pins.texts or "key" not in str(error).lower():
                return error
            return HostKeyRefused(f"{address} does not show the pinned host key any more ({str(error)[:200]})")
        told = f"{key.get_algorithm()} {key.get_fingerprint()}"
        if self._pins.texts:
            return HostKeyRefused(
                f"the host key of {address} has changed: it is {told} now, which is not the pinned one"
            )
        unknown = HostKeyRefused(
            f"the host key of {address} is not known yet: it is {told}",
            f"Compare it with what the server's operator tells you. If it is the same, give host_key={shown(key)!r}.",
        )
        unknown.answer = ("host_key", shown(key))
        return unknown

    async def check(self, *, write: bool, create: bool) -> None:
        """See Drive. To write is tried: a hidden folder is made, used to find out what the server does, and removed."""
        await self._links.call("check", "", _nothing, attempts=CHECK_ATTEMPTS)
        if create:
            await self._make_root()
        self._tree.forget()
        await self._tree.folder("")
        if write:
            await self._try_to_write()

    async def _make_root(self) -> None:
        parts = self._tree.root.split(b"/")
        for count in range(1, len(parts) + 1):
            where = b"/".join(parts[:count])
            if where in (b"", b"."):
                continue
            await self._links.call("make folder", "", partial(_made, where))

    async def _try_to_write(self) -> None:
        folder = self._tree.root + b"/" + self._leftovers.name("probe").encode()
        probe = Probe(folder, self.traits.names, checksums=self._asks_for_checksums)
        found = await self._links.call("try to write", "", probe, attempts=CHECK_ATTEMPTS)
        self._writing.checksums = found.checksums
        self._writing.reads_through = found.reads_through
        self.traits = msgspec.structs.replace(self.traits, names=found.names)

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to 1,000 children, sorted by name."""
        page = await self._pages.page(folder, cursor, listings.PAGE_ITEMS, lambda: self._listing.read(folder))
        return msgspec.structs.replace(page, items=await self._listing.completed(page.items))

    async def item(self, path: str) -> Item | None:
        """The regular file at that path; None for everything else."""
        there = await self._listing.look(path)
        return there if there is not None and there.kind is Kind.FILE else None

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """A file of at most one block is read in the two rounds that open it."""
        where = await self._tree.folder(item.path.rpartition("/")[0]) + b"/" + item.path.rpartition("/")[2].encode()

        async def begin(wire: Wire) -> FileContent:
            try:
                return await opened(wire, where, item, start)
            except asyncssh.SFTPFailure:
                raise Changed(f"{item.path!r} is no file any more") from None

        async with self._links.stream("read", item.path, begin) as content:
            yield content

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """Made with the mode that the server gives."""
        await self._tree.make(path)
        if modified_us is not None:
            await self.set_folder_time(path, modified_us)

    async def set_folder_time(self, path: str, modified_us: int) -> None:
        """Set the folder's times: both, since they go together (Q5)."""
        where = await self._tree.folder(path)
        seconds = seconds_of(modified_us)
        await self._links.call("set time", path, lambda wire, _: wire.set_times(where, seconds))

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Durable where the server offers fsync; `hashes` is what was read back."""
        return await self._writing.whole(path, body, carried, digests, condition)

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """The hidden file is named by the attempt, and stands beside the target."""
        return await self._parts.begin(path, size, carried, attempt, condition)

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """The receipt comes when the part was read back and is durable."""
        return await self._parts.put(state, number, offset, body, digest)

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """What the hidden file says of itself."""
        return await self._parts.held(state)

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Every part was proven when it was sent."""
        return await self._parts.finish(state, receipts, condition)

    async def abort(self, state: Json) -> None:
        """Removes the hidden file of this very attempt."""
        await self._parts.abort(state)

    def belongs_to(self, owner: str) -> None:
        """See FindsLeftovers."""
        self._leftovers.belong_to(owner)

    async def remove_leftovers(self) -> None:
        """See FindsLeftovers."""

        async def remove(path: str) -> None:
            above, _, name = path.rpartition("/")
            where = await self._tree.folder(above) + b"/" + name.encode()
            await self._links.call("remove", path, partial(_left_removed, where))

        await self._leftovers.removed_by(remove)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._links.close()


async def folders(settings: Mapping[str, str], pacer: Pacer) -> list[str]:
    """What the connector's root shows: the folders at its base path. Raises AuthLost, HostKeyRefused, Unreachable."""
    drive = SftpDrive(settings, "", pacer)
    try:
        await drive.check(write=False, create=False)
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await drive.page("", cursor)
            found += [item.path for item in page.items if item.kind is Kind.FOLDER]
            cursor = page.cursor
            if cursor is None:
                return found
    finally:
        await drive.close()


def open_drive(settings: Mapping[str, str], root: str, pacer: Pacer) -> SftpDrive:
    """The folder `root` below the base path. Makes no call yet. Raises Refused."""
    return SftpDrive(settings, root, pacer)


async def _made(where: bytes, wire: Wire, _progress: Progress) -> None:
    try:
        await wire.stat(where)
    except asyncssh.SFTPNoSuchFile:
        await wire.make_folder(where)


async def _left_removed(where: bytes, wire: Wire, _progress: Progress) -> None:
    await (removed(wire, where) if where.endswith(b".probe") else wire.remove(where))


async def _nothing(_wire: Wire, _progress: Progress) -> None:
    """Being logged in is all that is asked."""


def _proof(settings: Mapping[str, str]) -> str:
    told = settings.get("proof", "").strip().lower() or "hash"
    if told not in ("hash", "read back", "size"):
        raise Refused(f"proof is {told!r}", "Give 'hash', 'read back' or 'size'.")
    return told


def _where(base: str, root: str) -> bytes:
    """The root on the server; relative paths begin in the login folder. Never empty."""
    inside = base.removeprefix("~").strip("/")
    below = "/".join(part for part in (inside, root) if part).encode()
    if base.startswith("~"):
        return b"./" + below if below else b"."
    return b"/" + below if below else b"/."


def algorithms_of(types: Sequence[str]) -> list[str]:
    """The signatures that keys of these types make, so that the server shows one of them."""
    rsa = ["rsa-sha2-512", "rsa-sha2-256"]
    return [name for kind in dict.fromkeys(types) for name in (rsa if kind == "ssh-rsa" else [kind])]
