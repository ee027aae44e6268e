"""Alembic's entry: runs the migrations on the connection that the ledger hands over."""

from alembic import context

from haulage.ledger.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
