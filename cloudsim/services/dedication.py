"""Zones, pods, clusters and hosts that are kept for a domain (with those below it) or for one account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select

from cloudsim.allocators.base import Dedication, HostCandidate, Request
from cloudsim.allocators.dedication import entitled
from cloudsim.core.errors import InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import HOLDING
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, affinitygroup
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import ACCOUNT, AFFINITY_GROUP, CLUSTER, DOMAIN, HOST, POD, ZONE

table, vm, host = schema.dedicated_resource, schema.vm, schema.host

#: The kinds of places, from the widest to the narrowest.
KINDS = {"Zone": ZONE, "Pod": POD, "Cluster": CLUSTER, "Host": HOST}


def _listing(kind: str) -> Listing:
    place = KINDS[kind].table
    return Listing(
        table,
        source=table.join(place, table.c.place_id == place.c.id),
        filters={
            "place": equals(table.c.place_id, "place"),
            "domain": equals(table.c.domain_id, "domain"),
            "account": equals(table.c.account_id, "account"),
            "group": equals(table.c.group_id, "group"),
        },
        base=(table.c.kind == kind, table.c.removed.is_(None)),
        keyword=(place.c.name,),
    )


LISTINGS = {kind: _listing(kind) for kind in KINDS}


def _rows(kind: str) -> Any:
    place = KINDS[kind].table
    return (
        select(
            table.c.id,
            table.c.uuid,
            place.c.uuid.label("place_uuid"),
            place.c.name.label("place_name"),
            schema.domain.c.uuid.label("domain_uuid"),
            schema.account.c.uuid.label("account_uuid"),
            schema.affinity_group.c.uuid.label("group_uuid"),
        )
        .select_from(
            table.join(place, table.c.place_id == place.c.id)
            .join(schema.domain, table.c.domain_id == schema.domain.c.id)
            .outerjoin(schema.account, table.c.account_id == schema.account.c.id)
            .outerjoin(schema.affinity_group, table.c.group_id == schema.affinity_group.c.id)
        )
        .where(any_of(table.c.id, "ids"))
    )


_ROWS = {kind: _rows(kind) for kind in KINDS}
_OF = select(table).where(
    table.c.kind == bindparam("kind"), table.c.place_id == bindparam("place_id"), table.c.removed.is_(None)
)
#: Each with the places that its place is in.
_ALL = (
    select(
        table,
        func.coalesce(schema.pod.c.id, schema.cluster.c.pod_id, host.c.pod_id).label("pod_id"),
        func.coalesce(schema.cluster.c.id, host.c.cluster_id).label("cluster_id"),
        host.c.id.label("host_id"),
        func.coalesce(schema.pod.c.name, schema.cluster.c.name, host.c.name, schema.zone.c.name).label("name"),
        schema.account.c.name.label("account_name"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        table.join(schema.zone, table.c.zone_id == schema.zone.c.id)
        .join(schema.domain, table.c.domain_id == schema.domain.c.id)
        .outerjoin(schema.account, table.c.account_id == schema.account.c.id)
        .outerjoin(schema.pod, and_(table.c.kind == "Pod", table.c.place_id == schema.pod.c.id))
        .outerjoin(schema.cluster, and_(table.c.kind == "Cluster", table.c.place_id == schema.cluster.c.id))
        .outerjoin(host, and_(table.c.kind == "Host", table.c.place_id == host.c.id))
    )
    .where(table.c.removed.is_(None))
    .order_by(table.c.id)
)
_IN_ZONE = _ALL.where(table.c.zone_id == bindparam("zone_id"))
_OF_GROUP = select(table).where(table.c.group_id == bindparam("group_id"), table.c.removed.is_(None))
_ANY = select(table.c.id).where(table.c.zone_id == bindparam("zone_id"), table.c.removed.is_(None)).limit(1)


def _machines(column: Any) -> Any:
    # one that moves has a place where it comes from as well
    leaving = and_(vm.c.state == "Migrating", vm.c.last_host_id == host.c.id, vm.c.host_id.is_not(None))
    there = or_(vm.c.host_id == host.c.id, leaving)
    return (
        select(vm.c.account_id, host.c.name.label("host_name"), schema.domain.c.path)
        .select_from(vm.join(host, there).join(schema.domain, vm.c.domain_id == schema.domain.c.id))
        .where(
            column == bindparam("place_id"),
            vm.c.removed.is_(None),
            any_of(vm.c.state, "states"),
            or_(vm.c.type == "User", vm.c.type == "DomainRouter"),
        )
    )


_MACHINES = {
    "Zone": _machines(host.c.zone_id),
    "Pod": _machines(host.c.pod_id),
    "Cluster": _machines(host.c.cluster_id),
    "Host": _machines(host.c.id),
}
_TREE = select(schema.domain.c.id, schema.domain.c.path).where(schema.domain.c.removed.is_(None))
_OF_OWNER = {
    "account": select(table).where(table.c.account_id == bindparam("owner"), table.c.removed.is_(None)),
    "domain": select(table).where(table.c.domain_id == bindparam("owner"), table.c.removed.is_(None)),
}


def page(ctx: Context, kind: str, ids: Sequence[int]) -> list[Row]:
    """Dedications of one kind of place, with the place and whose it is, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS[kind], ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


