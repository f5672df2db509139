"""Runs migrations on the connection that `store.schema` hands over; alembic loads it by path."""

from alembic import context

from cds_service.store.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # The caller has begun the transaction that holds all steps together.
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
