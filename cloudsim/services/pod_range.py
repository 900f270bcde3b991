"""Ranges of a pod's addresses, for hosts and for the cloud's own machines: which are free, making, changing, removing."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InsufficientAddresses, InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, address_plan, addressing
from cloudsim.services.context import Context
from cloudsim.services.nouns import POD

pod, host, card, taken_ip = schema.pod, schema.host, schema.system_nic, schema.pod_ip

_HOSTS = select(host.c.ip).where(host.c.pod_id == bindparam("pod_id"), host.c.removed.is_(None), host.c.ip.is_not(None))
_CARDS = select(card.c.ip).where(
    card.c.pod_id == bindparam("pod_id"), card.c.kind == "Management", card.c.removed.is_(None)
)
_ACQUIRED = select(taken_ip.c.address.label("ip")).where(taken_ip.c.pod_id == bindparam("pod_id"))
_PODS = (
    select(pod)
    .where(
        pod.c.zone_id == bindparam("zone_id"), pod.c.removed.is_(None), pod.c.allocation_state == "Enabled"
    )
    .order_by(pod.c.id)
)  # fmt: skip
_ACQUIRED_ONE = select(taken_ip).where(taken_ip.c.id == bindparam("row_id"))
_LET_GO = taken_ip.delete().where(taken_ip.c.id == bindparam("which"))
_STRICT = "system.vm.management.ip.reservation.mode.strictness"


def taken(ctx: Context, pod_id: int) -> set[str]:
    """The addresses of a pod that hosts and the cloud's own machines have, or that were acquired."""
    return {row["ip"] for which in (_HOSTS, _CARDS, _ACQUIRED) for row in ctx.tx.all(which, pod_id=pod_id)}


def addresses(ctx: Context, pod_id: int) -> list[addressing.Range]:
    """Those of `taken` that are addresses: hosts may have been added by their names."""
    made = []
    for text in sorted(taken(ctx, pod_id)):
        try:
            made.append(addressing.stored(text, None))
        except ValueError:
            continue
    return made


def free(ctx: Context, row: Row, *, system: bool) -> str | None:
    """The first free address of a pod; None when all are taken.

    Ranges that are kept for the cloud's own machines are for those alone, and for those first; where the setting says
    so they get no others.
    """
    kept = [part for part in row["ranges"] if part.get("forsystemvms")]
    shared = [part for part in row["ranges"] if not part.get("forsystemvms")]
    parts = shared
    if system:
        parts = kept if ctx.settings.flag(_STRICT) else [*kept, *shared]
    used = taken(ctx, row["id"]) | {row["gateway"]}
    for part in parts:
        first, last = ipaddress.IPv4Address(part["start"]), ipaddress.IPv4Address(part.get("end") or part["start"])
        # of that many, one is free
        for number in range(int(first), min(int(last), int(first) + len(used)) + 1):
            if (text := str(ipaddress.IPv4Address(number))) not in used:
                return text
    return None


# -- what admins ask for


def _part_of(row: Row, start: str, end: str) -> Mapping[str, Any]:
    wanted = addressing.stored(addressing.ip(start, "the first address") or "", addressing.ip(end, "the last address"))
    for part in row["ranges"]:
        if addressing.stored(part["start"], part.get("end")) == wanted:
            found: Mapping[str, Any] = part
            return found
    raise InvalidValue(f"pod {row['name']} has no range {wanted}")


def _check_own(row: Row, found: addressing.Range, others: Iterable[Mapping[str, Any]]) -> None:
    for part in others:
        theirs = addressing.stored(part["start"], part.get("end"))
        if found.overlaps(theirs):
            raise InvalidValue(f"{found} overlaps {theirs} of pod {row['name']}")


def _check_used(ctx: Context, row: Row, before: Mapping[str, Any], after: addressing.Range | None) -> None:
    """Raises `ResourceInUse` where an address of a range is taken that would not be in it any more."""
    was = addressing.stored(before["start"], before.get("end"))
    for address in addresses(ctx, row["id"]):
        if was.overlaps(address) and not (after is not None and after.overlaps(address)):
            raise ResourceInUse(f"address {address.start} of the range is in use")


def _made(
    ctx: Context, row: Row, gateway: str, netmask: str, start: str, end: str | None, vlan: str | None, system: bool
) -> dict[str, Any]:
    if addressing.ip(gateway, "gateway") != row["gateway"]:
        raise InvalidValue(f"pod {row['name']} has one gateway, {row['gateway']}, for all its ranges")
    within = addressing.network(gateway, netmask)
    if str(within.netmask) != row["netmask"]:
        raise InvalidValue(f"pod {row['name']} has one netmask, {row['netmask']}, for all its ranges")
    found = addressing.address_range(row["gateway"], row["netmask"], start, end)
    _check_own(row, found, row["ranges"])
    address_plan.check(ctx, row["zone_id"], found, ("pod", row["id"]))
    tag = addressing.vlan_tag(vlan)
    address_plan.check_vlan(ctx, row["zone_id"], address_plan.number_of(tag))
    return {
        "start": str(found.start),
        "end": str(found.end),
        "forsystemvms": system,
        "vlan": tag.removeprefix("vlan://"),
    }


