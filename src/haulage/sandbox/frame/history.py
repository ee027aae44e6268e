"""Everything that happened, on disk: each call, what it changed, and what it let its caller see."""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

RECENT = 500

ChangeKind = Literal[
    "create", "content", "rename", "move", "trash", "restore", "delete", "metadata", "permission", "copy", "account"
]


class Change(msgspec.Struct, omit_defaults=True, gc=False):
    """What a call did to one item. From it the state of every item at every instant can be told.

    item: the service's own id. drive: whose tree (an account or library). path: of the item after the change, by
    names. version: the service's own id of the version. content: the key of its bytes, "" for what has none.
    """

    kind: ChangeKind
    item: str
    drive: str = ""
    path: str = ""
    version: str = ""
    content: str = ""
    size: int = 0


class Sight(msgspec.Struct, omit_defaults=True, gc=False):
    """What a call let its caller see of an item. start, stop: of the bytes that were sent; both 0: facts only."""

    item: str
    version: str = ""
    content: str = ""
    size: int = 0
    start: int = 0
    stop: int = 0


class Event(msgspec.Struct, omit_defaults=True):
    """One call. time: Unix seconds by the sandbox's clock. actor: who was signed in; scope: whose budget it used.

    early: it came for a scope that had been asked to wait longer. units: what it cost of the budget.
    """

    number: int
    time: float
    service: str
    operation: str
    method: str
    host: str
    path: str
    agent: str = ""
    actor: str = ""
    status: int = 0
    received: int = 0
    sent: int = 0
    scope: str = ""
    units: float = 0
    retry_after: float = 0
    early: bool = False
    fault: str = ""
    error: str = ""
    changes: list[Change] = []
    sights: list[Sight] = []


class History:
    """The events, one JSON line each, in the order in which their answers were complete."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "history.jsonl"
        self._file: BinaryIO = self._path.open("ab")
        self._encoder = msgspec.json.Encoder()
        self.recent: deque[Event] = deque(maxlen=RECENT)
        self.count = sum(1 for _ in self._lines())
        self.begun = self.count

    def close(self) -> None:
        """Write what is still buffered, and let go of the file."""
        self._file.close()

    def begin(self) -> int:
        """The number of a call that begins now."""
        self.begun += 1
        return self.begun

    def add(self, event: Event) -> None:
        """Keep an event that is over."""
        self.count += 1
        self.recent.append(event)
        self._file.write(self._encoder.encode(event) + b"\n")

    def _lines(self) -> Iterator[bytes]:
        self._file.flush()
        with self._path.open("rb") as file:
            yield from file

    def events(self, wanted: Callable[[Event], bool] = lambda _: True, after: int = 0) -> Iterator[Event]:
        """The events that are wanted, in order, those with a number above `after`."""
        decoder = msgspec.json.Decoder(Event)
        for line in self._lines():
            event = decoder.decode(line)
            if event.number > after and wanted(event):
                yield event
