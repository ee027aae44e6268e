"""Migrations of many users, and their transfers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """There is none yet."""
    op.create_table(
        "migrations",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("source_connector", ID, nullable=False),
        sa.Column("destination_connector", ID, nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["source_connector"], ["connectors.id"]),
        sa.ForeignKeyConstraint(["destination_connector"], ["connectors.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    alive = sa.text("ended_us IS NULL")
    op.create_index(
        "migrations_name", "migrations", ["name_key"], unique=True, sqlite_where=alive, postgresql_where=alive
    )
    op.create_table(
        "migration_rows",
        sa.Column("id", ID, nullable=False),
        sa.Column("migration_id", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("transfer_id", ID, nullable=True),
        sa.Column("scan_id", ID, nullable=True),
        sa.Column("refused_status", sa.SmallInteger(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"]),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"]),
        sa.ForeignKeyConstraint(["scan_id"], ["transfers.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("migration_id", "source", "destination"),
    )
    op.create_index("ix_migration_rows_migration_id", "migration_rows", ["migration_id"])
    op.create_index("ix_migration_rows_transfer_id", "migration_rows", ["transfer_id"])
