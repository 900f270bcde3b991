"""system virtual machines"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "system_nic",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("vm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pod_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("public_ip_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("netmask", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("vlan", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_system_nic_pod_id")),
        sa.ForeignKeyConstraint(["public_ip_id"], ["public_ip.id"], name=op.f("fk_system_nic_public_ip_id")),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_system_nic_vm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system_nic")),
        sa.UniqueConstraint("uuid", name=op.f("uq_system_nic_uuid")),
    )
    with op.batch_alter_table("system_nic", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_system_nic_pod_id"), ["pod_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_system_nic_public_ip_id"), ["public_ip_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_system_nic_vm_id"), ["vm_id"], unique=False)
        batch_op.create_index(
            "uq_system_nic_ip",
            ["pod_id", "ip"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )
        batch_op.create_index(
            "uq_system_nic_mac",
            ["mac"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )

    with op.batch_alter_table("vm", schema=None) as batch_op:
        batch_op.add_column(sa.Column("type", sa.String(length=32), nullable=False, server_default="User"))
        batch_op.add_column(
            sa.Column("network_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_vm_network_id"), ["network_id"], unique=False)
        batch_op.create_index("ix_vm_type", ["type", "zone_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_vm_network_id"), "network", ["network_id"], ["id"])

    with op.batch_alter_table("volume", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_system", sa.Boolean(), nullable=False, server_default=sa.false()))
