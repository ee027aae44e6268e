"""Plan: decides on every listed item, and cuts what has to be copied into units.

Most items are decided while the listings still run. What needs the whole listing waits for it: folders, names that
have to be fitted, and everything that would overwrite.
"""

from itertools import takewhile

import msgspec

from haulage.engine.context import UNIT_BYTES, UNIT_ITEMS, Context
from haulage.engine.leaving import carried_with, copied_at, destination_changed
from haulage.engine.moving import follows_moves, replay_moves
from haulage.ledger import at_destination, carriers, work
from haulage.ledger import items as item_rows
from haulage.ledger.items import Known, Marks
from haulage.ledger.store import Connection, now_us
from haulage.ledger.work import Fitted, Settled
from haulage.model import naming
from haulage.model.errors import Gone, HaulageError, NameRefused, Refused, TooLarge
from haulage.model.item import Item, Kind, what_it_is
from haulage.model.outcome import OFFERED, Outcome, OutcomeKind, Side
from haulage.model.shortening import offered

FIRST_PAGE, PAGE_GROWTH = 64, 4
"""How many items are decided on at first, so that copying begins; each page is so much larger than the one before."""
EMPTIED_SHARE = 0.03
EMPTIED_LEAST = 3


class MassAnomaly(Refused):
    """Many files that were copied with content are suddenly listed as empty."""

    code = "mass_anomaly"
    default_fix = "Check the source. If the files are meant to be empty, run again with --accept-emptied."


class Decision(msgspec.Struct):
    """What becomes of a page: items to copy, folders to make, and outcomes that stand already."""

    copy: list[Known] = []
    folders: list[Known] = []
    settled: list[Settled] = []
    forget: list[int] = []
    needed: int = 0


