"""What Alembic runs: migrations on the connection that it is handed, all in one transaction."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy.types import TypeDecorator

from cloudsim.db import schema
from cloudsim.db.schema.base import for_postgresql


def render(kind: str, thing: Any, _: Any) -> Any:
    """Types of our own as what they are stored as, so that a migration stays what it is when they change."""
    if kind == "type" and isinstance(thing, TypeDecorator):
        return "sa.Text()"
    return False


for_postgresql()
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=schema.metadata,
    transactional_ddl=True,
    render_as_batch=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