def create(ctx: Context, row: Row, **given: Any) -> str:
    """Orders another range for a pod; answers the job's uuid. Raises `InvalidValue`."""
    _made(ctx, row, **given)
    return _order(ctx, "create", row, "adding addresses to", given=given)


def _created(ctx: Context, pod_id: int, given: dict[str, Any]) -> dict[str, Any]:
    row = access.alive(ctx, POD, pod_id)
    ctx.tx.update(pod, {"id": pod_id}, ranges=[*row["ranges"], _made(ctx, row, **given)])
    return {"pod": ctx.present("pod", pod_id)[0]}


def _changed(ctx: Context, row: Row, before: str, last: str, start: str | None, end: str | None) -> list[Any]:
    part = _part_of(row, before, last)
    found = addressing.address_range(row["gateway"], row["netmask"], start or part["start"], end or part.get("end"))
    _check_own(row, found, (one for one in row["ranges"] if one is not part))
    address_plan.check(ctx, row["zone_id"], found, ("pod", row["id"]))
    _check_used(ctx, row, part, found)
    new = {**part, "start": str(found.start), "end": str(found.end)}
    return [new if one is part else one for one in row["ranges"]]


def update(ctx: Context, row: Row, before: str, last: str, *, start: str | None, end: str | None) -> str:
    """Orders that a range begins and ends elsewhere; answers the job's uuid. Raises `InvalidValue`, `ResourceInUse`."""
    if start is None and end is None:
        raise InvalidValue("give newstartip or newendip")
    _changed(ctx, row, before, last, start, end)
    return _order(ctx, "update", row, "changing addresses of", before=before, last=last, start=start, end=end)


def _updated(ctx: Context, pod_id: int, **given: Any) -> dict[str, Any]:
    row = access.alive(ctx, POD, pod_id)
    ctx.tx.update(pod, {"id": pod_id}, ranges=_changed(ctx, row, **given))
    return {"success": True}


def _without(ctx: Context, row: Row, start: str, end: str, vlan: str) -> list[Any]:
    part = _part_of(row, start, end)
    if addressing.vlan_tag(vlan).removeprefix("vlan://") != (part.get("vlan") or "untagged"):
        raise InvalidValue(f"the range has the VLAN {part.get('vlan') or 'untagged'}")
    if len(row["ranges"]) == 1:
        raise InvalidValue(f"pod {row['name']} has no other range: change it instead")
    _check_used(ctx, row, part, None)
    return [one for one in row["ranges"] if one is not part]


def delete(ctx: Context, row: Row, start: str, end: str, vlan: str) -> str:
    """Orders that a range goes; answers the job's uuid. Raises `InvalidValue`, `ResourceInUse`."""
    _without(ctx, row, start, end, vlan)
    return _order(ctx, "delete", row, "removing addresses of", start=start, end=end, vlan=vlan)


def _deleted(ctx: Context, pod_id: int, **given: Any) -> dict[str, Any]:
    row = access.alive(ctx, POD, pod_id)
    ctx.tx.update(pod, {"id": pod_id}, ranges=_without(ctx, row, **given))
    return {"success": True}


def _order(ctx: Context, verb: str, row: Row, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"podrange.{verb}",
            arguments={"pod_id": row["id"], **arguments},
            instance_type="Pod",
            instance_uuid=row["uuid"],
            lock=f"pod:{row['uuid']}",
            event=f"MANAGEMENT.IP.RANGE.{verb.upper()}",
            event_text=f"{text} pod {row['name']}",
        )
    )


single("podrange.create", _created)
single("podrange.update", _updated)
single("podrange.delete", _deleted)


# -- addresses that are taken for use outside


def acquire(ctx: Context, zone: Row, where: Row | None) -> Row:
    """Takes an address of a pod (None: of the first that has one); answers its row. Raises `InvalidValue`."""
    if where is not None and where["zone_id"] != zone["id"]:
        raise InvalidValue(f"pod {where['name']} is not in zone {zone['name']}")
    for row in [where] if where is not None else ctx.tx.all(_PODS, zone_id=zone["id"]):
        address = free(ctx, row, system=False)
        if address is not None:
            made = ctx.tx.insert(taken_ip, pod_id=row["id"], address=address, created=ctx.now)
            return {"id": made, "address": address, "pod": row}
    raise InsufficientAddresses(f"no address of a pod of zone {zone['name']} is free")


def let_go(ctx: Context, row_id: int) -> None:
    """Gives an acquired address back. Raises `InvalidValue`."""
    if ctx.tx.first(_ACQUIRED_ONE, row_id=row_id) is None:
        raise InvalidValue(f"no address was acquired with id {row_id}")
    ctx.tx.execute(_LET_GO, which=row_id)


def check_unused(ctx: Context, row: Row) -> None:
    """Raises `ResourceInUse` where addresses of a pod are acquired."""
    number = len(ctx.tx.all(_ACQUIRED, pod_id=row["id"]))
    if number:
        raise ResourceInUse(f"{number} addresses of pod {row['name']} are acquired: release them first")
