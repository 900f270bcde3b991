"""Mappings of guest OS, roles of image stores, selectors, icons; a copy of a template names its store by its row."""

import sqlalchemy as sa
from alembic import op

from cloudsim.core.ids import Ids

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "hypervisor_capability",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hypervisor_capability")),
        sa.UniqueConstraint("uuid", name=op.f("uq_hypervisor_capability_uuid")),
    )
    op.create_table(
        "resource_icon",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("icon", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_icon")),
        sa.UniqueConstraint("resource_uuid", name=op.f("uq_resource_icon_resource_uuid")),
    )
    op.create_table(
        "guest_os_mapping",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("hypervisor", sa.Text(), nullable=False),
        sa.Column("hypervisor_version", sa.Text(), nullable=False),
        sa.Column("guest_os_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hypervisor_name", sa.Text(), nullable=False),
        sa.Column("user_defined", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["guest_os_id"], ["guest_os.id"], name=op.f("fk_guest_os_mapping_guest_os_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_os_mapping")),
        sa.UniqueConstraint("uuid", name=op.f("uq_guest_os_mapping_uuid")),
    )
    with op.batch_alter_table("guest_os_mapping", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_guest_os_mapping_guest_os_id"), ["guest_os_id"], unique=False)
        batch_op.create_index(
            "uq_guest_os_mapping",
            ["hypervisor", "hypervisor_version", "guest_os_id"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )

    op.create_table(
        "storage_selector",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("zone_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_storage_selector_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_selector")),
        sa.UniqueConstraint("uuid", name=op.f("uq_storage_selector_uuid")),
    )
    with op.batch_alter_table("storage_selector", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_storage_selector_zone_id"), ["zone_id"], unique=False)

    with op.batch_alter_table("guest_os_category", schema=None) as batch_op:
        batch_op.add_column(sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))

    with op.batch_alter_table("guest_os", schema=None) as batch_op:
        batch_op.add_column(sa.Column("short_name", sa.Text(), nullable=True))

    with op.batch_alter_table("image_store", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(length=16), nullable=False, server_default="Image"))
        batch_op.add_column(sa.Column("capacity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))

    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("userdata_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("userdata_policy", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_template_userdata_id"), ["userdata_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_template_userdata_id"), "user_data", ["userdata_id"], ["id"])

    with op.batch_alter_table("template_zone", schema=None) as batch_op:
        batch_op.add_column(sa.Column("store_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.create_index(batch_op.f("ix_template_zone_store_id"), ["store_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_template_zone_store_id"), "image_store", ["store_id"], ["id"])

    op.execute(
        "UPDATE template_zone SET store_id = (SELECT min(s.id) FROM image_store s"
        " WHERE s.url = template_zone.store AND s.removed IS NULL)"
    )
    with op.batch_alter_table("template_zone", schema=None) as batch_op:
        batch_op.drop_column("store")
    _mappings()


def _mappings() -> None:
    os = sa.table("guest_os", sa.column("id"), sa.column("name"), sa.column("created"), sa.column("removed"))
    found = op.get_bind().execute(sa.select(os.c.id, os.c.name, os.c.created).where(os.c.removed.is_(None)))
    ids = Ids()
    rows = [
        {
            "uuid": ids.uuid(),
            "created": row.created,
            "hypervisor": "Simulator",
            "hypervisor_version": "default",
            "guest_os_id": row.id,
            "hypervisor_name": row.name,
            "user_defined": False,
        }
        for row in found
    ]
    mapping = sa.table(
        "guest_os_mapping",
        *(
            sa.column(name)
            for name in (
                "uuid",
                "created",
                "hypervisor",
                "hypervisor_version",
                "guest_os_id",
                "hypervisor_name",
                "user_defined",
            )
        ),
    )
    if rows:
        op.bulk_insert(mapping, rows)
