"""Alerts of capacities that run out: told once when a threshold is passed, and again only after it was fallen below."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select

from cloudsim.db import schema
from cloudsim.services import alert, capacity
from cloudsim.services.capacity import NAMES, Capacity, decimal
from cloudsim.services.context import Context

table = schema.capacity_alert

#: Level to the kinds of room that are looked at there: (the setting, CloudStack's number of the alert).
WATCHED: dict[str, dict[int, tuple[str, int]]] = {
    "zone": {
        capacity.PUBLIC_IP: ("zone.virtualnetwork.publicip.capacity.notificationthreshold", 4),
        capacity.SECONDARY_STORAGE: ("zone.secstorage.capacity.notificationthreshold", 6),
        capacity.VLAN: ("zone.vlan.capacity.notificationthreshold", 18),
        capacity.SHARED_IP: ("zone.directnetwork.publicip.capacity.notificationthreshold", 24),
    },
    "pod": {capacity.PRIVATE_IP: ("pod.privateip.capacity.notificationthreshold", 5)},
    "cluster": {
        capacity.MEMORY: ("cluster.memory.allocated.capacity.notificationthreshold", 0),
        capacity.CPU: ("cluster.cpu.allocated.capacity.notificationthreshold", 1),
        capacity.STORAGE: ("cluster.storage.capacity.notificationthreshold", 2),
        capacity.STORAGE_ALLOCATED: ("cluster.storage.allocated.capacity.notificationthreshold", 3),
        capacity.LOCAL_STORAGE: ("cluster.localStorage.capacity.notificationthreshold", 25),
    },
}
_ZONE, _POD, _CLUSTER = schema.zone.c, schema.pod.c, schema.cluster.c
_PLACES = {
    "zone": select(_ZONE.id, _ZONE.name, _ZONE.id.label("zone_id")).where(_ZONE.removed.is_(None)),
    "pod": select(_POD.id, _POD.name, _POD.zone_id, _POD.id.label("pod_id")).where(_POD.removed.is_(None)),
    "cluster": select(_CLUSTER.id, _CLUSTER.name, _CLUSTER.zone_id, _CLUSTER.pod_id).where(_CLUSTER.removed.is_(None)),
}
_TOLD = select(table)
_FORGET = delete(table).where(table.c.id == bindparam("which"))

Key = tuple[int, str, int]


def look(ctx: Context) -> None:
    """Compares every capacity with its threshold, and tells of those that have passed theirs since the look before."""
    told: dict[Key, int] = {(row["type"], row["level"], row["place_id"]): row["id"] for row in ctx.tx.all(_TOLD)}
    past: set[Key] = set()
    for level, kinds in WATCHED.items():
        places = {row["id"]: row for row in ctx.tx.all(_PLACES[level])}
        for place_id, found in capacity.of(ctx, level, list(places)).items():
            for one in found:
                if one.kind not in kinds or not _is_past(ctx, level, place_id, one, kinds[one.kind][0]):
                    continue
                key = (one.kind, level, place_id)
                past.add(key)
                if key not in told:
                    _tell(ctx, level, places[place_id], one, kinds[one.kind][1])
                    ctx.tx.insert(table, type=one.kind, level=level, place_id=place_id)
    for key, row_id in told.items():
        if key not in past:
            ctx.tx.execute(_FORGET, which=row_id)


def _is_past(ctx: Context, level: str, place_id: int, one: Capacity, setting: str) -> bool:
    limit = ctx.settings.share(setting, (level.capitalize(), place_id))
    return one.total > 0 and one.used / one.total > limit


def _tell(ctx: Context, level: str, place: Any, one: Capacity, number: int) -> None:
    text = (
        f"{NAMES[one.kind]} of {level} {place['name']} runs out: {decimal(one.percent)}% is taken "
        f"({one.used} of {one.total})"
    )
    alert.raise_(ctx, number, text, zone_id=place["zone_id"], pod_id=place.get("pod_id"))
