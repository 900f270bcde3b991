"""What is kept for some: dedicated places, ranges of VLANs; and ranges of addresses beside those of public traffic."""

from __future__ import annotations

from sqlalchemy import Index

from cloudsim.db.schema.base import big, number, ref, required, resource, table, unique_alive

dedicated_resource = resource(
    "dedicated_resource",
    # Zone, Pod, Cluster or Host
    required("kind"),
    # the row of that kind
    big("place_id", nullable=False),
    ref("zone_id", "zone"),
    ref("domain_id", "domain"),
    # None: all accounts of the domain and of those below
    ref("account_id", "account", optional=True),
    # the group whose machines go there
    ref("group_id", "affinity_group", optional=True),
    # no place is dedicated twice
    unique_alive("uq_dedicated_resource", "kind", "place_id"),
)

guest_range = resource(
    "guest_range",
    ref("physical_network_id", "physical_network"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # VLANs, both among them
    number("first", nullable=False),
    number("last", nullable=False),
)

storage_range = resource(
    "storage_range",
    ref("zone_id", "zone"),
    ref("pod_id", "pod"),
    required("gateway"),
    required("netmask"),
    # None: untagged
    number("vlan"),
    required("start"),
    required("end"),
)

portable_range = resource(
    "portable_range",
    # the number of its region
    number("region", nullable=False),
    required("gateway"),
    required("netmask"),
    # vlan://50 or vlan://untagged
    required("tag"),
    required("start"),
    required("end"),
)

portable_ip = table(
    "portable_ip",
    ref("range_id", "portable_range"),
    required("address"),
    # Free or Allocated
    required("state"),
    ref("account_id", "account", optional=True),
    ref("domain_id", "domain", optional=True),
    ref("zone_id", "zone", optional=True),
    ref("physical_network_id", "physical_network", optional=True),
    ref("network_id", "network", optional=True),
    big("allocated"),
    Index("uq_portable_ip", "range_id", "address", unique=True),
)

pod_ip = table(
    "pod_ip",
    ref("pod_id", "pod"),
    required("address"),
    big("created", nullable=False),
    Index("uq_pod_ip", "pod_id", "address", unique=True),
)

__all__ = ["dedicated_resource", "guest_range", "pod_ip", "portable_ip", "portable_range", "storage_range"]
