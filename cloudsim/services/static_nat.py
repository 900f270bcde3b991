"""Static NAT: all that arrives at a public address goes on to one address of one machine, and comes from there.

What routers are told is the part ``staticnat``. An address with static NAT has no rules that forward its ports; who may
come in is a matter of firewall rules, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, NatConflict
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    elastic_ip,
    portable_ip,
    router_apply,
    router_parts,
    rules,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING, PUBLIC_IP, VIRTUAL_MACHINE, VLAN_RANGE, ZONE

table = schema.public_ip
SERVICE = "StaticNat"
PART = "staticnat"
#: Machines in these states can be reached, or can be again.
_THERE = ("Running", "Stopped", "Starting", "Stopping", "Migrating")

_OF_MACHINE = select(table).where(table.c.vm_id == bindparam("vm_id"), table.c.removed.is_(None)).order_by(table.c.id)
_OF_MACHINES = (
    select(table.c.vm_id, table.c.uuid, table.c.address, schema.network.c.uuid.label("network_uuid"))
    .select_from(table.join(schema.network, table.c.network_id == schema.network.c.id))
    .where(any_of(table.c.vm_id, "ids"), table.c.removed.is_(None))
    .order_by(table.c.is_system.desc(), table.c.id)
)

Plain = dict[str, Any]


def of_machine(ctx: Context, vm_id: int) -> list[Row]:
    """The public addresses that are a machine's."""
    return ctx.tx.all(_OF_MACHINE, vm_id=vm_id)


def of_machines(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """The same of several machines: ``vm_id``, ``uuid``, ``address`` and ``network_uuid`` of each."""
    return ctx.tx.all(_OF_MACHINES, ids=ids)


# -- enabled


def enable(ctx: Context, address: Row, machine: Row, *, found: Row | None, guest: str | None) -> None:
    """Makes an address a machine's: of its card in a network (`found`, else the one that the address is used for).

    A portable address is taken along to that network. What the system had given the machine goes back to the pool. Raises
    `InvalidValue`, `PermissionDenied`, and `NatConflict` where address or machine are used otherwise.
    """
    access.must_own(ctx, PUBLIC_IP, address)
    access.must_own(ctx, VIRTUAL_MACHINE, machine)
    _check_address(ctx, address)
    if machine["state"] not in _THERE:
        raise InvalidValue(f"a virtual machine in state {machine['state']} takes no static NAT")
    if address["account_id"] != machine["account_id"]:
        raise InvalidValue(f"public address {address['address']} and the virtual machine belong to different accounts")
    card = _card(ctx, address, machine, found)
    found = access.row(ctx, NETWORK, card["network_id"])
    if not router_parts.provides(access.row(ctx, NETWORK_OFFERING, found["offering_id"]), SERVICE):
        raise InvalidValue(f"network {found['name']} has no static NAT")
    guest = _guest(card, guest)
    if address["static_nat"] and address["vm_id"] == machine["id"] and address["vm_ip"] == guest:
        return
    _check_use(ctx, address, machine, found, guest)
    parts = [PART]
    if address["network_id"] != found["id"]:
        address = _moved(ctx, address, found)
        parts.append("addresses")
    ctx.tx.update(table, {"id": address["id"]}, static_nat=True, vm_id=machine["id"], vm_ip=guest)
    router_apply.changed(ctx, found["id"], *parts)
    ctx.event(
        "STATICNAT.ENABLE",
        f"public address {address['address']} is that of virtual machine {machine['display_name'] or machine['name']}",
        resource=("IpAddress", address["uuid"]),
        account_id=address["account_id"],
        domain_id=address["domain_id"],
    )


def _check_address(ctx: Context, address: Row) -> None:
    if address["state"] != "Allocated":
        raise InvalidValue(f"public address {address['address']} is {address['state']}")
    if address["source_nat"]:
        raise InvalidValue(f"public address {address['address']} is used for source NAT")
    if address["is_system"]:
        raise InvalidValue(f"public address {address['address']} is the system's")
    if access.row(ctx, VLAN_RANGE, address["vlan_id"])["type"] != "VirtualNetwork":
        raise InvalidValue(f"{address['address']} is an address of a shared network")


def _card(ctx: Context, address: Row, machine: Row, found: Row | None) -> Row:
    """The card of a machine that an address is to be for. Raises `InvalidValue`."""
    cards = db.nics_of(ctx.tx, machine["id"])
    there = {card["network_id"]: card for card in cards}
    if found is not None:
        wanted: int | None = found["id"]
        if address["network_id"] not in (None, wanted) and not address["is_portable"]:
            raise InvalidValue(f"public address {address['address']} is used for another network")
    elif address["network_id"] is None or (address["is_portable"] and address["network_id"] not in there):
        wanted = next((card["network_id"] for card in cards if card["is_default"]), None)
    else:
        wanted = address["network_id"]
    if wanted is None or wanted not in there:
        raise InvalidValue("the virtual machine has no card in the network of the public address")
    if access.row(ctx, NETWORK, wanted)["zone_id"] != address["zone_id"] and not address["is_portable"]:
        raise InvalidValue("the virtual machine is in another zone than the public address")
    return there[wanted]


def guest_addresses(card: Row) -> list[str]:
    """The addresses of a card that a public one can be for."""
    return [card["ip"]] if card["ip"] else []


def _guest(card: Row, wanted: str | None) -> str:
    own = guest_addresses(card)
    if not own:
        raise InvalidValue("the card of the virtual machine has no address yet: start it first")
    if wanted is not None and wanted not in own:
        raise InvalidValue(f"{wanted[:64]} is not an address of the virtual machine in network {card['network_name']}")
    return wanted or own[0]


def _check_use(ctx: Context, address: Row, machine: Row, found: Row, guest: str) -> None:
    """What stands in the way; the address that the system gave goes."""
    if address["static_nat"]:
        raise NatConflict(f"public address {address['address']} is that of another virtual machine, or of another card")
    used = [row for row in rules.of_address(ctx, address["id"]) if row["purpose"] != rules.FIREWALL]
    if used:
        raise NatConflict(f"public address {address['address']} has rules: delete them first")
    for other in of_machine(ctx, machine["id"]):
        if other["network_id"] != found["id"] or other["vm_ip"] != guest:
            continue
        if not other["is_system"]:
            raise NatConflict(f"{guest} of the virtual machine has public address {other['address']} already")
        elastic_ip.drop(ctx, other)


def _moved(ctx: Context, address: Row, found: Row) -> Row:
    if address["is_portable"] and address["network_id"] is not None:
        if rules.of_address(ctx, address["id"]):
            raise NatConflict(f"portable address {address['address']} has rules: delete them first")
        router_apply.changed(ctx, address["network_id"], "addresses")
        return portable_ip.transfer(ctx, address, found, access.row(ctx, ZONE, found["zone_id"]))
    ctx.tx.update(table, {"id": address["id"]}, network_id=found["id"])
    if address["is_portable"]:
        portable_ip.told(ctx, address, found)
    return {**address, "network_id": found["id"]}


# -- disabled


def disable(ctx: Context, address: Row) -> str:
    """An address is no machine's any more, and its rules go; answers the job's uuid. Raises `InvalidValue`."""
    access.must_own(ctx, PUBLIC_IP, address)
    if not address["static_nat"]:
        raise InvalidValue(f"public address {address['address']} has no static NAT")
    if address["is_system"]:
        raise InvalidValue(f"public address {address['address']} is the system's: acquire another in its place")
    jobs = rules.of_address_gone(ctx, address["id"])
    jobs += _free_machine(ctx, address)
    jobs += elastic_ip.back(ctx, address["vm_id"])
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="staticnat.disable",
            arguments={"jobs": sorted(set(jobs))},
            instance_type="IpAddress",
            instance_uuid=address["uuid"],
            lock=f"publicip:{address['uuid']}",
            event="STATICNAT.DISABLE",
            event_text=f"disabling static NAT of public address {address['address']}",
            account_id=address["account_id"],
            domain_id=address["domain_id"],
        )
    )


