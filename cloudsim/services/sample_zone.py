"""The seeded zone: an advanced zone with two clusters of two simulated hosts, room for 2,000 small machines.

A server that is started without ``--no-seed`` on an empty database has it, so that a client can deploy at once.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from sqlalchemy import select

from cloudsim.core.ids import secret
from cloudsim.db import schema
from cloudsim.services import physicalnetwork
from cloudsim.services.context import Context

GIB = 1024**3
NAME = "zone1"
#: What each host has: cores, MHz of one, bytes.
CORES, SPEED, MEMORY = 128, 4000, 512 * GIB
POOL = 16 * 1024 * GIB
#: Networks of accounts are cut from here: wide enough for 2,000 machines in one network.
GUEST_CIDR = "10.1.0.0/16"
PUBLIC = ("198.18.0.0/22", "198.18.0.1", "198.18.0.2", "198.18.3.254")
VLANS = range(100, 1100)
SECONDARY = "nfs://172.16.100.1/export/secondary"


def build(ctx: Context) -> list[int]:
    """Makes the zone, in the caller's transaction; answers the ids of its hosts."""
    tx, now = ctx.tx, ctx.now

    def resource(table: Any, **values: Any) -> int:
        return tx.insert(table, uuid=ctx.uuid(), created=now, removed=None, **values)

    zone = resource(
        schema.zone,
        name=NAME,
        description=None,
        dns1="9.9.9.9",
        dns2=None,
        ip6dns1=None,
        ip6dns2=None,
        internal_dns1="9.9.9.9",
        internal_dns2=None,
        network_type="Advanced",
        type="Core",
        security_groups=False,
        local_storage=False,
        guest_cidr=GUEST_CIDR,
        domain=None,
        domain_id=None,
        allocation_state="Enabled",
        dhcp_provider="VirtualRouter",
        token=secret(32),
        sort_key=0,
        mac_sequence=1,
    )
    physical = resource(
        schema.physical_network,
        name="physnet1",
        zone_id=zone,
        state="Enabled",
        isolation_methods="VLAN",
        speed=None,
        tags=None,
        domain_id=None,
    )
    physicalnetwork.fill(ctx, physical, enabled=True, types=physicalnetwork.TRAFFIC)
    tx.insert_many(schema.vnet, [{"physical_network_id": physical, "vlan": vlan, "network_id": None} for vlan in VLANS])
    _public_addresses(ctx, zone, physical)
    pod = resource(
        schema.pod,
        name="pod1",
        zone_id=zone,
        gateway="172.16.0.1",
        netmask="255.255.0.0",
        ranges=[{"start": "172.16.0.2", "end": "172.16.15.254", "forsystemvms": False, "vlan": "untagged"}],
        allocation_state="Enabled",
    )
    hosts = []
    for number in (1, 2):
        cluster = resource(
            schema.cluster,
            name=f"cluster{number}",
            zone_id=zone,
            pod_id=pod,
            hypervisor="Simulator",
            type="CloudManaged",
            allocation_state="Enabled",
            managed_state="Managed",
            arch="x86_64",
        )
        for machine in (1, 2):
            hosts.append(_host(ctx, zone, pod, cluster, number, machine))
    for number in (1, 2):
        resource(
            schema.storage_pool,
            name=f"primary{number}",
            zone_id=zone,
            pod_id=None,
            cluster_id=None,
            type="NetworkFilesystem",
            scope="ZONE",
            hypervisor="Simulator",
            address="172.16.100.1",
            path=f"/export/primary{number}",
            provider="DefaultPrimary",
            capacity=POOL,
            used=0,
            allocated=0,
            status="Up",
            tags=[],
            managed=False,
        )
    store = resource(
        schema.image_store,
        name="secondary1",
        url=SECONDARY,
        protocol="nfs",
        provider="NFS",
        scope="ZONE",
        zone_id=zone,
        read_only=False,
        role="Image",
        capacity=None,
    )
    for template in tx.all(_TEMPLATES):
        tx.insert(
            schema.template_zone,
            template_id=template["id"],
            zone_id=zone,
            state="DOWNLOADED",
            percent=100,
            store_id=store,
            created=now,
            progress=None,
        )
    return hosts


def _host(ctx: Context, zone: int, pod: int, cluster: int, number: int, machine: int) -> int:
    name = f"sim-c{number}-h{machine}"
    host = ctx.tx.insert(
        schema.host,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        type="Routing",
        zone_id=zone,
        pod_id=pod,
        cluster_id=cluster,
        hypervisor="Simulator",
        hypervisor_version="4.22.0.0",
        url=f"sim://{NAME}/{name}",
        ip=f"172.16.0.{10 + number * 10 + machine}",
        status="Up",
        resource_state="Enabled",
        cpu_sockets=2,
        cpu_cores=CORES,
        cpu_speed=SPEED,
        memory=MEMORY,
        arch="x86_64",
        version="4.22.0.0",
        capabilities="hvm",
        tags=[],
        os_category_id=None,
        last_ping=ctx.now,
        disconnected=None,
        fencing=False,
        update_count=0,
    )
    ctx.tx.insert(schema.host_capacity, host_id=host, cpu_used=0, memory_used=0, machines=0)
    for key, value in (
        ("name", name),
        ("cpus", str(CORES)),
        ("speed", str(SPEED)),
        ("memory", str(MEMORY)),
    ):
        ctx.tx.insert(schema.detail, resource_type="Host", resource_id=host, name=key, value=value, display=True)
    return host


def _public_addresses(ctx: Context, zone: int, physical: int) -> None:
    cidr, gateway, start, end = PUBLIC
    vlan = ctx.tx.insert(
        schema.vlan,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        zone_id=zone,
        pod_id=None,
        physical_network_id=physical,
        network_id=None,
        type="VirtualNetwork",
        tag="vlan://untagged",
        gateway=gateway,
        netmask=str(ipaddress.ip_network(cidr).netmask),
        start=start,
        end=end,
        for_system_vms=False,
        account_id=None,
        domain_id=None,
    )
    first, last = int(ipaddress.ip_address(start)), int(ipaddress.ip_address(end))
    ctx.tx.insert_many(
        schema.public_ip,
        [
            {
                "uuid": ctx.uuid(),
                "created": ctx.now,
                "removed": None,
                "address": str(ipaddress.ip_address(number)),
                "zone_id": zone,
                "vlan_id": vlan,
                "state": "Free",
                "account_id": None,
                "domain_id": None,
                "network_id": None,
                "source_nat": False,
                "static_nat": False,
                "is_system": False,
                "is_portable": False,
                "display": True,
                "allocated": None,
            }
            for number in range(first, last + 1)
        ],
    )


_TEMPLATES = select(schema.template.c.id).where(schema.template.c.hypervisor == "Simulator")
