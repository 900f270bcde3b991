"""Secondary addresses of network cards: more addresses of a card's network, given to it before its guest uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, network, nic_use, securitygroup_member, shared_network
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NIC, SECONDARY_IP, VIRTUAL_MACHINE, ZONE
from cloudsim.services.virtualmachine import lock

table, nic = schema.nic_secondary_ip, schema.nic
MOST = "vm.network.nic.max.secondary.ipaddresses"

_OF_CARD = select(table).where(table.c.nic_id == bindparam("card"), table.c.removed.is_(None)).order_by(table.c.id)
_COUNT = select(func.count()).select_from(table).where(table.c.nic_id == bindparam("card"), table.c.removed.is_(None))
_ROWS = (
    select(table, nic.c.uuid.label("nic_uuid"), schema.network.c.uuid.label("network_uuid"))
    .select_from(
        table.join(nic, table.c.nic_id == nic.c.id).join(schema.network, table.c.network_id == schema.network.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)


def of_card(ctx: Context, card: int) -> list[Row]:
    """The secondary addresses of a card."""
    return ctx.tx.all(_OF_CARD, card=card)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Secondary addresses with the ids of their cards and networks."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def add(ctx: Context, card: Row, ip: str | None) -> tuple[str, str]:
    """Gives a card one more address, `ip` or any that is free, and orders that who must know is told.

    Answers the uuids of the address, which is the card's from here on, and of the job. Raises `InvalidValue`,
    `InsufficientAddresses`.
    """
    vm = access.row(ctx, VIRTUAL_MACHINE, card["vm_id"])
    found = access.row(ctx, NETWORK, card["network_id"])
    if vm["state"] in ("Destroyed", "Expunging", "Error"):
        raise InvalidValue(f"the virtual machine is {vm['state']}")
    if found["guest_type"] == "L2" or (found["cidr"] is None and found["guest_type"] != "Shared"):
        raise InvalidValue(f"network {found['name']} has no addresses to give")
    most = ctx.settings.number(MOST)
    if most and (ctx.tx.scalar(_COUNT, card=card["id"]) or 0) >= most:
        raise InvalidValue(f"the network card has {most} secondary addresses already (setting {MOST})")
    row_id, uuid = _store(ctx, vm, card, found, ip)
    job = ctx.submit(
        Order(
            command=ctx.command,
            workflow="nic.secondaryip",
            arguments={"row_id": row_id},
            instance_type="IpAddress",
            instance_uuid=uuid,
            lock=lock(vm),
            event="NIC.SECONDARY.IP.ASSIGN",
            event_text=f"adding a secondary address to virtual machine {vm['display_name'] or vm['name']}",
            account_id=vm["account_id"],
            domain_id=vm["domain_id"],
        )
    )
    return uuid, job


def _store(ctx: Context, vm: Row, card: Row, found: Row, ip: str | None) -> tuple[int, str]:
    if found["guest_type"] == "Shared":
        pod = vm["pod_id"] if access.row(ctx, ZONE, found["zone_id"])["network_type"] == "Basic" else None
        address = shared_network.take(ctx, found, vm, wanted=ip, pod_id=pod)["address"]
    else:
        address = network.address(ctx, found, ip)
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        table,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        nic_id=card["id"],
        vm_id=vm["id"],
        network_id=found["id"],
        account_id=vm["account_id"],
        domain_id=vm["domain_id"],
        ip=address,
    )
    ctx.tx.update(nic, {"id": card["id"]}, has_secondary=True)
    return made, uuid


def _added(ctx: Context, row_id: int) -> dict[str, Any]:
    row = access.alive(ctx, SECONDARY_IP, row_id)
    securitygroup_member.addresses_changed(ctx, access.row(ctx, VIRTUAL_MACHINE, row["vm_id"]))
    return {"nicsecondaryip": ctx.present("nicsecondaryip", row_id)[0]}


single("nic.secondaryip", _added)


def remove(ctx: Context, row: Row) -> str:
    """Orders that a secondary address is taken back. Raises `InvalidValue` where rules lead to it."""
    nic_use.must_be_free(ctx, access.row(ctx, NIC, row["nic_id"]), row["ip"])
    vm = access.row(ctx, VIRTUAL_MACHINE, row["vm_id"])
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="nic.nosecondaryip",
            arguments={"row_id": row["id"]},
            instance_type="IpAddress",
            instance_uuid=row["uuid"],
            lock=lock(vm),
            event="NIC.SECONDARY.IP.UNASSIGN",
            event_text=f"removing a secondary address of virtual machine {vm['display_name'] or vm['name']}",
            account_id=vm["account_id"],
            domain_id=vm["domain_id"],
        )
    )


def _removed(ctx: Context, row_id: int) -> dict[str, Any]:
    row = access.alive(ctx, SECONDARY_IP, row_id)
    nic_use.must_be_free(ctx, access.row(ctx, NIC, row["nic_id"]), row["ip"])
    free(ctx, row)
    securitygroup_member.addresses_changed(ctx, access.row(ctx, VIRTUAL_MACHINE, row["vm_id"]))
    return {"success": True}


single("nic.nosecondaryip", _removed)


def free_all(ctx: Context, card: Row) -> None:
    """Takes all secondary addresses of a card back."""
    for row in of_card(ctx, card["id"]) if card["has_secondary"] else ():
        free(ctx, row)


def free(ctx: Context, row: Row) -> None:
    """Takes a secondary address back."""
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
    if not of_card(ctx, row["nic_id"]):
        ctx.tx.update(nic, {"id": row["nic_id"]}, has_secondary=False)
    shared_network.release(ctx, row["network_id"], row["ip"])
