"""Moving: what was moved or renamed at the source is moved at the destination too, and its bytes stay where they are.

Only what lies at the destination as we left it is touched, only to a free name, and only when both listings are whole.
Whatever cannot be moved so is copied like anything new, and what was there before stays.
"""

import asyncio

from haulage.engine.context import Context
from haulage.engine.sides import at_target
from haulage.ledger import at_destination, work
from haulage.ledger import items as item_rows
from haulage.ledger import moved as move_rows
from haulage.ledger.items import Marks
from haulage.ledger.moved import Below, Moved, Place
from haulage.ledger.store import Connection
from haulage.ledger.work import Settled
from haulage.model import naming
from haulage.model.errors import HaulageError, NameRefused
from haulage.model.item import Kind
from haulage.model.outcome import Outcome, OutcomeKind
from haulage.services.contract import Moves, MovesFolders

AT_ONCE = 16


async def follows_moves(context: Context) -> bool:
    """Whether there may be moves, which can be seen at the source and done at the destination.

    Nothing is copied then before they are done: it could be to where something is moved.
    """
    able = context.source.traits.lasting_ids and isinstance(context.target, Moves) and not context.options.plan_only
    return able and await context.ledger.run(move_rows.any_copied, context.run.transfer_id)


async def replay_moves(context: Context) -> None:
    """Do them, folders first, the uppermost before what was moved within it."""
    if not (context.source_listing.complete and context.target_listing.complete):
        return
    mover, tried = _Mover(context), set[int]()
    while isinstance(context.target, MovesFolders):
        folders = [one for one in await mover.moves() if one.kind == Kind.FOLDER and one.new_id not in tried]
        if not folders:
            break
        tried.add(folders[0].new_id)
        await mover.move_folder(context.target, folders[0])
    files = [one for one in await mover.moves() if one.kind == Kind.FILE and one.same]
    places = asyncio.Semaphore(AT_ONCE)

    async def move(one: Moved) -> None:
        async with places:
            await mover.move_file(one)

    async with asyncio.TaskGroup() as group:
        for one in files:
            group.create_task(move(one))


class _Mover:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._rules = context.target.traits.names

    async def moves(self) -> list[Moved]:
        context = self._context
        return await context.ledger.run(move_rows.moves, context.run.transfer_id, context.marks)

    async def move_file(self, moved: Moved) -> None:
        context, target = self._context, self._context.target
        to = await self._free_name(moved)
        if to is None or not isinstance(target, Moves):
            return
        revision: str | None = None
        try:
            revision = (await at_target(target.move(moved.old_target, to, moved.old_target_revision))).revision
        except HaulageError as error:
            if not error.item_only:
                raise
            if not await self._is_the_same_name(moved, to):
                return  # it is copied instead
            to = moved.old_target
        settled = Settled(self._outcome(moved, to), moved.revision, revision or moved.old_target_revision)
        await context.ledger.run(self._note, [self._place(moved.id, moved.new_id, moved.path, to)], settled)
        context.watch.outcome(settled.outcome)

    async def move_folder(self, target: MovesFolders, moved: Moved) -> None:
        to = await self._free_name(moved)
        if to is None:
            return
        try:
            await at_target(target.move_folder(moved.old_target, to))
        except HaulageError as error:
            if not error.item_only:
                raise
            return  # its files are moved one by one
        settled = Settled(self._outcome(moved, to), moved.revision or "", "folder")
        inside = await self._context.ledger.run(self._note_folder, moved, to, settled)
        self._context.watch.outcome(settled.outcome)
        self._context.counts.unchanged += len(inside)
        self._context.counts.unchanged_bytes += sum(one.size for one in inside)

    async def _free_name(self, moved: Moved) -> str | None:
        """The name at the destination, if nobody else has it; None: copying finds another."""
        try:
            to = naming.fit(moved.path, self._rules, folder=moved.kind == Kind.FOLDER).path
        except NameRefused:
            return None
        return to if await self._context.ledger.run(self._is_free, moved, to) else None

    async def _is_the_same_name(self, moved: Moved, to: str) -> bool:
        """Whether both spellings are one name at the destination, which keeps the first, and the file is there."""
        if naming.fold(to, self._rules) != naming.fold(moved.old_target, self._rules):
            return False
        there = await at_target(self._context.target.item(moved.old_target))
        return there is not None and there.revision == moved.old_target_revision

    def _is_free(self, connection: Connection, moved: Moved, to: str) -> bool:
        run, key = self._context.run, naming.fold(to, self._rules)
        ours = item_rows.holders(connection, run.transfer_id, to, key) <= {moved.id, moved.new_id}
        return ours and not at_destination.found_at(connection, run.id, [to])

    def _place(self, item_id: int, new_id: int, path: str, target: str) -> Place:
        key = naming.fold(target, self._rules)
        return Place(item_id, new_id, target if target != path else None, key)

    def _outcome(self, moved: Moved, to: str) -> Outcome:
        message = f"it was {moved.before!r} at the source before, and was moved at the destination too"
        if to == moved.old_target:
            message = f"it was {moved.before!r} at the source before; the destination takes both for one name"
        target = to if to != moved.path else None
        return Outcome(moved.id, moved.path, OutcomeKind.MOVED, moved.size, None, message, target=target)

    def _note(self, connection: Connection, places: list[Place], settled: Settled) -> None:
        """In the ledger's thread: the item and what was done to it are of the new path from now on."""
        context = self._context
        move_rows.follow(connection, places)
        for place in places:
            context.marks.bits[place.id] = Marks.SOURCE | Marks.TARGET
        work.commit(connection, context.run.id, [settled], context.counts.as_json(), {})

    def _note_folder(self, connection: Connection, moved: Moved, to: str, settled: Settled) -> list[Below]:
        """Likewise, with all that lies in it: what is not listed below it any more lies there all the same.

        Returns what needs nothing more, since it has the content that was copied.
        """
        marks = self._context.marks
        inside = move_rows.below(connection, self._context.run.transfer_id, moved.before, moved.path)
        inside = [one for one in inside if one.target.startswith(f"{moved.old_target}/")]
        lies = {one.id: to + one.target.removeprefix(moved.old_target) for one in inside}
        move_rows.retarget(connection, [(one.id, lies[one.id]) for one in inside if one.new_id is None])
        places = [self._place(moved.id, moved.new_id, moved.path, to)]
        for one in inside:
            if one.new_id is not None and one.new_path is not None:
                places.append(self._place(one.id, one.new_id, one.new_path, lies[one.id]))
        self._note(connection, places, settled)
        done = [one for one in inside if one.unchanged]
        move_rows.still_done(connection, [one.id for one in done])
        for one in done:
            marks.bits[one.id] |= Marks.UNCHANGED
        return done
