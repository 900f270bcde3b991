"""Ranges of addresses of shared networks: one network may have several, also in several subnets.

In a basic zone each range belongs to a pod, and a subnet to one pod only.
"""

from __future__ import annotations

import ipaddress

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, addressing, shared_network, vlaniprange
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, ZONE

vlan, public_ip = schema.vlan, schema.public_ip
UNTAGGED = "vlan://untagged"

_PODS = select(schema.pod).where(schema.pod.c.zone_id == bindparam("zone_id"), schema.pod.c.removed.is_(None))
_CARDS = (
    select(schema.nic.c.ip, schema.vm.c.account_id, schema.vm.c.domain_id)
    .select_from(schema.nic.join(schema.vm, schema.nic.c.vm_id == schema.vm.c.id))
    .where(
        schema.nic.c.network_id == bindparam("network_id"),
        schema.nic.c.ip.is_not(None),
        schema.nic.c.removed.is_(None),
    )
)


def tag_of(network: Row) -> str:
    """The VLAN of a shared network, as its ranges have it."""
    return str(network["broadcast_uri"] or UNTAGGED)


def create(
    ctx: Context,
    *,
    zone: Row | None,
    network: Row | None,
    physical: Row | None,
    pod: Row | None,
    gateway: str | None,
    netmask: str | None,
    start: str | None,
    end: str | None,
    tag: str | None,
) -> int:
    """Makes a range of a shared network; answers its id. Raises `InvalidValue`.

    `network` is the zone's guest network where it is None; gateway and netmask are those of the network's range that
    `start` is in the subnet of, where both are None.
    """
    network, zone = _network(ctx, zone, network, pod)
    basic = zone["network_type"] == "Basic"
    if physical is not None and physical["id"] != network["physical_network_id"]:
        raise InvalidValue(f"network {network['name']} is on another physical network")
    if basic and pod is None:
        raise InvalidValue("a range of a basic zone belongs to a pod: give podid")
    if pod is not None and (not basic or pod["zone_id"] != zone["id"]):
        raise InvalidValue(
            f"pod {pod['name']} is not in that zone" if basic else "only basic zones have ranges of pods"
        )
    if start is None:
        raise InvalidValue("a range of addresses needs startip")
    if tag is not None and addressing.vlan_tag(tag) != tag_of(network):
        raise InvalidValue(f"network {network['name']} is on {tag_of(network)}: its ranges are as well")
    at, mask = _subnet(ctx, network, pod, gateway, netmask, start)
    found = addressing.address_range(at, mask, start, end)
    _check(ctx, network, pod["id"] if pod else None, at, mask, found, 0)
    return insert(ctx, network, pod["id"] if pod else None, at, mask, found)


def _network(ctx: Context, zone: Row | None, network: Row | None, pod: Row | None) -> tuple[Row, Row]:
    if network is None:
        if zone is None and pod is not None:
            zone = access.row(ctx, ZONE, pod["zone_id"])
        if zone is None:
            raise InvalidValue("say whose the range is: networkid")
        there = shared_network.of_zone(ctx, zone) if shared_network.by_default(zone) else []
        if len(there) != 1:
            raise InvalidValue(f"zone {zone['name']} has {len(there)} networks that machines are in: give networkid")
        network = there[0]
    if network["guest_type"] != "Shared":
        raise InvalidValue(f"network {network['name']} is {network['guest_type']}: ranges are of shared networks")
    if zone is not None and network["zone_id"] != zone["id"]:
        raise InvalidValue(f"network {network['name']} is in another zone")
    return network, access.row(ctx, ZONE, network["zone_id"])


def _subnet(
    ctx: Context, network: Row, pod: Row | None, gateway: str | None, netmask: str | None, start: str
) -> tuple[str, str]:
    if gateway is not None and netmask is not None:
        return addressing.ip(gateway, "gateway") or "", netmask
    if gateway is not None or netmask is not None:
        raise InvalidValue("gateway and netmask go together: give both or none")
    first = ipaddress.IPv4Address(addressing.ip(start, "startip") or "")
    known = [part for part in shared_network.ranges(ctx, network["id"]) if pod is None or part["pod_id"] == pod["id"]]
    for part in [*known, network]:
        if part["gateway"] and first in addressing.network(part["gateway"], part["netmask"]):
            return part["gateway"], part["netmask"]
    raise InvalidValue(f"{start} is in no subnet of network {network['name']}: give gateway and netmask")


def _check(
    ctx: Context, network: Row, pod_id: int | None, gateway: str, netmask: str, found: addressing.Range, but: int
) -> None:
    vlaniprange.check(ctx, network["zone_id"], but, gateway, netmask, found, tag_of(network), network["id"])
    within = addressing.network(gateway, netmask)
    for part in shared_network.ranges(ctx, network["id"]):
        if part["pod_id"] != pod_id and within.overlaps(addressing.network(part["gateway"], part["netmask"])):
            raise InvalidValue(f"{within} has addresses of another pod: each pod has subnets of its own")
    if tag_of(network) == UNTAGGED:
        for pod in ctx.tx.all(_PODS, zone_id=network["zone_id"]):
            for one in pod["ranges"]:
                if found.overlaps(addressing.stored(one["start"], one.get("end"))):
                    raise InvalidValue(f"{found} overlaps the addresses that pod {pod['name']} has for its hosts")


def update(ctx: Context, row: Row, *, system: bool | None, **given: str | None) -> None:
    """Changes a range of a shared network; what is None stays. Raises `InvalidValue`, `ResourceInUse`."""
    if system:
        raise InvalidValue("a range of a shared network is for its machines, not kept for the cloud's own")
    network = access.row(ctx, NETWORK, row["network_id"])
    at, mask, found = vlaniprange.wanted(row, **given)
    _check(ctx, network, row["pod_id"], at, mask, found, row["id"])
    vlaniprange.change(ctx, row, at, mask, found)
    _mark(ctx, network["id"], row["id"], found)


def insert(ctx: Context, network: Row, pod_id: int | None, gateway: str, netmask: str, found: addressing.Range) -> int:
    """Stores a range that was checked, with its addresses; answers its id."""
    row_id = ctx.tx.insert(
        vlan,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        zone_id=network["zone_id"],
        pod_id=pod_id,
        physical_network_id=network["physical_network_id"],
        network_id=network["id"],
        type="DirectAttached",
        tag=tag_of(network),
        gateway=gateway,
        netmask=str(addressing.network(gateway, netmask).netmask),
        start=str(found.start),
        end=str(found.end),
        for_system_vms=False,
        account_id=None,
        domain_id=None,
    )
    vlaniprange.fill(ctx, network["zone_id"], row_id, found.addresses())
    _mark(ctx, network["id"], row_id, found)
    ctx.event("VLAN.IP.RANGE.CREATE", f"range {found} is made", resource=vlaniprange.named(ctx, row_id))
    return row_id


def _mark(ctx: Context, network_id: int, row_id: int, found: addressing.Range) -> None:
    # addresses that machines have had since ranges were not looked at
    for one in ctx.tx.all(_CARDS, network_id=network_id):
        if found.overlaps(addressing.stored(one["ip"], None)):
            ctx.tx.update(
                public_ip,
                {"vlan_id": row_id, "address": one["ip"], "state": "Free"},
                state="Allocated",
                account_id=one["account_id"],
                domain_id=one["domain_id"],
                allocated=ctx.now,
            )
