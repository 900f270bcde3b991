"""What the cloud's own machines have in common: console proxies, secondary storage machines and virtual routers.

Only simulated hosts run them: their work (consoles, copies of images, the services of networks) is the server's own here,
and on real hosts they would take memory for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import DISK_OFFERING
from cloudsim.services.virtualmachine import lock

vm = schema.vm
HYPERVISOR = "Simulator"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of machine."""

    #: The API's name of it, as offerings have it.
    name: str
    #: The first letter of its machines' names.
    letter: str
    #: What its event types begin with.
    event: str
    #: What its jobs and events are about.
    instance: str
    #: What the names of its commands end with.
    command: str
    #: In words.
    label: str


KINDS = {
    "ConsoleProxy": Kind("consoleproxy", "v", "PROXY", "SystemVm", "SystemVm", "system virtual machine"),
    "SecondaryStorageVm": Kind("secondarystoragevm", "s", "SSVM", "SystemVm", "SystemVm", "system virtual machine"),
    "DomainRouter": Kind("domainrouter", "r", "ROUTER", "DomainRouter", "Router", "router"),
}
_USER = Kind("", "i", "VM", "VirtualMachine", "VirtualMachine", "virtual machine")

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
_OPEN = (
    select(schema.job.c.uuid)
    .where(
        schema.job.c.lock == bindparam("lock"),
        or_(schema.job.c.state == "queued", schema.job.c.state == "running"),
    )
    .order_by(schema.job.c.id)
)


def kind_of(row: Row) -> Kind:
    """What kind of machine a row is of; users' machines have one too."""
    return KINDS.get(row["type"], _USER)


def system_user(ctx: Context) -> Row | None:
    """The user that stands for the cloud itself."""
    return ctx.tx.first(_SYSTEM)


def template(ctx: Context) -> Row | None:
    """The template these machines are made from."""
    return ctx.tx.first(_TEMPLATE)


def offering(ctx: Context, kind: str, chosen: str | None) -> Row | None:
    """The offering of new machines of a kind: the one that a setting names, else the cloud's own."""
    found = ctx.tx.first(_CHOSEN, name=chosen) if chosen else None
    return found or ctx.tx.first(_OFFERING, type=KINDS[kind].name)


def open_jobs(ctx: Context, row: Row) -> list[str]:
    """The uuids of the jobs of a machine that have not ended, in their order."""
    return [job["uuid"] for job in ctx.tx.all(_OPEN, lock=lock(row))]


def order(ctx: Context, row: Row, workflow: str, event: str, text: str, **arguments: Any) -> str:
    """Orders something of a machine (`event` without what it begins with); answers the job's uuid."""
    kind = kind_of(row)
    return ctx.submit(
        Order(
            command=ctx.command or f"{workflow.rpartition('.')[2]}{kind.command}",
            workflow=workflow,
            arguments={"vm_id": row["id"], **arguments},
            instance_type=kind.instance,
            instance_uuid=row["uuid"],
            lock=lock(row),
            event=f"{kind.event}.{event}",
            event_text=f"{text} {kind.label} {row.get('display_name') or row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def insert(
    ctx: Context,
    kind: str,
    *,
    zone_id: int,
    owner: Row,
    user_id: int,
    offered: Row,
    made_from: Row,
    network_id: int | None = None,
) -> Row:
    """Makes a machine that stands still, and its disk; answers its row. `owner` has account_id and domain_id."""
    vm_id = db.next_id(ctx.tx)
    name = f"{KINDS[kind].letter}-{vm_id}-{ctx.settings.text('instance.name') or 'VM'}"
    whose = {"account_id": owner["account_id"], "domain_id": owner["domain_id"]}
    row: dict[str, Any] = {
        **{column.name: None for column in vm.c if column.name != "id"},
        **whose,
        "id": vm_id,
        "uuid": ctx.uuid(),
        "created": ctx.now,
        "name": name,
        "instance_name": name,
        "user_id": user_id,
        "zone_id": zone_id,
        "template_id": made_from["id"],
        "guest_os_id": made_from["guest_os_id"],
        "service_offering_id": offered["id"],
        "type": kind,
        "network_id": network_id,
        "hypervisor": HYPERVISOR,
        "arch": made_from["arch"],
        "state": "Stopped",
        "power_state": "PowerUnknown",
        "update_count": 0,
        "cpu": offered["cpu_number"],
        "speed": offered["cpu_speed"],
        "memory": offered["memory"],
        "ha_enabled": True,
        "limit_cpu_use": offered["limit_cpu_use"],
        "display": False,
        "delete_protection": False,
        "dynamically_scalable": False,
        "password_enabled": False,
        "boot_type": "Bios",
        "boot_mode": "legacy",
        "keypairs": [],
        "updated": ctx.now,
    }
    ctx.tx.insert(vm, row)
    disk = access.row(ctx, DISK_OFFERING, offered["disk_offering_id"])
    ctx.tx.insert(
        schema.volume,
        {
            **{column.name: None for column in schema.volume.c if column.name != "id"},
            **whose,
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "name": f"ROOT-{vm_id}",
            "zone_id": zone_id,
            "vm_id": vm_id,
            "type": "ROOT",
            "device_id": 0,
            "size": made_from["size"],
            "template_id": made_from["id"],
            "disk_offering_id": disk["id"],
            "service_offering_id": offered["id"],
            "state": "Allocated",
            "update_count": 0,
            "provisioning": disk["provisioning"],
            "display": False,
            "is_system": True,
            "delete_protection": False,
            "updated": ctx.now,
        },
    )
    return row


def change_offering(ctx: Context, row: Row, offered: Row) -> None:
    """Gives a stopped machine another size. Raises `InvalidValue`."""
    if row["state"] != "Stopped":
        raise InvalidValue(f"{kind_of(row).label} {row['name']} is {row['state']}: stop it first")
    check_offering(row, offered)
    ctx.tx.update(
        vm,
        {"id": row["id"]},
        service_offering_id=offered["id"],
        cpu=offered["cpu_number"],
        speed=offered["cpu_speed"],
        memory=offered["memory"],
        updated=ctx.now,
    )


def check_offering(row: Row, offered: Row) -> None:
    """Raises `InvalidValue` for an offering that is not for machines of this kind."""
    if not offered["is_system"] or offered["system_vm_type"] != kind_of(row).name:
        raise InvalidValue(f"service offering {offered['name']} is not for system virtual machines of that type")
    if offered["state"] != "Active":
        raise InvalidValue(f"service offering {offered['name']} is {offered['state']}")
