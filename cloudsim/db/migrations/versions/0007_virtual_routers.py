"""virtual routers"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "router",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_redundant", sa.Boolean(), nullable=False),
        sa.Column("redundant_state", sa.Text(), nullable=False),
        sa.Column("template_version", sa.Text(), nullable=True),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.Column("scripts_version", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_router_vm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_router")),
    )
    with op.batch_alter_table("network", schema=None) as batch_op:
        batch_op.add_column(sa.Column("router_ip", sa.Text(), nullable=True))

    with op.batch_alter_table("router", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_router_vm_id"), ["vm_id"], unique=False)
