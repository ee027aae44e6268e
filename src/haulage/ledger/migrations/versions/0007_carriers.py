"""Which transfer of a migration carries what several of its users see."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """There is none yet."""
    op.create_table(
        "carriers",
        sa.Column("migration_id", ID, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("transfer_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"]),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"]),
        sa.PrimaryKeyConstraint("migration_id", "source_id"),
        sqlite_with_rowid=False,
    )
