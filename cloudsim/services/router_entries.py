"""What routers hand out by DHCP and know by DNS of the machines in their network.

A router has an entry for each card of a machine that was ever started: the card's address, host name, options, and a gateway
where it is the machine's default card; and the host name in the network's domain as a name. The whole list goes along with a
router's start. A machine's own entries go to the routers within its own start, before it runs, so that a network with
many machines costs a start no more than one with few; and whatever else changes entries has the list told anew (`changed`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.agents.base import AddRouterEntries, AgentError, DhcpEntries, DnsEntries
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.workflow import Workflow
from cloudsim.services import access, router_apply, router_parts
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK_OFFERING, VIRTUAL_MACHINE, ZONE
from cloudsim.services.vm_plain import address_of, host_address

vm, nic, network, untold = schema.vm, schema.nic, schema.network, schema.router_untold

PARTS = (DhcpEntries.part, DnsEntries.part)
Plain = dict[str, Any]

_COLUMNS = (
    nic.c.network_id, nic.c.mac, nic.c.ip, nic.c.netmask, nic.c.gateway, nic.c.is_default, nic.c.dhcp_options,
    vm.c.name.label("hostname"),
)  # fmt: skip
_CARDS = select(*_COLUMNS).select_from(nic.join(vm, nic.c.vm_id == vm.c.id))
_THERE = (nic.c.removed.is_(None), nic.c.ip.is_not(None), vm.c.type == "User", vm.c.removed.is_(None))
_OF_NETWORK = _CARDS.where(
    nic.c.network_id == bindparam("network_id"),
    *_THERE,
    or_(vm.c.host_id.is_not(None), vm.c.last_host_id.is_not(None)),
).order_by(nic.c.id)
_OF_MACHINE = _CARDS.where(nic.c.vm_id == bindparam("vm_id"), *_THERE).order_by(nic.c.id)
_ROUTERS = (
    select(
        vm.c.id,
        vm.c.uuid,
        vm.c.instance_name,
        vm.c.state,
        vm.c.host_id,
        vm.c.network_id,
        vm.c.account_id,
        vm.c.domain_id,
    )
    .where(any_of(vm.c.network_id, "networks"), vm.c.host_id.is_not(None), vm.c.removed.is_(None))
    .order_by(vm.c.id)
)
_NOTED = select(untold.c.vm_id).where(
    any_of(untold.c.vm_id, "routers"), or_(*(untold.c.part == name for name in PARTS))
)  # fmt: skip
_NETWORKS = select(nic.c.network_id).where(nic.c.vm_id == bindparam("vm_id"), nic.c.removed.is_(None))


def _name_servers(zone: Row, found: Row, offered: Row) -> list[str]:
    """Those that machines of a network ask: its router where that does both, else those of the network or zone."""
    if router_parts.provides(offered, "Dns") and router_parts.provides(offered, "SourceNat"):
        return [found["gateway"]]
    return [text for text in (found["dns1"] or zone["dns1"], found["dns2"] or zone["dns2"]) if text]


def _lease(card: Row, servers: Sequence[str], found: Row) -> Plain:
    return {
        "mac": card["mac"],
        "address": card["ip"],
        "netmask": card["netmask"],
        "gateway": card["gateway"] if card["is_default"] else None,
        "hostname": card["hostname"],
        "domain": found["network_domain"],
        "dns": list(servers),
        "options": dict(card["dhcp_options"]),
    }


def _record(card: Row, found: Row) -> Plain:
    domain = found["network_domain"]
    return {"name": f"{card['hostname']}.{domain}" if domain else card["hostname"], "address": card["ip"]}


def _dhcp(ctx: Context, found: Row, offered: Row) -> list[Plain]:
    servers = _name_servers(access.row(ctx, ZONE, found["zone_id"]), found, offered)
    made = [_lease(card, servers, found) for card in ctx.tx.all(_OF_NETWORK, network_id=found["id"])]
    return sorted(made, key=lambda one: str(one["mac"]))


def _dns(ctx: Context, found: Row, _offered: Row) -> list[Plain]:
    made = [_record(card, found) for card in ctx.tx.all(_OF_NETWORK, network_id=found["id"])]
    return sorted(made, key=lambda one: str(one["name"]))


router_parts.register(router_parts.Part(DhcpEntries, "Dhcp", _dhcp))
router_parts.register(router_parts.Part(DnsEntries, "Dns", _dns))


# -- within a machine's own start


def of_machine(ctx: Context, vm_id: int, networks: Mapping[int, Row]) -> list[Plain]:
    """What the routers of some networks are to be told of a machine in them: one plan for each router that is.

    Routers that are being told their list, or that are on their way, are noted for it in the same transaction.
    """
    routers = ctx.tx.all(_ROUTERS, networks=list(networks))
    if not routers:
        return []
    noted = {row["vm_id"] for row in ctx.tx.all(_NOTED, routers=[row["id"] for row in routers])}
    cards = ctx.tx.all(_OF_MACHINE, vm_id=vm_id)
    plans = []
    for row in routers:
        found = networks[row["network_id"]]
        offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
        mine = [card for card in cards if card["network_id"] == found["id"]]
        if not mine or not any(router_parts.provides(offered, service) for service in ("Dhcp", "Dns")):
            continue
        if row["state"] != "Running" or row["id"] in noted:
            router_apply.note(ctx, row, *PARTS)  # a list that was read before this would take the entry away again
            continue
        servers = _name_servers(access.row(ctx, ZONE, found["zone_id"]), found, offered)
        dhcp = [_lease(card, servers, found) for card in mine] if router_parts.provides(offered, "Dhcp") else []
        dns = [_record(card, found) for card in mine] if router_parts.provides(offered, "Dns") else []
        host = address_of(ctx, row["host_id"])
        plans.append(
            {"id": row["id"], "host": host, "uuid": row["uuid"], "name": row["instance_name"], "dhcp": dhcp, "dns": dns}
        )
    return plans


async def tell(wf: Workflow[Context], plans: Sequence[Plain], prefix: str) -> None:
    """Tells routers the entries that `of_machine` planned; one that cannot be told now gets its list later."""
    for plan in plans:
        step = f"{prefix}entries-{plan['id']}"
        command = AddRouterEntries(
            wf.command_id(step), plan["uuid"], plan["name"], tuple(plan["dhcp"]), tuple(plan["dns"])
        )
        try:
            await wf.call(host_address(plan["host"]), command)
        except AgentError:
            await wf.step(f"{step}-later", _later, plan["id"])


def _later(ctx: Context, router_id: int) -> None:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=router_id)
    if row is not None and row["removed"] is None and row["host_id"] is not None:
        router_apply.note(ctx, row, *PARTS)


# -- whenever else they change


def changed(ctx: Context, network_id: int) -> list[str]:
    """Entries of a network have changed: orders that its routers are told all of them; answers the jobs."""
    return router_apply.changed(ctx, network_id, *PARTS)


def no_more(ctx: Context, vm_id: int) -> None:
    """A machine's entries go: orders that the routers of its networks are told."""
    for found in ctx.tx.all(_NETWORKS, vm_id=vm_id):
        changed(ctx, found["network_id"])


def machine_changed(ctx: Context, row: Row) -> None:
    """Something of a machine that its entries tell has changed, or it is about to go."""
    if row["host_id"] is None and row["last_host_id"] is None:
        return  # no router has heard of it
    no_more(ctx, row["id"])
