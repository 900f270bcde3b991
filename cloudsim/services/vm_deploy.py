"""New virtual machines.

Deploying writes the machine, its volumes and its network cards (state Stopped, nothing taken on any host) together with
the job that starts it: who has the answer finds the machine, whatever happens to the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.services import (
    access,
    affinitygroup,
    dedication,
    network,
    resource,
    securitygroup_member,
    template_permission,
    usage,
    vm_image,
    vm_lease_rules,
    vm_names,
    vm_password,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN, VIRTUAL_MACHINE
from cloudsim.services.placement import tags
from cloudsim.services.virtualmachine import compute, group_of, keypair
from cloudsim.services.vm_deployment import CardRequest, Deployment, DiskRequest, hypervisor_of
from cloudsim.services.vm_disks import add_volume, disks_of

vm = schema.vm

_TEMPLATE_ZONE = select(schema.template_zone).where(
    schema.template_zone.c.template_id == bindparam("template_id"),
    schema.template_zone.c.zone_id == bindparam("zone_id"),
)
_IMAGE_TAGS = select(schema.tag).where(
    (schema.tag.c.resource_type == "Template") | (schema.tag.c.resource_type == "ISO"),
    schema.tag.c.resource_id == bindparam("template_id"),
)


def deploy(ctx: Context, want: Deployment) -> tuple[str, str]:
    """Stores a new machine and the job that starts it; answers the uuids of both.

    Raises `InvalidValue`, `BadParameter`, `PermissionDenied`, `InsufficientAddresses`; nothing is stored then.
    """
    _check_places(ctx, want)
    hypervisor = hypervisor_of(want)
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
    disks = disks_of(ctx, want)
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
    for detail_name, value in _stored_details(ctx, want, keys):
        ctx.tx.insert(
            schema.detail, resource_type="UserVm", resource_id=vm_id, name=detail_name, value=value, display=True
        )
    if password:
        vm_password.give(ctx, {"id": vm_id, "ssh_public_key": public_key}, password)
    if want.copy_tags:
        _copy_tags(ctx, want, vm_id)
    for device, disk in enumerate(disks):
        add_volume(ctx, want, vm_id, device, disk)
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
    if not template_permission.may_use(ctx, want.template, want.account):
        raise PermissionDenied(f"account {want.account['name']} may not use template {want.template['name']}")
    in_zone = ctx.tx.first(_TEMPLATE_ZONE, template_id=want.template["id"], zone_id=want.zone["id"])
    if in_zone is None or in_zone["state"] != "DOWNLOADED":
        raise InvalidValue(f"template {want.template['name']} is not ready in zone {want.zone['name']}")


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


def _scalable(ctx: Context, want: Deployment) -> bool:
    if want.dynamic_scaling is False:
        return False
    enabled = ctx.settings.flag("enable.dynamic.scale.vm", ("Zone", want.zone["id"]))
    return bool(enabled and want.template["dynamically_scalable"] and want.offering["dynamic_scaling"])


def _stored_details(ctx: Context, want: Deployment, keys: Sequence[Row]) -> list[tuple[str, str]]:
    details = {**vm_image.controllers(ctx, want.template["id"]), **want.details}
    if keys:
        details["SSH.KeyPairNames"] = ",".join(key["name"] for key in keys)
    return list(details.items())


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
        "hypervisor": hypervisor_of(want),
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
        for disk in disks_of(ctx, want)
    ]
    return row, disks


def default_card(ctx: Context, zone: Row, account: Row) -> CardRequest:
    """A card in the network a machine of an account gets when none is named."""
    domain = access.row(ctx, DOMAIN, account["domain_id"])
    return CardRequest(network.default_for(ctx, account, domain, zone))
