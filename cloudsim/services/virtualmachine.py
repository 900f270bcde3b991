"""Virtual machines: what is asked of them. What then happens is in `vm_workflows`.

Deploying writes the machine, its volumes and its network cards (state Stopped, nothing taken on any host) together with
the job that starts it: who has the answer finds the machine, whatever happens to the server.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Text, and_, bindparam, literal, or_, select

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.services import (
    access,
    affinitygroup,
    dedication,
    network,
    resource,
    securitygroup_member,
    usage,
    vm_lease_rules,
    vm_names,
    vm_password,
)
from cloudsim.services import hypervisor as hypervisors
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import ACCOUNT, DISK_OFFERING, DOMAIN, SERVICE_OFFERING, VIRTUAL_MACHINE
from cloudsim.services.placement import tags

vm, nic, volume = schema.vm, schema.nic, schema.volume
GIB = 1024**3
MOST_DATA_DISKS = 6

_IN_ISOLATED = (
    select(nic.c.vm_id)
    .select_from(nic.join(schema.network, nic.c.network_id == schema.network.c.id))
    .where(nic.c.removed.is_(None), schema.network.c.guest_type == "Isolated")
)

LISTING = Listing(
    vm,
    filters={
        "id": equals(vm.c.id, "id"),
        "ids": any_of(vm.c.id, "ids"),
        "name": or_(equals_nocase(vm.c.name, "name"), equals_nocase(vm.c.display_name, "name")),
        "state": equals(vm.c.state, "state"),
        "alive": and_(vm.c.state != "Destroyed", vm.c.state != "Expunging"),
        "leased": vm.c.lease_state == bindparam("leased"),
        "present": and_(vm.c.state != "Destroyed", vm.c.state != "Expunging", vm.c.state != "Stopped",
                        vm.c.state != "Error"),
        "zone": equals(vm.c.zone_id, "zone"),
        "pod": equals(vm.c.pod_id, "pod"),
        "cluster": vm.c.host_id.in_(select(schema.host.c.id).where(schema.host.c.cluster_id == bindparam("cluster"))),
        "host": equals(vm.c.host_id, "host"),
        "template": equals(vm.c.template_id, "template"),
        "iso": equals(vm.c.iso_id, "iso"),
        "offering": equals(vm.c.service_offering_id, "offering"),
        "group": equals(vm.c.group_id, "group"),
        "securitygroup": vm.c.id.in_(
            select(schema.security_group_vm.c.vm_id).where(schema.security_group_vm.c.group_id == bindparam("securitygroup"))
        ),
        "affinitygroup": vm.c.id.in_(
            select(schema.affinity_group_vm.c.vm_id).where(schema.affinity_group_vm.c.group_id == bindparam("affinitygroup"))
        ),
        "user": equals(vm.c.user_id, "user"),
        "userdata": equals(vm.c.userdata_id, "userdata"),
        "hypervisor": equals_nocase(vm.c.hypervisor, "hypervisor"),
        "arch": equals_nocase(vm.c.arch, "arch"),
        "haenable": equals(vm.c.ha_enabled, "haenable"),
        "display": equals(vm.c.display, "display"),
        "network": vm.c.id.in_(
            select(nic.c.vm_id).where(nic.c.network_id == bindparam("network"), nic.c.removed.is_(None))
        ),
        "isolated": vm.c.id.in_(_IN_ISOLATED),
        "flat": vm.c.id.not_in(_IN_ISOLATED),
        "storage": vm.c.id.in_(
            select(volume.c.vm_id).where(volume.c.pool_id == bindparam("storage"), volume.c.removed.is_(None))
        ),
        "keypair": vm.c.id.in_(
            select(schema.detail.c.resource_id).where(
                schema.detail.c.resource_type == "UserVm",
                schema.detail.c.name == "SSH.KeyPairNames",
                # a machine may have several: their names, separated by commas
                (literal(",") + schema.detail.c.value + ",").like(
                    literal("%,") + bindparam("keypair", type_=Text) + ",%", escape="!"
                ),
            )
        ),
        "none": vm.c.id < 0,
    },
    base=(vm.c.type == "User",),
    keyword=(vm.c.name, vm.c.display_name, vm.c.instance_name, vm.c.state),
    owner=(vm.c.account_id, vm.c.domain_id),
    tag_type="UserVm",
)  # fmt: skip

_KEYPAIR = select(schema.ssh_keypair).where(
    schema.ssh_keypair.c.account_id == bindparam("account_id"),
    schema.ssh_keypair.c.name == bindparam("name"),
    schema.ssh_keypair.c.removed.is_(None),
)
_GROUP = select(schema.instance_group).where(
    schema.instance_group.c.account_id == bindparam("account_id"),
    schema.instance_group.c.name == bindparam("name"),
    schema.instance_group.c.removed.is_(None),
)
_TEMPLATE_ZONE = select(schema.template_zone).where(
    schema.template_zone.c.template_id == bindparam("template_id"),
    schema.template_zone.c.zone_id == bindparam("zone_id"),
)
_IMAGE_TAGS = select(schema.tag).where(
    (schema.tag.c.resource_type == "Template") | (schema.tag.c.resource_type == "ISO"),
    schema.tag.c.resource_id == bindparam("template_id"),
)
_UNFINISHED = (
    select(schema.job.c.id)
    .where(
        schema.job.c.lock == bindparam("lock"),
        or_(schema.job.c.state == "queued", schema.job.c.state == "running"),
    )
    .limit(1)
)


def has_unfinished_job(ctx: Context, row: Row) -> bool:
    """Whether a job of a machine has not ended."""
    return ctx.tx.scalar(_UNFINISHED, lock=lock(row)) is not None


def owner(ctx: Context, row: Row) -> Row:
    """The account a machine belongs to."""
    return access.row(ctx, ACCOUNT, row["account_id"])


def like(text: str) -> str:
    """A text as it stands in the pattern of a condition that finds exactly that."""
    return re.sub(r"([!%_])", r"!\1", text)


def must_be_owner(account: Row, row: Row) -> Row:
    """That account, where the machine belongs to it. Raises `InvalidValue`."""
    if account["id"] != row["account_id"]:
        raise InvalidValue(f"the virtual machine does not belong to account {account['name']}")
    return account


def lock(row: Row) -> str:
    """The lock that orders the jobs of one machine."""
    return f"vm:{row['uuid']}"


@dataclass(slots=True)
class CardRequest:
    """A network card that is asked for."""

    network: Row
    ip: str | None = None
    mac: str | None = None
    dhcp_options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class DiskRequest:
    """A volume that is asked for; `size` in bytes."""

    kind: str
    offering: Row | None
    size: int
    template: Row | None = None
    min_iops: int | None = None
    max_iops: int | None = None


@dataclass(slots=True)
class Deployment:
    """All that was asked for, checked and looked up by the command."""

    zone: Row
    offering: Row
    template: Row
    account: Row
    domain: Row
    name: str | None = None
    display_name: str | None = None
    display: bool = True
    uuid: str | None = None
    hypervisor: str | None = None
    disk_offering: Row | None = None
    #: GiB
    size: int | None = None
    root_size: int | None = None
    root_offering: Row | None = None
    data_disks: Sequence[tuple[Row, int | None]] = ()
    cards: Sequence[CardRequest] = ()
    group: str | None = None
    #: uuids, or names.
    security_group_ids: Sequence[str] = ()
    security_group_names: Sequence[str] = ()
    affinity_group_ids: Sequence[str] = ()
    affinity_group_names: Sequence[str] = ()
    keypairs: Sequence[str] = ()
    userdata: str | None = None
    userdata_row: Row | None = None
    userdata_details: Mapping[str, str] | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    password: str | None = None
    boot_type: str | None = None
    boot_mode: str | None = None
    boot_into_setup: bool | None = None
    dynamic_scaling: bool | None = None
    lease_duration: int | None = None
    lease_action: str | None = None
    copy_tags: bool = False
    start: bool = True
    host: Row | None = None
    cluster: Row | None = None
    pod: Row | None = None
    planner: str | None = None


def check_userdata(ctx: Context, text: str | None, zone: Row) -> str | None:
    """User data as Base64, of at most ``vm.userdata.max.length`` bytes. Raises `InvalidValue`."""
    if not text:
        return None
    compact = "".join(text.split()).replace("-", "+").replace("_", "/")
    compact += "=" * (-len(compact) % 4)
    try:
        raw = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue("userdata is not Base64") from None
    most = ctx.settings.number("vm.userdata.max.length", ("Zone", zone["id"])) or 32768
    if len(compact) > most or len(raw) > 1024 * 1024:
        raise InvalidValue(f"userdata is over the limit of {most} bytes (setting vm.userdata.max.length)")
    return compact


def compute(offering: Row, details: Mapping[str, str]) -> tuple[int, int, int]:
    """CPUs, MHz and MB of a machine with an offering; details say it where the offering leaves it open."""
    values = []
    for column, name in (("cpu_number", "cpuNumber"), ("cpu_speed", "cpuSpeed"), ("memory", "memory")):
        fixed, given = offering[column], details.get(name)
        if fixed is not None:
            if given is not None and given != str(fixed):
                raise InvalidValue(f"service offering {offering['name']} sets {name}: it cannot be given as a detail")
            values.append(int(fixed))
            continue
        if given is None:
            raise InvalidValue(f"service offering {offering['name']} is custom: give details[0].{name}")
        if not given.isascii() or not given.isdigit() or not 0 < int(given) < 2**31:
            raise InvalidValue(f"details[0].{name} takes a number above 0, not '{given[:32]}'")
        least, most = offering["details"].get("min" + name.lower()), offering["details"].get("max" + name.lower())
        if (least and int(given) < int(least)) or (most and int(given) > int(most)):
            raise InvalidValue(f"details[0].{name} must be between {least or 1} and {most or 'any'}")
        values.append(int(given))
    return values[0], values[1], values[2]


def deploy(ctx: Context, want: Deployment) -> tuple[str, str]:
    """Stores a new machine and the job that starts it; answers the uuids of both.

    Raises `InvalidValue`, `BadParameter`, `PermissionDenied`, `InsufficientAddresses`; nothing is stored then.
    """
    _check_places(ctx, want)
    hypervisor = _hypervisor(want)
    cpus, speed, memory = compute(want.offering, want.details)
    _check_custom(ctx, want, cpus, memory)
    if not want.cards:
        want.cards = _default_cards(ctx, want)
    for card in want.cards:
        if card.network["zone_id"] != want.zone["id"]:
            raise InvalidValue(f"network {card.network['name']} is in another zone")
        if not network.may_use(ctx, card.network, want.account):
            raise PermissionDenied(f"network {card.network['name']} may not be used by account {want.account['name']}")
    groups = _security_groups(ctx, want, hypervisor)
    affinity = affinitygroup.chosen(ctx, want.account, want.affinity_group_ids, want.affinity_group_names)
    disks = _disks(ctx, want)
    _check_limits(ctx, want, cpus, memory, disks)
    networks = [card.network["id"] for card in want.cards]
    uuid = want.uuid or ctx.uuid()
    named = want.name or vm_names.ending(ctx, want.account, want.display_name)
    name = vm_names.check(named) if named else f"VM-{uuid}"
    if named:
        vm_names.must_be_free(ctx, name, networks)
    if want.uuid and ctx.tx.first(VIRTUAL_MACHINE.by_uuid, uuid=want.uuid):
        raise InvalidValue("customid is the id of another virtual machine")
    keys = [keypair(ctx, want.account, key) for key in want.keypairs]
    vm_id = db.next_id(ctx.tx)
    password = want.password if want.template["password_enabled"] else None
    if want.template["password_enabled"] and not password:
        password = vm_password.make(ctx)
    public_key = "\n".join(key["public_key"] for key in keys) or None
    ctx.tx.insert(
        vm,
        id=vm_id,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        display_name=want.display_name or name,
        instance_name=vm_names.instance_name(ctx, want.account, vm_id, want.display_name),
        account_id=want.account["id"],
        domain_id=want.domain["id"],
        user_id=ctx.caller.user_id,
        zone_id=want.zone["id"],
        pod_id=None,
        host_id=None,
        last_host_id=None,
        template_id=want.template["id"],
        iso_id=want.template["id"] if want.template["format"] == "ISO" else None,
        guest_os_id=want.template["guest_os_id"],
        service_offering_id=want.offering["id"],
        group_id=group_of(ctx, want.account, want.group),
        type="User",
        network_id=None,
        hypervisor=hypervisor,
        arch=want.template["arch"],
        state="Stopped",
        power_state="PowerUnknown",
        power_time=None,
        power_host_id=None,
        update_count=0,
        cpu=cpus,
        speed=speed,
        memory=memory,
        ha_enabled=want.offering["offer_ha"],
        limit_cpu_use=want.offering["limit_cpu_use"],
        display=want.display,
        delete_protection=False,
        dynamically_scalable=_scalable(ctx, want),
        password_enabled=want.template["password_enabled"],
        password=None,
        boot_type=want.boot_type or "Bios",
        boot_mode=(want.boot_mode or "LEGACY").lower(),
        userdata=want.userdata,
        userdata_id=want.userdata_row["id"] if want.userdata_row else None,
        userdata_details=dict(want.userdata_details) if want.userdata_details else None,
        keypairs=[key["name"] for key in keys],
        ssh_public_key=public_key,
        vnc_port=None,
        updated=ctx.now,
        destroyed=None,
        bootinto_setup=want.boot_into_setup,
        **vm_lease_rules.of_new(ctx, want.offering, want.lease_duration, want.lease_action),
    )
    for detail_name, value in _stored_details(want, keys):
        ctx.tx.insert(
            schema.detail, resource_type="UserVm", resource_id=vm_id, name=detail_name, value=value, display=True
        )
    if password:
        vm_password.give(ctx, {"id": vm_id, "ssh_public_key": public_key}, password)
    if want.copy_tags:
        _copy_tags(ctx, want, vm_id)
    for device, disk in enumerate(disks):
        _add_volume(ctx, want, vm_id, device, disk)
    for device, card in enumerate(want.cards):
        network.add_card(
            ctx,
            vm_id,
            card.network,
            device,
            ip=card.ip,
            mac=card.mac,
            default=device == 0,
            dhcp_options=card.dhcp_options,
        )
    if groups:
        securitygroup_member.join(ctx, vm_id, groups)
    affinitygroup.join(ctx, vm_id, affinity)
    usage.machine(ctx, usage.ALLOCATED_VM, access.row(ctx, VIRTUAL_MACHINE, vm_id))
    arguments: dict[str, Any] = {"vm_id": vm_id, "first": True}
    if not want.start:
        arguments["start"] = False
    for place in ("host", "cluster", "pod"):
        row = getattr(want, place)
        if row is not None:
            arguments[f"{place}_id"] = row["id"]
    planner = want.planner or want.offering["deployment_planner"]
    if planner:
        arguments["planner"] = planner
    job = ctx.submit(
        Order(
            command=ctx.command,
            workflow="virtualmachine.start",
            arguments=arguments,
            instance_type="VirtualMachine",
            instance_uuid=uuid,
            lock=f"vm:{uuid}",
            event="VM.CREATE",
            event_text=f"deploying virtual machine {name}",
            account_id=want.account["id"],
            domain_id=want.domain["id"],
        )
    )
    return uuid, job


def _check_custom(ctx: Context, want: Deployment, cpus: int, memory: int) -> None:
    """Raises `InvalidValue` where who deploys chooses more than the settings let anybody choose."""
    for column, given, setting in (
        ("cpu_number", cpus, "vm.serviceoffering.cpu.cores.max"),
        ("memory", memory, "vm.serviceoffering.ram.size.max"),
    ):
        most = ctx.settings.number(setting)
        if want.offering[column] is None and 0 < most < given:
            raise InvalidValue(f"{given} is more than a virtual machine may have, {most} (setting {setting})")


def _copy_tags(ctx: Context, want: Deployment, vm_id: int) -> None:
    for found in ctx.tx.all(_IMAGE_TAGS, template_id=want.template["id"]):
        ctx.tx.insert(
            schema.tag,
            uuid=ctx.uuid(),
            resource_type="UserVm",
            resource_id=vm_id,
            key=found["key"],
            value=found["value"],
            account_id=want.account["id"],
            domain_id=want.domain["id"],
        )


def _check_limits(ctx: Context, want: Deployment, cpus: int, memory: int, disks: Sequence[DiskRequest]) -> None:
    asked: dict[str, int] = {"volume": len(disks), "primarystorage": sum(disk.size for disk in disks)}
    if want.start or not ctx.settings.flag("resource.count.running.vms.only"):
        asked.update(cpu=cpus, memory=memory)
    resource.check(
        ctx,
        want.account,
        {"vm": 1, **asked},
        tags={
            "host": sorted(tags(want.offering["host_tags"])),
            "storage": [tag for disk in disks for tag in tags(disk.offering["tags"] if disk.offering else None)],
        },
    )


def _check_places(ctx: Context, want: Deployment) -> None:
    if want.zone["allocation_state"] != "Enabled" and not ctx.caller.is_admin:
        raise PermissionDenied(f"zone {want.zone['name']} is disabled")
    dedication.check_zone(ctx, want.zone, want.account)
    if want.offering["is_system"] or want.offering["state"] != "Active":
        raise InvalidValue(f"service offering {want.offering['name']} is not for virtual machines of users")
    if want.offering["zone_ids"] and want.zone["uuid"] not in want.offering["zone_ids"]:
        raise InvalidValue(f"service offering {want.offering['name']} is not available in zone {want.zone['name']}")
    for kind in ("host", "cluster", "pod"):
        row = getattr(want, kind)
        if row is not None and row["zone_id"] != want.zone["id"]:
            raise InvalidValue(f"{kind} {row['name']} is in another zone")
    if want.template["type"] in ("SYSTEM", "ROUTING"):
        raise InvalidValue(f"template {want.template['name']} is for system virtual machines")
    in_zone = ctx.tx.first(_TEMPLATE_ZONE, template_id=want.template["id"], zone_id=want.zone["id"])
    if in_zone is None or in_zone["state"] != "DOWNLOADED":
        raise InvalidValue(f"template {want.template['name']} is not ready in zone {want.zone['name']}")


def _hypervisor(want: Deployment) -> str:
    own = str(want.template["hypervisor"])
    if want.template["format"] == "ISO":
        if not want.hypervisor:
            raise InvalidValue("deploying from an ISO needs hypervisor")
        return want.hypervisor
    if want.hypervisor and want.hypervisor.lower() != own.lower():
        raise InvalidValue(f"template {want.template['name']} is for hypervisor {own}, not {want.hypervisor}")
    return own


def _default_cards(ctx: Context, want: Deployment) -> list[CardRequest]:
    return [CardRequest(network.default_for(ctx, want.account, want.domain, want.zone))]


def _security_groups(ctx: Context, want: Deployment, hypervisor: str) -> list[Row]:
    asked = want.security_group_ids or want.security_group_names
    networks = [card.network for card in want.cards]
    if not asked and not want.zone["security_groups"] and all(row["guest_type"] != "Shared" for row in networks):
        return []
    return securitygroup_member.chosen(
        ctx,
        zone=want.zone,
        account=want.account,
        networks=networks,
        hypervisor=hypervisor,
        ids=want.security_group_ids,
        names=want.security_group_names,
    )


def _disks(ctx: Context, want: Deployment) -> list[DiskRequest]:
    is_iso = want.template["format"] == "ISO"
    disks = []
    if is_iso:
        if want.disk_offering is None:
            raise InvalidValue("deploying from an ISO needs diskofferingid for the root disk")
        disks.append(DiskRequest("ROOT", want.disk_offering, _size(ctx, want.disk_offering, want.size)))
    else:
        offering = want.root_offering or access.row(ctx, DISK_OFFERING, want.offering["disk_offering_id"])
        size = max(int(want.template["size"]), int(want.offering["root_disk_size"] or 0))
        if want.root_offering is not None:
            size = max(size, _overridden(want, want.root_offering))
        if want.root_size is not None:
            if want.root_size * GIB < want.template["size"]:
                least = -(-int(want.template["size"]) // GIB)
                raise InvalidValue(f"rootdisksize must be at least the size of the template, {least} GiB")
            size = want.root_size * GIB
        disks.append(DiskRequest("ROOT", offering, size, want.template))
        if want.disk_offering is not None:
            disks.append(DiskRequest("DATADISK", want.disk_offering, _size(ctx, want.disk_offering, want.size)))
    for offering, size_gib in want.data_disks:
        disks.append(DiskRequest("DATADISK", offering, _size(ctx, offering, size_gib)))
    most = hypervisors.limit(ctx, "maxdatavolumeslimit", _hypervisor(want), None) or MOST_DATA_DISKS
    if len(disks) > most + 1:
        raise InvalidValue(f"a virtual machine may have up to {most} data disks (see listHypervisorCapabilities)")
    return disks


def _overridden(want: Deployment, offering: Row) -> int:
    """The least size of a root disk of an offering other than the service offering's. Raises `InvalidValue`."""
    own = offering["id"] == want.offering["disk_offering_id"]
    if want.offering["disk_offering_strictness"] and not own:
        raise InvalidValue(f"service offering {want.offering['name']} allows no other disk offering for the root disk")
    if offering["compute_only"] and not own:
        raise InvalidValue(f"disk offering {offering['name']} belongs to a service offering")
    if offering["customized"] and want.root_size is None and not own:
        raise InvalidValue(f"disk offering {offering['name']} is custom: give rootdisksize")
    return int(offering["size"] or 0)


