"""What a cloud is made of: zones, pods, clusters, hosts, storage pools; guest operating systems and templates."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from cloudsim.db.schema.base import (
    big,
    data,
    flag,
    metadata,
    number,
    real,
    ref,
    required,
    resource,
    table,
    text,
    unique_alive,
)
from cloudsim.db.types import Big

zone = resource(
    "zone",
    required("name"),
    text("description"),
    text("dns1"),
    text("dns2"),
    text("ip6dns1"),
    text("ip6dns2"),
    text("internal_dns1"),
    text("internal_dns2"),
    # Basic or Advanced
    required("network_type"),
    # Core or Edge
    required("type"),
    flag("security_groups"),
    flag("local_storage"),
    text("guest_cidr"),
    text("domain"),
    ref("domain_id", "domain", optional=True),
    required("allocation_state"),
    text("dhcp_provider"),
    required("token"),
    number("sort_key", nullable=False, default=0),
    # the next number of the zone's MAC addresses
    big("mac_sequence", nullable=False, default=1),
)

physical_network = resource(
    "physical_network",
    required("name"),
    ref("zone_id", "zone"),
    required("state"),
    text("isolation_methods"),
    text("speed"),
    text("tags"),
    ref("domain_id", "domain", optional=True),
)

traffic_type = resource(
    "traffic_type",
    ref("physical_network_id", "physical_network"),
    # Public, Guest, Management or Storage
    required("type"),
    # {"kvm": name of the bridge, ...}
    data("labels", nullable=False),
    text("vlan"),
    text("isolation_method"),
    unique_alive("uq_traffic_type", "physical_network_id", "type"),
)

network_provider = resource(
    "network_provider",
    ref("physical_network_id", "physical_network"),
    # VirtualRouter, VpcVirtualRouter, ...
    required("name"),
    # Enabled, Disabled or Shutdown
    required("state"),
    data("services", nullable=False),
    unique_alive("uq_network_provider", "physical_network_id", "name"),
)

provider_element = resource(
    "provider_element",
    ref("provider_id", "network_provider"),
    # router: of VirtualRouter and VpcVirtualRouter; lb: of InternalLbVm
    required("kind"),
    flag("enabled"),
)

vnet = table(
    "vnet",
    ref("physical_network_id", "physical_network"),
    number("vlan", nullable=False),
    # the network that has it; None: free
    big("network_id", index=True),
    # since when a network has it
    big("taken"),
    # the dedicated range it is part of
    ref("guest_range_id", "guest_range", optional=True),
    Index("uq_vnet", "physical_network_id", "vlan", unique=True),
    Index("ix_vnet_free", "physical_network_id", "network_id", "vlan"),
)

pod = resource(
    "pod",
    required("name"),
    ref("zone_id", "zone"),
    required("gateway"),
    required("netmask"),
    # [{"start": ..., "end": ..., "forsystemvms": bool, "vlan": ...}]
    data("ranges", nullable=False),
    required("allocation_state"),
)

cluster = resource(
    "cluster",
    required("name"),
    ref("zone_id", "zone"),
    ref("pod_id", "pod"),
    required("hypervisor"),
    # CloudManaged or ExternalManaged
    required("type"),
    required("allocation_state"),
    required("managed_state"),
    text("arch"),
)

host = resource(
    "host",
    required("name"),
    required("type"),
    ref("zone_id", "zone"),
    ref("pod_id", "pod", optional=True),
    ref("cluster_id", "cluster", optional=True),
    required("hypervisor"),
    text("hypervisor_version"),
    required("url"),
    text("ip"),
    # what the agent last reported
    required("status"),
    # what an administrator wants
    required("resource_state"),
    number("cpu_sockets"),
    number("cpu_cores"),
    number("cpu_speed"),
    big("memory"),
    text("arch"),
    text("version"),
    text("capabilities"),
    data("tags", nullable=False),
    ref("os_category_id", "guest_os_category", optional=True),
    big("last_ping"),
    big("disconnected"),
    # its power is being cut: what it says meanwhile does not count
    flag("fencing"),
    # when its power was last cut, or shortly before: what was heard of it by then does not count any more
    big("fenced"),
    # when it was last looked into, and what was found in the way of fencing it
    big("investigated"),
    text("trouble"),
    # compare-and-swap counter of status
    number("update_count", nullable=False, default=0),
    Index("ix_host_state", "zone_id", "type", "status", "resource_state"),
)

host_capacity = Table(
    "host_capacity",
    metadata,
    Column("host_id", Big, primary_key=True, autoincrement=False),
    # MHz and bytes promised to virtual machines that run, start or keep their place
    big("cpu_used", nullable=False),
    big("memory_used", nullable=False),
    number("machines", nullable=False),
)

storage_pool = resource(
    "storage_pool",
    required("name"),
    ref("zone_id", "zone"),
    ref("pod_id", "pod", optional=True),
    ref("cluster_id", "cluster", optional=True),
    # NetworkFilesystem, Filesystem, RBD, ...
    required("type"),
    # CLUSTER, ZONE or HOST
    required("scope"),
    text("hypervisor"),
    text("address"),
    text("path"),
    text("provider"),
    big("capacity", nullable=False),
    big("used", nullable=False, default=0),
    big("allocated", nullable=False, default=0),
    required("status"),
    data("tags", nullable=False),
    flag("managed"),
)

image_store = resource(
    "image_store",
    required("name"),
    required("url"),
    # nfs, cifs, s3, ...
    required("protocol"),
    # NFS, S3, ...
    required("provider"),
    # ZONE or REGION
    required("scope"),
    ref("zone_id", "zone", optional=True),
    flag("read_only"),
    # Image: templates lie there; ImageCache: a staging store in front of one of a whole region
    Column("role", String(16), nullable=False),
    # bytes; None: nobody said
    big("capacity"),
    # where its files lie on this computer; None: it is simulated and holds no bytes
    text("directory"),
)

storage_selector = resource(
    "storage_selector",
    required("name"),
    text("description"),
    ref("zone_id", "zone"),
    # ISO, SNAPSHOT, TEMPLATE or VOLUME: what it chooses secondary storage for
    required("type"),
    required("rule"),
)

guest_os_category = table(
    "guest_os_category",
    Column("uuid", String(40), nullable=False, unique=True),
    required("name"),
    flag("featured"),
    big("created", nullable=False),
    big("removed"),
    number("sort_key", nullable=False, default=0),
)

guest_os = table(
    "guest_os",
    Column("uuid", String(40), nullable=False, unique=True),
    ref("category_id", "guest_os_category"),
    # what people read
    required("name"),
    # a shorter name, where somebody gave one
    text("short_name"),
    flag("user_defined"),
    flag("for_display", True),
    big("created", nullable=False),
    big("removed"),
)

guest_os_mapping = resource(
    "guest_os_mapping",
    required("hypervisor"),
    required("hypervisor_version"),
    ref("guest_os_id", "guest_os"),
    # what the hypervisor calls it
    required("hypervisor_name"),
    flag("user_defined"),
    unique_alive("uq_guest_os_mapping", "hypervisor", "hypervisor_version", "guest_os_id"),
)

hypervisor_capability = table(
    "hypervisor_capability",
    # of an entry of the list that the server brings
    Column("uuid", String(40), nullable=False, unique=True),
    # what an administrator changed of it
    data("changed", nullable=False),
)

template = resource(
    "template",
    required("name"),
    text("display_text"),
    text("url"),
    # VHD, QCOW2, ISO, ...
    required("format"),
    # SYSTEM, BUILTIN, USER, ROUTING
    required("type"),
    required("hypervisor"),
    text("arch"),
    ref("guest_os_id", "guest_os"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    flag("is_public"),
    flag("is_featured"),
    flag("is_extractable"),
    flag("is_bootable", True),
    flag("cross_zones"),
    flag("password_enabled"),
    flag("sshkey_enabled"),
    flag("dynamically_scalable"),
    flag("requires_hvm"),
    flag("deploy_as_is"),
    flag("direct_download"),
    text("checksum"),
    text("tag"),
    big("size", nullable=False, default=0),
    big("physical_size", nullable=False, default=0),
    required("state"),
    ref("source_template_id", "template", optional=True),
    number("sort_key", nullable=False, default=0),
    # 32 or 64; None: nobody said
    number("bits"),
    flag("for_cks"),
    # user data that machines made of it get, and what becomes of their own: see services/userdata.py
    ref("userdata_id", "user_data", optional=True),
    text("userdata_policy"),
)

template_zone = table(
    "template_zone",
    ref("template_id", "template"),
    ref("zone_id", "zone"),
    # DOWNLOADED, DOWNLOAD_IN_PROGRESS, ...
    required("state"),
    number("percent", nullable=False, default=0),
    ref("store_id", "image_store", optional=True),
    big("created", nullable=False),
    real("progress"),
    # its file, below the directory of the image store; None: there is none
    text("path"),
    # why it could not be downloaded
    text("error"),
    Index("uq_template_zone", "template_id", "zone_id", unique=True),
)
