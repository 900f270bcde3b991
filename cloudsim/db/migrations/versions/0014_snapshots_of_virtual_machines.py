"""snapshots of virtual machines"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "vm_snapshot",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("vm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("update_count", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("quiesced", sa.Boolean(), nullable=False),
        sa.Column("service_offering_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cpu", sa.Integer(), nullable=False),
        sa.Column("speed", sa.Integer(), nullable=False),
        sa.Column("memory", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_vm_snapshot_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_vm_snapshot_domain_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["vm_snapshot.id"], name=op.f("fk_vm_snapshot_parent_id")),
        sa.ForeignKeyConstraint(
            ["service_offering_id"], ["service_offering.id"], name=op.f("fk_vm_snapshot_service_offering_id")
        ),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_vm_snapshot_vm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vm_snapshot")),
        sa.UniqueConstraint("uuid", name=op.f("uq_vm_snapshot_uuid")),
    )
    with op.batch_alter_table("vm_snapshot", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vm_snapshot_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vm_snapshot_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vm_snapshot_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vm_snapshot_service_offering_id"), ["service_offering_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vm_snapshot_vm_id"), ["vm_id"], unique=False)
