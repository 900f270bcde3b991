"""Affinity groups: the jobs that make and delete them, and that change which of them a machine is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, affinitygroup, dedication
from cloudsim.services.affinitygroup import EXPLICIT_DEDICATION
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, AFFINITY_GROUP, VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import lock

table = affinitygroup.table
_NAMED = select(table).where(
    table.c.account_id == bindparam("account_id"),
    table.c.domain_id == bindparam("domain_id"),
    table.c.name == bindparam("name"),
    table.c.removed.is_(None),
)


def _order(ctx: Context, verb: str, group: Row, event: str, text: str) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"affinitygroup.{verb}",
            arguments={"group_id": group["id"]},
            instance_type="AffinityGroup",
            instance_uuid=group["uuid"],
            lock=f"affinitygroup:{group['uuid']}",
            event=event,
            event_text=f"{text} affinity group {group['name']}",
            account_id=group["account_id"],
            domain_id=group["domain_id"],
        )
    )


# -- making


def create(ctx: Context, **given: Any) -> tuple[str, str]:
    """Makes a group (see `affinitygroup.create`) and the job that tells of it; answers the uuids of both."""
    group = access.row(ctx, AFFINITY_GROUP, affinitygroup.create(ctx, **given))
    return group["uuid"], _order(ctx, "create", group, "AG.CREATE", "making")


def _created(ctx: Context, group_id: int) -> dict[str, Any]:
    access.alive(ctx, AFFINITY_GROUP, group_id)
    return {"affinitygroup": ctx.present("affinitygroup", group_id)[0]}


single("affinitygroup.create", _created)


# -- deleting


def named(ctx: Context, account: Row, domain: Row | None, name: str) -> Row:
    """An account's group of that name; for root admins also the one of a whole domain. Raises `InvalidValue`."""
    found = ctx.tx.first(_NAMED, account_id=account["id"], domain_id=account["domain_id"], name=name)
    if found is None and domain is not None and ctx.caller.is_admin:
        system = affinitygroup.system_account(ctx)
        found = ctx.tx.first(_NAMED, account_id=system["id"], domain_id=domain["id"], name=name)
    if found is None:
        raise InvalidValue(f"account {account['name']} has no affinity group named '{name[:64]}'")
    return found


def delete(ctx: Context, group: Row) -> str:
    """Orders that a group goes; answers the job's uuid. Raises `PermissionDenied`."""
    _check_delete(ctx, group)
    return _order(ctx, "delete", group, "AG.DELETE", "deleting")


def _check_delete(ctx: Context, group: Row) -> None:
    access.must_own(ctx, AFFINITY_GROUP, group)
    if group["type"] == EXPLICIT_DEDICATION and not ctx.caller.is_admin:
        raise PermissionDenied(f"only root admins delete affinity groups of type {EXPLICIT_DEDICATION}")


def _deleted(ctx: Context, group_id: int) -> dict[str, Any]:
    group = access.alive(ctx, AFFINITY_GROUP, group_id)
    dedication.end_of_group(ctx, group_id)
    affinitygroup.forget(ctx, group)
    return {"success": True}


single("affinitygroup.delete", _deleted)


# -- the groups of a machine


def change(ctx: Context, row: Row, ids: Sequence[str], names: Sequence[str]) -> str:
    """Orders that these, or none, are the groups of a machine; answers the job's uuid.

    Raises `InvalidValue`, `BadParameter`, `PermissionDenied`.
    """
    groups = affinitygroup.chosen(ctx, access.row(ctx, ACCOUNT, row["account_id"]), ids, names)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="affinitygroup.change",
            arguments={"vm_id": row["id"], "group_ids": [group["id"] for group in groups]},
            instance_type="VirtualMachine",
            instance_uuid=row["uuid"],
            lock=lock(row),
            event="VM.UPDATE",
            event_text=f"changing the affinity groups of virtual machine {row['display_name'] or row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _changed(ctx: Context, vm_id: int, group_ids: list[int]) -> dict[str, Any]:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if row["state"] != "Stopped":
        raise InvalidValue(f"affinity groups change while the virtual machine is stopped; it is {row['state']}")
    groups = [access.alive(ctx, AFFINITY_GROUP, group_id) for group_id in group_ids]
    affinitygroup.replace(ctx, row, groups)
    return {"virtualmachine": ctx.present("virtualmachine", vm_id)[0]}


single("affinitygroup.change", _changed)
