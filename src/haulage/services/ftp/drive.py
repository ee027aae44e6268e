"""A folder of an FTP server as a drive: what the contract asks, as the protocol's verbs."""

import codecs
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from haulage.model.errors import HaulageError, NameRefused, Refused, RootGone, Transient, Unreachable
from haulage.model.item import Carried, Item, Kind, Page, Written
from haulage.services.contract import Content, Json, Pacer, Precondition
from haulage.services.ftp import listing as listings
from haulage.services.ftp.listing import Listing
from haulage.services.ftp.parts import Parts
from haulage.services.ftp.probing import probed, removed
from haulage.services.ftp.reading import opened
from haulage.services.ftp.replies import LinkLost, Negative, meaning
from haulage.services.ftp.traits import TRAITS
from haulage.services.ftp.tree import Tree
from haulage.services.ftp.wire import Dialled, Encryption, Wire, connect, spelt
from haulage.services.ftp.writing import Writing
from haulage.services.leftovers import Leftovers
from haulage.services.links import Links, Pages, Progress, read_server
from haulage.services.links.names import parts_of
from haulage.services.transport import PEM_FIX, CertificateRefused, Limits

PORTS: dict[Encryption, int] = {"explicit": 21, "none": 21, "implicit": 990}
CONNECTIONS = 8
CHECK_ATTEMPTS = 3  # a person waits for the answer
ANONYMOUS = ("anonymous", "ftp")


class FtpDrive:
    """Files below one folder of a server; see the contract for what each method promises."""

    def __init__(self, settings: Mapping[str, str], root: str, pacer: Pacer, limits: Limits | None = None) -> None:
        how = read_dialled(settings)
        root = root.strip("/")
        parts_of(root)
        server = read_server(settings, how.port)
        self.identity = server.identity("ftp", root)
        self._how = how
        self._links: Links[Wire] = Links(self._connect, judge, pacer, most=CONNECTIONS, shared=1, limits=limits)
        self.calls: Mapping[str, int] = self._links.trace.calls
        reads_back = _reads_back(settings)
        self._tree = Tree(self._links, server.base, root)
        self._leftovers = Leftovers()
        self._listing = Listing(self._links, self._tree, self._leftovers, how.encoding)
        self._writing = Writing(self._links, self._tree, self._leftovers, reads_back)
        self._parts = Parts(self._links, self._tree, self._writing)
        self._pages = Pages()
        self._root = root
        confirms: Any = "hash" if reads_back else "size"
        self.traits = msgspec.structs.replace(TRAITS, confirms=confirms, part_hash="sha256" if reads_back else None)

    def __repr__(self) -> str:
        return f"FtpDrive({self.identity!r})"

    async def _connect(self) -> Wire:
        wire = await connect(self._how, self._links.trace.calls)
        if not {"MFMT", "MDTM"} & wire.features.keys():
            self.traits = msgspec.structs.replace(self.traits, times=None)
        return wire

    async def check(self, *, write: bool, create: bool) -> None:
        """See Drive. To write is tried: a hidden folder is made, used to find out about names, and removed again."""
        await self._links.call("check", "", _nothing, attempts=CHECK_ATTEMPTS)
        self._tree.forget()
        try:
            await self._tree.folder("")
        except RootGone:
            if not create:
                raise
            await self._links.call("make folder", "", self._make_root)
            await self._tree.folder("")
        if write:
            trying = partial(self._try_to_write, self._leftovers.name("probe"))
            try:
                await self._links.call("try to write", "", trying, attempts=CHECK_ATTEMPTS)
            except NameRefused as error:
                raise Refused(
                    f"the server takes no hidden names, by which files go until they are whole: {error.message}",
                    "Have its operator allow names that begin with a dot (Pure-FTPd: ProhibitDotFilesWrite).",
                ) from error

    async def _make_root(self, wire: Wire, _: Progress) -> None:
        where = self._tree.at(wire, "")
        parts = where.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            above = "/" + "/".join(parts[:count])
            try:
                await wire.ask("CWD", above)
            except Negative:
                await wire.ask("MKD", above)

    async def _try_to_write(self, name: str, wire: Wire, _: Progress) -> None:
        found = await probed(wire, self._tree.at(wire, ""), name, TRAITS.names)
        self.traits = msgspec.structs.replace(self.traits, names=found)

    async def page(self, folder: str, cursor: str | None) -> Page:
        """Up to 1,000 children, sorted by name."""
        page = await self._pages.page(folder, cursor, listings.PAGE_ITEMS, lambda: self._listing.read(folder))
        return msgspec.structs.replace(page, items=await self._listing.completed(page.items))

    async def item(self, path: str) -> Item | None:
        """The file at that path; None for everything else."""
        there = await self._tree.look(path)
        return there if there is not None and there.kind is Kind.FILE else None

    @asynccontextmanager
    async def open(self, item: Item, start: int = 0) -> AsyncIterator[Content]:
        """The file is looked at before and after."""
        begin = partial(_opened, tree=self._tree, item=item, start=start)
        async with self._links.stream("read", item.path, begin) as content:
            yield content

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """Its time is the server's own: servers set those of files only."""
        await self._tree.make(path)

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """`hashes` is what was read back."""
        self._refuse_unwritable(path)
        return await self._writing.whole(path, body, carried, digests, condition)

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """The hidden file is named by the attempt, and stands beside the target."""
        self._refuse_unwritable(path)
        return await self._parts.begin(path, size, carried, attempt, condition)

    def _refuse_unwritable(self, path: str) -> None:
        """Before anything is written for it."""
        parts_of(path)
        spelt(path, self._how.encoding)

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """The receipt comes when the part was read back and noted."""
        return await self._parts.put(state, number, offset, body, digest)

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """What the journal says."""
        return await self._parts.held(state)

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Every part was proven when it was sent."""
        return await self._parts.finish(state, receipts, condition)

    async def abort(self, state: Json) -> None:
        """Removes the hidden files of this very attempt."""
        await self._parts.abort(state)

    def belongs_to(self, owner: str) -> None:
        """See FindsLeftovers."""
        self._leftovers.belong_to(owner)

    async def remove_leftovers(self) -> None:
        """See FindsLeftovers."""

        async def remove(path: str) -> None:
            await self._links.call("remove", path, partial(self._left_removed, path))

        await self._leftovers.removed_by(remove)

    async def _left_removed(self, path: str, wire: Wire, _: Progress) -> None:
        root, where = self._tree.at(wire, ""), self._writing.where(wire, path)
        if path.endswith(".probe"):
            await removed(wire, root, where)
        else:
            await wire.ask("DELE", where)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._links.close()


async def _opened(wire: Wire, *, tree: Tree, item: Item, start: int) -> Any:
    return await opened(wire, tree, item, start)


async def _nothing(_wire: Wire, _progress: Progress) -> None:
    """Being logged in is all that is asked."""


def judge(error: Exception, path: str) -> HaulageError | None:
    """The model's error; None for what is no matter of the connection or the server."""
    if isinstance(error, Negative):
        return meaning(error, path)
    if isinstance(error, LinkLost):
        return Transient(str(error))
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateRefused(f"the server's certificate is refused ({error.verify_message})")
    if isinstance(error, ssl.SSLError | ConnectionError | TimeoutError):
        refused = isinstance(error, ConnectionRefusedError)
        kind = Unreachable if refused else Transient
        return kind(f"the connection broke off ({getattr(error, 'reason', None) or type(error).__name__})")
    if isinstance(error, OSError):
        return Unreachable(f"cannot connect to the server ({error.strerror or type(error).__name__})")
    return None


