"""Networks deleted, once they have no machines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, network_orders, publicip_pool, router, rules, shared_network, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK

table = schema.network

_PHYSICAL_VNETS = select(schema.vnet).where(schema.vnet.c.network_id == bindparam("network_id"))


def delete(ctx: Context, row: Row, *, forced: bool) -> str:
    """Deletes a network without machines; its addresses and its VLAN become free."""
    if forced and not ctx.caller.is_admin:
        raise PermissionDenied("forced is for root admins")
    return network_orders.order(ctx, row, "network.delete", "NETWORK.DELETE", "deleting", {})


def empty(ctx: Context, network_id: int) -> list[str]:
    """Orders that the routers of a network without machines go; answers the jobs. Raises `OperationFailed`."""
    row = access.alive(ctx, NETWORK, network_id)
    cards = ctx.tx.scalar(network_orders.CARDS, network_id=network_id)
    if cards:
        raise OperationFailed(f"network {row['name']} has {cards} virtual machine(s): destroy and expunge them first")
    return router.remove_all(ctx, network_id)


def deleted(ctx: Context, network_id: int) -> dict[str, Any]:
    """Deletes a network that is empty, with its addresses and its VLAN. Raises `OperationFailed`."""
    row = access.alive(ctx, NETWORK, network_id)
    if ctx.tx.scalar(network_orders.CARDS, network_id=network_id):
        raise OperationFailed(f"network {row['name']} got a virtual machine meanwhile")
    left = router.of_network(ctx, network_id)
    if left:
        raise OperationFailed(f"router {left[0]['name']} of network {row['name']} could not be removed: see its job")
    rules.of_network_gone(ctx, network_id)
    for address in ctx.tx.all(network_orders.PUBLIC_OF, network_id=network_id):
        publicip_pool.free(ctx, address)
    shared_network.drop(ctx, row)
    for vnet in ctx.tx.all(_PHYSICAL_VNETS, network_id=network_id):
        ctx.tx.update(schema.vnet, {"id": vnet["id"]}, network_id=None, taken=None)
    ctx.tx.update(table, {"id": network_id}, removed=ctx.now, state="Destroy")
    usage.end(ctx, "network", network_id)
    return {"success": True}


@workflow("network.delete")
async def _delete(wf: Workflow[Context], network_id: int) -> None:
    await wf.ended(await wf.step("emptying", empty, network_id))
    await wf.finish(deleted, network_id)
