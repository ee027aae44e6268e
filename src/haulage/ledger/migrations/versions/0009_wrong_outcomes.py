"""What went wrong is found quickly among all outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """An index of few of the rows."""
    wrong = sa.text("outcome IN ('failed', 'changed_at_source', 'unsupported')")
    columns = ["run_id", "outcome", "code", "side"]
    op.create_index("outcomes_wrong", "outcomes", columns, sqlite_where=wrong)
