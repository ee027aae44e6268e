"""Passes over migrations, their queues, and schedules of migrations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """None was made yet that is remembered."""
    op.create_table(
        "passes",
        sa.Column("id", ID, nullable=False),
        sa.Column("migration_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("server", sa.SmallInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("at_once", sa.Integer(), nullable=False),
        sa.Column("bandwidth", sa.BigInteger(), nullable=True),
        sa.Column("hours", sa.Text(), nullable=True),
        sa.Column("schedule_id", sa.BigInteger(), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_passes_migration_id", "passes", ["migration_id"])
    alive = sa.text("ended_us IS NULL")
    op.create_index("passes_open", "passes", ["migration_id"], sqlite_where=alive, postgresql_where=alive)
    op.create_table(
        "pass_rows",
        sa.Column("pass_id", sa.Integer(), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("crashes", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("pass_id", "row_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("pass_rows_queue", "pass_rows", ["pass_id", "status", "place"])
    op.create_index("pass_rows_row", "pass_rows", ["row_id"])
    op.add_column("schedules", sa.Column("migration_id", sa.BigInteger(), nullable=True))
    for column in ("row_ids", "kind", "hours"):
        op.add_column("schedules", sa.Column(column, sa.Text(), nullable=True))
