"""Ranges of public addresses that are kept for an account, a project or a domain, and who gets addresses of which."""

from __future__ import annotations

from sqlalchemy import bindparam, func, or_, select

from cloudsim.core.errors import InsufficientAddresses, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, quarantine, resource
from cloudsim.services.context import Context
from cloudsim.services.nouns import VLAN_RANGE, ZONE

public_ip, vlan = schema.public_ip, schema.vlan

#: An account's own, or those of its domain.
_OWN = or_(
    vlan.c.account_id == bindparam("account_id"),
    vlan.c.account_id.is_(None) & (vlan.c.domain_id == bindparam("domain_id")),
)
_PUBLIC = (
    vlan.c.zone_id == bindparam("zone_id"),
    vlan.c.type == "VirtualNetwork",
    vlan.c.for_system_vms.is_(False),
    vlan.c.portable_range_id.is_(None),
    vlan.c.removed.is_(None),
)
_RANGES = select(vlan.c.id).where(*_PUBLIC, _OWN)
_FOR_ALL = select(vlan.c.id).where(*_PUBLIC, vlan.c.account_id.is_(None), vlan.c.domain_id.is_(None))
_FREE_OF = (
    select(public_ip)
    .where(any_of(public_ip.c.vlan_id, "ranges"), public_ip.c.state == "Free", ~quarantine.KEPT)
    .order_by(public_ip.c.id)
    .limit(1)
)
_FREE = (
    select(public_ip)
    .select_from(public_ip.join(vlan, public_ip.c.vlan_id == vlan.c.id))
    .where(
        public_ip.c.zone_id == bindparam("zone_id"),
        public_ip.c.state == "Free",
        ~quarantine.KEPT,
        vlan.c.account_id.is_(None),
        vlan.c.domain_id.is_(None),
        *_PUBLIC,
    )
    .order_by(public_ip.c.id)
    .limit(1)
)
_ALLOCATED = select(public_ip.c.address, public_ip.c.account_id, public_ip.c.domain_id).where(
    public_ip.c.vlan_id == bindparam("vlan_id"), public_ip.c.state != "Free", public_ip.c.removed.is_(None)
)
_COUNT = select(func.count()).where(
    public_ip.c.vlan_id == bindparam("vlan_id"), public_ip.c.state == "Free", public_ip.c.removed.is_(None)
)
_OF_ACCOUNT = select(vlan.c.id).where(vlan.c.account_id == bindparam("account_id"), vlan.c.removed.is_(None))
_OF_DOMAIN = select(vlan.c.id).where(
    vlan.c.domain_id == bindparam("domain_id"), vlan.c.type == "VirtualNetwork", vlan.c.removed.is_(None)
)


def free(ctx: Context, zone_id: int, account_id: int, domain_id: int) -> Row:
    """A free public address for an account: of a range that is kept for it or its domain, else of those for all.

    Raises `InsufficientAddresses`.
    """
    whose = {"zone_id": zone_id, "account_id": account_id, "domain_id": domain_id}
    own = [row["id"] for row in ctx.tx.all(_RANGES, whose)]
    kept = {"kept_for": account_id, "kept_at": ctx.now}
    found = ctx.tx.first(_FREE_OF, kept, ranges=own) if own else None
    if found is None and _shares(ctx, own, account_id):
        found = ctx.tx.first(_FREE, kept, zone_id=zone_id)
    if found is None:
        raise InsufficientAddresses("no public address is free in the zone")
    return found


def _shares(ctx: Context, own: list[int], account_id: int) -> bool:
    return not own or ctx.settings.flag("use.system.public.ips", ("Account", account_id))


def open_to(ctx: Context, zone_id: int, account_id: int, domain_id: int) -> list[int]:
    """The ranges of a zone that an account may have addresses of."""
    whose = {"zone_id": zone_id, "account_id": account_id, "domain_id": domain_id}
    own = [row["id"] for row in ctx.tx.all(_RANGES, whose)]
    more = ctx.tx.all(_FOR_ALL, zone_id=zone_id) if _shares(ctx, own, account_id) else []
    return own + [row["id"] for row in more]


def check_address(ctx: Context, address: Row, account_id: int, domain_id: int) -> None:
    """Raises `InvalidValue` for an address that was chosen from a range of others, or of the cloud's own machines."""
    row = access.row(ctx, VLAN_RANGE, address["vlan_id"])
    theirs = (
        row["account_id"] != account_id if row["account_id"] is not None else row["domain_id"] not in (None, domain_id)
    )
    if row["for_system_vms"] or theirs:
        raise InvalidValue(f"public address {address['address']} is kept for others")
    quarantine.check(ctx, address, account_id)


# -- keeping them


def dedicate(ctx: Context, row: Row, domain: Row, account: Row | None) -> None:
    """Keeps a range for an account, or for the accounts of a domain. Raises `InvalidValue`, `LimitReached`."""
    if row["type"] != "VirtualNetwork":
        raise InvalidValue("only ranges of public addresses can be dedicated")
    if account is not None and account["domain_id"] != domain["id"]:
        raise InvalidValue(f"account {account['name']} is not in domain {domain['name']}")
    if row["for_system_vms"]:
        raise InvalidValue("the range is kept for the cloud's own machines")
    if row["account_id"] is not None or row["domain_id"] is not None:
        raise InvalidValue("the range is dedicated already")
    if access.row(ctx, ZONE, row["zone_id"])["network_type"] != "Advanced":
        raise InvalidValue("public addresses are dedicated in advanced zones only")
    for one in ctx.tx.all(_ALLOCATED, vlan_id=row["id"]):
        mine = one["account_id"] == account["id"] if account else one["domain_id"] == domain["id"]
        if not mine:
            raise InvalidValue(f"public address {one['address']} is given to someone else")
    if account is not None:
        resource.check(ctx, account, {"ip": int(ctx.tx.scalar(_COUNT, vlan_id=row["id"]))})
    ctx.tx.update(
        vlan,
        {"id": row["id"]},
        account_id=account["id"] if account else None,
        domain_id=account["domain_id"] if account else domain["id"],
    )
    owner = f"account {account['name']}" if account else f"domain {domain['name']}"
    text = f"range {row['start']}-{row['end']} is dedicated to {owner}"
    ctx.event("VLAN.IP.RANGE.DEDICATE", text, resource=("VlanIpRange", row["uuid"]))


def release(ctx: Context, row: Row) -> None:
    """Gives a range back to all; addresses of it that are given away stay with whom has them. Raises `InvalidValue`."""
    if row["type"] != "VirtualNetwork" or (row["account_id"] is None and row["domain_id"] is None):
        raise InvalidValue("the range is not dedicated")
    _open(ctx, row["id"])
    ctx.event(
        "VLAN.IP.RANGE.RELEASE", f"range {row['start']}-{row['end']} is released", resource=("VlanIpRange", row["uuid"])
    )


def _open(ctx: Context, row_id: int) -> None:
    ctx.tx.update(vlan, {"id": row_id}, account_id=None, domain_id=None)


def end_of_account(ctx: Context, account_id: int) -> None:
    """Gives back what was kept for an account that goes."""
    for row in ctx.tx.all(_OF_ACCOUNT, account_id=account_id):
        _open(ctx, row["id"])


def end_of_domain(ctx: Context, domain_id: int) -> None:
    """Gives back what was kept for a domain that goes."""
    for row in ctx.tx.all(_OF_DOMAIN, domain_id=domain_id):
        _open(ctx, row["id"])
