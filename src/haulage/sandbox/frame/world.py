"""What the simulated services of one sandbox have in common."""

from pathlib import Path

from haulage.sandbox.frame.clock import Clock
from haulage.sandbox.frame.contents import Contents
from haulage.sandbox.frame.faults import FaultPlan
from haulage.sandbox.frame.history import History
from haulage.sandbox.frame.ids import Ids
from haulage.sandbox.organisation.people import Organisation


class World:
    """Time, identifiers, bytes, history, faults, and the organisation that all services hold a part of."""

    def __init__(self, folder: Path, seed: int, users: int, clock: Clock | None = None) -> None:
        """folder: for the spool and the history; it is there already."""
        self.folder = folder
        self.seed = seed
        self.clock = clock or Clock()
        self.ids = Ids(seed)
        self.contents = Contents(folder, seed)
        self.history = History(folder)
        self.faults = FaultPlan(seed)
        self.organisation = Organisation(seed, users)

    def close(self) -> None:
        """Let go of the files."""
        self.history.close()
        self.contents.close()
