"""What a person may be offered for an item whose name the destination refused."""

from haulage.engine.context import Context
from haulage.ledger.items import Known
from haulage.model.errors import HaulageError, NameRefused
from haulage.model.item import Kind
from haulage.model.outcome import Side
from haulage.model.shortening import offered


def other_name(context: Context, known: Known, error: HaulageError, refused: str) -> str | None:
    """Another path, where that error says that the path `refused` is not taken, and there is one."""
    if not isinstance(error, NameRefused) or error.side == Side.SOURCE:
        return None
    return offered(known.path, context.target.traits.names, folder=known.kind == Kind.FOLDER, refused=refused)
