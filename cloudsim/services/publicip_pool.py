"""Public addresses change hands: what is written whenever one is given away or comes back, whoever asked for it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import quarantine, usage
from cloudsim.services.context import Context

table, vlan, portable_ip = schema.public_ip, schema.vlan, schema.portable_ip

_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == "PublicIpAddress", any_of(schema.tag.c.resource_id, "ids")
)
_DROP = table.delete().where(any_of(table.c.id, "ids"))
# rules that are gone keep what they were, and not where
_UNLINK = (
    schema.firewall_rule.update()
    .where(any_of(schema.firewall_rule.c.public_ip_id, "ids"))
    .values(public_ip_id=None)
)  # fmt: skip
_RANGE_OF = select(vlan.c.portable_range_id).where(vlan.c.id == bindparam("vlan_id"))
_IN_RANGE = select(func.count()).where(table.c.vlan_id == bindparam("vlan_id"))


def give(
    ctx: Context,
    address: Row,
    owner: Row,
    *,
    network: Row | None,
    state: str = "Allocated",
    source_nat: bool = False,
    system: bool = False,
    display: bool = True,
) -> Row:
    """Gives a free address to an account (``account_id`` and ``domain_id`` of `owner`), for a network; answers its row.

    A usage interval begins, unless the account has reserved it before.
    """
    changed = {
        "state": state,
        "account_id": owner["account_id"],
        "domain_id": owner["domain_id"],
        "network_id": network["id"] if network is not None else None,
        "source_nat": source_nat,
        "is_system": system,
        "display": display,
        "allocated": ctx.now,
    }
    ctx.tx.update(table, {"id": address["id"]}, **changed)
    quarantine.over(ctx, address)
    made = {**address, **changed}
    usage.end(ctx, "public_ip", address["id"])
    usage.begin(
        ctx,
        usage.IP_ADDRESS,
        "public_ip",
        {**made, "name": address["address"]},
        network_id=changed["network_id"],
        is_source_nat=source_nat,
        is_default=system,
    )
    return made


def free(ctx: Context, address: Row, *, told: bool = False) -> None:
    """An address comes back: nobody has it any more. `told`: an event tells of it already."""
    usage.end(ctx, "public_ip", address["id"])
    ctx.tx.execute(_UNTAG, ids=[address["id"]])
    if not told:
        kind = "PORTABLE.IPRELEASE" if address["is_portable"] else "NET.IPRELEASE"
        ctx.event(
            kind,
            f"public address {address['address']} was released",
            resource=("IpAddress", address["uuid"]),
            account_id=address["account_id"],
            domain_id=address["domain_id"],
        )
    if address["is_portable"]:
        _back_to_region(ctx, address)
        return
    if address["account_id"] is not None and not address["is_system"]:
        quarantine.begin(ctx, address)
    ctx.tx.update(
        table,
        {"id": address["id"]},
        state="Free",
        account_id=None,
        domain_id=None,
        network_id=None,
        source_nat=False,
        static_nat=False,
        is_system=False,
        display=True,
        allocated=None,
        vm_id=None,
        vm_ip=None,
    )


def forget(ctx: Context, ids: Sequence[int]) -> None:
    """Addresses that nobody has are not there any more."""
    if ids:
        quarantine.forget(ctx, ids)
        ctx.tx.execute(_UNLINK, ids=list(ids))
        ctx.tx.execute(_DROP, ids=list(ids))


def _back_to_region(ctx: Context, address: Row) -> None:
    part = ctx.tx.first(_RANGE_OF, vlan_id=address["vlan_id"]) or {}
    ctx.tx.update(
        portable_ip,
        {"range_id": part.get("portable_range_id"), "address": address["address"]},
        state="Free",
        account_id=None,
        domain_id=None,
        zone_id=None,
        physical_network_id=None,
        network_id=None,
        allocated=None,
    )
    forget(ctx, [address["id"]])
    leave_zone(ctx, address["vlan_id"])


def leave_zone(ctx: Context, vlan_id: int) -> None:
    """What stands in a zone for a portable range goes with the last of its addresses there."""
    if not ctx.tx.scalar(_IN_RANGE, vlan_id=vlan_id):
        ctx.tx.update(vlan, {"id": vlan_id}, removed=ctx.now)
