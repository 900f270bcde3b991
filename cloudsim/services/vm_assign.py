"""A machine gets another owner, with its disks: `assignVirtualMachine`. One transaction: there is no state between."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services import (
    access,
    affinitygroup,
    dedication,
    loadbalancer,
    network,
    nic_secondary,
    resource,
    rules,
    securitygroup_member,
    shared_network,
    snapshot,
    usage,
    virtualmachine,
    vmsnapshot,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import (
    ACCOUNT,
    DISK_OFFERING,
    DOMAIN,
    NETWORK,
    SERVICE_OFFERING,
    TEMPLATE,
    VIRTUAL_MACHINE,
    VOLUME,
    ZONE,
)
from cloudsim.services.placement import tags

vm, volume, nic = schema.vm, schema.volume, schema.nic

_RULES = select(func.count()).where(
    schema.public_ip.c.vm_id == bindparam("vm_id"), schema.public_ip.c.removed.is_(None)
)


def assign(
    ctx: Context, row: Row, account: Row, *, networks: Sequence[Row] = (), security_group_ids: Sequence[str] = ()
) -> None:
    """Gives a stopped machine and its volumes to another account.

    It gets a card in each of `networks`; where none is named it keeps its cards in networks that the new owner may use,
    and has one in the new owner's default network where that is none. Raises `InvalidValue`, `PermissionDenied`,
    `LimitReached`, `InsufficientAddresses`; nothing has changed then.
    """
    old = access.row(ctx, ACCOUNT, row["account_id"])
    _check_machine(ctx, row)
    _check_account(ctx, row, old, account)
    domain = access.row(ctx, DOMAIN, account["domain_id"])
    zone = access.row(ctx, ZONE, row["zone_id"])
    dedication.check_zone(ctx, zone, account)
    disks = db.volumes_of(ctx.tx, row["id"])
    _check_limits(ctx, row, account, disks)
    owner = {"account_id": account["id"], "domain_id": account["domain_id"]}
    _hand_over(ctx, row, owner, disks)
    row = access.row(ctx, VIRTUAL_MACHINE, row["id"])
    _cards(ctx, row, account, domain, zone, networks, security_group_ids)
    ctx.event(
        "VM.MOVE",
        f"virtual machine {row['display_name'] or row['name']} went from account {old['name']} to {account['name']}",
        resource=("VirtualMachine", row["uuid"]),
        **owner,
    )


def _check_machine(ctx: Context, row: Row) -> None:
    if row["state"] != "Stopped":
        raise InvalidValue(f"only a stopped virtual machine gets another owner; this one is {row['state']}")
    if virtualmachine.has_unfinished_job(ctx, row):
        raise InvalidValue("a job of the virtual machine is unfinished: wait for it")
    vmsnapshot.refuse_while_any(ctx, row["id"], "its owner stays")
    snapshot.refuse_while_any(ctx, row["id"], "its owner stays")
    if ctx.tx.scalar(_RULES, vm_id=row["id"]):
        raise InvalidValue("the virtual machine has a public address (static NAT): disable that first")
    forwarding = rules.of_machine(ctx, row["id"])
    if forwarding:
        raise InvalidValue(f"rule {forwarding[0]['uuid']} sends traffic on to the virtual machine: remove it first")
    balancing = loadbalancer.of_machine(ctx, row["id"])
    if balancing is not None:
        raise InvalidValue(f"the virtual machine is assigned to load balancer rule {balancing}: take it away first")


def _check_account(ctx: Context, row: Row, old: Row, account: Row) -> None:
    if account["id"] == old["id"]:
        raise InvalidValue(f"the virtual machine is of account {old['name']} already")
    if account["state"].lower() != "enabled":
        raise InvalidValue(f"account {account['name']} is {account['state']}")
    named = access.domain_path(ctx, account["domain_id"])
    offering = access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])
    kinds = [(offering, "service offering")]
    kinds += [
        (access.row(ctx, DISK_OFFERING, disk["disk_offering_id"]), "disk offering")
        for disk in db.volumes_of(ctx.tx, row["id"])
        if disk["disk_offering_id"]
    ]
    for found, kind in kinds:
        paths = [access.find(ctx, DOMAIN, uuid)["path"] for uuid in found["domain_ids"]]
        if paths and not any(named.startswith(path) for path in paths):
            raise PermissionDenied(f"{kind} {found['name']} may not be used in the domain of account {account['name']}")
    image = access.row(ctx, TEMPLATE, row["template_id"])
    if image["account_id"] != account["id"] and not (image["is_public"] or image["is_featured"]):
        raise PermissionDenied(f"template {image['name']} may not be used by account {account['name']}")


def _check_limits(ctx: Context, row: Row, account: Row, disks: Sequence[Row]) -> None:
    asked = {"vm": 1, "volume": len(disks), "primarystorage": sum(int(disk["size"]) for disk in disks)}
    if not ctx.settings.flag("resource.count.running.vms.only"):
        asked.update(cpu=row["cpu"], memory=row["memory"])
    offering = access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])
    resource.check(
        ctx,
        account,
        asked,
        tags={
            "host": sorted(tags(offering["host_tags"])),
            "storage": [tag for disk in disks for tag in tags(disk["offering_tags"])],
        },
    )


def _hand_over(ctx: Context, row: Row, owner: dict[str, int], disks: Sequence[Row]) -> None:
    usage.end(ctx, "vm", row["id"])
    # what an account registered stays its own: the machine keeps the text
    ctx.tx.update(vm, {"id": row["id"]}, **owner, group_id=None, userdata_id=None, updated=ctx.now)
    usage.machine(ctx, usage.ALLOCATED_VM, access.row(ctx, VIRTUAL_MACHINE, row["id"]))
    affinitygroup.leave(ctx, row)  # groups are an account's
    ctx.tx.update(schema.vm_schedule, {"vm_id": row["id"]}, **owner)
    ctx.tx.update(schema.tag, {"resource_type": "UserVm", "resource_id": row["id"]}, **owner)
    for disk in disks:
        usage.end(ctx, "volume", disk["id"])
        ctx.tx.update(volume, {"id": disk["id"]}, **owner, updated=ctx.now)
        ctx.tx.update(schema.tag, {"resource_type": "Volume", "resource_id": disk["id"]}, **owner)
        ctx.tx.update(schema.snapshot_policy, {"volume_id": disk["id"]}, **owner)
        usage.begin(
            ctx,
            usage.VOLUME,
            "volume",
            access.row(ctx, VOLUME, disk["id"]),
            offering_id=disk["disk_offering_id"],
            template_id=disk["template_id"],
            vm_id=row["id"],
            size=disk["size"],
        )


def _cards(
    ctx: Context,
    row: Row,
    account: Row,
    domain: Row,
    zone: Row,
    networks: Sequence[Row],
    security_group_ids: Sequence[str],
) -> None:
    if zone["network_type"] == "Basic" and networks:
        raise InvalidValue("a basic zone has one network: leave networkids out")
    had = db.nics_of(ctx.tx, row["id"])
    rows = {card["network_id"]: access.row(ctx, NETWORK, card["network_id"]) for card in had}
    wanted = list({found["id"]: found for found in networks}.values())
    if not wanted:
        wanted = [found for found in rows.values() if network.may_use(ctx, found, account)]
    if not wanted:
        wanted = [network.default_for(ctx, account, domain, zone)]
    for found in wanted:
        if found["zone_id"] != row["zone_id"]:
            raise InvalidValue(f"network {found['name']} is in another zone")
        if not network.may_use(ctx, found, account):
            raise PermissionDenied(f"network {found['name']} may not be used by account {account['name']}")
    if db.name_taken(ctx.tx, row["name"], [found["id"] for found in wanted], but=row["id"]):
        raise InvalidValue(f"a virtual machine named {row['name']} is in that network domain already")
    for card in had:
        nic_secondary.free_all(ctx, card)
        ctx.tx.update(nic, {"id": card["id"]}, removed=ctx.now, state="Deallocating")
        usage.end(ctx, "nic", card["id"])
        if card["guest_type"] == "Shared":
            shared_network.release(ctx, card["network_id"], card["ip"])
    # a network that stays keeps the address and the MAC address of its card
    stay = {card["network_id"]: card for card in had if not networks}
    for device, found in enumerate(wanted):
        card = stay.get(found["id"], {})
        network.add_card(
            ctx,
            row["id"],
            found,
            device,
            ip=card.get("ip"),
            mac=card.get("mac"),
            default=device == 0,
            dhcp_options=card.get("dhcp_options"),
        )
    securitygroup_member.leave(ctx, row["id"])
    if security_group_ids or zone["security_groups"] or any(found["guest_type"] == "Shared" for found in wanted):
        groups = securitygroup_member.chosen(
            ctx,
            zone=zone,
            account=account,
            networks=wanted,
            hypervisor=row["hypervisor"],
            ids=security_group_ids,
            names=(),
        )
        securitygroup_member.join(ctx, row["id"], groups)
