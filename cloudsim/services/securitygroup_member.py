"""The machines in security groups: which groups a new machine joins, and changing that."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.agents.base import SetSecurityRules
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, securitygroup, securitygroup_apply, shared_network
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK_OFFERING, SECURITY_GROUP, ZONE

table, member, rule = schema.security_group, schema.security_group_vm, schema.security_group_rule
#: Hypervisors whose machines may be in several networks with security groups.
SEVERAL = "kvm"

_SECURED = (
    select(schema.network_offering.c.services)
    .select_from(
        schema.nic.join(schema.network, schema.nic.c.network_id == schema.network.c.id).join(
            schema.network_offering, schema.network.c.offering_id == schema.network_offering.c.id
        )
    )
    .where(schema.nic.c.vm_id == bindparam("vm_id"), schema.nic.c.removed.is_(None))
)
_LEAVE = member.delete().where(member.c.vm_id == bindparam("which"))
_OF_ACCOUNT = select(table).where(table.c.account_id == bindparam("account_id"), table.c.removed.is_(None))
_NAMING = select(rule.c.id, rule.c.group_id).where(any_of(rule.c.allowed_id, "groups"), rule.c.removed.is_(None))


def chosen(
    ctx: Context,
    *,
    zone: Row,
    account: Row,
    networks: Sequence[Row],
    hypervisor: str,
    ids: Sequence[str],
    names: Sequence[str],
) -> list[Row]:
    """The groups that a new machine joins: those that are asked for, and the account's default one.

    Where ``network.securitygroups.defaultadding`` is off, the default group is not added. None at all where no network
    of the machine has security groups. Raises `InvalidValue`, `BadParameter`, `PermissionDenied`.
    """
    secured = [row for row in networks if _is_secured(ctx, row)]
    asked = bool(ids or names)
    _check_networks(zone, networks, secured, asked, hypervisor)
    if not secured:
        return []
    if not _kept_by(ctx, hypervisor):
        raise InvalidValue(f"hosts of hypervisor {hypervisor} do not keep security groups here")
    found = named(ctx, account, ids, names)
    if ctx.settings.flag("network.securitygroups.defaultadding"):
        found.append(securitygroup.default_of(ctx, account))
    return list({row["id"]: row for row in found}.values())


def check_card(ctx: Context, vm: Row, network: Row) -> None:
    """Whether a machine that is there may get a card in a network. Raises `InvalidValue`."""
    secured = _is_secured(ctx, network)
    others = [one for one in ctx.tx.all(_SECURED, vm_id=vm["id"]) if shared_network.secured(one["services"])]
    if access.row(ctx, ZONE, vm["zone_id"])["security_groups"] and not secured:
        raise InvalidValue("machines of this zone are in shared networks with security groups only")
    if secured and not _kept_by(ctx, vm["hypervisor"]):
        raise InvalidValue(f"hosts of hypervisor {vm['hypervisor']} do not keep security groups here")
    if secured and others and vm["hypervisor"].lower() != SEVERAL:
        raise InvalidValue("a machine with security groups is in one network, unless it is on KVM")


def card_came(ctx: Context, vm: Row, network: Row) -> None:
    """A machine has a card in a network by now: one that is in no group joins the default one of its owner."""
    if _is_secured(ctx, network):
        if not securitygroup_apply.groups_of(ctx, vm["id"]):
            join(ctx, vm["id"], [securitygroup.default_of(ctx, access.row(ctx, ACCOUNT, vm["account_id"]))])
        addresses_changed(ctx, vm)


def card_left(ctx: Context, vm: Row) -> None:
    """A card of a machine is gone: without a network that has security groups it is in none."""
    groups = securitygroup_apply.groups_of(ctx, vm["id"])
    if groups and not any(shared_network.secured(one["services"]) for one in ctx.tx.all(_SECURED, vm_id=vm["id"])):
        leave(ctx, vm["id"])
        securitygroup_apply.order(ctx, [vm] if vm["host_id"] is not None else [])
    if groups and vm["host_id"] is not None:
        securitygroup_apply.moved(ctx, vm["id"], groups)


def addresses_changed(ctx: Context, vm: Row) -> None:
    """The addresses of a machine changed: hosts whose rules name its groups are told, and its own."""
    if vm["host_id"] is not None and securitygroup_apply.groups_of(ctx, vm["id"]):
        securitygroup_apply.order(ctx, [vm])
        securitygroup_apply.moved(ctx, vm["id"])


def _kept_by(ctx: Context, hypervisor: str) -> bool:
    """Whether hosts of a hypervisor keep the rules of security groups."""
    return any(
        SetSecurityRules in driver.verbs and hypervisor.lower() in (name.lower() for name in driver.hypervisors)
        for driver in ctx.cloud.agents.drivers
    )


def _is_secured(ctx: Context, network: Row) -> bool:
    if network["guest_type"] != "Shared":
        return False
    return shared_network.secured(access.row(ctx, NETWORK_OFFERING, network["offering_id"])["services"])


def _check_networks(zone: Row, networks: Sequence[Row], secured: Sequence[Row], asked: bool, hypervisor: str) -> None:
    if asked and not secured:
        raise InvalidValue("security groups are for machines in networks that have them, and none of these has")
    if zone["network_type"] != "Advanced" or not zone["security_groups"]:
        return
    if len(secured) != len(networks):
        raise InvalidValue("machines of this zone are in shared networks with security groups only")
    if asked and len(networks) > 1 and hypervisor.lower() != SEVERAL:
        raise InvalidValue("a machine with security groups is in one network, unless it is on KVM")


def named(ctx: Context, account: Row, ids: Sequence[str], names: Sequence[str]) -> list[Row]:
    """An account's groups by their ids, or by their names. Raises `InvalidValue`, `BadParameter`, `PermissionDenied`."""
    if ids and names:
        raise InvalidValue("give securitygroupids or securitygroupnames, not both")
    found = access.find_all(ctx, SECURITY_GROUP, list(dict.fromkeys(ids)))
    for row in found:
        if row["account_id"] != account["id"]:
            raise PermissionDenied(f"security group {row['name']} belongs to another account than the machine")
    return found + [securitygroup.named(ctx, account, name) for name in dict.fromkeys(names)]


