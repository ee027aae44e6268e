"""Copies of documents that Google makes itself: they stay documents, which no download could bring (Q18)."""

from urllib.parse import quote

from haulage.model.errors import Conflict, Denied, Gone, OutcomeUnknown, Transient
from haulage.services.google.calls import Calls
from haulage.services.google.files import FIELDS, File, time_us
from haulage.services.google.names import chosen
from haulage.services.google.refusals import COPY
from haulage.services.google.tree import Tree

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
            return there
        if there is not None and absent:
            raise Conflict(f"{path}: something is there already")
        folder_id = await self._tree.ensure(above)
        self._tree.fresh.writes(folder_id, part)
        made = await self._copy(found, {"name": name, "parents": [folder_id], "appProperties": marks}, path, there)
        if made is None:
            return None
        if there is not None:
            await self._tree.trash(there.id)
        first = chosen(part, await self._tree.lookups.named(folder_id, part), exports)
        if first is not None and first.id != made.id:
            await self._tree.remove(made.id)
            raise Conflict(f"{path}: something is there already")
        modified = time_us(found.modified)
        return made if modified is None else await self._tree.set_time(made.id, modified)

    async def _copy(self, found: File, facts: dict[str, object], path: str, there: File | None) -> File | None:
        where = f"files/{quote(found.id, safe='')}/copy"
        try:
            return await self._calls.send(COPY, "POST", where, {"fields": FIELDS}, facts, File, repeatable=False)
        except (Denied, Gone):
            return None
        except OutcomeUnknown as error:
            for one in await self._tree.same_named(path):
                if facts["appProperties"] == one.marks and (there is None or one.id != there.id):
                    return one
            raise Transient(f"the copy was not made ({error.message})") from error
