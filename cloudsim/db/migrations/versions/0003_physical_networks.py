"""Traffic types and network service providers have tables of their own."""

import json

import sqlalchemy as sa
from alembic import op

from cloudsim.core.ids import Ids

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ALIVE = sa.text("removed IS NULL")
#: What every physical network had, whether it was told or not.
PROVIDERS = {
    "VirtualRouter": ("router", "Vpn Dhcp Dns Gateway Firewall Lb UserData SourceNat StaticNat PortForwarding"),
    "VpcVirtualRouter": ("router", "Vpn Dhcp Dns Gateway NetworkACL Lb UserData SourceNat StaticNat PortForwarding"),
    "InternalLbVm": ("lb", "Lb"),
    "ConfigDrive": (None, "Dhcp Dns UserData"),
}


def resource(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    """A table of things with a uuid."""
    return op.create_table(
        name,
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("uuid", name=op.f(f"uq_{name}_uuid")),
    )


def upgrade() -> None:
    traffic = resource(
        "traffic_type",
        sa.Column("physical_network_id", BIG, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("vlan", sa.Text()),
        sa.Column("isolation_method", sa.Text()),
        sa.ForeignKeyConstraint(
            ["physical_network_id"], ["physical_network.id"], name=op.f("fk_traffic_type_physical_network_id")
        ),
    )
    op.create_index(op.f("ix_traffic_type_physical_network_id"), "traffic_type", ["physical_network_id"])
    op.create_index(
        "uq_traffic_type", "traffic_type", ["physical_network_id", "type"], unique=True, sqlite_where=ALIVE,
        postgresql_where=ALIVE,
    )  # fmt: skip
    providers = resource(
        "network_provider",
        sa.Column("physical_network_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("services", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["physical_network_id"], ["physical_network.id"], name=op.f("fk_network_provider_physical_network_id")
        ),
    )
    op.create_index(op.f("ix_network_provider_physical_network_id"), "network_provider", ["physical_network_id"])
    op.create_index(
        "uq_network_provider", "network_provider", ["physical_network_id", "name"], unique=True, sqlite_where=ALIVE,
        postgresql_where=ALIVE,
    )  # fmt: skip
    elements = resource(
        "provider_element",
        sa.Column("provider_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["network_provider.id"], name=op.f("fk_provider_element_provider_id")),
    )
    op.create_index(op.f("ix_provider_element_provider_id"), "provider_element", ["provider_id"])
    bind, ids = op.get_bind(), Ids()
    network = sa.table(
        "physical_network", sa.column("id", BIG), sa.column("created", BIG), sa.column("traffic_types", sa.Text)
    )
    for row in bind.execute(sa.select(network)).all():
        base = {"created": row.created, "removed": None}
        for name in json.loads(row.traffic_types or "[]"):
            bind.execute(
                traffic.insert().values(
                    uuid=ids.uuid(), physical_network_id=row.id, type=name, labels="{}", vlan=None,
                    isolation_method=None, **base,
                )
            )  # fmt: skip
        for name, (kind, services) in PROVIDERS.items():
            made = bind.execute(
                providers.insert()
                .values(
                    uuid=ids.uuid(), physical_network_id=row.id, name=name, state="Enabled",
                    services=json.dumps(services.split()), **base,
                )
                .returning(providers.c.id)
            ).scalar_one()  # fmt: skip
            if kind:
                bind.execute(
                    elements.insert().values(uuid=ids.uuid(), provider_id=made, kind=kind, enabled=True, **base)
                )
    with op.batch_alter_table("physical_network") as batch:
        batch.add_column(sa.Column("domain_id", BIG))
        batch.drop_column("traffic_types")
        batch.create_foreign_key(op.f("fk_physical_network_domain_id"), "domain", ["domain_id"], ["id"])
        batch.create_index(op.f("ix_physical_network_domain_id"), ["domain_id"])