def _size(ctx: Context, offering: Row, gib: int | None) -> int:
    """The size in bytes of a volume of an offering; `gib` where the user chooses."""
    if offering["compute_only"]:
        raise InvalidValue(f"disk offering {offering['name']} belongs to a service offering")
    if not offering["customized"]:
        return int(offering["size"])
    if gib is None:
        raise InvalidValue(f"disk offering {offering['name']} is custom: give a size in GiB")
    least = ctx.settings.number("custom.diskoffering.size.min") or 1
    most = ctx.settings.number("custom.diskoffering.size.max") or 1024
    if not least <= gib <= most:
        raise InvalidValue(f"the size of a custom disk must be between {least} and {most} GiB")
    return gib * GIB


def _scalable(ctx: Context, want: Deployment) -> bool:
    if want.dynamic_scaling is False:
        return False
    enabled = ctx.settings.flag("enable.dynamic.scale.vm", ("Zone", want.zone["id"]))
    return bool(enabled and want.template["dynamically_scalable"] and want.offering["dynamic_scaling"])


def _stored_details(want: Deployment, keys: Sequence[Row]) -> list[tuple[str, str]]:
    details = dict(want.details)
    if keys:
        details["SSH.KeyPairNames"] = ",".join(key["name"] for key in keys)
    return list(details.items())


