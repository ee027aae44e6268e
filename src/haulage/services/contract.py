"""The contract of a service: what every storage is asked, and what it promises in return.

A service only translates between the wire and the model. It holds no retry, sleep, log or counter: those are
layers around it (services/transport). All methods raise only the errors of `haulage.model.errors`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import msgspec

from haulage.model.item import Carried, Item, Page, Written
from haulage.model.naming import NameRules

if TYPE_CHECKING:
    pass

Json = dict[str, Any]


class Quota(msgspec.Struct, frozen=True):
    """What a service is documented to take at most in a span of time; it tells how long a migration takes at least.

    words: what it says, for people. most: of calls, units or bytes, in so many seconds. per: whose it is: a user's, or
    the whole account's (a tenant's, a token's). read, write: how much of it a file takes that is read, or written;
    of: whether that is told of an item, or of each of its bytes.
    """

    words: str
    most: int
    seconds: int
    per: Literal["user", "account"]
    read: float = 0
    write: float = 0
    of: Literal["items", "bytes"] = "items"


class Traits(msgspec.Struct, frozen=True):
    """What a drive can do and how much it takes: data, not code.

    names: what names it takes. folders: "real" where folders are nodes of their own, "markers" where they are
    implied by the paths of files and an empty one needs a marker object.
    times: the step in which it keeps modification times, in microseconds; None where it keeps none of ours.
    time_span: the first and last such time that it can keep; None without limit.
    revision_step: microseconds within which an overwrite of equal size may keep its revision, since that is made of
    size and time alone; 0 where every overwrite has a revision of its own.
    metadata: keeps pairs of the user's own, and content type etc. (Carried).
    largest_file, single_put_limit: bytes; a file over `single_put_limit` goes up in parts.
    put_hashes: algorithms that `put` needs in `digests` (it is free to ignore others).
    finish_hashes: algorithms of the whole stream that `finish` wants in `digests`; the engine computes them.
    finish_needs_hashes: `finish` cannot do without them, so that to go on with an upload the source is read from its
    first byte, though what is there already is not sent.
    part_hash: the algorithm with which `put_part` lets the service check each part; None if there is no such thing.
    part_bytes: size -> bytes of each part but the last (0 parts never happens: size is over single_put_limit).
    conditional: writes with a precondition are refused atomically by the service itself.
    confirms: "hash" where the answer to a write proves the content; "size" where the service tells no more than how
    many bytes it holds.
    parts_in_order: parts are taken one after the other, from the first, and none again.
    rewrites: endings of names, lower case, whose content the service may rewrite by itself after an upload.
    resumes: what was sent of an upload in parts outlives the process that sent it. parts_told: the service tells which
    parts it holds; where it does not, the engine keeps their receipts in the state, as "receipts" by number.
    folder_times_stay: what is written into a folder, or set below it, leaves its time as it is.
    parallel: how many items may be in flight at once. waiting: how many more, of those that are written and only wait
    for a call that they share with others. read_calls, put_calls, large_calls: how many calls it takes at most to read
    a file, to write a small one, and to write a large one besides those for its parts.
    lasting_ids: an item's id stays with it when it is renamed or moved, and is never another's.
    shared_ids: one item that several users of an organisation see has the same id with all of them.
    quotas: what bounds a migration, as it is documented.
    ordered: the algorithms that prove order and content (all but weak ones such as quickxor).
    """

    names: NameRules
    folders: Literal["real", "markers"]
    times: int | None
    metadata: bool
    largest_file: int
    single_put_limit: int
    put_hashes: tuple[str, ...]
    part_hash: str | None
    part_bytes: Callable[[int], int]
    conditional: bool = True
    finish_hashes: tuple[str, ...] = ()
    finish_needs_hashes: bool = False
    confirms: Literal["hash", "size"] = "hash"
    parts_in_order: bool = False
    resumes: bool = True
    parts_told: bool = True
    time_span: tuple[int, int] | None = None
    revision_step: int = 0
    rewrites: tuple[str, ...] = ()
    lasting_ids: bool = False
    shared_ids: bool = False
    folder_times_stay: bool = False
    parallel: int = 256
    waiting: int = 0
    read_calls: int = 1
    put_calls: int = 1
    large_calls: int = 2
    quotas: tuple[Quota, ...] = ()


class Budget(msgspec.Struct, frozen=True):
    """How many calls a service takes from one account, where that is so few that it decides how long a copy takes.

    used: of the day's, so far. more: what to do to be allowed more, in one sentence.
    """

    calls_a_second: float
    calls_a_day: int
    used: int = 0
    more: str = ""


class Precondition(msgspec.Struct, frozen=True):
    """What must hold at the destination for a write to take effect.

    absent: nothing is there. revision: just this revision is there. Both unset: write whatever is there.
    A write whose precondition fails raises Conflict and changes nothing.
    """

    absent: bool = False
    revision: str | None = None


ABSENT = Precondition(absent=True)


class Content(Protocol):
    """An opened source file, pinned to one revision.

    item: the facts of the revision being read, from the answer itself (size of the *whole* file, hashes, revision).
    Of a document that is made a file while it is read, no size; its note says what was made of what, and its path has
    another ending where the form that was meant could not be had. carried: what goes along with the bytes.
    """

    item: Item
    carried: Carried

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The bytes, in chunks of at most 1 MiB. A broken body raises Transient; an early end raises ShortRead."""
        ...


