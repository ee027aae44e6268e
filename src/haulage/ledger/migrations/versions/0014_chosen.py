"""Names at the destination that a person chose."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Nobody has chosen any yet."""
    op.add_column("items", sa.Column("chosen", sa.SmallInteger(), nullable=True))