def keypair(ctx: Context, account: Row, name: str) -> Row:
    """An account's SSH key pair of that name. Raises `InvalidValue`."""
    found = ctx.tx.first(_KEYPAIR, account_id=account["id"], name=name)
    if found is None:
        raise InvalidValue(f"account {account['name']} has no SSH key pair named '{name[:64]}'")
    return found


def group_of(ctx: Context, account: Row, name: str | None) -> int | None:
    """The id of an account's instance group of that name, made where there is none; None without a name."""
    if not name:
        return None
    found = ctx.tx.first(_GROUP, account_id=account["id"], name=name)
    if found is not None:
        return int(found["id"])
    return ctx.tx.insert(
        schema.instance_group,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        account_id=account["id"],
        domain_id=account["domain_id"],
    )


def _add_volume(ctx: Context, want: Deployment, vm_id: int, device: int, disk: DiskRequest) -> None:
    offering = disk.offering
    uuid = ctx.uuid()
    name = f"ROOT-{vm_id}" if disk.kind == "ROOT" else f"DATA-{vm_id}" + (f"-{device}" if device > 1 else "")
    made = ctx.tx.insert(
        volume,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        account_id=want.account["id"],
        domain_id=want.domain["id"],
        zone_id=want.zone["id"],
        pool_id=None,
        vm_id=vm_id,
        type=disk.kind,
        device_id=device,
        size=disk.size,
        path=None,
        template_id=disk.template["id"] if disk.template else None,
        disk_offering_id=offering["id"] if offering else None,
        service_offering_id=want.offering["id"] if disk.kind == "ROOT" else None,
        state="Allocated",
        update_count=0,
        provisioning=offering["provisioning"] if offering else "thin",
        display=want.display,
        is_system=False,
        delete_protection=False,
        min_iops=offering["min_iops"] if offering else None,
        max_iops=offering["max_iops"] if offering else None,
        attached=None,
        updated=ctx.now,
        destroyed=None,
    )
    usage.begin(
        ctx,
        usage.VOLUME,
        "volume",
        {
            "id": made,
            "uuid": uuid,
            "name": name,
            "account_id": want.account["id"],
            "domain_id": want.domain["id"],
            "zone_id": want.zone["id"],
        },
        offering_id=offering["id"] if offering else None,
        template_id=disk.template["id"] if disk.template else None,
        vm_id=vm_id,
        size=disk.size,
    )


