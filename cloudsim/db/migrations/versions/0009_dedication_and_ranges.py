"""dedication and ranges"""

import sqlalchemy as sa
from alembic import op

from cloudsim.core.ids import Ids

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "portable_range",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("netmask", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("end", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portable_range")),
        sa.UniqueConstraint("uuid", name=op.f("uq_portable_range_uuid")),
    )
    op.create_table(
        "dedicated_resource",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("zone_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_dedicated_resource_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_dedicated_resource_domain_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_dedicated_resource_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dedicated_resource")),
        sa.UniqueConstraint("uuid", name=op.f("uq_dedicated_resource_uuid")),
    )
    with op.batch_alter_table("dedicated_resource", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dedicated_resource_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dedicated_resource_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dedicated_resource_zone_id"), ["zone_id"], unique=False)
        batch_op.create_index(
            "uq_dedicated_resource",
            ["kind", "place_id"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )

    op.create_table(
        "guest_range",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("physical_network_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_guest_range_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_guest_range_domain_id")),
        sa.ForeignKeyConstraint(
            ["physical_network_id"], ["physical_network.id"], name=op.f("fk_guest_range_physical_network_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_range")),
        sa.UniqueConstraint("uuid", name=op.f("uq_guest_range_uuid")),
    )
    with op.batch_alter_table("guest_range", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_guest_range_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_guest_range_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_guest_range_physical_network_id"), ["physical_network_id"], unique=False)

    op.create_table(
        "pod_ip",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pod_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_pod_ip_pod_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pod_ip")),
    )
    with op.batch_alter_table("pod_ip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pod_ip_pod_id"), ["pod_id"], unique=False)
        batch_op.create_index("uq_pod_ip", ["pod_id", "address"], unique=True)

    op.create_table(
        "storage_range",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("zone_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pod_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("netmask", sa.Text(), nullable=False),
        sa.Column("vlan", sa.Integer(), nullable=True),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("end", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_storage_range_pod_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_storage_range_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_range")),
        sa.UniqueConstraint("uuid", name=op.f("uq_storage_range_uuid")),
    )
    with op.batch_alter_table("storage_range", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_storage_range_pod_id"), ["pod_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_storage_range_zone_id"), ["zone_id"], unique=False)

    op.create_table(
        "portable_ip",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("range_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("zone_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("physical_network_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("network_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("allocated", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_portable_ip_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_portable_ip_domain_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_portable_ip_network_id")),
        sa.ForeignKeyConstraint(
            ["physical_network_id"], ["physical_network.id"], name=op.f("fk_portable_ip_physical_network_id")
        ),
        sa.ForeignKeyConstraint(["range_id"], ["portable_range.id"], name=op.f("fk_portable_ip_range_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_portable_ip_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portable_ip")),
    )
    with op.batch_alter_table("portable_ip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portable_ip_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_portable_ip_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_portable_ip_network_id"), ["network_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_portable_ip_physical_network_id"), ["physical_network_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_portable_ip_range_id"), ["range_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_portable_ip_zone_id"), ["zone_id"], unique=False)
        batch_op.create_index("uq_portable_ip", ["range_id", "address"], unique=True)

    with op.batch_alter_table("vnet", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.add_column(
            sa.Column("guest_range_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_vnet_guest_range_id"), ["guest_range_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_vnet_guest_range_id"), "guest_range", ["guest_range_id"], ["id"])
    _zones_of_domains()


def _zones_of_domains() -> None:
    """A zone that was made for a domain is dedicated to it from here on."""
    connection = op.get_bind()
    zones = connection.execute(
        sa.text("SELECT id, created, domain_id FROM zone WHERE domain_id IS NOT NULL AND removed IS NULL")
    )
    for zone_id, created, domain_id in zones.all():
        connection.execute(
            sa.text(
                "INSERT INTO dedicated_resource (uuid, created, kind, place_id, zone_id, domain_id)"
                " VALUES (:uuid, :created, 'Zone', :zone, :zone, :domain)"
            ),
            {"uuid": Ids().uuid(), "created": created, "zone": zone_id, "domain": domain_id},
        )
