"""Network cards of virtual machines, as their owners ask for them: added, removed, made default, their addresses."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services import access, network, nic_use, securitygroup_member, vm_names, vm_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK, ZONE

nic = schema.nic

_SNAPSHOT = (
    select(schema.vm_snapshot.c.id)
    .where(schema.vm_snapshot.c.vm_id == bindparam("vm_id"), schema.vm_snapshot.c.removed.is_(None))
    .limit(1)
)


def of_machine(vm: Row, card: Row) -> Row:
    """That card, where it is the machine's. Raises `InvalidValue`."""
    if card["vm_id"] != vm["id"]:
        raise InvalidValue("the network card is not one of this virtual machine")
    return card


def must_be_changeable(ctx: Context, vm: Row) -> None:
    """Raises `InvalidValue` where the cards of a machine must stay as they are."""
    if vm["state"] not in ("Running", "Stopped"):
        raise InvalidValue(
            f"the virtual machine is {vm['state']}: its network cards change while it runs or is stopped"
        )
    if access.row(ctx, ZONE, vm["zone_id"])["network_type"] == "Basic":
        raise InvalidValue("machines of a basic zone have one network card, which stays")
    if ctx.tx.scalar(_SNAPSHOT, vm_id=vm["id"]) is not None:
        raise InvalidValue("the virtual machine has snapshots: its network cards cannot change")


def check_new(ctx: Context, vm: Row, found: Row, ip: str | None, mac: str | None) -> None:
    """Whether a machine may get a card in a network. Raises `InvalidValue`, `PermissionDenied`."""
    must_be_changeable(ctx, vm)
    if found["zone_id"] != vm["zone_id"]:
        raise InvalidValue(f"network {found['name']} is in another zone")
    if not network.may_use(ctx, found, access.row(ctx, ACCOUNT, vm["account_id"])):
        raise PermissionDenied(f"network {found['name']} may not be used by the owner of the virtual machine")
    if any(card["network_id"] == found["id"] for card in db.nics_of(ctx.tx, vm["id"])):
        raise InvalidValue(f"the virtual machine has a card in network {found['name']} already")
    securitygroup_member.check_card(ctx, vm, found)
    vm_names.must_be_free(ctx, vm["name"], [found["id"]], but=vm["id"])
    network.check_card(ctx, found, ip, mac)


def add(
    ctx: Context, vm: Row, found: Row, *, ip: str | None, mac: str | None, dhcp_options: Mapping[str, str]
) -> str:  # fmt: skip
    """Orders that a machine gets a card in one more network; it is plugged in where the machine runs."""
    check_new(ctx, vm, found, ip, mac)
    arguments = {"network_id": found["id"], "ip": ip, "mac": mac, "dhcp_options": dict(dhcp_options)}
    return vm_orders.order(ctx, vm, "virtualmachine.addnic", "NIC.CREATE", "adding a network card to", arguments)


def check_removal(ctx: Context, vm: Row, card: Row) -> None:
    """Whether a card may go. Raises `InvalidValue`."""
    must_be_changeable(ctx, vm)
    if card["is_default"]:
        raise InvalidValue("the default network card cannot be removed: make another the default first")
    nic_use.must_be_free(ctx, card)


def remove(ctx: Context, vm: Row, card: Row) -> str:
    """Orders that a card of a machine goes, with its addresses."""
    check_removal(ctx, vm, of_machine(vm, card))
    return vm_orders.order(
        ctx, vm, "virtualmachine.removenic", "NIC.DELETE", "removing a network card of", {"nic_id": card["id"]}
    )


def check_default(ctx: Context, vm: Row, card: Row) -> None:
    """Whether a card may become the default one. Raises `InvalidValue`."""
    must_be_changeable(ctx, vm)
    if card["is_default"]:
        raise InvalidValue("the network card is the default one already")


def make_default(ctx: Context, vm: Row, card: Row) -> str:
    """Orders that another card of a machine is its default one; the guest takes it over at its next start."""
    check_default(ctx, vm, of_machine(vm, card))
    return vm_orders.order(
        ctx,
        vm,
        "virtualmachine.defaultnic",
        "NIC.UPDATE",
        "changing the default network card of",
        {"nic_id": card["id"]},
    )


def check_address(ctx: Context, vm: Row, card: Row, ip: str | None) -> Row:
    """Whether a card may get another address; answers its network. Raises `InvalidValue`."""
    found = access.row(ctx, NETWORK, card["network_id"])
    if vm["state"] != "Stopped":
        raise InvalidValue(f"the virtual machine is {vm['state']}: the address of a card changes while it is stopped")
    if found["guest_type"] not in ("Isolated", "Shared") or (
        found["cidr"] is None and found["guest_type"] == "Isolated"
    ):
        raise InvalidValue(f"network {found['name']} has no addresses to give")
    if access.row(ctx, ZONE, found["zone_id"])["network_type"] == "Basic" and ip is None:
        raise InvalidValue("a machine of a basic zone gets an address of its pod: say which with ipaddress")
    nic_use.must_be_free(ctx, card)
    if ip is not None and ip != card["ip"]:
        network.check_card(ctx, found, ip, None)
    return found


def change_address(ctx: Context, vm: Row, card: Row, ip: str | None) -> str:
    """Orders that a card of a stopped machine gets another address: `ip`, or any that is free."""
    check_address(ctx, vm, card, ip)
    return vm_orders.order(
        ctx, vm, "virtualmachine.nicip", "NIC.UPDATE", "changing an address of", {"nic_id": card["id"], "ip": ip}
    )
