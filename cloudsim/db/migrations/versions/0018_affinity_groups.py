"""affinity groups"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "affinity_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("acl_type", sa.Text(), nullable=False),
        sa.Column("subdomain_access", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_affinity_group_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_affinity_group_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affinity_group")),
        sa.UniqueConstraint("uuid", name=op.f("uq_affinity_group_uuid")),
    )
    with op.batch_alter_table("affinity_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_affinity_group_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_affinity_group_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(
            "uq_affinity_group_name",
            ["account_id", "domain_id", "name"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )

    op.create_table(
        "affinity_group_vm",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["affinity_group.id"], name=op.f("fk_affinity_group_vm_group_id")),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_affinity_group_vm_vm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affinity_group_vm")),
    )
    with op.batch_alter_table("affinity_group_vm", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_affinity_group_vm_group_id"), ["group_id"], unique=False)
        batch_op.create_index("uq_affinity_group_vm", ["vm_id", "group_id"], unique=True)

    with op.batch_alter_table("dedicated_resource", schema=None) as batch_op:
        batch_op.add_column(sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.create_index(batch_op.f("ix_dedicated_resource_group_id"), ["group_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_dedicated_resource_group_id"), "affinity_group", ["group_id"], ["id"]
        )

    with op.batch_alter_table("vm", schema=None) as batch_op:
        batch_op.add_column(sa.Column("in_affinity_groups", sa.Boolean(), nullable=True))

    _groups_of_dedications()


def _groups_of_dedications() -> None:
    """Each account and each domain that places are kept for has a group for the machines that go there."""
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT d.account_id, d.domain_id, a.name AS account, o.name AS domain,"
            " min(d.uuid) AS uuid, min(d.created) AS created"
            " FROM dedicated_resource d LEFT JOIN account a ON d.account_id = a.id JOIN domain o ON d.domain_id = o.id"
            " WHERE d.removed IS NULL GROUP BY d.account_id, d.domain_id, a.name, o.name"
            " ORDER BY d.domain_id, d.account_id"
        )
    ).all()
    for account_id, domain_id, account, domain, uuid, created in found:
        connection.execute(
            sa.text(
                "INSERT INTO affinity_group (uuid, created, removed, name, description, type, account_id, domain_id,"
                " acl_type, subdomain_access) SELECT :uuid, :now, NULL, :name, 'dedicated resources group',"
                " 'ExplicitDedication', coalesce(:account_id, min(s.id)), :domain_id, :acl, :below"
                " FROM account s WHERE s.name = 'system' AND s.is_default"
                " HAVING coalesce(:account_id, min(s.id)) IS NOT NULL"
            ).bindparams(sa.bindparam("account_id", type_=sa.BigInteger()), sa.bindparam("below", type_=sa.Boolean())),
            {
                "uuid": uuid,
                "now": created,
                "name": f"DedicatedGrp-{account}" if account_id is not None else f"DedicatedGrp-domain-{domain}",
                "account_id": account_id,
                "domain_id": domain_id,
                "acl": "Account" if account_id is not None else "Domain",
                "below": account_id is None,
            },
        )
    connection.execute(
        sa.text(
            "UPDATE dedicated_resource SET group_id = (SELECT g.id FROM affinity_group g"
            " WHERE g.type = 'ExplicitDedication' AND g.domain_id = dedicated_resource.domain_id"
            " AND ((dedicated_resource.account_id IS NULL AND g.acl_type = 'Domain')"
            " OR g.acl_type = 'Account' AND g.account_id = dedicated_resource.account_id)) WHERE removed IS NULL"
        )
    )
