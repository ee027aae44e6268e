"""Copies of documents that Google makes itself: they stay documents, which no download could bring (Q18)."""

from urllib.parse import quote

from haulage.model.errors import Conflict, Denied, Gone, OutcomeUnknown, Transient
from haulage.services.google.calls import Calls
from haulage.services.google.files import FIELDS, File, time_us
from haulage.services.google.names import chosen
from haulage.services.google.refusals import COPY
from haulage.services.google.tree import Tree

MOMENT_US = 5_000_000
OF, AT = "haulageOf", "haulageAt"  # appProperties: only the application that made them sees them


class Copies:
    """Copies documents into one tree."""

    def __init__(self, calls: Calls, tree: Tree) -> None:
        self._calls = calls
        self._tree = tree

    async def made(self, found: File, path: str, there: File | None, *, absent: bool) -> File | None:
        """A copy of the document `found` at the path; what it takes the place of goes to the trash.

        None where Google makes none: the account that writes here cannot read it, or its owner forbids copies. A
        document takes no id of our choice, so each copy is marked, and one whose answer was lost is found again.
        Raises Conflict, OutcomeUnknown.
        """
        above, _, part = path.rpartition("/")
        exports, name = self._tree.exports, self._tree.exports.name(part, found.mime_type)
        if exports.part(name, found.mime_type) != part or (there is not None and not there.is_native):
            return None
        marks = {OF: found.id, AT: found.modified or ""}
        if there is not None and marks.items() <= there.marks.items():
            return await self._timed(there, found) if _as_made(there) else there
        if there is not None and absent:
            raise Conflict(f"{path}: something is there already")
        folder_id = await self._tree.ensure(above)
        self._tree.fresh.writes(folder_id, part)
        facts: dict[str, object] = {"name": name, "parents": [folder_id], "appProperties": marks}
        earlier = None if there is None else await self._earlier(path, marks, there)
        made = earlier or await self._copy(found, facts, path, there)
        if made is None:
            return None
        if there is not None:
            await self._tree.trash(there.id)
        first = chosen(part, await self._tree.lookups.named(folder_id, part), exports)
        if first is not None and first.id != made.id:
            await self._tree.remove(made.id)
            raise Conflict(f"{path}: something is there already")
        return await self._timed(made, found)

    async def _timed(self, made: File, found: File) -> File:
        """The copy, with the time of what it is a copy of."""
        modified = time_us(found.modified)
        return made if modified in (None, time_us(made.modified)) else await self._tree.set_time(made.id, modified or 0)

    async def _copy(self, found: File, facts: dict[str, object], path: str, there: File | None) -> File | None:
        where = f"files/{quote(found.id, safe='')}/copy"
        try:
            return await self._calls.send(COPY, "POST", where, {"fields": FIELDS}, facts, File, repeatable=False)
        except (Denied, Gone):
            return None
        except OutcomeUnknown as error:
            if (made := await self._earlier(path, facts["appProperties"], there)) is not None:
                return made
            raise Transient(f"the copy was not made ({error.message})") from error

    async def _earlier(self, path: str, marks: object, there: File | None) -> File | None:
        """The same copy, where it was made already, and what it takes the place of still stands beside it."""
        named = await self._tree.same_named(path)
        return next((one for one in named if one.marks == marks and (there is None or one.id != there.id)), None)


def _as_made(copy: File) -> bool:
    """Whether a copy has the time at which it was made: the run that made it ended before it set another."""
    created, modified = time_us(copy.created), time_us(copy.modified)
    return created is not None and modified is not None and 0 <= modified - created < MOMENT_US
