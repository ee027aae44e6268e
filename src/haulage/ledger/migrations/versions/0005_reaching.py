"""How people are reached and known elsewhere, and with whom connectors are shared."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nobody has an address or another way of signing in yet, and nothing is shared."""
    for column in ("email", "issuer", "subject"):
        op.add_column("people", sa.Column(column, sa.Text(), nullable=True))
    op.create_index(
        "people_subject",
        "people",
        ["issuer", "subject"],
        unique=True,
        sqlite_where=sa.text("ended_us IS NULL AND subject IS NOT NULL"),
    )
    op.create_table(
        "shares",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "person_id"),
    )