# -- what is asked of a machine that is there


def order(
    ctx: Context, row: Row, workflow: str, event: str, text: str, arguments: Mapping[str, Any] | None = None
) -> str:
    """Starts a workflow of a machine, behind the others of the same machine; answers the job's uuid."""
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow,
            arguments={"vm_id": row["id"], **(arguments or {})},
            instance_type="VirtualMachine",
            instance_uuid=row["uuid"],
            lock=lock(row),
            event=event,
            event_text=f"{text} virtual machine {row['display_name'] or row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def start(
    ctx: Context,
    row: Row,
    *,
    host: Row | None = None,
    cluster: Row | None = None,
    pod: Row | None = None,
    planner: str | None = None,
    consider_last_host: bool | None = None,
    boot_into_setup: bool | None = None,
) -> str:
    """Starts a stopped machine: on `host` or within a place where an admin says so, else where it ran last if it can."""
    arguments: dict[str, Any] = {}
    for name, place in (("host_id", host), ("cluster_id", cluster), ("pod_id", pod)):
        if place is not None:
            arguments[name] = place["id"]
    if planner:
        arguments["planner"] = planner
    if consider_last_host is False:
        arguments["last_host"] = False
    if boot_into_setup:
        arguments["boot_into_setup"] = True
    return order(ctx, row, "virtualmachine.start", "VM.START", "starting", arguments)