def read_dialled(settings: Mapping[str, str]) -> Dialled:
    """How to connect. Raises Refused for settings that name no place, or would show the password to everybody."""
    told = settings.get("encryption", "").strip().lower() or "explicit"
    if told not in PORTS:
        raise Refused(f"encryption is {told!r}", "Give 'explicit', 'implicit' or 'none'.")
    encryption: Encryption = told
    server = read_server(settings, PORTS[encryption])
    allowed = settings.get("allow_unencrypted", "").strip().lower() == "yes"
    if encryption == "none" and server.user not in ANONYMOUS and not allowed:
        raise Refused(
            "the password would go over an unencrypted link",
            "Choose encryption=explicit. Where nobody else can listen, allow_unencrypted=yes lets it.",
        )
    encoding = settings.get("encoding", "").strip().lower() or "utf-8"
    try:
        encoding = codecs.lookup(encoding).name
    except LookupError:
        raise Refused(f"there is no encoding {encoding!r}", "Give utf-8, latin-1, cp1252, ...") from None
    tls = (
        None
        if encryption == "none"
        else _context(settings.get("ca_file", "").strip(), settings.get("ca_certificate", "").strip())
    )
    return Dialled(server.host, server.port, server.user, server.password, encryption, tls, encoding)


def _context(ca_file: str, ca_pem: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None, cadata=ca_pem or None)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        told = f"in {ca_file}" if ca_file else "that were given"
        raise Refused(f"the certificate authorities {told} cannot be read ({why})", PEM_FIX) from error


def _reads_back(settings: Mapping[str, str]) -> bool:
    told = settings.get("proof", "").strip().lower() or "read back"
    if told not in ("read back", "size"):
        raise Refused(f"proof is {told!r}", "Give 'read back' or 'size'.")
    return told == "read back"


async def folders(settings: Mapping[str, str], pacer: Pacer) -> list[str]:
    """What the connector's root shows: the folders at its base path. Raises AuthLost, Unreachable, Refused."""
    drive = FtpDrive(settings, "", pacer)
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


def open_drive(settings: Mapping[str, str], root: str, pacer: Pacer) -> FtpDrive:
    """The folder `root` below the base path. Makes no call yet. Raises Refused."""
    return FtpDrive(settings, root, pacer)
