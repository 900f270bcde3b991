"""projects, resource limits, second factors"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "resource_limit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner_type", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("max", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_limit")),
        sa.UniqueConstraint(
            "owner_type", "owner_id", "type", "tag", name=op.f("uq_resource_limit_owner_type_owner_id_type_tag")
        ),
    )
    op.create_table(
        "project",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_text", sa.Text(), nullable=True),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_project_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_project_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("uuid", name=op.f("uq_project_uuid")),
    )
    with op.batch_alter_table("project", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(
            "uq_project_name",
            ["domain_id", "name"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )

    op.create_table(
        "login_failure",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_login_failure_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_login_failure")),
    )
    op.create_table(
        "project_role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_role_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_role")),
        sa.UniqueConstraint("uuid", name=op.f("uq_project_role_uuid")),
    )
    with op.batch_alter_table("project_role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_role_project_id"), ["project_id"], unique=False)
        batch_op.create_index(
            "uq_project_role_name",
            ["project_id", "name"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )

    op.create_table(
        "project_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("project_role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_project_account_account_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_account_project_id")),
        sa.ForeignKeyConstraint(
            ["project_role_id"], ["project_role.id"], name=op.f("fk_project_account_project_role_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_project_account_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_account")),
    )
    with op.batch_alter_table("project_account", schema=None) as batch_op:
        batch_op.create_index("ix_project_account", ["project_id", "account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_account_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_account_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_account_project_role_id"), ["project_role_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_account_user_id"), ["user_id"], unique=False)

    op.create_table(
        "project_invitation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("project_role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_project_invitation_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_project_invitation_domain_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_invitation_project_id")),
        sa.ForeignKeyConstraint(
            ["project_role_id"], ["project_role.id"], name=op.f("fk_project_invitation_project_role_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_project_invitation_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_invitation")),
        sa.UniqueConstraint("uuid", name=op.f("uq_project_invitation_uuid")),
    )
    with op.batch_alter_table("project_invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_invitation_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_invitation_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_invitation_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_invitation_project_role_id"), ["project_role_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_invitation_user_id"), ["user_id"], unique=False)

    op.create_table(
        "project_role_permission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("project_role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_role_permission_project_id")),
        sa.ForeignKeyConstraint(
            ["project_role_id"], ["project_role.id"], name=op.f("fk_project_role_permission_project_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_role_permission")),
        sa.UniqueConstraint("uuid", name=op.f("uq_project_role_permission_uuid")),
    )
    with op.batch_alter_table("project_role_permission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_role_permission_project_id"), ["project_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_project_role_permission_project_role_id"), ["project_role_id"], unique=False
        )

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("api_key_access", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("project_uuid", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("project_name", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("needs_cleanup", sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("verified", sa.Boolean(), nullable=False, server_default=sa.true()))

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("api_key_access", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("two_factor", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("two_factor_secret", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("two_factor_verified", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("two_factor_mandated", sa.Boolean(), nullable=False, server_default=sa.false()))