@runtime_checkable
class Drive(Protocol):
    """One tree of files: a bucket or container below a prefix, a folder. Paths are relative to its root."""

    traits: Traits
    identity: str
    """Where this is, the same in every run and for every spelling: "s3://endpoint/bucket/prefix", without secrets."""
    calls: Mapping[str, int]
    """How often each of the vendor's operations was called so far (what it costs, and the proof of what it did not)."""

    async def check(self, *, write: bool, create: bool) -> None:
        """Ask whether the root is there and allowed. create: make the bucket, container or folder if it is missing.

        Raises RootGone, AuthLost, Denied, Unreachable.
        """
        ...

    async def page(self, folder: str, cursor: str | None) -> Page:
        """One page of the children of `folder` ("" is the root). Raises Gone when the folder is not there."""
        ...

    async def item(self, path: str) -> Item | None:
        """The file at `path` as it is now, asked directly and not through a listing; None if there is none."""
        ...

    def open(self, item: Item, start: int = 0) -> AbstractAsyncContextManager[Content]:
        """Read the file from byte `start`, pinned to `item.revision`. Raises Changed if it is another one now, Gone."""
        ...

    async def create_folder(self, path: str, modified_us: int | None = None) -> None:
        """Make the folder (its marker, where folders are implied), and those above it. Being there already is fine."""
        ...

    async def put(
        self, path: str, body: bytes | memoryview, carried: Carried, digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Write a whole file of at most `single_put_limit` bytes. Readers see nothing, or the old, or the whole new.

        digests: hex of the body by algorithm, `traits.put_hashes` at least; the service is made to check one.
        Raises Conflict (precondition), OutcomeUnknown (no answer came: it may be there), QuotaFull, NameRefused.
        """
        ...

    async def begin(self, path: str, size: int, carried: Carried, attempt: str, condition: Precondition) -> Json:
        """Start an upload in parts and return its state, plain JSON that serves after a restart too.

        attempt: unique for this upload; whatever has to be cleaned up is bound to it, never to the path.
        """
        ...

    async def put_part(self, state: Json, number: int, offset: int, body: memoryview, digest: str | None) -> Json:
        """Send part `number` (from 1), which stands at byte `offset`. Sending a number again replaces it.

        digest: hex of the body with `traits.part_hash`. Returns the receipt that `finish` wants; the service has
        checked the digest. Raises SessionGone.
        """
        ...

    async def parts(self, state: Json) -> Mapping[int, Json] | None:
        """Receipts of the parts that the destination holds, by number, each with "size"; None: the session is gone."""
        ...

    async def finish(
        self, state: Json, receipts: Sequence[Json], digests: Mapping[str, str], condition: Precondition
    ) -> Written:
        """Make the file visible, whole, from the parts in order. Raises Conflict, SessionGone, OutcomeUnknown.

        digests: hex of the whole stream by algorithm, where known (`traits.finish_hashes` always are to a drive that
        needs them); may be stored beside the file.
        """
        ...

    async def abort(self, state: Json) -> None:
        """Remove what the unfinished upload left behind; it being gone already is fine.

        A state of "path" and "attempt" alone is that of an upload of which nobody heard whether it was begun: what
        can be found by them is removed.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class ListsTree(Protocol):
    """A drive that lists everything below its root in one flat, paged listing (buckets)."""

    async def tree(self, cursor: str | None) -> Page:
        """One page of all files below the root, in the service's order, folder markers included as Kind.FOLDER."""
        ...


@runtime_checkable
class ListsWhole(Protocol):
    """A drive with real folders that may tell all that is in it in one paged sequence, instead of folder by folder."""

    async def whole(self, cursor: str | None) -> Page | None:
        """One page of everything below the root, folders included. None, to the first call: it is no way to list it."""
        ...


@runtime_checkable
class MakesItsRoot(Protocol):
    """A drive that says whether it made its root itself: in such a one nothing lies that would have to be listed."""

    root_is_new: bool
    """Whether `check` has made the root, which was not there before."""


@runtime_checkable
class SetsFolderTimes(Protocol):
    """A drive with real folders whose modification times can be set."""

    async def set_folder_time(self, path: str, modified_us: int) -> None:
        """Set it; called after the folder's contents were written."""
        ...


@runtime_checkable
class FindsLeftovers(Protocol):
    """A drive that knows by its name what an earlier run of the same transfer could not remove any more."""

    def belongs_to(self, owner: str) -> None:
        """What is made from now on is marked as this owner's, of whom no other process writes meanwhile."""
        ...

    async def remove_leftovers(self) -> None:
        """Remove what the listings so far showed of the owner's, and what is not under way here."""
        ...


@runtime_checkable
class TellsLineage(Protocol):
    """A drive whose place can be known again when it is reached by another way: by address, or another connector."""

    async def lineage(self) -> list[str]:
        """Ids of the location's root and of the folders above it, as far as they can be seen, the root first.

        The same for whoever asks, and no other service's. Where the root is yet to be made, "" stands for it. Empty
        where nothing can be told.
        """
        ...


@runtime_checkable
class NoticesLoss(Protocol):
    """A drive that notices when a folder that it has seen or made is taken away while it writes there."""

    @property
    def taken(self) -> set[str]:
        """The uppermost folders in which that was noticed: what was written there before may be gone with them."""
        ...


@runtime_checkable
class TellsBudget(Protocol):
    """A drive whose service takes few calls, and says how many."""

    def budget(self) -> Budget:
        """As the service told it with its answers so far, else as it is documented."""
        ...


@runtime_checkable
class TellsRoom(Protocol):
    """A drive whose service tells how much room is left. Copying there begins once everything is planned."""

    async def room(self) -> int | None:
        """Bytes that are free now; None where it does not tell it of this drive."""
        ...


@runtime_checkable
class TellsTotals(Protocol):
    """A drive whose service counts a whole tree for us, in a call or two."""

    async def totals(self) -> int:
        """How many files and folders there are below the root."""
        ...


@runtime_checkable
class TellsChanges(Protocol):
    """A drive whose service keeps a record of whatever happens in it."""

    async def position(self) -> str:
        """Where that record stands now. Opaque; it outlives this process."""
        ...

    async def quiet_since(self, position: str) -> str | None:
        """The position now, if nothing at all happened in the drive since that one.

        None if something did, or where the service does not know the position any more.
        """
        ...


@runtime_checkable
class Moves(Protocol):
    """A drive whose files can be moved and renamed in place."""

    async def move(self, path: str, to: str, revision: str | None) -> Written:
        """Move the file, if it is there in that revision and nothing is at `to`; folders above `to` are made.

        Raises Conflict (and nothing was changed), Gone, NameRefused.
        """
        ...


@runtime_checkable
class MovesFolders(Protocol):
    """A drive whose folders can be moved and renamed with all that lies in them, which keeps its revisions."""

    async def move_folder(self, path: str, to: str) -> None:
        """Move the folder, if nothing is at `to`; folders above `to` are made. Raises Conflict, Gone, NameRefused."""
        ...


@runtime_checkable
class MakesFiles(Protocol):
    """A drive some of whose files only its own service can open: elsewhere they are wanted in another form."""

    def leads_to(self, target: Drive) -> None:
        """Where its files will go, told before anything is listed. Makes no call.

        From then on a file that will come in another form has no size in a listing, as one that is exported.
        """
        ...


@runtime_checkable
class CopiesWithin(Protocol):
    """A drive whose service copies files by itself from drives that this authorisation reads: no byte comes here.

    A copy is made under a name of its attempt's own, and gets its place once it is proven. Its state is that of an
    upload: `abort` takes one with "path", "attempt" and "copy", and removes the copy wherever it stands.
    """

    def copies_from(self, source: Drive) -> bool:
        """Whether the service may be asked to, with one authorisation for both. Makes no call."""
        ...

    async def begin_copy(self, source: Drive, item: Item, path: str, attempt: str) -> Json:
        """Ask for a copy of the source's file, as it is now, beside `path`; returns the state.

        Raises what the service refuses it for; OutcomeUnknown: it may be on its way, which `copied` finds out.
        """
        ...

    async def copied(self, state: Json) -> Written | None:
        """The copy, under its attempt's name, as the service tells it; None while the service is at it.

        state: "path", "attempt" and "copy" alone where nobody heard whether it was begun. Raises SessionGone where
        there is no copy, and what the service gave up for.
        """
        ...

    async def place(self, state: Json, made: Written, carried: Carried) -> Written:
        """Give what `copied` told its name and times, if nothing is at the path. Raises Conflict, Gone."""
        ...


@runtime_checkable
class CopiesDocuments(Protocol):
    """A drive whose service can copy a document as what it is, which a download could only convert."""

    async def copy_document(self, source: Drive, item: Item, path: str, condition: Precondition) -> Written | None:
        """Have the service copy a file of unknown size. None where it cannot: from elsewhere, or out of reach.

        Asked again after a lost answer, it makes no second copy. Raises Conflict (precondition), Changed, Gone.
        """
        ...


class Pacer(Protocol):
    """Tells when a call may be made; learns from the answers. One per budget scope."""

    async def ready(self) -> None:
        """Return when a call may be sent; waits while the scope is throttled."""
        ...

    def throttled(self, wait_seconds: float | None) -> None:
        """The service asked all callers of this scope to wait (None: it did not say how long)."""
        ...

    def answered(self) -> None:
        """A call was answered normally."""
        ...

    def at_most(self, calls_a_second: float) -> None:
        """The service said how many calls a second it takes: from now on they leave evenly."""
        ...
