"""Public addresses that machines have from the system: elastic IP.

Where the offering of a shared network has it (capability ``ElasticIp`` of static NAT, and ``AssociatePublicIP`` not
false; a zone may have the detail ``associatepublicip`` false), a machine gets a public address with static NAT when it
starts and gives it back when it stops. One that its account acquired takes its place, and it comes back after that.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InsufficientAddresses
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services import access, public_range, publicip_pool, router_apply
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING, VIRTUAL_MACHINE

table = schema.public_ip
PARTS = ("addresses", "staticnat")

_OF_CARD = select(table.c.id).where(
    table.c.vm_id == bindparam("vm_id"),
    table.c.network_id == bindparam("network_id"),
    table.c.vm_ip == bindparam("ip"),
    table.c.removed.is_(None),
)
_SYSTEM = select(table).where(
    table.c.vm_id == bindparam("vm_id"), table.c.is_system.is_(True), table.c.removed.is_(None)
)


def _told(offered: Row) -> dict[str, bool]:
    """What an offering says of static NAT, by capability."""
    return {
        str(one["name"]).lower(): str(one["value"]).lower() == "true"
        for service in offered["services"]
        if service["name"] == "StaticNat"
        for one in service.get("capability", ())
    }


def gives(ctx: Context, found: Row) -> bool:
    """Whether machines get a public address with their card in a network."""
    if found["guest_type"] != "Shared":
        return False
    told = _told(access.row(ctx, NETWORK_OFFERING, found["offering_id"]))
    if not told.get("elasticip") or not told.get("associatepublicip", True):
        return False
    return db.details_of(ctx.tx, "Zone", found["zone_id"]).get("associatepublicip", "true").lower() != "false"


def starts(ctx: Context, row: Row, cards: Sequence[Row]) -> None:
    """A user's machine is about to start: it has its address by now. Raises `InsufficientAddresses`."""
    for card in cards:
        if card["guest_type"] == "Shared":
            _give(ctx, row, access.row(ctx, NETWORK, card["network_id"]), card)


def _give(ctx: Context, row: Row, found: Row, card: Row) -> list[str]:
    if card["ip"] is None:
        return []
    if ctx.tx.scalar(_OF_CARD, vm_id=row["id"], network_id=found["id"], ip=card["ip"]) is not None:
        return router_apply.changed(ctx, found["id"], "staticnat")  # it may have started in another pod
    if not gives(ctx, found):
        return []
    free = public_range.free(ctx, found["zone_id"], row["account_id"], row["domain_id"])
    publicip_pool.give(ctx, free, row, network=found, system=True)
    ctx.tx.update(table, {"id": free["id"]}, static_nat=True, vm_id=row["id"], vm_ip=card["ip"])
    ctx.event(
        "NET.IPASSIGN",
        f"public address {free['address']} was given to virtual machine {row['display_name'] or row['name']}",
        resource=("IpAddress", free["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )
    return router_apply.changed(ctx, found["id"], *PARTS)


def stops(ctx: Context, vm_id: int) -> None:
    """A machine is off, or did not come up: what the system gave it goes back to the pool."""
    for address in ctx.tx.all(_SYSTEM, vm_id=vm_id):
        drop(ctx, address)


def drop(ctx: Context, address: Row) -> None:
    """An address that the system gave goes back to the pool."""
    publicip_pool.free(ctx, address)
    router_apply.changed(ctx, address["network_id"], *PARTS)


def back(ctx: Context, vm_id: int) -> list[str]:
    """An acquired address is a machine's no more: it gets one of the system's again, if it runs and one is free.

    Answers the jobs that tell the routers.
    """
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None or row["state"] not in ("Running", "Migrating"):
        return []
    jobs: list[str] = []
    for card in db.nics_of(ctx.tx, vm_id):
        try:
            jobs += _give(ctx, row, access.row(ctx, NETWORK, card["network_id"]), card)
        except InsufficientAddresses:
            break
    return jobs
