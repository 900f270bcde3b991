"""Addresses of the cloud's own machines: public, of the pod, of the link to the host, and of the storage network."""

from __future__ import annotations

import ipaddress
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.allocators.base import Request
from cloudsim.core.errors import InsufficientAddresses
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, pod_range, quarantine, shared_network, storage_range
from cloudsim.services.context import Context
from cloudsim.services.nouns import POD, ZONE

table, public_ip, vlan = schema.system_nic, schema.public_ip, schema.vlan

#: The link-local network between a host and the machines on it.
CONTROL = ipaddress.IPv4Network("169.254.0.0/16")

_OF = (
    select(table)
    .where(table.c.vm_id == bindparam("vm_id"), table.c.removed.is_(None))
    .order_by(table.c.id)
)  # fmt: skip
_NEWEST = select(func.max(table.c.id))
_FREE = (
    select(public_ip, vlan.c.gateway, vlan.c.netmask, vlan.c.tag)
    .select_from(public_ip.join(vlan, public_ip.c.vlan_id == vlan.c.id))
    .where(
        public_ip.c.zone_id == bindparam("zone_id"),
        public_ip.c.state == "Free",
        ~quarantine.KEPT,
        vlan.c.type == "VirtualNetwork",
        vlan.c.account_id.is_(None),
        vlan.c.domain_id.is_(None),
        vlan.c.removed.is_(None),
    )
    .order_by(vlan.c.for_system_vms.desc(), public_ip.c.id)
    .limit(1)
)
_FREE_KEPT = _FREE.where(vlan.c.for_system_vms.is_(True))


def of(ctx: Context, vm_id: int) -> dict[str, Row]:
    """The addresses a machine has now, by kind (Public or Guest, Management, Control, Storage)."""
    return {row["kind"]: row for row in ctx.tx.all(_OF, vm_id=vm_id)}


def take(ctx: Context, row: Row, pod_id: int) -> None:
    """Gives a machine that starts in a pod its addresses, unless it has them. Raises `InsufficientAddresses`."""
    held = of(ctx, row["id"])
    if held:
        if "Management" not in held or held["Management"]["pod_id"] == pod_id:
            return
        release(ctx, row["id"])  # a host of another pod has failed to start it
    if guest_network(ctx, row) is not None:
        _take_guest(ctx, row, pod_id)
    else:
        _take_public(ctx, row)
    pod = access.row(ctx, POD, pod_id)
    add(ctx, row, "Management", _pod_address(ctx, pod), pod["netmask"], pod["gateway"], pod_id=pod_id)
    storage = storage_range.take(ctx, pod_id) if row["type"] == "SecondaryStorageVm" else None
    if storage is not None:
        add(ctx, row, "Storage", pod_id=pod_id, **storage)
    add_control(ctx, row)


def guest_network(ctx: Context, row: Row) -> Row | None:
    """The network of machines that one of the cloud's own is in: in a basic zone and one with security groups."""
    zone = access.row(ctx, ZONE, row["zone_id"])
    found = shared_network.of_zone(ctx, zone) if shared_network.by_default(zone) else []
    return found[0] if found else None


def within_pods(ctx: Context, row: Row, request: Request) -> Request:
    """Keeps a machine that is placed off pods that have no address for it. Raises `InsufficientAddresses`."""
    found = guest_network(ctx, row)
    return request if found is None else shared_network.only_pods_with_addresses(ctx, row, found, request)


def _take_guest(ctx: Context, row: Row, pod_id: int) -> None:
    found = guest_network(ctx, row)
    assert found is not None
    zone = access.row(ctx, ZONE, row["zone_id"])
    basic = zone["network_type"] == "Basic"
    taken = shared_network.take(ctx, found, row, pod_id=pod_id if basic else None, system=True)
    add(
        ctx,
        row,
        "Guest",
        taken["address"],
        taken["netmask"],
        taken["gateway"],
        public_ip_id=taken["id"],
        vlan=taken["tag"],
    )


def _take_public(ctx: Context, row: Row) -> None:
    strict = ctx.settings.flag("system.vm.public.ip.reservation.mode.strictness")
    public = ctx.tx.first(
        _FREE_KEPT if strict else _FREE, zone_id=row["zone_id"], kept_for=row["account_id"], kept_at=ctx.now
    )
    if public is None:
        raise InsufficientAddresses("no public address is free for a system virtual machine")
    ctx.tx.update(
        public_ip,
        {"id": public["id"]},
        state="Allocated",
        account_id=row["account_id"],
        domain_id=row["domain_id"],
        is_system=True,
        allocated=ctx.now,
    )
    add(
        ctx,
        row,
        "Public",
        public["address"],
        public["netmask"],
        public["gateway"],
        public_ip_id=public["id"],
        vlan=public["tag"],
    )


def add_control(ctx: Context, row: Row) -> None:
    """Gives a machine its address on the link to its host."""
    control = str(CONTROL[256 + row["id"] % (CONTROL.num_addresses - 512)])
    add(ctx, row, "Control", control, str(CONTROL.netmask), None)


def add(ctx: Context, row: Row, kind: str, ip: str, netmask: str, gateway: str | None, **more: Any) -> None:
    """Gives a machine one address."""
    number = int(ctx.tx.scalar(_NEWEST) or 0) + 1
    # a range of our own beside that of guests' cards, never given twice
    mac = ":".join(f"{byte:02x}" for byte in (6, row["zone_id"] % 256, *number.to_bytes(4, "big")))
    ctx.tx.insert(
        table,
        {
            "id": number,
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "removed": None,
            "vm_id": row["id"],
            "kind": kind,
            "pod_id": None,
            "public_ip_id": None,
            "mac": mac,
            "ip": ip,
            "netmask": netmask,
            "gateway": gateway,
            "vlan": None,
            **more,
        },
    )


def _pod_address(ctx: Context, pod: Row) -> str:
    address = pod_range.free(ctx, pod, system=True)
    if address is None:
        raise InsufficientAddresses(f"pod {pod['name']} has no free address for a system virtual machine")
    return address


def release(ctx: Context, vm_id: int) -> None:
    """Takes a machine's addresses back; the source NAT address of a router's network stays the network's."""
    for row in of(ctx, vm_id).values():
        # a range may be removed once none of its addresses is given away
        ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now, public_ip_id=None)
        if row["public_ip_id"] is not None:
            ctx.tx.update(
                public_ip,
                {"id": row["public_ip_id"], "is_system": True},
                state="Free",
                account_id=None,
                domain_id=None,
                is_system=False,
                allocated=None,
            )


def cards(ctx: Context, vm_id: int, first: int = 0) -> list[dict[str, Any]]:
    """A machine's network cards, as its host needs them; numbered from `first`."""
    return [
        {
            "uuid": row["uuid"],
            "mac": row["mac"],
            "ip": row["ip"],
            "netmask": row["netmask"],
            "gateway": row["gateway"],
            "broadcast_uri": f"vlan://{row['vlan'].removeprefix('vlan://')}" if row["vlan"] else None,
            "device_id": number,
            "is_default": row["kind"] in ("Public", "Guest"),
        }
        for number, row in enumerate(ctx.tx.all(_OF, vm_id=vm_id), first)
    ]
