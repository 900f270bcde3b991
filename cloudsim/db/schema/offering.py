"""What a user can choose from: service, disk and network offerings."""

from __future__ import annotations

from sqlalchemy import Column, String

from cloudsim.db.schema.base import big, data, flag, maybe, number, ref, required, resource, text

disk_offering = resource(
    "disk_offering",
    required("name"),
    text("display_text"),
    # bytes; 0 where the size is custom or comes from the template
    big("size", nullable=False, default=0),
    flag("customized"),
    flag("customized_iops"),
    # shared or local
    required("storage_type"),
    # thin, sparse or fat
    required("provisioning"),
    text("tags"),
    flag("display", True),
    flag("encrypt"),
    flag("size_strict"),
    text("cache_mode"),
    big("min_iops"),
    big("max_iops"),
    big("bytes_read_rate"),
    big("bytes_read_rate_max"),
    big("bytes_read_rate_max_length"),
    big("bytes_write_rate"),
    big("bytes_write_rate_max"),
    big("bytes_write_rate_max_length"),
    big("iops_read_rate"),
    big("iops_read_rate_max"),
    big("iops_read_rate_max_length"),
    big("iops_write_rate"),
    big("iops_write_rate_max"),
    big("iops_write_rate_max_length"),
    number("hypervisor_snapshot_reserve"),
    text("vsphere_storage_policy"),
    # uuids of the domains and zones it is limited to; empty: all
    data("domain_ids", nullable=False),
    data("zone_ids", nullable=False),
    # made together with a service offering, for its root disk: never listed
    flag("compute_only"),
    required("state"),
    number("sort_key", nullable=False, default=0),
)

service_offering = resource(
    "service_offering",
    required("name"),
    text("display_text"),
    # None: custom
    number("cpu_number"),
    number("cpu_speed"),
    # MB
    number("memory"),
    ref("disk_offering_id", "disk_offering"),
    flag("disk_offering_strictness"),
    text("host_tags"),
    flag("offer_ha"),
    flag("limit_cpu_use"),
    flag("is_volatile"),
    flag("dynamic_scaling", True),
    flag("is_system"),
    text("system_vm_type"),
    text("deployment_planner"),
    # Mb/s
    number("network_rate"),
    # bytes
    big("root_disk_size"),
    flag("is_default"),
    data("details", nullable=False),
    data("domain_ids", nullable=False),
    data("zone_ids", nullable=False),
    required("state"),
    maybe("purge_resources"),
    number("lease_duration"),
    text("lease_expiry_action"),
    number("sort_key", nullable=False, default=0),
)

network_offering = resource(
    "network_offering",
    required("name"),
    text("display_text"),
    required("traffic_type"),
    # Isolated, Shared or L2
    required("guest_type"),
    required("state"),
    required("availability"),
    # Mb/s
    number("network_rate"),
    flag("is_default"),
    flag("is_system"),
    flag("specify_vlan"),
    flag("specify_ip_ranges"),
    flag("conserve_mode"),
    flag("for_vpc"),
    flag("is_persistent"),
    flag("egress_default_allow"),
    flag("strict_ip_allocation"),
    Column("internet_protocol", String(16), nullable=False),
    # [{"name": "Dhcp", "provider": [{"name": ...}], "capability": [...]}], as the API shows them
    data("services", nullable=False),
    # the flags of the API that only show: fornsx, fortungsten, supportsinternallb, ...
    data("shown", nullable=False),
    data("tags", nullable=False),
    data("domain_ids", nullable=False),
    data("zone_ids", nullable=False),
    ref("service_offering_id", "service_offering", optional=True),
    number("sort_key", nullable=False, default=0),
)