def stop(ctx: Context, row: Row, *, forced: bool = False) -> str:
    """Stops a machine: asks the guest and pulls the plug when it does not go; `forced`: pulls the plug at once."""
    if forced and not ctx.caller.is_admin and not ctx.settings.flag("allow.user.force.stop.vm"):
        raise PermissionDenied("users may not force a stop here (setting allow.user.force.stop.vm)")
    return order(ctx, row, "virtualmachine.stop", "VM.STOP", "stopping", {"forced": forced})


def reboot(ctx: Context, row: Row, *, forced: bool = False, boot_into_setup: bool = False) -> str:
    """Restarts the guest where it runs; `forced`: stops and starts the machine.

    With a volatile offering the machine gets a fresh root disk.
    """
    if access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])["is_volatile"]:
        return order(ctx, row, "virtualmachine.restore", "VM.REBOOT", "rebooting", {"reboot": True})
    return order(
        ctx,
        row,
        "virtualmachine.reboot",
        "VM.REBOOT",
        "rebooting",
        {"forced": forced, "boot_into_setup": boot_into_setup},
    )


def must_be_admin(ctx: Context, what: str) -> None:
    """Raises `PermissionDenied` where a user may not `what` (setting ``allow.user.expunge.recover.vm``)."""
    caller = ctx.caller
    if caller.is_admin or caller.is_domain_admin:
        return
    if not ctx.settings.flag("allow.user.expunge.recover.vm", ("Account", caller.account_id)):
        raise PermissionDenied(f"users may not {what} here (setting allow.user.expunge.recover.vm)")


