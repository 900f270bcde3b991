"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "configuration",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("scope_id", BIG, nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("updated", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", "scope", "scope_id", name=op.f("pk_configuration")),
    )
    op.create_table(
        "detail",
        sa.Column("id", BIG, nullable=False),
        sa.Column("resource_type", sa.String(length=64), nullable=False),
        sa.Column("resource_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detail")),
        sa.UniqueConstraint(
            "resource_type", "resource_id", "name", name=op.f("uq_detail_resource_type_resource_id_name")
        ),
    )
    op.create_table(
        "disk_offering",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_text", sa.Text(), nullable=True),
        sa.Column("size", BIG, nullable=False),
        sa.Column("customized", sa.Boolean(), nullable=False),
        sa.Column("customized_iops", sa.Boolean(), nullable=False),
        sa.Column("storage_type", sa.Text(), nullable=False),
        sa.Column("provisioning", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.Column("encrypt", sa.Boolean(), nullable=False),
        sa.Column("size_strict", sa.Boolean(), nullable=False),
        sa.Column("cache_mode", sa.Text(), nullable=True),
        sa.Column("min_iops", BIG, nullable=True),
        sa.Column("max_iops", BIG, nullable=True),
        sa.Column("bytes_read_rate", BIG, nullable=True),
        sa.Column("bytes_read_rate_max", BIG, nullable=True),
        sa.Column("bytes_read_rate_max_length", BIG, nullable=True),
        sa.Column("bytes_write_rate", BIG, nullable=True),
        sa.Column("bytes_write_rate_max", BIG, nullable=True),
        sa.Column("bytes_write_rate_max_length", BIG, nullable=True),
        sa.Column("iops_read_rate", BIG, nullable=True),
        sa.Column("iops_read_rate_max", BIG, nullable=True),
        sa.Column("iops_read_rate_max_length", BIG, nullable=True),
        sa.Column("iops_write_rate", BIG, nullable=True),
        sa.Column("iops_write_rate_max", BIG, nullable=True),
        sa.Column("iops_write_rate_max_length", BIG, nullable=True),
        sa.Column("hypervisor_snapshot_reserve", sa.Integer(), nullable=True),
        sa.Column("vsphere_storage_policy", sa.Text(), nullable=True),
        sa.Column("domain_ids", sa.Text(), nullable=False),
        sa.Column("zone_ids", sa.Text(), nullable=False),
        sa.Column("compute_only", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disk_offering")),
        sa.UniqueConstraint("uuid", name=op.f("uq_disk_offering_uuid")),
    )
    op.create_table(
        "domain",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", BIG, nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("network_domain", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["domain.id"], name=op.f("fk_domain_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain")),
        sa.UniqueConstraint("uuid", name=op.f("uq_domain_uuid")),
    )
    op.create_index(op.f("ix_domain_parent_id"), "domain", ["parent_id"], unique=False)
    op.create_index("ix_domain_path", "domain", ["path"], unique=False)
    op.create_table(
        "guest_os_category",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("featured", sa.Boolean(), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("sort_key", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_os_category")),
        sa.UniqueConstraint("uuid", name=op.f("uq_guest_os_category_uuid")),
    )
    op.create_table(
        "host_capacity",
        sa.Column("host_id", BIG, autoincrement=False, nullable=False),
        sa.Column("cpu_used", BIG, nullable=False),
        sa.Column("memory_used", BIG, nullable=False),
        sa.Column("machines", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_host_capacity")),
    )
    op.create_table(
        "job_step",
        sa.Column("job_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("created", BIG, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_job_step")),
    )
    op.create_table(
        "role",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("uuid", name=op.f("uq_role_uuid")),
    )
    op.create_table(
        "guest_os",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("category_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_defined", sa.Boolean(), nullable=False),
        sa.Column("for_display", sa.Boolean(), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.ForeignKeyConstraint(["category_id"], ["guest_os_category.id"], name=op.f("fk_guest_os_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_os")),
        sa.UniqueConstraint("uuid", name=op.f("uq_guest_os_uuid")),
    )
    op.create_index(op.f("ix_guest_os_category_id"), "guest_os", ["category_id"], unique=False)
    op.create_table(
        "role_permission",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("role_id", BIG, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_role_permission_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_permission")),
        sa.UniqueConstraint("uuid", name=op.f("uq_role_permission_uuid")),
    )
    op.create_index(op.f("ix_role_permission_role_id"), "role_permission", ["role_id"], unique=False)
    op.create_table(
        "service_offering",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_text", sa.Text(), nullable=True),
        sa.Column("cpu_number", sa.Integer(), nullable=True),
        sa.Column("cpu_speed", sa.Integer(), nullable=True),
        sa.Column("memory", sa.Integer(), nullable=True),
        sa.Column("disk_offering_id", BIG, nullable=False),
        sa.Column("disk_offering_strictness", sa.Boolean(), nullable=False),
        sa.Column("host_tags", sa.Text(), nullable=True),
        sa.Column("offer_ha", sa.Boolean(), nullable=False),
        sa.Column("limit_cpu_use", sa.Boolean(), nullable=False),
        sa.Column("is_volatile", sa.Boolean(), nullable=False),
        sa.Column("dynamic_scaling", sa.Boolean(), nullable=False),
        sa.Column("is_system", sa.Boolean(), nullable=False),
        sa.Column("system_vm_type", sa.Text(), nullable=True),
        sa.Column("deployment_planner", sa.Text(), nullable=True),
        sa.Column("network_rate", sa.Integer(), nullable=True),
        sa.Column("root_disk_size", BIG, nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("domain_ids", sa.Text(), nullable=False),
        sa.Column("zone_ids", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("purge_resources", sa.Boolean(), nullable=True),
        sa.Column("lease_duration", sa.Integer(), nullable=True),
        sa.Column("lease_expiry_action", sa.Text(), nullable=True),
        sa.Column("sort_key", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["disk_offering_id"], ["disk_offering.id"], name=op.f("fk_service_offering_disk_offering_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_offering")),
        sa.UniqueConstraint("uuid", name=op.f("uq_service_offering_uuid")),
    )
    op.create_index(
        op.f("ix_service_offering_disk_offering_id"), "service_offering", ["disk_offering_id"], unique=False
    )
    op.create_table(
        "zone",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("dns1", sa.Text(), nullable=True),
        sa.Column("dns2", sa.Text(), nullable=True),
        sa.Column("ip6dns1", sa.Text(), nullable=True),
        sa.Column("ip6dns2", sa.Text(), nullable=True),
        sa.Column("internal_dns1", sa.Text(), nullable=True),
        sa.Column("internal_dns2", sa.Text(), nullable=True),
        sa.Column("network_type", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("security_groups", sa.Boolean(), nullable=False),
        sa.Column("local_storage", sa.Boolean(), nullable=False),
        sa.Column("guest_cidr", sa.Text(), nullable=True),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("domain_id", BIG, nullable=True),
        sa.Column("allocation_state", sa.Text(), nullable=False),
        sa.Column("dhcp_provider", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.Integer(), nullable=False),
        sa.Column("mac_sequence", BIG, nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_zone_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone")),
        sa.UniqueConstraint("uuid", name=op.f("uq_zone_uuid")),
    )
    op.create_index(op.f("ix_zone_domain_id"), "zone", ["domain_id"], unique=False)
    op.create_table(
        "account",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("role_id", BIG, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("network_domain", sa.Text(), nullable=True),
        sa.Column("default_zone_id", BIG, nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["default_zone_id"], ["zone.id"], name=op.f("fk_account_default_zone_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_account_domain_id")),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_account_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("uuid", name=op.f("uq_account_uuid")),
    )
    op.create_index(op.f("ix_account_default_zone_id"), "account", ["default_zone_id"], unique=False)
    op.create_index(op.f("ix_account_domain_id"), "account", ["domain_id"], unique=False)
    op.create_index(op.f("ix_account_role_id"), "account", ["role_id"], unique=False)
    op.create_index(
        "uq_account_name",
        "account",
        ["domain_id", "name"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )
    op.create_table(
        "network_offering",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_text", sa.Text(), nullable=True),
        sa.Column("traffic_type", sa.Text(), nullable=False),
        sa.Column("guest_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("availability", sa.Text(), nullable=False),
        sa.Column("network_rate", sa.Integer(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("is_system", sa.Boolean(), nullable=False),
        sa.Column("specify_vlan", sa.Boolean(), nullable=False),
        sa.Column("specify_ip_ranges", sa.Boolean(), nullable=False),
        sa.Column("conserve_mode", sa.Boolean(), nullable=False),
        sa.Column("for_vpc", sa.Boolean(), nullable=False),
        sa.Column("is_persistent", sa.Boolean(), nullable=False),
        sa.Column("egress_default_allow", sa.Boolean(), nullable=False),
        sa.Column("strict_ip_allocation", sa.Boolean(), nullable=False),
        sa.Column("internet_protocol", sa.String(length=16), nullable=False),
        sa.Column("services", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("domain_ids", sa.Text(), nullable=False),
        sa.Column("zone_ids", sa.Text(), nullable=False),
        sa.Column("service_offering_id", BIG, nullable=True),
        sa.Column("sort_key", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_offering_id"], ["service_offering.id"], name=op.f("fk_network_offering_service_offering_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_offering")),
        sa.UniqueConstraint("uuid", name=op.f("uq_network_offering_uuid")),
    )
    op.create_index(
        op.f("ix_network_offering_service_offering_id"), "network_offering", ["service_offering_id"], unique=False
    )
    op.create_table(
        "physical_network",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("isolation_methods", sa.Text(), nullable=True),
        sa.Column("speed", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("traffic_types", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_physical_network_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_physical_network")),
        sa.UniqueConstraint("uuid", name=op.f("uq_physical_network_uuid")),
    )
    op.create_index(op.f("ix_physical_network_zone_id"), "physical_network", ["zone_id"], unique=False)
    op.create_table(
        "pod",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("netmask", sa.Text(), nullable=False),
        sa.Column("ranges", sa.Text(), nullable=False),
        sa.Column("allocation_state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_pod_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pod")),
        sa.UniqueConstraint("uuid", name=op.f("uq_pod_uuid")),
    )
    op.create_index(op.f("ix_pod_zone_id"), "pod", ["zone_id"], unique=False)
    op.create_table(
        "cluster",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("pod_id", BIG, nullable=False),
        sa.Column("hypervisor", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("allocation_state", sa.Text(), nullable=False),
        sa.Column("managed_state", sa.Text(), nullable=False),
        sa.Column("arch", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_cluster_pod_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_cluster_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster")),
        sa.UniqueConstraint("uuid", name=op.f("uq_cluster_uuid")),
    )
    op.create_index(op.f("ix_cluster_pod_id"), "cluster", ["pod_id"], unique=False)
    op.create_index(op.f("ix_cluster_zone_id"), "cluster", ["zone_id"], unique=False)
    op.create_table(
        "instance_group",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_instance_group_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_instance_group_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance_group")),
        sa.UniqueConstraint("uuid", name=op.f("uq_instance_group_uuid")),
    )
    op.create_index(op.f("ix_instance_group_account_id"), "instance_group", ["account_id"], unique=False)
    op.create_index(op.f("ix_instance_group_domain_id"), "instance_group", ["domain_id"], unique=False)
    op.create_table(
        "network",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_text", sa.Text(), nullable=True),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("physical_network_id", BIG, nullable=True),
        sa.Column("offering_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("traffic_type", sa.Text(), nullable=False),
        sa.Column("guest_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("netmask", sa.Text(), nullable=True),
        sa.Column("cidr", sa.Text(), nullable=True),
        sa.Column("broadcast_uri", sa.Text(), nullable=True),
        sa.Column("vlan", sa.Integer(), nullable=True),
        sa.Column("network_domain", sa.Text(), nullable=True),
        sa.Column("acl_type", sa.Text(), nullable=False),
        sa.Column("subdomain_access", sa.Boolean(), nullable=False),
        sa.Column("restart_required", sa.Boolean(), nullable=False),
        sa.Column("redundant", sa.Boolean(), nullable=False),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.Column("is_system", sa.Boolean(), nullable=False),
        sa.Column("specify_ip_ranges", sa.Boolean(), nullable=False),
        sa.Column("dns1", sa.Text(), nullable=True),
        sa.Column("dns2", sa.Text(), nullable=True),
        sa.Column("public_mtu", sa.Integer(), nullable=True),
        sa.Column("private_mtu", sa.Integer(), nullable=True),
        sa.Column("update_count", sa.Integer(), nullable=False),
        sa.Column("idle_since", BIG, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_network_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_network_domain_id")),
        sa.ForeignKeyConstraint(["offering_id"], ["network_offering.id"], name=op.f("fk_network_offering_id")),
        sa.ForeignKeyConstraint(
            ["physical_network_id"], ["physical_network.id"], name=op.f("fk_network_physical_network_id")
        ),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_network_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network")),
        sa.UniqueConstraint("uuid", name=op.f("uq_network_uuid")),
    )
    op.create_index(op.f("ix_network_account_id"), "network", ["account_id"], unique=False)
    op.create_index(op.f("ix_network_domain_id"), "network", ["domain_id"], unique=False)
    op.create_index(op.f("ix_network_offering_id"), "network", ["offering_id"], unique=False)
    op.create_index(op.f("ix_network_physical_network_id"), "network", ["physical_network_id"], unique=False)
    op.create_index(op.f("ix_network_zone_id"), "network", ["zone_id"], unique=False)
    op.create_table(
        "ssh_keypair",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_ssh_keypair_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_ssh_keypair_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ssh_keypair")),
        sa.UniqueConstraint("uuid", name=op.f("uq_ssh_keypair_uuid")),
    )
    op.create_index(op.f("ix_ssh_keypair_account_id"), "ssh_keypair", ["account_id"], unique=False)
    op.create_index(op.f("ix_ssh_keypair_domain_id"), "ssh_keypair", ["domain_id"], unique=False)
    op.create_table(
        "tag",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("resource_type", sa.String(length=64), nullable=False),
        sa.Column("resource_id", BIG, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_tag_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_tag_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("resource_type", "resource_id", "key", name=op.f("uq_tag_resource_type_resource_id_key")),
        sa.UniqueConstraint("uuid", name=op.f("uq_tag_uuid")),
    )
    op.create_index(op.f("ix_tag_account_id"), "tag", ["account_id"], unique=False)
    op.create_index(op.f("ix_tag_domain_id"), "tag", ["domain_id"], unique=False)
    op.create_index("ix_tag_key_value", "tag", ["key", "value"], unique=False)
    op.create_table(
        "template",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_text", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("hypervisor", sa.Text(), nullable=False),
        sa.Column("arch", sa.Text(), nullable=True),
        sa.Column("guest_os_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("is_featured", sa.Boolean(), nullable=False),
        sa.Column("is_extractable", sa.Boolean(), nullable=False),
        sa.Column("is_bootable", sa.Boolean(), nullable=False),
        sa.Column("cross_zones", sa.Boolean(), nullable=False),
        sa.Column("password_enabled", sa.Boolean(), nullable=False),
        sa.Column("sshkey_enabled", sa.Boolean(), nullable=False),
        sa.Column("dynamically_scalable", sa.Boolean(), nullable=False),
        sa.Column("requires_hvm", sa.Boolean(), nullable=False),
        sa.Column("deploy_as_is", sa.Boolean(), nullable=False),
        sa.Column("direct_download", sa.Boolean(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("size", BIG, nullable=False),
        sa.Column("physical_size", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source_template_id", BIG, nullable=True),
        sa.Column("sort_key", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_template_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_template_domain_id")),
        sa.ForeignKeyConstraint(["guest_os_id"], ["guest_os.id"], name=op.f("fk_template_guest_os_id")),
        sa.ForeignKeyConstraint(["source_template_id"], ["template.id"], name=op.f("fk_template_source_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint("uuid", name=op.f("uq_template_uuid")),
    )
    op.create_index(op.f("ix_template_account_id"), "template", ["account_id"], unique=False)
    op.create_index(op.f("ix_template_domain_id"), "template", ["domain_id"], unique=False)
    op.create_index(op.f("ix_template_guest_os_id"), "template", ["guest_os_id"], unique=False)
    op.create_index(op.f("ix_template_source_template_id"), "template", ["source_template_id"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("firstname", sa.Text(), nullable=True),
        sa.Column("lastname", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("api_key", sa.String(length=256), nullable=True),
        sa.Column("secret_key", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_user_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_user_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("api_key", name=op.f("uq_user_api_key")),
        sa.UniqueConstraint("uuid", name=op.f("uq_user_uuid")),
    )
    op.create_index(op.f("ix_user_account_id"), "user", ["account_id"], unique=False)
    op.create_index(op.f("ix_user_domain_id"), "user", ["domain_id"], unique=False)
    op.create_index(
        "uq_user_name",
        "user",
        ["domain_id", "username"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )
    op.create_table(
        "user_data",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("params", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_user_data_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_user_data_domain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_data")),
        sa.UniqueConstraint("uuid", name=op.f("uq_user_data_uuid")),
    )
    op.create_index(op.f("ix_user_data_account_id"), "user_data", ["account_id"], unique=False)
    op.create_index(op.f("ix_user_data_domain_id"), "user_data", ["domain_id"], unique=False)
    op.create_table(
        "vnet",
        sa.Column("id", BIG, nullable=False),
        sa.Column("physical_network_id", BIG, nullable=False),
        sa.Column("vlan", sa.Integer(), nullable=False),
        sa.Column("network_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["physical_network_id"], ["physical_network.id"], name=op.f("fk_vnet_physical_network_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vnet")),
    )
    op.create_index("ix_vnet_free", "vnet", ["physical_network_id", "network_id", "vlan"], unique=False)
    op.create_index(op.f("ix_vnet_network_id"), "vnet", ["network_id"], unique=False)
    op.create_index(op.f("ix_vnet_physical_network_id"), "vnet", ["physical_network_id"], unique=False)
    op.create_index("uq_vnet", "vnet", ["physical_network_id", "vlan"], unique=True)
    op.create_table(
        "event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("start_id", BIG, nullable=True),
        sa.Column("resource_type", sa.Text(), nullable=True),
        sa.Column("resource_uuid", sa.Text(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_event_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_event_domain_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_event_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("uuid", name=op.f("uq_event_uuid")),
    )
    op.create_index("ix_event_account", "event", ["account_id", "archived"], unique=False)
    op.create_index("ix_event_created", "event", ["created"], unique=False)
    op.create_table(
        "host",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("pod_id", BIG, nullable=True),
        sa.Column("cluster_id", BIG, nullable=True),
        sa.Column("hypervisor", sa.Text(), nullable=False),
        sa.Column("hypervisor_version", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("resource_state", sa.Text(), nullable=False),
        sa.Column("cpu_sockets", sa.Integer(), nullable=True),
        sa.Column("cpu_cores", sa.Integer(), nullable=True),
        sa.Column("cpu_speed", sa.Integer(), nullable=True),
        sa.Column("memory", BIG, nullable=True),
        sa.Column("arch", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("capabilities", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("os_category_id", BIG, nullable=True),
        sa.Column("last_ping", BIG, nullable=True),
        sa.Column("disconnected", BIG, nullable=True),
        sa.Column("update_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name=op.f("fk_host_cluster_id")),
        sa.ForeignKeyConstraint(["os_category_id"], ["guest_os_category.id"], name=op.f("fk_host_os_category_id")),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_host_pod_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_host_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host")),
        sa.UniqueConstraint("uuid", name=op.f("uq_host_uuid")),
    )
    op.create_index(op.f("ix_host_cluster_id"), "host", ["cluster_id"], unique=False)
    op.create_index(op.f("ix_host_os_category_id"), "host", ["os_category_id"], unique=False)
    op.create_index(op.f("ix_host_pod_id"), "host", ["pod_id"], unique=False)
    op.create_index("ix_host_state", "host", ["zone_id", "type", "status", "resource_state"], unique=False)
    op.create_index(op.f("ix_host_zone_id"), "host", ["zone_id"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("instance_type", sa.Text(), nullable=True),
        sa.Column("instance_uuid", sa.Text(), nullable=True),
        sa.Column("lock", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("process_status", sa.Integer(), nullable=False),
        sa.Column("result_code", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("event_text", sa.Text(), nullable=True),
        sa.Column("start_event_id", BIG, nullable=True),
        sa.Column("created", BIG, nullable=False),
        sa.Column("started", BIG, nullable=True),
        sa.Column("completed", BIG, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_job_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_job_domain_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_job_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("uuid", name=op.f("uq_job_uuid")),
    )
    op.create_index("ix_job_account", "job", ["account_id", "state"], unique=False)
    op.create_index(op.f("ix_job_account_id"), "job", ["account_id"], unique=False)
    op.create_index(op.f("ix_job_domain_id"), "job", ["domain_id"], unique=False)
    op.create_index("ix_job_state", "job", ["state", "completed"], unique=False)
    op.create_index(op.f("ix_job_user_id"), "job", ["user_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("session_key", sa.String(length=128), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("used", BIG, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_session_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)
    op.create_table(
        "storage_pool",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("pod_id", BIG, nullable=True),
        sa.Column("cluster_id", BIG, nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("hypervisor", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("capacity", BIG, nullable=False),
        sa.Column("used", BIG, nullable=False),
        sa.Column("allocated", BIG, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name=op.f("fk_storage_pool_cluster_id")),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_storage_pool_pod_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_storage_pool_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_pool")),
        sa.UniqueConstraint("uuid", name=op.f("uq_storage_pool_uuid")),
    )
    op.create_index(op.f("ix_storage_pool_cluster_id"), "storage_pool", ["cluster_id"], unique=False)
    op.create_index(op.f("ix_storage_pool_pod_id"), "storage_pool", ["pod_id"], unique=False)
    op.create_index(op.f("ix_storage_pool_zone_id"), "storage_pool", ["zone_id"], unique=False)
    op.create_table(
        "template_zone",
        sa.Column("id", BIG, nullable=False),
        sa.Column("template_id", BIG, nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("store", sa.Text(), nullable=True),
        sa.Column("created", BIG, nullable=False),
        sa.Column("progress", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_template_zone_template_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_template_zone_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_zone")),
    )
    op.create_index(op.f("ix_template_zone_template_id"), "template_zone", ["template_id"], unique=False)
    op.create_index(op.f("ix_template_zone_zone_id"), "template_zone", ["zone_id"], unique=False)
    op.create_index("uq_template_zone", "template_zone", ["template_id", "zone_id"], unique=True)
    op.create_table(
        "vlan",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("pod_id", BIG, nullable=True),
        sa.Column("physical_network_id", BIG, nullable=False),
        sa.Column("network_id", BIG, nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("netmask", sa.Text(), nullable=True),
        sa.Column("start", sa.Text(), nullable=True),
        sa.Column("end", sa.Text(), nullable=True),
        sa.Column("for_system_vms", sa.Boolean(), nullable=False),
        sa.Column("account_id", BIG, nullable=True),
        sa.Column("domain_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_vlan_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_vlan_domain_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_vlan_network_id")),
        sa.ForeignKeyConstraint(
            ["physical_network_id"], ["physical_network.id"], name=op.f("fk_vlan_physical_network_id")
        ),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_vlan_pod_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_vlan_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vlan")),
        sa.UniqueConstraint("uuid", name=op.f("uq_vlan_uuid")),
    )
    op.create_index(op.f("ix_vlan_account_id"), "vlan", ["account_id"], unique=False)
    op.create_index(op.f("ix_vlan_domain_id"), "vlan", ["domain_id"], unique=False)
    op.create_index(op.f("ix_vlan_network_id"), "vlan", ["network_id"], unique=False)
    op.create_index(op.f("ix_vlan_physical_network_id"), "vlan", ["physical_network_id"], unique=False)
    op.create_index(op.f("ix_vlan_pod_id"), "vlan", ["pod_id"], unique=False)
    op.create_index(op.f("ix_vlan_zone_id"), "vlan", ["zone_id"], unique=False)
    op.create_table(
        "public_ip",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("vlan_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=True),
        sa.Column("domain_id", BIG, nullable=True),
        sa.Column("network_id", BIG, nullable=True),
        sa.Column("source_nat", sa.Boolean(), nullable=False),
        sa.Column("static_nat", sa.Boolean(), nullable=False),
        sa.Column("is_system", sa.Boolean(), nullable=False),
        sa.Column("is_portable", sa.Boolean(), nullable=False),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.Column("allocated", BIG, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_public_ip_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_public_ip_domain_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_public_ip_network_id")),
        sa.ForeignKeyConstraint(["vlan_id"], ["vlan.id"], name=op.f("fk_public_ip_vlan_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_public_ip_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_ip")),
        sa.UniqueConstraint("uuid", name=op.f("uq_public_ip_uuid")),
    )
    op.create_index(op.f("ix_public_ip_account_id"), "public_ip", ["account_id"], unique=False)
    op.create_index(op.f("ix_public_ip_domain_id"), "public_ip", ["domain_id"], unique=False)
    op.create_index("ix_public_ip_free", "public_ip", ["zone_id", "state"], unique=False)
    op.create_index(op.f("ix_public_ip_network_id"), "public_ip", ["network_id"], unique=False)
    op.create_index(op.f("ix_public_ip_vlan_id"), "public_ip", ["vlan_id"], unique=False)
    op.create_index(op.f("ix_public_ip_zone_id"), "public_ip", ["zone_id"], unique=False)
    op.create_index("uq_public_ip", "public_ip", ["vlan_id", "address"], unique=True)
    op.create_table(
        "vm",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("instance_name", sa.String(length=255), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("pod_id", BIG, nullable=True),
        sa.Column("host_id", BIG, nullable=True),
        sa.Column("last_host_id", BIG, nullable=True),
        sa.Column("template_id", BIG, nullable=False),
        sa.Column("iso_id", BIG, nullable=True),
        sa.Column("guest_os_id", BIG, nullable=False),
        sa.Column("service_offering_id", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=True),
        sa.Column("hypervisor", sa.Text(), nullable=False),
        sa.Column("arch", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("power_state", sa.Text(), nullable=False),
        sa.Column("power_time", BIG, nullable=True),
        sa.Column("power_host_id", BIG, nullable=True),
        sa.Column("update_count", sa.Integer(), nullable=False),
        sa.Column("cpu", sa.Integer(), nullable=False),
        sa.Column("speed", sa.Integer(), nullable=False),
        sa.Column("memory", sa.Integer(), nullable=False),
        sa.Column("ha_enabled", sa.Boolean(), nullable=False),
        sa.Column("limit_cpu_use", sa.Boolean(), nullable=False),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.Column("delete_protection", sa.Boolean(), nullable=False),
        sa.Column("dynamically_scalable", sa.Boolean(), nullable=False),
        sa.Column("password_enabled", sa.Boolean(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("boot_type", sa.Text(), nullable=True),
        sa.Column("boot_mode", sa.Text(), nullable=True),
        sa.Column("userdata", sa.Text(), nullable=True),
        sa.Column("userdata_id", BIG, nullable=True),
        sa.Column("userdata_details", sa.Text(), nullable=True),
        sa.Column("keypairs", sa.Text(), nullable=False),
        sa.Column("ssh_public_key", sa.Text(), nullable=True),
        sa.Column("vnc_port", sa.Integer(), nullable=True),
        sa.Column("updated", BIG, nullable=True),
        sa.Column("destroyed", BIG, nullable=True),
        sa.Column("bootinto_setup", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_vm_account_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_vm_domain_id")),
        sa.ForeignKeyConstraint(["group_id"], ["instance_group.id"], name=op.f("fk_vm_group_id")),
        sa.ForeignKeyConstraint(["guest_os_id"], ["guest_os.id"], name=op.f("fk_vm_guest_os_id")),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name=op.f("fk_vm_host_id")),
        sa.ForeignKeyConstraint(["iso_id"], ["template.id"], name=op.f("fk_vm_iso_id")),
        sa.ForeignKeyConstraint(["last_host_id"], ["host.id"], name=op.f("fk_vm_last_host_id")),
        sa.ForeignKeyConstraint(["pod_id"], ["pod.id"], name=op.f("fk_vm_pod_id")),
        sa.ForeignKeyConstraint(
            ["service_offering_id"], ["service_offering.id"], name=op.f("fk_vm_service_offering_id")
        ),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_vm_template_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_vm_user_id")),
        sa.ForeignKeyConstraint(["userdata_id"], ["user_data.id"], name=op.f("fk_vm_userdata_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_vm_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vm")),
        sa.UniqueConstraint("instance_name", name=op.f("uq_vm_instance_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_vm_uuid")),
    )
    op.create_index(op.f("ix_vm_account_id"), "vm", ["account_id"], unique=False)
    op.create_index("ix_vm_account_id_removed", "vm", ["account_id", "removed"], unique=False)
    op.create_index(op.f("ix_vm_domain_id"), "vm", ["domain_id"], unique=False)
    op.create_index("ix_vm_domain_id_removed", "vm", ["domain_id", "removed"], unique=False)
    op.create_index(op.f("ix_vm_group_id"), "vm", ["group_id"], unique=False)
    op.create_index(op.f("ix_vm_guest_os_id"), "vm", ["guest_os_id"], unique=False)
    op.create_index(op.f("ix_vm_host_id"), "vm", ["host_id"], unique=False)
    op.create_index(op.f("ix_vm_iso_id"), "vm", ["iso_id"], unique=False)
    op.create_index(op.f("ix_vm_last_host_id"), "vm", ["last_host_id"], unique=False)
    op.create_index("ix_vm_name", "vm", ["name"], unique=False)
    op.create_index(op.f("ix_vm_pod_id"), "vm", ["pod_id"], unique=False)
    op.create_index("ix_vm_removed", "vm", ["removed"], unique=False)
    op.create_index(op.f("ix_vm_service_offering_id"), "vm", ["service_offering_id"], unique=False)
    op.create_index("ix_vm_state", "vm", ["state", "destroyed"], unique=False)
    op.create_index(op.f("ix_vm_template_id"), "vm", ["template_id"], unique=False)
    op.create_index(op.f("ix_vm_user_id"), "vm", ["user_id"], unique=False)
    op.create_index(op.f("ix_vm_userdata_id"), "vm", ["userdata_id"], unique=False)
    op.create_index(op.f("ix_vm_zone_id"), "vm", ["zone_id"], unique=False)
    op.create_table(
        "nic",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("vm_id", BIG, nullable=False),
        sa.Column("network_id", BIG, nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("netmask", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("ip6", sa.Text(), nullable=True),
        sa.Column("ip6_gateway", sa.Text(), nullable=True),
        sa.Column("ip6_cidr", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("broadcast_uri", sa.Text(), nullable=True),
        sa.Column("isolation_uri", sa.Text(), nullable=True),
        sa.Column("mtu", sa.Integer(), nullable=True),
        sa.Column("dhcp_options", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_nic_network_id")),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_nic_vm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nic")),
        sa.UniqueConstraint("uuid", name=op.f("uq_nic_uuid")),
    )
    op.create_index(op.f("ix_nic_network_id"), "nic", ["network_id"], unique=False)
    op.create_index(op.f("ix_nic_vm_id"), "nic", ["vm_id"], unique=False)
    op.create_index(
        "uq_nic_ip",
        "nic",
        ["network_id", "ip"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )
    op.create_index(
        "uq_nic_mac",
        "nic",
        ["mac"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )
    op.create_table(
        "volume",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("domain_id", BIG, nullable=False),
        sa.Column("zone_id", BIG, nullable=False),
        sa.Column("pool_id", BIG, nullable=True),
        sa.Column("vm_id", BIG, nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=True),
        sa.Column("size", BIG, nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("template_id", BIG, nullable=True),
        sa.Column("disk_offering_id", BIG, nullable=True),
        sa.Column("service_offering_id", BIG, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("update_count", sa.Integer(), nullable=False),
        sa.Column("provisioning", sa.Text(), nullable=True),
        sa.Column("display", sa.Boolean(), nullable=False),
        sa.Column("delete_protection", sa.Boolean(), nullable=False),
        sa.Column("min_iops", BIG, nullable=True),
        sa.Column("max_iops", BIG, nullable=True),
        sa.Column("attached", BIG, nullable=True),
        sa.Column("updated", BIG, nullable=True),
        sa.Column("destroyed", BIG, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_volume_account_id")),
        sa.ForeignKeyConstraint(["disk_offering_id"], ["disk_offering.id"], name=op.f("fk_volume_disk_offering_id")),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name=op.f("fk_volume_domain_id")),
        sa.ForeignKeyConstraint(["pool_id"], ["storage_pool.id"], name=op.f("fk_volume_pool_id")),
        sa.ForeignKeyConstraint(
            ["service_offering_id"], ["service_offering.id"], name=op.f("fk_volume_service_offering_id")
        ),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_volume_template_id")),
        sa.ForeignKeyConstraint(["vm_id"], ["vm.id"], name=op.f("fk_volume_vm_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_volume_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume")),
        sa.UniqueConstraint("uuid", name=op.f("uq_volume_uuid")),
    )
    op.create_index(op.f("ix_volume_account_id"), "volume", ["account_id"], unique=False)
    op.create_index(op.f("ix_volume_disk_offering_id"), "volume", ["disk_offering_id"], unique=False)
    op.create_index(op.f("ix_volume_domain_id"), "volume", ["domain_id"], unique=False)
    op.create_index(op.f("ix_volume_pool_id"), "volume", ["pool_id"], unique=False)
    op.create_index(op.f("ix_volume_service_offering_id"), "volume", ["service_offering_id"], unique=False)
    op.create_index(op.f("ix_volume_template_id"), "volume", ["template_id"], unique=False)
    op.create_index(op.f("ix_volume_vm_id"), "volume", ["vm_id"], unique=False)
    op.create_index(op.f("ix_volume_zone_id"), "volume", ["zone_id"], unique=False)
