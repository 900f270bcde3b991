"""System virtual machines: each enabled zone has a console proxy and, with secondary storage, a machine that serves it.

They are made when a zone is enabled and looked after periodically: what is missing is made, what stands still is started.
Only simulated hosts run them: their work (consoles, copies of images) is the server's own here, and on real hosts they
would take memory for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, cloud_machine, router, shared_network, vm_migration, vm_scaling
from cloudsim.services.cloud_machine import HYPERVISOR, order
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import CLOUD_MACHINE, SERVICE_OFFERING
from cloudsim.services.virtualmachine import lock
from cloudsim.services.vm_offering import Change

vm = schema.vm

#: The types of machines that zones have.
TYPES = ("ConsoleProxy", "SecondaryStorageVm")

LISTING = Listing(
    vm,
    source=vm,
    filters={
        "id": equals(vm.c.id, "id"),
        "ids": any_of(vm.c.id, "ids"),
        "name": equals(vm.c.name, "name"),
        "type": equals(vm.c.type, "type"),
        "zone": equals(vm.c.zone_id, "zone"),
        "pod": equals(vm.c.pod_id, "pod"),
        "host": equals(vm.c.host_id, "host"),
        "state": equals_nocase(vm.c.state, "state"),
        "arch": equals_nocase(vm.c.arch, "arch"),
        "storage": vm.c.id.in_(
            select(schema.volume.c.vm_id).where(
                schema.volume.c.pool_id == bindparam("storage"), schema.volume.c.removed.is_(None)
            )
        ),
    },
    base=(or_(*(vm.c.type == name for name in TYPES)), vm.c.removed.is_(None)),
    keyword=(vm.c.name, vm.c.state),
)
_ROWS = (
    select(
        vm,
        *(schema.zone.c[name].label(f"zone_{name}") for name in ("uuid", "name", "dns1", "dns2", "domain")),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.pod.c.name.label("pod_name"),
        schema.host.c.uuid.label("host_uuid"),
        schema.host.c.name.label("host_name"),
        schema.host.c.resource_state.label("host_state"),
        schema.host.c.status.label("host_status"),
        schema.template.c.uuid.label("template_uuid"),
        schema.template.c.name.label("template_name"),
        schema.service_offering.c.uuid.label("offering_uuid"),
        schema.service_offering.c.name.label("offering_name"),
    )
    .select_from(
        vm.join(schema.zone, vm.c.zone_id == schema.zone.c.id)
        .join(schema.template, vm.c.template_id == schema.template.c.id)
        .join(schema.service_offering, vm.c.service_offering_id == schema.service_offering.c.id)
        .outerjoin(schema.pod, vm.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.host, vm.c.host_id == schema.host.c.id)
    )
    .where(any_of(vm.c.id, "ids"))
)
_NICS = (
    select(schema.system_nic)
    .where(any_of(schema.system_nic.c.vm_id, "ids"), schema.system_nic.c.removed.is_(None))
    .order_by(schema.system_nic.c.id)
)
_ZONES = (
    select(schema.zone)
    .where(schema.zone.c.allocation_state == "Enabled", schema.zone.c.removed.is_(None))
    .order_by(schema.zone.c.id)
)
_HOSTS = select(func.count()).where(
    schema.host.c.zone_id == bindparam("zone_id"),
    schema.host.c.hypervisor == HYPERVISOR,
    schema.host.c.status == "Up",
    schema.host.c.resource_state == "Enabled",
    schema.host.c.removed.is_(None),
)
_STORES = select(func.count()).where(
    or_(schema.image_store.c.zone_id == bindparam("zone_id"), schema.image_store.c.zone_id.is_(None)),
    schema.image_store.c.removed.is_(None),
)
_THERE = (
    select(vm)
    .where(vm.c.zone_id == bindparam("zone_id"), vm.c.type == bindparam("type"), vm.c.removed.is_(None))
    .order_by(vm.c.id)
)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, dict[str, Row]]]:
    """System virtual machines with where they are, each with its addresses by kind."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    nics: dict[int, dict[str, Row]] = {}
    for nic in ctx.tx.all(_NICS, ids=list(rows)):
        nics.setdefault(nic["vm_id"], {})[nic["kind"]] = nic
    return [(rows[i], nics.get(i, {})) for i in ids if i in rows]


# -- looking after them


def look_after(ctx: Context) -> int:
    """Orders what enabled zones lack; answers how many jobs that are."""
    return sum(look_after_zone(ctx, zone) for zone in ctx.tx.all(_ZONES))