# -- dedicating


def dedicate(ctx: Context, kind: str, place: Row, domain: Row, account: str | None) -> str:
    """Orders that a place is kept for a domain, or for an account in it; answers the job's uuid.

    Raises `BadParameter` for an account that is not in the domain, `OperationFailed` for what stands against it.
    """
    owner = access.account_of(ctx, domain, account) if account is not None else None
    _check(ctx, kind, place, domain, owner)
    return _order(
        ctx, "dedicate", kind, place, "DEDICATE.RESOURCE", "dedicating",
        domain_id=domain["id"], account_id=owner["id"] if owner else None,
    )  # fmt: skip


def _order(ctx: Context, verb: str, kind: str, place: Row, event: str, text: str, **arguments: Any) -> str:
    noun = KINDS[kind]
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"dedication.{verb}",
            arguments={"kind": kind, "place_id": place["id"], **arguments},
            instance_type=noun.type,
            instance_uuid=place["uuid"],
            lock=f"dedication:{place['uuid']}",
            event=event,
            event_text=f"{text} {noun.label} {place['name']}",
        )
    )


def _chain(kind: str, place: Row) -> dict[str, int]:
    """The places that a place is in, and itself."""
    columns = {"Zone": "zone_id", "Pod": "pod_id", "Cluster": "cluster_id", "Host": "host_id"}
    return {
        one: place["id"] if one == kind else place[columns[one]]
        for one in list(KINDS)[: list(KINDS).index(kind) + 1]
    }  # fmt: skip


def _check(ctx: Context, kind: str, place: Row, domain: Row, owner: Row | None) -> list[Row]:
    """Raises `OperationFailed` for what forbids it; answers the dedications of parts that it takes the place of."""
    label, noun = f"{KINDS[kind].label} {place['name']}", KINDS[kind]
    if kind == "Host" and (place["cluster_id"] is None or place["pod_id"] is None):
        raise InvalidValue(f"{label} runs no machines: it cannot be dedicated")
    own = _chain(kind, place)
    absorbed = []
    for other in ctx.tx.all(_IN_ZONE, zone_id=own["Zone"]):
        if other["kind"] == kind and other["place_id"] == place["id"]:
            raise OperationFailed(f"{label} is dedicated to {_owner(other)} already")
        what = f"{KINDS[other['kind']].label} {other['name']}"
        if own.get(other["kind"]) == other["place_id"]:
            # a domain may give parts of what it has to those in it; what an account has is the account's
            if other["account_id"] is not None or not domain["path"].startswith(other["domain_path"]):
                raise OperationFailed(f"{label} is part of {what}, which is dedicated to {_owner(other)}")
        elif kind == "Zone" or other[f"{noun.name}_id"] == place["id"]:
            if not other["domain_path"].startswith(domain["path"]) or (
                owner is not None and other["account_id"] != owner["id"]
            ):
                raise OperationFailed(f"{what}, a part of it, is dedicated to {_owner(other)}")
            if (owner["id"] if owner else None, domain["id"]) == (other["account_id"], other["domain_id"]):
                absorbed.append(other)
    for machine in ctx.tx.all(_MACHINES[kind], place_id=place["id"], states=list(HOLDING)):
        mine = machine["account_id"] == owner["id"] if owner else machine["path"].startswith(domain["path"])
        if not mine:
            raise OperationFailed(f"a virtual machine of someone else runs on host {machine['host_name']}")
    return absorbed


def _owner(row: Row) -> str:
    if row["account_id"] is not None:
        return f"account {row['account_name']}"
    return f"domain {row['domain_name']}"


def write(ctx: Context, kind: str, place: Row, domain_id: int, account_id: int | None) -> int:
    """Writes a dedication that was checked; answers its id."""
    owner = access.row(ctx, ACCOUNT, account_id) if account_id is not None else None
    made = ctx.tx.insert(
        table,
        group_id=affinitygroup.of_dedication(ctx, access.row(ctx, DOMAIN, domain_id), owner),
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        kind=kind,
        place_id=place["id"],
        zone_id=_chain(kind, place)["Zone"],
        domain_id=domain_id,
        account_id=account_id,
    )
    if kind == "Zone":
        ctx.tx.update(schema.zone, {"id": place["id"]}, domain_id=domain_id)
    return made


def _dedicated(ctx: Context, kind: str, place_id: int, domain_id: int, account_id: int | None) -> dict[str, Any]:
    place, domain = access.alive(ctx, KINDS[kind], place_id), access.alive(ctx, DOMAIN, domain_id)
    owner = access.alive(ctx, ACCOUNT, account_id) if account_id is not None else None
    for part in _check(ctx, kind, place, domain, owner):
        ctx.tx.update(table, {"id": part["id"]}, removed=ctx.now)
    made = write(ctx, kind, place, domain_id, account_id)
    noun = f"dedicated{KINDS[kind].name}"
    return {noun: ctx.present(noun, made)[0]}


