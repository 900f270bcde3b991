"""Networks, the addresses of the outside, and network cards."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer
from sqlalchemy import text as sql

from cloudsim.db.schema.base import big, data, flag, maybe, number, ref, required, resource, table, unique_alive
from cloudsim.db.schema.base import text as text_

_TO_TELL = sql("pending IS NOT NULL")

network = resource(
    "network",
    required("name"),
    text_("display_text"),
    ref("zone_id", "zone"),
    ref("physical_network_id", "physical_network", optional=True),
    ref("offering_id", "network_offering"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    required("traffic_type"),
    required("guest_type"),
    required("state"),
    text_("gateway"),
    text_("netmask"),
    text_("cidr"),
    text_("broadcast_uri"),
    number("vlan"),
    text_("network_domain"),
    # Account or Domain
    required("acl_type"),
    flag("subdomain_access", True),
    flag("restart_required"),
    flag("redundant"),
    flag("display", True),
    flag("is_system"),
    flag("specify_ip_ranges"),
    text_("dns1"),
    text_("dns2"),
    # the address that the router of a shared network gets, where one was asked for
    text_("router_ip"),
    number("public_mtu"),
    number("private_mtu"),
    number("update_count", nullable=False, default=0),
    # when its last machine left it, for the garbage collection
    big("idle_since"),
)

vlan = resource(
    "vlan",
    ref("zone_id", "zone"),
    ref("pod_id", "pod", optional=True),
    ref("physical_network_id", "physical_network"),
    ref("network_id", "network", optional=True),
    # VirtualNetwork (public) or DirectAttached (shared networks)
    required("type"),
    required("tag"),
    text_("gateway"),
    text_("netmask"),
    text_("start"),
    text_("end"),
    flag("for_system_vms"),
    ref("account_id", "account", optional=True),
    ref("domain_id", "domain", optional=True),
    # the portable range whose addresses it has while they serve this zone
    ref("portable_range_id", "portable_range", optional=True),
)

public_ip = resource(
    "public_ip",
    required("address"),
    ref("zone_id", "zone"),
    ref("vlan_id", "vlan"),
    # Free, Allocating, Allocated, Releasing, Reserved
    required("state"),
    ref("account_id", "account", optional=True),
    ref("domain_id", "domain", optional=True),
    # the network whose router serves it
    ref("network_id", "network", optional=True),
    flag("source_nat"),
    flag("static_nat"),
    flag("is_system"),
    flag("is_portable"),
    flag("display", True),
    big("allocated"),
    # static NAT: the machine, and which of its addresses
    ref("vm_id", "vm", optional=True),
    text_("vm_ip"),
    Index("uq_public_ip", "vlan_id", "address", unique=True),
    Index("ix_public_ip_free", "zone_id", "state"),
    Index("ix_public_ip_range", "vlan_id", "state"),
)

quarantined_ip = resource(
    "quarantined_ip",
    ref("address_id", "public_ip"),
    # who had it last, and alone may have it again until `ends`
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    big("ends", nullable=False),
    text_("reason"),
    # whose caller took it out of quarantine
    ref("remover_id", "account", optional=True),
)

nic = resource(
    "nic",
    ref("vm_id", "vm"),
    ref("network_id", "network"),
    required("mac"),
    text_("ip"),
    text_("netmask"),
    text_("gateway"),
    text_("ip6"),
    text_("ip6_gateway"),
    text_("ip6_cidr"),
    Column("device_id", Integer, nullable=False),
    flag("is_default"),
    required("state"),
    text_("broadcast_uri"),
    text_("isolation_uri"),
    number("mtu"),
    data("dhcp_options", nullable=False),
    maybe("enabled"),
    # whether it has secondary addresses: most have none, and their table is not looked into
    flag("has_secondary"),
    # plug or unplug: what its host is to be told of it, where nobody knows whether it heard
    text_("pending"),
    Index("ix_nic_pending", "vm_id", sqlite_where=_TO_TELL, info={"where": _TO_TELL}),
    # no address twice in a network, no MAC twice anywhere
    unique_alive("uq_nic_ip", "network_id", "ip"),
    unique_alive("uq_nic_mac", "mac"),
)

nic_secondary_ip = resource(
    "nic_secondary_ip",
    ref("nic_id", "nic"),
    ref("vm_id", "vm"),
    ref("network_id", "network"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    required("ip"),
    unique_alive("uq_nic_secondary_ip", "network_id", "ip"),
)

#: Accounts that may use a network of another.
network_permission = table(
    "network_permission",
    ref("network_id", "network"),
    ref("account_id", "account"),
    Index("uq_network_permission", "network_id", "account_id", unique=True),
)
