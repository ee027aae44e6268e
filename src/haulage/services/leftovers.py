"""Names of what is not finished yet, and how what a run could not remove any more is found by the next one."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable

from haulage.model.errors import HaulageError


class Leftovers:
    """Names hidden files and folders of whole writes; notes those in listings that an earlier run left there.

    A name bears a mark of its owner and one of this object, so what is under way is never taken for left. What nobody
    owns (a check by hand) is never found. Uploads in parts, which may be gone on with, have names of another kind.
    """

    def __init__(self) -> None:
        self._owner = ""
        self._ours = secrets.token_hex(3)
        self._found: set[str] = set()

    def belong_to(self, owner: str) -> None:
        """Whose is made from now on. Only one process at a time may write for an owner."""
        self._owner = hashlib.sha256(owner.encode()).hexdigest()[:12]

    def name(self, ending: str = "part") -> str:
        """A name that nobody can guess."""
        return f".haulage-{self._owner or secrets.token_hex(6)}{self._ours}{secrets.token_hex(7)}.{ending}"

    def saw(self, folder: str, name: str) -> None:
        """A listing of the folder showed that hidden name."""
        known, marks = self._owner, name.removeprefix(".haulage-")
        if known and marks.startswith(known) and marks[12:18] != self._ours and name.endswith((".part", ".probe")):
            self.note(folder, name)

    def note(self, folder: str, name: str) -> None:
        """It is left over."""
        self._found.add(f"{folder}/{name}" if folder else name)

    async def removed_by(self, remove: Callable[[str], Awaitable[object]]) -> None:
        """Have what was found removed, by its path. What is refused stays hidden; the next run finds it again."""
        found, self._found = sorted(self._found), set()
        for path in found:
            try:
                await remove(path)
            except HaulageError as error:
                if not error.item_only:
                    raise
