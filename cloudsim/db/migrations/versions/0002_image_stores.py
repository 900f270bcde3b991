"""Secondary storage has a table of its own; the stores that templates lie on become rows of it."""

import sqlalchemy as sa
from alembic import op

from cloudsim.core.ids import Ids

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    made = op.create_table(
        "image_store",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("zone_id", BIG),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_image_store_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_store")),
        sa.UniqueConstraint("uuid", name=op.f("uq_image_store_uuid")),
    )
    op.create_index(op.f("ix_image_store_zone_id"), "image_store", ["zone_id"])
    placed = sa.table("template_zone", sa.column("zone_id"), sa.column("store"), sa.column("created"))
    found = op.get_bind().execute(
        sa.select(placed.c.zone_id, placed.c.store, sa.func.min(placed.c.created).label("created"))
        .where(placed.c.store.is_not(None))
        .group_by(placed.c.zone_id, placed.c.store)
        .order_by(placed.c.zone_id)
    )
    ids = Ids()
    rows = [
        {
            "uuid": ids.uuid(),
            "created": row.created,
            "name": row.store,
            "url": row.store,
            "protocol": row.store.partition(":")[0],
            "provider": row.store.partition(":")[0].upper(),
            "scope": "ZONE",
            "zone_id": row.zone_id,
            "read_only": False,
        }
        for row in found
    ]
    if rows:
        op.bulk_insert(made, rows)
