"""What is asked of a network, whatever it is: checks, details, its source NAT address, jobs of its own."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.services import access, public_range, publicip_pool, resource, router, router_apply
from cloudsim.services.addressing import ip
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK, NETWORK_OFFERING

#: Of users' machines: a network with only its routers is empty.
_MACHINES = schema.nic.join(schema.vm, schema.nic.c.vm_id == schema.vm.c.id)
CARDS = (
    select(func.count())
    .select_from(_MACHINES)
    .where(
        schema.nic.c.network_id == bindparam("network_id"), schema.nic.c.removed.is_(None), schema.vm.c.type == "User"
    )
)
RUNNING = (
    select(func.count())
    .select_from(_MACHINES)
    .where(
        schema.nic.c.network_id == bindparam("network_id"),
        schema.nic.c.removed.is_(None),
        schema.vm.c.type == "User",
        or_(*(schema.vm.c.state == state for state in ("Running", "Starting", "Stopping", "Migrating"))),
    )
)
ADDRESSES = (
    select(schema.nic.c.ip)
    .select_from(_MACHINES)
    .where(
        schema.nic.c.network_id == bindparam("network_id"),
        schema.nic.c.removed.is_(None),
        schema.nic.c.ip.is_not(None),
        schema.vm.c.type == "User",
    )
)
_PUBLIC = select(schema.public_ip).where(
    schema.public_ip.c.zone_id == bindparam("zone_id"), schema.public_ip.c.address == bindparam("address")
)
PUBLIC_OF = select(schema.public_ip).where(
    schema.public_ip.c.network_id == bindparam("network_id"), schema.public_ip.c.removed.is_(None)
)
_DOMAIN_NAME = re.compile(r"(?=.{1,190}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9-]{1,63})*")


def check_domain(name: str | None) -> str | None:
    """A DNS domain of a network. Raises `InvalidValue`."""
    if name is not None and not _DOMAIN_NAME.fullmatch(name):
        raise InvalidValue(
            f"'{name[:64]}' is not a DNS domain: labels of letters, digits and hyphens, with dots between"
        )
    return name


def mtu(ctx: Context, value: int | None, name: str, zone: Row) -> int | None:
    """An MTU (`name`: public or private) that is asked for. Raises `InvalidValue`, `PermissionDenied`."""
    if value is None:
        return None
    if not ctx.caller.is_admin and not ctx.settings.flag("allow.end.users.to.specify.vr.mtu", ("Zone", zone["id"])):
        raise PermissionDenied("users may not set the MTU here (setting allow.end.users.to.specify.vr.mtu)")
    most = ctx.settings.number(f"vr.{name}.interface.max.mtu", ("Zone", zone["id"])) or 1500
    if not 68 <= value <= most:
        raise InvalidValue(f"{name}mtu is between 68 and {most} (setting vr.{name}.interface.max.mtu)")
    return value


def detail(ctx: Context, network_id: int, name: str, value: str) -> None:
    """Writes a detail of a network."""
    where = {"resource_type": "Network", "resource_id": network_id, "name": name}
    if ctx.tx.update(schema.detail, where, value=value) == 0:
        ctx.tx.insert(schema.detail, **where, value=value, display=True)


def choose_source_nat(ctx: Context, found: Row, address: str) -> None:
    """Makes an address the network's source NAT address: a free one, or one that the network has already."""
    row = ctx.tx.first(_PUBLIC, zone_id=found["zone_id"], address=ip(address, "sourcenatipaddress"))
    if row is None:
        raise InvalidValue(f"{address} is not a public address of the zone")
    mine = row["network_id"] == found["id"]
    if not mine and row["state"] != "Free":
        raise InvalidValue(f"public address {address} is in use")
    if row["static_nat"]:
        raise InvalidValue(f"public address {address} is used for static NAT")
    if not mine:
        public_range.check_address(ctx, row, found["account_id"], found["domain_id"])
        resource.check(ctx, access.row(ctx, ACCOUNT, found["account_id"]), {"ip": 1})
    for other in ctx.tx.all(PUBLIC_OF, network_id=found["id"]):
        if other["source_nat"] and other["id"] != row["id"]:
            ctx.tx.update(schema.public_ip, {"id": other["id"]}, source_nat=False)
    if mine:
        ctx.tx.update(schema.public_ip, {"id": row["id"]}, source_nat=True)
    else:
        publicip_pool.give(ctx, row, found, network=found, source_nat=True)
    router.source_nat_changed(ctx, found["id"])
    router_apply.changed(ctx, found["id"], "addresses")


def order(ctx: Context, row: Row, name: str, event: str, text: str, arguments: dict[str, Any]) -> str:
    """Starts a workflow of a network, behind its others; answers the job's uuid. Raises `PermissionDenied`."""
    access.must_own(ctx, NETWORK, row)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=name,
            arguments={"network_id": row["id"], **arguments},
            instance_type="Network",
            instance_uuid=row["uuid"],
            lock=f"network:{row['uuid']}",
            event=event,
            event_text=f"{text} network {row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def offering_of(ctx: Context, row: Row) -> Row:
    """The offering of a network."""
    return access.row(ctx, NETWORK_OFFERING, row["offering_id"])