def destroy(ctx: Context, row: Row, *, expunge: bool = False, volumes: Sequence[Row] = ()) -> str:
    """Destroys a machine; its room stays its own until `expunge.delay` is over, or not at all with `expunge`."""
    if row["delete_protection"]:
        raise InvalidValue("the virtual machine is protected from deletion (deleteprotection)")
    if expunge:
        must_be_admin(ctx, "expunge")
    for found in volumes:
        if found["vm_id"] != row["id"] or found["type"] != "DATADISK":
            raise InvalidValue(f"volume {found['uuid']} is not a data disk of this virtual machine")
        if found["delete_protection"]:
            raise InvalidValue(f"volume {found['uuid']} is protected from deletion")
    arguments = {"expunge": expunge, "volume_ids": [found["id"] for found in volumes]}
    return order(ctx, row, "virtualmachine.destroy", "VM.DESTROY", "destroying", arguments)


def expunge(ctx: Context, row: Row) -> str:
    """Removes a destroyed machine for good."""
    must_be_admin(ctx, "expunge")
    if row["state"] not in ("Destroyed", "Expunging", "Error"):
        raise InvalidValue(f"a virtual machine in state {row['state']} must be destroyed before it is expunged")
    return order(ctx, row, "virtualmachine.expunge", "VM.EXPUNGE", "expunging")