def look_after_zone(ctx: Context, zone: Row) -> int:
    """Orders what one zone lacks: made, started again, or made anew after a failure. Twice does no harm."""
    if not ctx.tx.scalar(_HOSTS, zone_id=zone["id"]):
        return 0
    if shared_network.by_default(zone) and not any(
        shared_network.ranges(ctx, found["id"]) for found in shared_network.of_zone(ctx, zone)
    ):
        return 0  # they have addresses of the network that all machines are in
    ordered = 0
    for kind in TYPES:
        if kind == "SecondaryStorageVm" and not ctx.tx.scalar(_STORES, zone_id=zone["id"]):
            continue
        there = ctx.tx.all(_THERE, zone_id=zone["id"], type=kind)
        if any(row["state"] in ("Running", "Starting", "Stopping", "Migrating") for row in there):
            continue
        for row in there:
            if cloud_machine.open_jobs(ctx, row):
                break
            if row["state"] == "Stopped":
                start(ctx, row)
            else:
                order(ctx, row, "virtualmachine.destroy", "DESTROY", "removing", expunge=True)
            ordered += 1
            break
        else:
            ordered += create(ctx, zone, kind)
    return ordered


def create(ctx: Context, zone: Row, kind: str) -> int:
    """Makes one and orders its start; answers 1, or 0 where this cloud has no template or offering for it."""
    setting = {"ConsoleProxy": "consoleproxy.service.offering", "SecondaryStorageVm": "secstorage.service.offering"}
    offering = cloud_machine.offering(ctx, kind, ctx.settings.text(setting[kind], ("Zone", zone["id"])))
    template, system = cloud_machine.template(ctx), cloud_machine.system_user(ctx)
    if offering is None or template is None or system is None:
        return 0
    row = cloud_machine.insert(
        ctx, kind, zone_id=zone["id"], owner=system, user_id=system["id"], offered=offering, made_from=template
    )
    order(ctx, row, "virtualmachine.start", "CREATE", "making", first=True)
    return 1


# -- what admins ask for


def start(ctx: Context, row: Row) -> str:
    """Starts one that is stopped; answers the job's uuid."""
    return order(ctx, row, "virtualmachine.start", "START", "starting")


def stop(ctx: Context, row: Row, *, forced: bool) -> str:
    """Stops one; it is started again when its zone is looked after. Answers the job's uuid."""
    return order(ctx, row, "virtualmachine.stop", "STOP", "stopping", forced=forced)


def reboot(ctx: Context, row: Row, *, forced: bool) -> str:
    """Reboots one; `forced`: stops and starts it. Answers the job's uuid."""
    return order(ctx, row, "virtualmachine.reboot", "REBOOT", "rebooting", forced=forced)


def destroy(ctx: Context, row: Row) -> str:
    """Removes one for good; an enabled zone gets a new one. Answers the job's uuid."""
    return order(ctx, row, "virtualmachine.destroy", "DESTROY", "destroying", expunge=True)


def migrate(ctx: Context, row: Row, host: Row | None) -> str:
    """Moves a running one to a host, or to any that has room; answers the job's uuid."""
    # the events of a migration have no names of their own for these machines
    return vm_migration.order(ctx, row, "VM.MIGRATE", host=host, noun="systemvm")


def scale(ctx: Context, row: Row, offering: Row) -> str:
    """Gives one another size, as a job; one that runs can only grow. Answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    if row["state"] == "Running":
        return vm_scaling.order(ctx, row, offering, Change({}), noun="systemvm")
    cloud_machine.check_offering(row, offering)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="systemvm.scale",
            arguments={"vm_id": row["id"], "offering_id": offering["id"]},
            instance_type=cloud_machine.kind_of(row).instance,
            instance_uuid=row["uuid"],
            lock=lock(row),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _scaled(ctx: Context, vm_id: int, offering_id: int) -> dict[str, Any]:
    cloud_machine.change_offering(
        ctx, access.alive(ctx, CLOUD_MACHINE, vm_id), access.alive(ctx, SERVICE_OFFERING, offering_id)
    )
    return {"systemvm": ctx.present("systemvm", vm_id)[0]}


single("systemvm.scale", _scaled)


def patch(ctx: Context, row: Row, *, forced: bool) -> str:
    """Gives one that runs the software of now, as a job; answers its uuid. Raises `InvalidValue`."""
    _must_run(row)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="systemvm.patch",
            arguments={"vm_id": row["id"], "forced": forced},
            instance_type=cloud_machine.kind_of(row).instance,
            instance_uuid=row["uuid"],
            lock=lock(row),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _must_run(row: Row) -> None:
    if row["state"] != "Running":
        raise InvalidValue(f"{cloud_machine.kind_of(row).label} {row['name']} is {row['state']}: it must run")


def _patched(ctx: Context, vm_id: int, forced: bool) -> dict[str, Any]:
    row = access.alive(ctx, CLOUD_MACHINE, vm_id)
    _must_run(row)
    text = f"{row['name']} has the software of now already"
    # console proxies and secondary storage machines are the server's own work: they are never older than it
    if row["type"] == router.TYPE and (forced or not router.is_patched(ctx, row)):
        router.patch(ctx, row)
        text = f"{row['name']} has the software of now"
    return {"success": True, "displaytext": text}


single("systemvm.patch", _patched)
