"""Where services' records of changes stood at the last whole listing, and by which ids a source knows its items."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Both are learned at the next run."""
    op.add_column("transfers", sa.Column("source_position", sa.Text(), nullable=True))
    op.add_column("transfers", sa.Column("destination_position", sa.Text(), nullable=True))
    op.add_column("items", sa.Column("source_id", sa.Text(), nullable=True))
    op.create_index(
        "items_source_id",
        "items",
        ["transfer_id", "source_id"],
        sqlite_where=sa.text("source_id IS NOT NULL"),
        postgresql_where=sa.text("source_id IS NOT NULL"),
    )
