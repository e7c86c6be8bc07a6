"""Alembic's entrance: it is always handed a connection by `vault.migrations`."""

from alembic import context

from vault.migrations import metadatas, render_type

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadatas(),
    render_item=render_type,
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