class Planner:
    """Decides, page by page; `run` ends when everything listed is decided on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        rules = context.target.traits.names
        self._rules = rules
        self._rewrites = context.target.traits.rewrites
        self._folds = not rules.case_sensitive or rules.unicode_form is not None
        self._shadows = not rules.folder_beside_file and context.source.traits.names.folder_beside_file
        # a plan changes no item's state: a second pass would find, and count, all of them again
        self._whole_first = self._folds or self._shadows or context.options.plan_only
        self._now_us = now_us()
        self._gathered: list[Known] = []
        self._gathered_bytes = 0
        self._page_items = FIRST_PAGE
        self.folders: list[Known] = []

    async def run(self) -> None:
        """Plan until both listings are through; hands units to `context.units`, and None at the end."""
        context = self._context
        follows = await follows_moves(context)
        await context.target_scanned.wait()
        if not (self._whole_first or follows):
            await self._flow()
        await context.source_scanned.wait()
        await self._cut()
        if follows:
            await replay_moves(context)
        await self._look_back()
        await self._pass(final=True, after=0)
        await self._cut()
        await self._judge()
        await context.units.put(None)

    async def _judge(self) -> None:
        """Now that it is known what is to be uploaded: is there room for it? Raises QuotaFull, unless it only plans."""
        context = self._context
        context.room.plan(-await context.ledger.run(work.unfinished_bytes, context.run.transfer_id))
        context.counts.free_bytes = await context.room.free()
        if not context.options.plan_only:
            context.room.check(context.counts.free_bytes)
        context.room.judged.set()

    async def _flow(self) -> None:
        context = self._context
        old, new = 0, context.marks.last_id
        while True:
            finished = context.source_scanned.is_set()
            context.more_scanned.clear()
            old = await self._pass(final=False, after=old, last=context.marks.last_id)
            new = await self._pass(final=False, after=new)
            if finished:
                return
            if not context.more_scanned.is_set():
                await self._cut()
            await context.more_scanned.wait()

    async def _pass(self, *, final: bool, after: int, last: int | None = None) -> int:
        """Decide on LISTED items above id `after`, up to id `last`; returns the last id that was decided on.

        Those that an earlier run left and this run's listing has not shown (yet) are no items of this run: the final
        pass leaves them out, any other ends before them.
        """
        context, more = self._context, True
        while more:
            page, after, more = await context.ledger.run(self._listed, final, after, last)
            decision = await context.ledger.run(self._decide, page, final)
            self.folders += decision.folders
            context.counts.needed_bytes += decision.needed
            context.room.plan(decision.needed)
            for one in decision.settled:
                context.watch.outcome(one.outcome)
            for known in decision.copy:
                await self._gather(known)
            if more and self._page_items < item_rows.PAGE:
                await self._cut()
                self._page_items = min(self._page_items * PAGE_GROWTH, item_rows.PAGE)
        return after

    def _listed(
        self, connection: Connection, final: bool, after: int, last: int | None
    ) -> tuple[list[Known], int, bool]:
        """In the ledger's thread: the next items to decide on, the id to go on after, and whether there may be more.

        What the listing showed is asked where it is written down, so that no item comes with outdated facts.
        """
        context = self._context
        shadows = final and self._shadows
        page = item_rows.to_decide(connection, context.run.transfer_id, after, shadows, self._page_items)
        shown = context.marks.at_source
        if final:
            return [known for known in page if shown(known.id)], page[-1].id if page else after, bool(page)
        ready = list(takewhile(lambda known: shown(known.id) and (last is None or known.id <= last), page))
        return ready, ready[-1].id if ready else after, bool(ready) and len(ready) == len(page)

    async def _gather(self, known: Known) -> None:
        alone = known.size >= UNIT_BYTES // 8
        if self._gathered and (alone or self._gathered_bytes + known.size > UNIT_BYTES):
            await self._cut()
        self._gathered.append(known)
        self._gathered_bytes += known.size
        counts = self._context.counts
        counts.planned += 1
        counts.planned_bytes += known.size
        if alone or len(self._gathered) >= UNIT_ITEMS:
            await self._cut()

    async def _cut(self) -> None:
        """Make a unit of what was gathered."""
        if not self._gathered:
            return
        context, gathered = self._context, self._gathered
        self._gathered, self._gathered_bytes = [], 0
        if context.options.plan_only:
            for known in gathered:
                action = "update" if known.done_target_revision is not None else "create"
                context.watch.tell("plan", action=action, path=known.path, target=known.target, bytes=known.size)
            return
        await context.units.put(await context.ledger.run(work.plan_unit, context.run.id, gathered))

    async def _look_back(self) -> None:
        """With both listings whole: what is not at the destination any more, and what is not at the source any more."""
        context, counts = self._context, self._context.counts
        if context.target_listing.complete:
            missing = context.marks.ids(Marks.SOURCE | Marks.UNCHANGED)
            while some := [item_id for _, item_id in zip(range(item_rows.PAGE), missing, strict=False)]:
                known = await context.ledger.run(item_rows.by_ids, some)
                counts.unchanged -= len(known)
                counts.unchanged_bytes -= sum(one.size for one in known)
                await context.ledger.run(item_rows.relist, some)
        if context.source_listing.complete and not context.options.plan_only:
            more, after = True, None
            while more:
                gone, after = await context.ledger.run(item_rows.vanish, context.run.transfer_id, context.marks, after)
                more = after is not None
                if not context.real_folders:  # there a folder is an item only while it is empty
                    gone = [known for known in gone if known.kind == Kind.FILE]
                await context.ledger.run(work.record_removed, context.run.id, gone)
                counts.removed_at_source += len(gone)
        if not context.options.accept_emptied:
            emptied, copied = await context.ledger.run(item_rows.emptied, context.run.transfer_id)
            if emptied >= EMPTIED_LEAST and emptied >= EMPTIED_SHARE * copied:
                raise MassAnomaly(f"{emptied} of {copied} files that had content are empty at the source now")

    def _decide(self, connection: Connection, page: list[Known], final: bool) -> Decision:
        """In the ledger's thread: decide on a page, and record at once what needs no copying."""
        decision = Decision()
        names: list[tuple[Known, str, str | None]] = []
        for known in self._ours(connection, page, decision, final):
            try:
                target, key = self._name(known)
            except NameRefused as error:
                other = offered(known.path, self._rules, folder=known.kind == Kind.FOLDER)
                decision.settled.append(failed(known, error, Side.DESTINATION, other))
                continue
            if final or not self._waits(known, target):
                names.append((known, target, key))
        self._place(connection, names, decision)
        if decision.forget:
            item_rows.forget_target(connection, decision.forget)
        if decision.settled:
            work.commit(connection, self._context.run.id, decision.settled, self._context.counts.as_json(), {})
        return decision

    def _ours(self, connection: Connection, page: list[Known], decision: Decision, final: bool) -> list[Known]:
        """The items of a page that are to be carried, as far as that can be told without the destination."""
        wanted = []
        for known in page:
            if (settled := self._refused(known)) is not None:
                decision.settled.append(settled)
            else:
                wanted.append(known)
        if not self._context.source.traits.shared_ids:
            return wanted
        wanted = self._with_others(connection, wanted, decision)
        return self._once(connection, wanted, decision, final)

    def _with_others(self, connection: Connection, wanted: list[Known], decision: Decision) -> list[Known]:
        """Without what another transfer of the migration carries."""
        context = self._context
        migration = context.options.migration_id
        if migration is None or context.options.plan_only:
            return wanted
        files = [known.id for known in wanted if known.kind == Kind.FILE and known.done_revision is None]
        carried = carriers.claim(connection, migration, context.run.transfer_id, files)
        for known in wanted:
            if (other := carried.get(known.id)) is not None:
                decision.settled.append(_settled(known, OutcomeKind.SKIPPED, *carried_with(other)))
        return [known for known in wanted if known.id not in carried]

    def _once(self, connection: Connection, wanted: list[Known], decision: Decision, final: bool) -> list[Known]:
        """Without what another place carries: of several at which one file lies, the one that was copied or seen first.

        Which those are is known at the end: until then, none of them is decided on once there are two.
        """
        files = [known for known in wanted if known.kind == Kind.FILE and known.done_target_revision is None]
        places = carriers.at_other_places(connection, [known.id for known in files])
        if not final:
            return [known for known in wanted if known.id not in places]
        others = item_rows.by_ids(connection, list({one for some in places.values() for one in some}))
        able = {one.id: one for one in others if self._context.marks.at_source(one.id) and self._may_carry(one)}
        carried = set[int]()
        for known in files:
            rivals = [able[one] for one in places.get(known.id, ()) if one in able]
            first = min((known, *rivals), key=lambda one: (one.done_target_revision is None, one.id))
            if first.id != known.id:
                carried.add(known.id)
                decision.settled.append(_settled(known, OutcomeKind.SKIPPED, *copied_at(first.path)))
        return [known for known in wanted if known.id not in carried]

    def _may_carry(self, known: Known) -> bool:
        """Whether nothing keeps an item from being copied, as far as that can be told from where it lies."""
        try:
            self._name(known)
        except NameRefused:
            return False
        return known.kind == Kind.FILE and self._refused(known) is None

    def _waits(self, known: Known, target: str) -> bool:
        """Whether the decision needs the whole listing of the source."""
        return known.kind != Kind.FILE or target != known.path or known.done_revision is not None

    def _refused(self, known: Known) -> Settled | None:
        """An outcome that stands without looking at the destination."""
        context = self._context
        item = Item(known.path, Kind(known.kind), known.size, known.modified_us)
        if (rule := context.options.filters.refuses(item, self._now_us)) is not None:
            return _settled(known, OutcomeKind.SKIPPED, "filter", rule, "Change the filters to copy it.")
        if (error := context.source_listing.folder_errors.get(known.path)) is not None:
            if isinstance(error, Gone):
                return _settled(known, OutcomeKind.GONE_AT_SOURCE, error.code, error.message, error.fix)
            return failed(known, error, Side.SOURCE)
        if known.kind == Kind.OTHER:
            return _settled(known, OutcomeKind.UNSUPPORTED, "not_a_file", *what_it_is(known.note))
        if known.size > context.target.traits.largest_file:
            limit = context.target.traits.largest_file
            return failed(known, TooLarge(f"{known.size} bytes; the destination takes {limit}"), Side.DESTINATION)
        return None

    def _name(self, known: Known) -> tuple[str, str | None]:
        """The item's path at the destination and, where names are folded or fitted, the key of collisions."""
        kept = known.chosen or known.done_revision is not None
        target = known.target if kept else None
        if target is None:
            target = naming.fit(known.path, self._rules, folder=known.kind == Kind.FOLDER).path
            if known.shadowed and known.kind == Kind.FILE:
                target = naming.with_suffix(target, 2, self._rules)
        key = naming.fold(target, self._rules) if self._folds or target != known.path else None
        return target, key

    def _place(self, connection: Connection, names: list[tuple[Known, str, str | None]], decision: Decision) -> None:
        """Resolve collisions, then compare with what the destination shows."""
        context = self._context
        placed: list[tuple[Known, str]] = []
        # A name that needs no fitting may be one that another item got: as a fitted one, or beside a stranger's file.
        aimed = item_rows.aimed(connection, context.run.transfer_id, [name for _, name, key in names if key is None])
        for known, name, key in names:
            free = key is None and aimed.get(name, known.id) == known.id
            try:
                target = name if free else self._free(connection, known, name)
            except NameRefused as error:
                decision.settled.append(failed(known, error, Side.DESTINATION))
                continue
            new = target != known.target or (known.chosen and known.done_revision is None)
            if not free and new:
                fitted = Fitted(known.id, target, naming.fold(target, self._rules))
                work.set_targets(connection, [fitted])
            placed.append((known if target == known.path else msgspec.structs.replace(known, target=target), target))
        there = at_destination.found_at(connection, context.run.id, [target for _, target in placed])
        for known, target in placed:
            self._compare(known, there.get(target), decision)

    def _free(self, connection: Connection, known: Known, target: str) -> str:
        """The first name, with (2), (3) ... if need be, that no other item of the transfer has."""
        transfer, number, candidate = self._context.run.transfer_id, 1, target
        while known.kind == Kind.FILE:
            if item_rows.holders(connection, transfer, candidate, naming.fold(candidate, self._rules)) <= {known.id}:
                break
            number += 1
            candidate = naming.with_suffix(target, number, self._rules)
        return candidate

    def _compare(self, known: Known, there: Item | None, decision: Decision) -> None:
        """Choose between copying, making a folder, and leaving a person's change at the destination alone."""
        if known.kind == Kind.FOLDER:
            decision.folders.append(known)
            return
        missing = known.done_target_revision is None
        if not missing:
            as_left = self._still_there(known) or (there is not None and there.revision == known.done_target_revision)
            same_source = known.revision is not None and known.revision == known.done_revision
            if same_source and as_left:
                outcome = Outcome(known.id, known.path, OutcomeKind.UNCHANGED, known.size)
                decision.settled.append(Settled(outcome, known.revision, known.done_target_revision))
                return
            if same_source and there is not None and (known.target or known.path).lower().endswith(self._rewrites):
                decision.copy.append(known)  # the destination may have rewritten it by itself: the two are compared
                return
            if same_source and there is not None:
                decision.settled.append(Settled(destination_changed(known)))
                return
            # Only a whole listing says that it is gone; a plan changes nothing that a run would go by.
            listed = self._context.target_listed and self._context.target_listing.complete
            missing = not as_left and listed
            if missing and not self._context.options.plan_only:
                decision.forget.append(known.id)
        if missing and there is None:
            decision.needed += known.size
        decision.copy.append(known)

    def _still_there(self, known: Known) -> bool:
        marks = self._context.marks
        return known.id <= marks.last_id and bool(marks.bits[known.id] & Marks.TARGET)


def _settled(known: Known, kind: OutcomeKind, code: str, message: str, fix: str) -> Settled:
    return Settled(Outcome(known.id, known.path, kind, known.size, code, message, fix))


def failed(known: Known, error: HaulageError, side: Side, other: str | None = None) -> Settled:
    """The outcome of an item that could not be brought over. other: a path that a person may be offered instead."""
    told, evidence = (error.code, error.message, error.fix, side), {} if other is None else {OFFERED: other}
    return Settled(Outcome(known.id, known.path, OutcomeKind.FAILED, known.size, *told, evidence=evidence))
