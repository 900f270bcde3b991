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
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, vm_migration
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import DISK_OFFERING, SERVICE_OFFERING, SYSTEM_VM
from cloudsim.services.virtualmachine import lock

vm = schema.vm

#: Type of machine: the API's name of it, the first letter of its names, the prefix of its event types.
KINDS = {
    "ConsoleProxy": ("consoleproxy", "v", "PROXY"),
    "SecondaryStorageVm": ("secondarystoragevm", "s", "SSVM"),
}
HYPERVISOR = "Simulator"

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
    base=(or_(*(vm.c.type == name for name in KINDS)), vm.c.removed.is_(None)),
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
_TEMPLATE = (
    select(schema.template)
    .where(
        schema.template.c.type == "SYSTEM",
        schema.template.c.hypervisor == HYPERVISOR,
        schema.template.c.removed.is_(None),
    )
    .order_by(schema.template.c.id)
)
_OFFERING = (
    select(schema.service_offering)
    .where(
        schema.service_offering.c.is_system.is_(True),
        schema.service_offering.c.system_vm_type == bindparam("type"),
        schema.service_offering.c.state == "Active",
        schema.service_offering.c.removed.is_(None),
    )
    .order_by(schema.service_offering.c.is_default.desc(), schema.service_offering.c.id)
)
_CHOSEN = select(schema.service_offering).where(
    or_(schema.service_offering.c.uuid == bindparam("name"), schema.service_offering.c.name == bindparam("name")),
    schema.service_offering.c.is_system.is_(True),
    schema.service_offering.c.removed.is_(None),
)
_SYSTEM = select(schema.user).where(schema.user.c.username == "system", schema.user.c.is_default.is_(True))
_BUSY = select(func.count()).where(
    schema.job.c.instance_uuid == bindparam("uuid"),
    or_(schema.job.c.state == "queued", schema.job.c.state == "running"),
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
    ordered = 0
    for kind in KINDS:
        if kind == "SecondaryStorageVm" and not ctx.tx.scalar(_STORES, zone_id=zone["id"]):
            continue
        there = ctx.tx.all(_THERE, zone_id=zone["id"], type=kind)
        if any(row["state"] in ("Running", "Starting", "Stopping", "Migrating") for row in there):
            continue
        for row in there:
            if ctx.tx.scalar(_BUSY, uuid=row["uuid"]):
                break
            if row["state"] == "Stopped":
                start(ctx, row)
            else:
                _order(ctx, row, "virtualmachine.destroy", "DESTROY", "removing", expunge=True)
            ordered += 1
            break
        else:
            ordered += create(ctx, zone, kind)
    return ordered


def create(ctx: Context, zone: Row, kind: str) -> int:
    """Makes one and orders its start; answers 1, or 0 where this cloud has no template or offering for it."""
    name, letter, _ = KINDS[kind]
    setting = {"ConsoleProxy": "consoleproxy.service.offering", "SecondaryStorageVm": "secstorage.service.offering"}
    chosen = ctx.settings.text(setting[kind], ("Zone", zone["id"]))
    offering = ctx.tx.first(_CHOSEN, name=chosen) if chosen else None
    offering = offering or ctx.tx.first(_OFFERING, type=name)
    template, system = ctx.tx.first(_TEMPLATE), ctx.tx.first(_SYSTEM)
    if offering is None or template is None or system is None:
        return 0
    vm_id = db.next_id(ctx.tx)
    uuid, full = ctx.uuid(), f"{letter}-{vm_id}-{ctx.settings.text('instance.name') or 'VM'}"
    ctx.tx.insert(
        vm,
        {
            **{column.name: None for column in vm.c if column.name != "id"},
            "id": vm_id,
            "uuid": uuid,
            "created": ctx.now,
            "name": full,
            "instance_name": full,
            "account_id": system["account_id"],
            "domain_id": system["domain_id"],
            "user_id": system["id"],
            "zone_id": zone["id"],
            "template_id": template["id"],
            "guest_os_id": template["guest_os_id"],
            "service_offering_id": offering["id"],
            "type": kind,
            "hypervisor": HYPERVISOR,
            "arch": template["arch"],
            "state": "Stopped",
            "power_state": "PowerUnknown",
            "update_count": 0,
            "cpu": offering["cpu_number"],
            "speed": offering["cpu_speed"],
            "memory": offering["memory"],
            "ha_enabled": True,
            "limit_cpu_use": offering["limit_cpu_use"],
            "display": False,
            "delete_protection": False,
            "dynamically_scalable": False,
            "password_enabled": False,
            "boot_type": "Bios",
            "boot_mode": "legacy",
            "keypairs": [],
            "updated": ctx.now,
        },
    )
    disk = access.row(ctx, DISK_OFFERING, offering["disk_offering_id"])
    ctx.tx.insert(
        schema.volume,
        {
            **{column.name: None for column in schema.volume.c if column.name != "id"},
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "name": f"ROOT-{vm_id}",
            "account_id": system["account_id"],
            "domain_id": system["domain_id"],
            "zone_id": zone["id"],
            "vm_id": vm_id,
            "type": "ROOT",
            "device_id": 0,
            "size": template["size"],
            "template_id": template["id"],
            "disk_offering_id": disk["id"],
            "service_offering_id": offering["id"],
            "state": "Allocated",
            "update_count": 0,
            "provisioning": disk["provisioning"],
            "display": False,
            "is_system": True,
            "delete_protection": False,
            "updated": ctx.now,
        },
    )
    row = {"id": vm_id, "uuid": uuid, "type": kind, "name": full, **{k: system[k] for k in ("account_id", "domain_id")}}
    _order(ctx, row, "virtualmachine.start", "CREATE", "making", first=True)
    return 1


# -- what admins ask for


def _order(ctx: Context, row: Row, workflow: str, event: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command or "startSystemVm",
            workflow=workflow,
            arguments={"vm_id": row["id"], **arguments},
            instance_type="SystemVm",
            instance_uuid=row["uuid"],
            lock=lock(row),
            event=f"{KINDS[row['type']][2]}.{event}",
            event_text=f"{text} system virtual machine {row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def start(ctx: Context, row: Row) -> str:
    """Starts one that is stopped; answers the job's uuid."""
    return _order(ctx, row, "virtualmachine.start", "START", "starting")


def stop(ctx: Context, row: Row, *, forced: bool) -> str:
    """Stops one; it is started again when its zone is looked after. Answers the job's uuid."""
    return _order(ctx, row, "virtualmachine.stop", "STOP", "stopping", forced=forced)


def reboot(ctx: Context, row: Row, *, forced: bool) -> str:
    """Reboots one; `forced`: stops and starts it. Answers the job's uuid."""
    return _order(ctx, row, "virtualmachine.reboot", "REBOOT", "rebooting", forced=forced)


def destroy(ctx: Context, row: Row) -> str:
    """Removes one for good; an enabled zone gets a new one. Answers the job's uuid."""
    return _order(ctx, row, "virtualmachine.destroy", "DESTROY", "destroying", expunge=True)


def migrate(ctx: Context, row: Row, host: Row | None) -> str:
    """Moves a running one to a host, or to any that has room; answers the job's uuid."""
    # the events of a migration have no names of their own for these machines
    return vm_migration.order(ctx, row, "VM.MIGRATE", host=host, kind="SystemVm")


def scale(ctx: Context, row: Row, offering: Row) -> str:
    """Gives a stopped one another size, as a job; answers its uuid. Raises `InvalidValue`."""
    _check_offering(row, offering)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="systemvm.scale",
            arguments={"vm_id": row["id"], "offering_id": offering["id"]},
            instance_type="SystemVm",
            instance_uuid=row["uuid"],
            lock=lock(row),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _scaled(ctx: Context, vm_id: int, offering_id: int) -> dict[str, Any]:
    change_offering(ctx, access.alive(ctx, SYSTEM_VM, vm_id), access.alive(ctx, SERVICE_OFFERING, offering_id))
    return {"systemvm": ctx.present("systemvm", vm_id)[0]}


single("systemvm.scale", _scaled)


def change_offering(ctx: Context, row: Row, offering: Row) -> None:
    """Gives a stopped one another size. Raises `InvalidValue`."""
    if row["state"] != "Stopped":
        raise InvalidValue(f"system virtual machine {row['name']} is {row['state']}: stop it first")
    _check_offering(row, offering)
    _resize(ctx, row["id"], offering)


def _check_offering(row: Row, offering: Row) -> None:
    if not offering["is_system"] or offering["system_vm_type"] != KINDS[row["type"]][0]:
        raise InvalidValue(f"service offering {offering['name']} is not for system virtual machines of that type")
    if offering["state"] != "Active":
        raise InvalidValue(f"service offering {offering['name']} is {offering['state']}")


def _resize(ctx: Context, vm_id: int, offering: Row) -> None:
    ctx.tx.update(
        vm,
        {"id": vm_id},
        service_offering_id=offering["id"],
        cpu=offering["cpu_number"],
        speed=offering["cpu_speed"],
        memory=offering["memory"],
        updated=ctx.now,
    )