def recover(ctx: Context, row: Row) -> None:
    """Takes a destroyed machine back to Stopped."""
    must_be_admin(ctx, "recover")
    if row["state"] != "Destroyed":
        raise InvalidValue(f"only a destroyed virtual machine can be recovered; this one is {row['state']}")
    root = [disk for disk in db.volumes_of(ctx.tx, row["id"]) if disk["type"] == "ROOT"]
    resource.check(
        ctx,
        access.row(ctx, ACCOUNT, row["account_id"]),
        {
            "vm": 1,
            "cpu": row["cpu"],
            "memory": row["memory"],
            "volume": len(root),
            "primarystorage": sum(disk["size"] for disk in root),
        },
    )
    move(ctx, row, "RecoveryRequested", destroyed=None)
    usage.machine(ctx, usage.ALLOCATED_VM, row)
    ctx.event(
        "VM.RECOVER",
        f"virtual machine {row['display_name'] or row['name']} was recovered",
        resource=("VirtualMachine", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


def sketch(ctx: Context, want: Deployment) -> tuple[Row, list[Row]]:
    """The machine and the volumes that `deploy` would store, as far as their placement looks at them; nothing is stored.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    _check_places(ctx, want)
    cpus, speed, memory = compute(want.offering, want.details)
    row: Row = {
        "id": 0,
        "type": "User",
        "state": "Stopped",
        "zone_id": want.zone["id"],
        "account_id": want.account["id"],
        "service_offering_id": want.offering["id"],
        "template_id": want.template["id"],
        "guest_os_id": want.template["guest_os_id"],
        "hypervisor": _hypervisor(want),
        "arch": want.template["arch"],
        "cpu": cpus,
        "speed": speed,
        "memory": memory,
        "host_id": None,
        "last_host_id": None,
        "in_affinity_groups": None,
    }
    disks: list[Row] = [
        {
            "name": disk.kind,
            "size": disk.size,
            "offering_tags": disk.offering["tags"] if disk.offering else None,
            "storage_type": disk.offering["storage_type"] if disk.offering else None,
            "pool_id": None,
        }
        for disk in _disks(ctx, want)
    ]
    return row, disks


def move(ctx: Context, row: Row, event: str, **values: Any) -> Row:
    """Takes a machine to the state after `event`, unless someone else changed it first.

    Raises `IllegalTransition`, or `OperationFailed` where the row is not as it was read.
    """
    after = states.virtualmachine.next(row["state"], event)
    changed = {"state": after, "update_count": row["update_count"] + 1, "updated": ctx.now, **values}
    if ctx.tx.update(vm, {"id": row["id"], "update_count": row["update_count"]}, **changed) != 1:
        raise OperationFailed(f"virtual machine {row['uuid']} was changed by someone else meanwhile")
    return {**row, **changed}


def default_card(ctx: Context, zone: Row, account: Row) -> CardRequest:
    """A card in the network a machine of an account gets when none is named."""
    domain = access.row(ctx, DOMAIN, account["domain_id"])
    return CardRequest(network.default_for(ctx, account, domain, zone))


def add_userdata(ctx: Context, shown: Sequence[dict[str, Any]]) -> None:
    """Adds the user data to response objects of machines."""
    rows = {row["uuid"]: row for row in ctx.tx.all(VIRTUAL_MACHINE.by_uuids, uuids=[one["id"] for one in shown])}
    for one in shown:
        if rows[one["id"]]["userdata"]:
            one["userdata"] = rows[one["id"]]["userdata"]


#: Every state a list may be limited to.
STATES = states.virtualmachine.states