def join(ctx: Context, vm_id: int, groups: Sequence[Row]) -> None:
    """Puts a new machine in groups."""
    ctx.tx.insert_many(member, [{"vm_id": vm_id, "group_id": group["id"]} for group in groups])


def replace(ctx: Context, row: Row, ids: Sequence[str], names: Sequence[str]) -> None:
    """Makes these the groups of a stopped machine. Raises `InvalidValue`, `BadParameter`, `PermissionDenied`."""
    if not any(shared_network.secured(one["services"]) for one in ctx.tx.all(_SECURED, vm_id=row["id"])):
        raise InvalidValue("no network of the virtual machine has security groups")
    if row["state"] not in ("Stopped", "Error"):
        raise InvalidValue("security groups can change only while the virtual machine is stopped")
    wanted = named(ctx, access.row(ctx, ACCOUNT, row["account_id"]), ids, names)
    had = set(securitygroup_apply.groups_of(ctx, row["id"]))
    has = {group["id"]: group for group in wanted}
    leave(ctx, row["id"])
    join(ctx, row["id"], list(has.values()))
    for event, group_ids in (("SG.REMOVE", had - set(has)), ("SG.ASSIGN", set(has) - had)):
        for group_id in sorted(group_ids):
            group = access.row(ctx, SECURITY_GROUP, group_id)
            ctx.event(
                event,
                f"virtual machine {row['display_name'] or row['name']}: security group {group['name']}",
                resource=("SecurityGroup", group["uuid"]),
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )


def leave(ctx: Context, vm_id: int) -> None:
    """Takes a machine out of all groups."""
    ctx.tx.execute(_LEAVE, which=vm_id)


def forget_account(ctx: Context, account_id: int) -> None:
    """Removes the groups of an account without machines, and the rules of others that name them."""
    groups = ctx.tx.all(_OF_ACCOUNT, account_id=account_id)
    ids = [row["id"] for row in groups]
    naming = [row for row in ctx.tx.all(_NAMING, groups=ids) if row["group_id"] not in ids] if ids else []
    for row in naming:
        ctx.tx.update(rule, {"id": row["id"]}, removed=ctx.now)
    if naming:
        securitygroup_apply.changed(ctx, sorted({row["group_id"] for row in naming}))
    for group in groups:
        securitygroup.forget(ctx, group)