def _free_machine(ctx: Context, address: Row) -> list[str]:
    ctx.tx.update(table, {"id": address["id"]}, static_nat=False, vm_id=None, vm_ip=None)
    return router_apply.changed(ctx, address["network_id"], PART)


def _disabled(ctx: Context, jobs: list[str]) -> Plain:
    router_apply.check(ctx, jobs)
    return {"success": True}


@workflow("staticnat.disable")
async def _disable(wf: Workflow[Context], jobs: list[str]) -> None:
    if jobs:
        await wf.ended(jobs)
    await wf.finish(_disabled, jobs)


# -- what happens to address and machine


def address_gone(ctx: Context, address: Row) -> list[str]:
    """An address is released: it is no machine's any more; answers the jobs that tell the routers."""
    if not address["static_nat"]:
        return []
    return _free_machine(ctx, address) + elastic_ip.back(ctx, address["vm_id"])


def machine_gone(ctx: Context, vm_id: int) -> None:
    """A machine is gone for good: its account keeps the addresses that it acquired, the system's are free."""
    for address in of_machine(ctx, vm_id):
        if address["is_system"]:
            elastic_ip.drop(ctx, address)
            continue
        rules.of_address_gone(ctx, address["id"])
        _free_machine(ctx, address)
        ctx.event(
            "STATICNAT.DISABLE",
            f"public address {address['address']} is no virtual machine's any more",
            resource=("IpAddress", address["uuid"]),
            account_id=address["account_id"],
            domain_id=address["domain_id"],
        )


def card_changed(ctx: Context, vm_id: int, network_id: int, old: str | None, new: str) -> None:
    """A card of a machine has another address: public addresses that were for the old one are for the new one."""
    changed = [row for row in of_machine(ctx, vm_id) if row["network_id"] == network_id and row["vm_ip"] == old]
    for row in changed:
        ctx.tx.update(table, {"id": row["id"]}, vm_ip=new)
    if changed:
        router_apply.changed(ctx, network_id, PART)


__all__ = ["card_changed", "disable", "enable", "machine_gone", "of_machine", "of_machines"]
