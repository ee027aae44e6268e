"""What is known of an item while it is being copied."""

from haulage.ledger.items import Known
from haulage.ledger.store import now_us
from haulage.model.item import Item, Kind
from haulage.services.contract import ABSENT, Precondition


class Job:
    """One item on its way. It is altered when the source or the destination turns out other than listed.

    target: path at the destination; wanted: the one that it would have if nothing else were there. condition: what
    has to hold there. occupied: something is there that has to be
    compared first. only_compared: the source is as it was copied, so what is there is proven or left alone, never
    replaced. renamed: another file held the name, ours got a suffix. began_us: when work on it began.
    finished_attempt: of the upload in parts that made it. left: the revision of what we wrote and could not prove.
    within: the service copied it by itself.
    source_id: by which the source finds it, where such ids last.
    unsized: how large it is, is known when it was read only (engine/spool.py); made: what the source says it is then.
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        self.began_us = now_us()
        self.target = self.wanted = known.target or known.path
        self.size = known.size
        self.revision = known.revision
        self.hashes = known.hashes
        self.source_id = known.source_id
        left = known.done_target_revision
        self.condition = Precondition(revision=left) if left is not None else ABSENT
        self.only_compared = left is not None and known.revision is not None and known.revision == known.done_revision
        self.occupied = self.only_compared or (known.occupied and left is None)
        self.renamed = False
        self.finished_attempt: str | None = None
        self.left: str | None = None
        self.within = False
        self.unsized = known.unsized
        self.made: str | None = None

    def item(self) -> Item:
        """What to open at the source."""
        known = self.known
        return Item(known.path, Kind.FILE, self.size, known.modified_us, self.revision, self.hashes, self.source_id)

    def unread(self) -> Item:
        """The same before anybody knows its size."""
        known = self.known
        return Item(known.path, Kind.FILE, None, known.modified_us, self.revision, id=self.source_id)

    def renew(self, now: Item) -> None:
        """Go on with a newer version of the source's file."""
        self.size, self.revision, self.hashes = now.size or 0, now.revision, dict(now.hashes)
        self.source_id = now.id
        self.unsized = now.size is None
