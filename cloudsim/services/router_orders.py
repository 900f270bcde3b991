"""Virtual routers as admins ask for them: lists, life, size, versions; and the routers of a network made anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import NICS, grouped
from cloudsim.services import cloud_machine, router, router_health
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import ROUTER

vm, table, host = schema.vm, schema.router, schema.host

LISTING = Listing(
    vm,
    source=vm.join(table, table.c.vm_id == vm.c.id).outerjoin(host, vm.c.host_id == host.c.id),
    filters={
        "id": equals(vm.c.id, "id"),
        "name": equals(vm.c.name, "name"),
        "zone": equals(vm.c.zone_id, "zone"),
        "pod": equals(vm.c.pod_id, "pod"),
        "cluster": equals(host.c.cluster_id, "cluster"),
        "host": equals(vm.c.host_id, "host"),
        "network": equals(vm.c.network_id, "network"),
        "state": equals_nocase(vm.c.state, "state"),
        "version": equals(table.c.template_version, "version"),
        "arch": equals_nocase(vm.c.arch, "arch"),
        "failing": any_of(vm.c.id, "failing"),
        "healthy": ~any_of(vm.c.id, "healthy"),
        "none": vm.c.id < 0,
    },
    base=(vm.c.type == router.TYPE, vm.c.removed.is_(None)),
    keyword=(vm.c.name, vm.c.instance_name, vm.c.state),
    owner=(vm.c.account_id, vm.c.domain_id),
)
_ROWS = (
    select(
        vm,
        *(table.c[name] for name in (
            "is_redundant", "redundant_state", "template_version", "software_version", "scripts_version"
        )),
        *(schema.zone.c[name].label(f"zone_{name}") for name in ("uuid", "name", "dns1", "dns2", "ip6dns1", "ip6dns2")),
        *(schema.network.c[name].label(f"network_{name}") for name in ("uuid", "name", "network_domain")),
        schema.physical_network.c.uuid.label("physical_uuid"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.pod.c.name.label("pod_name"),
        host.c.uuid.label("host_uuid"),
        host.c.name.label("host_name"),
        host.c.resource_state.label("host_state"),
        host.c.status.label("host_status"),
        schema.template.c.uuid.label("template_uuid"),
        schema.template.c.name.label("template_name"),
        schema.service_offering.c.uuid.label("offering_uuid"),
        schema.service_offering.c.name.label("offering_name"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        vm.join(table, table.c.vm_id == vm.c.id)
        .join(schema.zone, vm.c.zone_id == schema.zone.c.id)
        .join(schema.network, vm.c.network_id == schema.network.c.id)
        .join(schema.physical_network, schema.network.c.physical_network_id == schema.physical_network.c.id)
        .join(schema.account, vm.c.account_id == schema.account.c.id)
        .join(schema.domain, vm.c.domain_id == schema.domain.c.id)
        .join(schema.template, vm.c.template_id == schema.template.c.id)
        .join(schema.service_offering, vm.c.service_offering_id == schema.service_offering.c.id)
        .outerjoin(schema.pod, vm.c.pod_id == schema.pod.c.id)
        .outerjoin(host, vm.c.host_id == host.c.id)
    )
    .where(any_of(vm.c.id, "ids"))
)  # fmt: skip
_OUTER = (
    select(schema.system_nic)
    .where(any_of(schema.system_nic.c.vm_id, "ids"), schema.system_nic.c.removed.is_(None))
    .order_by(schema.system_nic.c.id)
)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, Row | None, dict[str, Row]]]:
    """Routers with where they are and whose, each with its card in the network and its other cards by kind."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    guest = grouped(ctx.tx.all(NICS, ids=list(rows)), "vm_id")
    outer = grouped(ctx.tx.all(_OUTER, ids=list(rows)), "vm_id")
    return [
        (rows[i], next(iter(guest.get(i, ())), None), {card["kind"]: card for card in outer.get(i, ())})
        for i in ids
        if i in rows
    ]


def rows_of(ctx: Context, shown: Sequence[dict[str, Any]]) -> list[Row]:
    """The rows of routers whose response objects are given."""
    ids = {row["uuid"]: row["id"] for row in ctx.tx.all(ROUTER.by_uuids, uuids=[one["id"] for one in shown])}
    return [row for row, _, _ in page(ctx, [ids[one["id"]] for one in shown])]


def health_filter(ctx: Context, failed: bool | None) -> dict[str, Any]:
    """The condition of `LISTING` for routers whose health checks failed, or did not."""
    if failed is None:
        return {}
    return {"failing" if failed else "healthy": router_health.failing(ctx)}


# -- what admins ask for


def start(ctx: Context, row: Row) -> str:
    """Starts one that is stopped; answers the job's uuid."""
    return cloud_machine.order(ctx, row, "virtualmachine.start", "START", "starting")


def stop(ctx: Context, row: Row, *, forced: bool) -> str:
    """Stops one; the next machine that starts in its network starts it again. Answers the job's uuid."""
    return cloud_machine.order(ctx, row, "virtualmachine.stop", "STOP", "stopping", forced=forced)


def reboot(ctx: Context, row: Row, *, forced: bool) -> str:
    """Reboots one; `forced`: stops and starts it. Answers the job's uuid."""
    return cloud_machine.order(ctx, row, "virtualmachine.reboot", "REBOOT", "rebooting", forced=forced)


def destroy(ctx: Context, row: Row) -> str:
    """Removes one for good; the next machine that starts in its network gets a new one. Answers the job's uuid."""
    return cloud_machine.order(ctx, row, "virtualmachine.destroy", "DESTROY", "destroying", expunge=True)


def change_offering(ctx: Context, row: Row, offered: Row) -> None:
    """Gives a stopped one another size. Raises `InvalidValue`."""
    cloud_machine.change_offering(ctx, row, offered)
    ctx.event(
        "ROUTER.UPGRADE",
        f"router {row['name']} has service offering {offered['name']}",
        resource=("DomainRouter", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


_RUNNING = (
    select(vm, table.c.template_version)
    .select_from(vm.join(table, table.c.vm_id == vm.c.id).join(host, vm.c.host_id == host.c.id))
    .where(vm.c.state == "Running", vm.c.removed.is_(None))
)
_BY = {
    "id": _RUNNING.where(vm.c.id == bindparam("which")),
    "zoneid": _RUNNING.where(vm.c.zone_id == bindparam("which")),
    "podid": _RUNNING.where(vm.c.pod_id == bindparam("which")),
    "clusterid": _RUNNING.where(host.c.cluster_id == bindparam("which")),
    "domainid": _RUNNING.where(vm.c.domain_id == bindparam("which")),
    "account": _RUNNING.where(vm.c.account_id == bindparam("which")),
}


def upgrade(ctx: Context, by: str, which: int) -> list[str]:
    """Stops and starts those routers of a place or owner that run an older template; answers the jobs' uuids."""
    return [
        cloud_machine.order(ctx, row, "virtualmachine.reboot", "REBOOT", "upgrading", forced=True)
        for row in ctx.tx.all(_BY[by], which=which)
        if router_health.requires_upgrade(ctx, row)
    ]
