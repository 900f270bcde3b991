"""Networks made anew: what one needs and has lost is given to it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, network, network_orders, router, router_apply
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK

table = schema.network


def restart(ctx: Context, row: Row, *, cleanup: bool, redundant: bool, live: bool) -> str:
    """Makes an implemented network anew: what it needs and has lost is given to it again.

    `cleanup`: its routers are made anew; `redundant`: and there are two from then on; `live`: they are only patched.
    """
    if redundant and not _can_be_redundant(ctx, row):
        raise InvalidValue("only the router of an isolated network with source NAT can get a second one beside it")
    if live and (cleanup or redundant):
        raise InvalidValue("livepatch leaves the routers where they are: leave cleanup and makeredundant out")
    arguments = {"cleanup": cleanup or redundant, "redundant": redundant, "live": live}
    return network_orders.order(ctx, row, "network.restart", "NETWORK.RESTART", "restarting", arguments)


def _can_be_redundant(ctx: Context, row: Row) -> bool:
    offered = network_orders.offering_of(ctx, row)
    nat = any(service["name"] == "SourceNat" for service in offered["services"])
    return row["guest_type"] == "Isolated" and nat and router.served(offered)


def _restarting(ctx: Context, network_id: int, cleanup: bool, redundant: bool, live: bool) -> list[str]:
    row = access.alive(ctx, NETWORK, network_id)
    if row["state"] not in ("Implemented", "Setup"):
        raise InvalidValue(f"network {row['name']} is {row['state']}: only one that is in use can be restarted")
    if any(service["name"] == "SourceNat" for service in network_orders.offering_of(ctx, row)["services"]):
        network.take_source_nat(ctx, row)
        router.source_nat_changed(ctx, network_id)
    if redundant:
        ctx.tx.update(table, {"id": network_id}, redundant=True)
    if live:
        router.patch_all(ctx, network_id)
        return []
    return router.remove_all(ctx, network_id) if cleanup else router_apply.changed_all(ctx, network_id)


def _restarted(ctx: Context, network_id: int, told: Sequence[str] = ()) -> dict[str, Any]:
    access.alive(ctx, NETWORK, network_id)
    router_apply.check(ctx, told)
    ctx.tx.update(table, {"id": network_id}, restart_required=False)
    return {"success": True}


@workflow("network.restart")
async def _restart(
    wf: Workflow[Context], network_id: int, cleanup: bool = False, redundant: bool = False, live: bool = False
) -> None:
    jobs = await wf.step("restarting", _restarting, network_id, cleanup, redundant, live)
    await wf.ended(jobs)
    if not live:
        await supply(wf, network_id)
    await wf.finish(_restarted, network_id, [] if cleanup else jobs)


def _provide(ctx: Context, network_id: int) -> list[str]:
    return router.provide(ctx, access.alive(ctx, NETWORK, network_id))


async def supply(wf: Workflow[Context], network_id: int) -> None:
    """Until a network has the routers that it should have."""
    jobs = await wf.step("routers", _provide, network_id)
    await router.ready(wf, network_id, jobs)
