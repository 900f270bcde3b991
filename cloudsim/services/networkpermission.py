"""Networks that their owners let other accounts and projects use.

Those see the network and may have machines in it; to change it stays its owner's. Machines that are in a network stay in it
when the permission goes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, select

from cloudsim.core import caller
from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK, PROJECT

table, account = schema.network_permission, schema.account

_NOT_A_PROJECT = and_(account.c.removed.is_(None), account.c.type != caller.PROJECT)

_OF = (
    select(table.c.account_id, account.c.uuid, account.c.name, account.c.project_uuid, account.c.project_name,
           schema.domain.c.uuid.label("domain_uuid"), schema.domain.c.name.label("domain_name"))
    .select_from(
        table.join(account, table.c.account_id == account.c.id).join(
            schema.domain, account.c.domain_id == schema.domain.c.id
        )
    )
    .where(table.c.network_id == bindparam("network_id"))
    .order_by(table.c.id)
)  # fmt: skip
_BY_UUIDS = select(account).where(any_of(account.c.uuid, "uuids"), _NOT_A_PROJECT)
_BY_NAMES = select(account).where(
    any_of(account.c.name, "names"), account.c.domain_id == bindparam("domain_id"), _NOT_A_PROJECT
)
_DROP = table.delete().where(table.c.network_id == bindparam("network_id"), any_of(table.c.account_id, "accounts"))
_DROP_ALL = table.delete().where(table.c.network_id == bindparam("network_id"))
_DROP_ACCOUNT = table.delete().where(table.c.account_id == bindparam("account_id"))


def _check(ctx: Context, found: Row) -> None:
    access.must_own(ctx, NETWORK, found)
    if found["guest_type"] not in ("Isolated", "L2") or found["acl_type"] != "Account":
        raise InvalidValue("permissions are for isolated and L2 networks of an account: others are for whole domains")


def _named(
    ctx: Context, found: Row, accounts: Sequence[str], account_ids: Sequence[str], project_ids: Sequence[str]
) -> list[int]:
    """The accounts that are meant, in the domain of the network's owner. Raises `BadParameter`, `InvalidValue`."""
    if accounts and account_ids:
        raise InvalidValue("give accounts or accountids, not both")
    if not (accounts or account_ids or project_ids):
        raise InvalidValue("give accountids, accounts or projectids")
    rows = ctx.tx.all(_BY_UUIDS, uuids=list(account_ids)) if account_ids else []
    if not ctx.caller.is_admin:  # whoever is elsewhere is nobody
        rows = [row for row in rows if row["domain_id"] == found["domain_id"]]
    for uuid in account_ids:
        if all(row["uuid"] != uuid for row in rows):
            raise access.not_found(ACCOUNT, uuid)
    if accounts:
        rows = ctx.tx.all(_BY_NAMES, names=list(accounts), domain_id=found["domain_id"])
        for name in accounts:
            if all(row["name"] != name for row in rows):
                raise BadParameter(f"there is no account '{name[:64]}' in the domain of the network")
    projects = access.find_all(ctx, PROJECT, list(project_ids)) if project_ids else []
    for row in (*rows, *projects):
        if row["domain_id"] != found["domain_id"]:
            raise InvalidValue(f"{row['name']} is in another domain than the network: it cannot be let in")
    return list(dict.fromkeys([row["id"] for row in rows] + [project["account_id"] for project in projects]))


def add(
    ctx: Context, found: Row, accounts: Sequence[str], account_ids: Sequence[str], project_ids: Sequence[str]
) -> None:  # fmt: skip
    """Lets accounts and projects use a network; those that may already do so still."""
    _check(ctx, found)
    wanted = _named(ctx, found, accounts, account_ids, project_ids)
    if found["account_id"] in wanted:
        raise InvalidValue("the network is its owner's anyway")
    there = {row["account_id"] for row in ctx.tx.all(_OF, network_id=found["id"])}
    for account_id in wanted:
        if account_id not in there:
            ctx.tx.insert(table, network_id=found["id"], account_id=account_id)
    _tell(ctx, found, "others were let use")


def remove(
    ctx: Context, found: Row, accounts: Sequence[str], account_ids: Sequence[str], project_ids: Sequence[str]
) -> None:  # fmt: skip
    """Takes back that accounts and projects may use a network; those that may not are fine."""
    _check(ctx, found)
    ctx.tx.execute(_DROP, network_id=found["id"], accounts=_named(ctx, found, accounts, account_ids, project_ids))
    _tell(ctx, found, "others were shut out of")


def reset(ctx: Context, found: Row) -> None:
    """Takes back all of it."""
    _check(ctx, found)
    ctx.tx.execute(_DROP_ALL, network_id=found["id"])
    _tell(ctx, found, "all others were shut out of")


def of_network(ctx: Context, found: Row) -> list[Row]:
    """Who may use a network, besides its owner: told to its owner only."""
    _check(ctx, found)
    return ctx.tx.all(_OF, network_id=found["id"])


def account_gone(ctx: Context, account_id: int) -> None:
    """An account is removed: it uses nobody's networks any more."""
    ctx.tx.execute(_DROP_ACCOUNT, account_id=account_id)


def _tell(ctx: Context, found: Row, what: str) -> None:
    ctx.event(
        "NETWORK.UPDATE",
        f"{what} network {found['name']}",
        resource=("Network", found["uuid"]),
        account_id=found["account_id"],
        domain_id=found["domain_id"],
    )
