"""Folders that a drive has made itself: what lies in them is known without asking, until somebody else is seen."""

from collections import OrderedDict
from weakref import WeakValueDictionary

MOST_NAMES_KNOWN = 100_000


class Fresh:
    """One drive's new folders, by id, and which names are written there.

    Drives of one process know of each other: whoever comes upon a folder that another one has made ends its being new
    before writing there, so of two runs into one folder each sees what the other wrote.
    """

    def __init__(self) -> None:
        self._names: OrderedDict[str, dict[str, bool]] = OrderedDict()  # whether it was written once only
        self._known = 0

    def begin(self, folder_id: str) -> None:
        """A folder is about to be made, under an id that nobody else has."""
        self._names[folder_id] = {}
        _OWNERS[folder_id] = self

    def end(self, folder_id: str) -> None:
        """Somebody else may write there."""
        self._known -= len(self._names.pop(folder_id, ()))

    def writes(self, folder_id: str, name: str) -> None:
        """Something is about to be written under that name."""
        names = self._names.get(folder_id)
        if names is None:
            return
        self._known += name not in names
        names[name] = name not in names
        while self._known > MOST_NAMES_KNOWN:
            self.end(next(iter(self._names)))

    def alone(self, folder_id: str, name: str) -> bool:
        """Whether nothing else can have that name there. To be asked after what was written is there."""
        return self._names.get(folder_id, {}).get(name, False)

    def seen(self, folder_id: str) -> None:
        """This drive came upon a folder: if another drive has made it, that one is not alone there any more."""
        owner = _OWNERS.get(folder_id)
        if owner is not None and owner is not self:
            owner.end(folder_id)


_OWNERS: WeakValueDictionary[str, Fresh] = WeakValueDictionary()
