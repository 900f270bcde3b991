"""Security groups; addresses of shared networks are rows of their ranges."""

import ipaddress

import sqlalchemy as sa
from alembic import op

from cloudsim.core.ids import Ids

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "security_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_security_group_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_security_group_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_group")),
        sa.UniqueConstraint("uuid", name=op.f("uq_security_group_uuid")),
    )
    with op.batch_alter_table("security_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_security_group_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_security_group_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(
            "uq_security_group_name",
            ["account_id", "name"],
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        )

    op.create_table(
        "security_group_rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
        sa.Column("cidr", sa.Text(), nullable=True),
        sa.Column("allowed_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_security_group_rule_account_id")),
        sa.ForeignKeyConstraint(["allowed_id"], ["security_group.id"], name=op.f("fk_security_group_rule_allowed_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_security_group_rule_domain_id")),
        sa.ForeignKeyConstraint(["group_id"], ["security_group.id"], name=op.f("fk_security_group_rule_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_group_rule")),
        sa.UniqueConstraint("uuid", name=op.f("uq_security_group_rule_uuid")),
    )
    with op.batch_alter_table("security_group_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_security_group_rule_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_security_group_rule_allowed_id"), ["allowed_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_security_group_rule_domain_id"), ["domain_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_security_group_rule_group_id"), ["group_id"], unique=False)

    op.create_table(
        "security_group_pending",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_security_group_pending_vm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_group_pending")),
    )
    with op.batch_alter_table("security_group_pending", schema=None) as batch_op:
        batch_op.create_index("uq_security_group_pending", ["vm_id"], unique=True)

    op.create_table(
        "security_group_vm",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["security_group.id"], name=op.f("fk_security_group_vm_group_id")),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_security_group_vm_vm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_group_vm")),
    )
    with op.batch_alter_table("security_group_vm", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_security_group_vm_group_id"), ["group_id"], unique=False)
        batch_op.create_index("uq_security_group_vm", ["vm_id", "group_id"], unique=True)

    with op.batch_alter_table("public_ip", schema=None) as batch_op:
        batch_op.create_index("ix_public_ip_range", ["vlan_id", "state"], unique=False)

    _fill_ranges()


def _fill_ranges() -> None:
    """Gives each range of a shared network its addresses; those that machines have are given away."""
    bind, ids = op.get_bind(), Ids()
    bind.execute(
        sa.text(
            "UPDATE network SET state = 'Setup', broadcast_uri = coalesce(broadcast_uri, 'vlan://untagged')"
            " WHERE guest_type = 'Shared' AND removed IS NULL"
        )
    )
    bind.execute(
        sa.text("UPDATE vlan SET tag = 'vlan://' || tag WHERE type = 'DirectAttached' AND tag NOT LIKE 'vlan://%'")
    )
    ranges = bind.execute(
        sa.text(
            'SELECT v.id, v.zone_id, v.network_id, v.start, v."end", v.created FROM vlan v'
            " JOIN network n ON v.network_id = n.id"
            " WHERE n.guest_type = 'Shared' AND v.removed IS NULL AND v.type = 'DirectAttached'"
            " AND NOT EXISTS (SELECT 1 FROM public_ip p WHERE p.vlan_id = v.id)"
        )
    ).fetchall()
    for vlan_id, zone_id, network_id, start, end, created in ranges:
        cards = bind.execute(
            sa.text(
                "SELECT c.ip, m.account_id, m.domain_id, c.created FROM nic c JOIN vm m ON c.vm_id = m.id"
                " WHERE c.network_id = :network_id AND c.ip IS NOT NULL AND c.removed IS NULL"
            ),
            {"network_id": network_id},
        ).fetchall()
        held = {card[0]: card for card in cards}
        first, last = int(ipaddress.IPv4Address(start)), int(ipaddress.IPv4Address(end or start))
        for number in range(first, last + 1):
            address = str(ipaddress.IPv4Address(number))
            card = held.get(address)
            bind.execute(
                sa.text(
                    "INSERT INTO public_ip (uuid, created, address, zone_id, vlan_id, state, account_id, domain_id,"
                    " source_nat, static_nat, is_system, is_portable, display, allocated) VALUES (:uuid, :created,"
                    " :address, :zone_id, :vlan_id, :state, :account_id, :domain_id, :no, :no, :no, :no, :yes,"
                    " :allocated)"
                ),
                {
                    "uuid": ids.uuid(),
                    "created": created,
                    "address": address,
                    "zone_id": zone_id,
                    "vlan_id": vlan_id,
                    "state": "Free" if card is None else "Allocated",
                    "account_id": None if card is None else card[1],
                    "domain_id": None if card is None else card[2],
                    "no": False,
                    "yes": True,
                    "allocated": None if card is None else card[3],
                },
            )
