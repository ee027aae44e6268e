"""How the newest run of each transfer stands, in numbers that a large table sorts and adds up."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBERS = {
    "files": ("successful", "unchanged"),
    "files_failed": ("failed", "changed_at_source"),
    "files_unsupported": ("unsupported",),
    "files_skipped": ("skipped",),
    "data": ("successful_bytes", "unchanged_bytes"),
    "data_failed": (),
    "data_unsupported": (),
    "data_skipped": (),
    "listed": ("listed",),
    "listed_bytes": ("listed_bytes",),
    "sent_bytes": ("sent_bytes",),
}
"""From which of a run's counters; what was not counted before is nothing."""


def upgrade() -> None:
    """Those of all runs that there are."""
    op.create_table(
        "standings",
        sa.Column("transfer_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in NUMBERS),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"]),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.PrimaryKeyConstraint("transfer_id", "kind"),
        sqlite_with_rowid=False,
    )
    open_ones = sa.text("ended_us IS NULL")
    op.create_index("standings_open", "standings", ["transfer_id"], sqlite_where=open_ones, postgresql_where=open_ones)
    op.create_index("ix_migration_rows_scan_id", "migration_rows", ["scan_id"])
    sums = [
        " + ".join([f"coalesce(json_extract(counts, '$.{one}'), 0)" for one in parts] or ["0"])
        for parts in NUMBERS.values()
    ]
    known = "transfer_id, kind, id, status, started_us, ended_us"
    newest = "SELECT max(id) FROM runs GROUP BY transfer_id, kind"
    op.execute(f"INSERT INTO standings SELECT {known}, {', '.join(sums)} FROM runs WHERE id IN ({newest})")  # noqa: S608 - constants
