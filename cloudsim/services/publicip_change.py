"""Public addresses reserved for an account, given back, and changed."""

from __future__ import annotations

from typing import Any

from cloudsim.core.errors import InvalidValue, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import single
from cloudsim.services import access, public_range, publicip_pool, resource
from cloudsim.services.context import Context
from cloudsim.services.nouns import PUBLIC_IP
from cloudsim.services.publicip_orders import order, shown

table = schema.public_ip
#: States of an address that is not on its way in or out.
_KEPT = ("Allocated", "Reserved")

Plain = dict[str, Any]


def reserve(ctx: Context, uuid: str, account: Row, *, display: bool) -> int:
    """Keeps a free address for an account that has no use for it yet; answers its row id.

    Raises `BadParameter`, `InvalidValue`, `LimitReached`.
    """
    row = ctx.tx.first(PUBLIC_IP.by_uuid, uuid=uuid)
    if row is None or not _may_have(ctx, row, account):
        raise access.not_found(PUBLIC_IP, uuid)
    if row["state"] != "Free":
        raise InvalidValue(f"public address {row['address']} is {row['state']}")
    public_range.check_address(ctx, row, account["id"], account["domain_id"])
    resource.check(ctx, account, {"ip": 1})
    owner = {"account_id": account["id"], "domain_id": account["domain_id"]}
    publicip_pool.give(ctx, row, owner, network=None, state="Reserved", display=display)
    ctx.event(
        "NET.IPRESERVE",
        f"public address {row['address']} is reserved",
        resource=("IpAddress", uuid),
        **owner,
    )
    return int(row["id"])


def _may_have(ctx: Context, row: Row, account: Row) -> bool:
    if row["state"] != "Free":
        return row["account_id"] is not None and access.may_see(ctx, PUBLIC_IP, row)
    whose = (row["zone_id"], account["id"], account["domain_id"])
    return row["vlan_id"] in public_range.open_to(ctx, *whose)


def release(ctx: Context, row: Row) -> None:
    """Lets go of a reserved address. Raises `InvalidValue`."""
    access.must_own(ctx, PUBLIC_IP, row)
    if row["state"] != "Reserved" or row["account_id"] is None:
        raise InvalidValue(f"public address {row['address']} is {row['state']}, not reserved")
    publicip_pool.free(ctx, row)


def update(ctx: Context, row: Row, *, custom_id: str | None, display: bool | None) -> str:
    """Gives an address another uuid, shows or hides it; answers the job's uuid. Raises `InvalidValue`."""
    access.must_own(ctx, PUBLIC_IP, row)
    if row["state"] not in _KEPT or row["account_id"] is None:
        raise InvalidValue(f"public address {row['address']} is {row['state']}")
    wanted = access.custom_id(custom_id)
    if wanted is not None and wanted != row["uuid"] and ctx.tx.first(PUBLIC_IP.by_uuid, uuid=wanted) is not None:
        raise InvalidValue("customid is the id of another public address")
    text = f"changing public address {row['address']}"
    return order(ctx, row, "publicip.update", "NET.IPUPDATE", text, wanted=wanted, display=display)


def _updated(ctx: Context, uuid: str, wanted: str | None, display: bool | None) -> Plain:
    row = ctx.tx.first(PUBLIC_IP.by_uuid, uuid=uuid)
    if row is None or row["state"] not in _KEPT or row["account_id"] is None:
        raise ResourceUnavailable("the public address was released meanwhile")
    if wanted is not None and wanted != uuid and ctx.tx.first(PUBLIC_IP.by_uuid, uuid=wanted) is not None:
        raise InvalidValue("customid is the id of another public address")
    changed: Plain = {"uuid": wanted or uuid}
    if display is not None:
        changed["display"] = display
    ctx.tx.update(table, {"id": row["id"]}, **changed)
    return shown(ctx, row["id"])


single("publicip.update", _updated)
