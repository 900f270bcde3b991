"""high availability of virtual machines"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "ha_work",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("host_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ha_work")),
        sa.UniqueConstraint("vm_id", name=op.f("uq_ha_work_vm_id")),
    )
    with op.batch_alter_table("ha_work", schema=None) as batch_op:
        batch_op.create_index("ix_ha_work_due", ["due"], unique=False)

    with op.batch_alter_table("host", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fencing", sa.Boolean(), nullable=False, server_default=sa.false()))
