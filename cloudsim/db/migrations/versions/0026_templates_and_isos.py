"""templates and ISOs"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "download",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("due", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("server", sa.Text(), nullable=True),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("validator", sa.Text(), nullable=True),
        sa.Column("total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("received", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("begun", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ends", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["image_store.id"], name=op.f("fk_download_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download")),
    )
    with op.batch_alter_table("download", schema=None) as batch_op:
        batch_op.create_index("ix_download_due", ["due"], unique=False)
        batch_op.create_index(batch_op.f("ix_download_store_id"), ["store_id"], unique=False)
        batch_op.create_index("uq_download", ["kind", "row_id"], unique=True)

    op.create_table(
        "launch_permission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_launch_permission_account_id")),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_launch_permission_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_launch_permission")),
    )
    with op.batch_alter_table("launch_permission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_launch_permission_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_launch_permission_template_id"), ["template_id"], unique=False)
        batch_op.create_index("uq_launch_permission", ["template_id", "account_id"], unique=True)

    with op.batch_alter_table("image_store", schema=None) as batch_op:
        batch_op.add_column(sa.Column("directory", sa.Text(), nullable=True))

    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bits", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("for_cks", sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table("template_zone", schema=None) as batch_op:
        batch_op.add_column(sa.Column("path", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("error", sa.Text(), nullable=True))