single("dedication.dedicate", _dedicated)


# -- releasing


def release(ctx: Context, kind: str, place: Row) -> str:
    """Orders that a place is everybody's again; answers the job's uuid. Raises `OperationFailed`."""
    _found(ctx, kind, place)
    return _order(ctx, "release", kind, place, "DEDICATE.RESOURCE.RELEASE", "releasing dedicated")


def _found(ctx: Context, kind: str, place: Row) -> Row:
    found = ctx.tx.first(_OF, kind=kind, place_id=place["id"])
    if found is None:
        raise OperationFailed(f"{KINDS[kind].label} {place['name']} is not dedicated")
    return found


def _released(ctx: Context, kind: str, place_id: int) -> dict[str, Any]:
    _end(ctx, _found(ctx, kind, access.alive(ctx, KINDS[kind], place_id)))
    return {"success": True}


single("dedication.release", _released)


def _end(ctx: Context, row: Row) -> None:
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
    if row["kind"] == "Zone":
        ctx.tx.update(schema.zone, {"id": row["place_id"]}, domain_id=None)
    if row["group_id"] is not None and ctx.tx.first(_OF_GROUP, group_id=row["group_id"]) is None:
        group = access.row(ctx, AFFINITY_GROUP, row["group_id"])
        if group["removed"] is None:
            affinitygroup.forget(ctx, group)
            affinitygroup.tell(ctx, "AG.DELETE", group, "was deleted with the last of its dedications")


def end_of_group(ctx: Context, group_id: int) -> None:
    """Ends the dedications that an affinity group stands for; the group stays."""
    for row in ctx.tx.all(_OF_GROUP, group_id=group_id):
        ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
        if row["kind"] == "Zone":
            ctx.tx.update(schema.zone, {"id": row["place_id"]}, domain_id=None)


def end_of_place(ctx: Context, kind: str, place_id: int) -> None:
    """Ends the dedication of a place that goes, or that is opened to all; nothing where there is none."""
    found = ctx.tx.first(_OF, kind=kind, place_id=place_id)
    if found is not None:
        _end(ctx, found)


def end_of_owner(ctx: Context, what: str, owner_id: int) -> None:
    """Ends all dedications to an account or a domain (`what`) that goes."""
    for row in ctx.tx.all(_OF_OWNER[what], owner=owner_id):
        _end(ctx, row)


def check_moved(ctx: Context, path: str) -> None:
    """Raises `InvalidValue` where a domain, at `path` now, has parts of what is kept for domains it is not in any more."""
    rows = ctx.tx.all(_ALL)
    for part in rows:
        if not part["domain_path"].startswith(path):
            continue
        for whole in rows:
            column = f"{KINDS[whole['kind']].name}_id"
            holds = whole["id"] != part["id"] and part[column] == whole["place_id"]
            if holds and not part["domain_path"].startswith(whole["domain_path"]):
                what = f"{KINDS[part['kind']].label} {part['name']}"
                raise InvalidValue(f"{what} is dedicated to it, as part of what is dedicated to {_owner(whole)}")


# -- obeying


def apply(
    ctx: Context, zone_id: int, account_id: int, request: Request, hosts: list[HostCandidate]
) -> tuple[Request, list[HostCandidate]]:
    """The request and the hosts with what the rules of dedication look at; as they are where nothing is dedicated."""
    if ctx.tx.scalar(_ANY, zone_id=zone_id) is None:
        return request, hosts
    found = {
        (row["kind"], row["place_id"]): Dedication(
            row["kind"], row["account_id"], row["domain_id"], _owner(row), row["group_id"]
        )
        for row in ctx.tx.all(_IN_ZONE, zone_id=zone_id)
    }
    made = []
    for one in hosts:
        places = (("Host", one.id), ("Cluster", one.cluster_id), ("Pod", one.pod_id), ("Zone", one.zone_id))
        its = tuple(found[place] for place in places if place in found)
        made.append(replace(one, dedications=its) if its else one)
    return replace(request, **_of_owner(ctx, access.row(ctx, ACCOUNT, account_id))), made


def _of_owner(ctx: Context, owner: Row) -> dict[str, Any]:
    path = access.domain_path(ctx, owner["domain_id"])
    return {
        "account_id": owner["id"],
        "domain_ids": frozenset(row["id"] for row in ctx.tx.all(_TREE) if path.startswith(row["path"])),
        "is_system": bool(owner["is_default"]) and owner["name"] == "system",
    }


def check_zone(ctx: Context, zone: Row, owner: Row) -> None:
    """Raises `PermissionDenied` where a zone is dedicated to others than `owner`."""
    if zone["domain_id"] is None:
        return
    found = ctx.tx.first(_OF, kind="Zone", place_id=zone["id"])
    whose = Dedication("Zone", found["account_id"] if found else None, zone["domain_id"])
    asked = Request(cpus=0, speed=0, memory=0, hypervisor="", **_of_owner(ctx, owner))
    if not entitled(asked, whose):
        raise PermissionDenied(f"zone {zone['name']} is dedicated to others")
