"""Host HA and out-of-band management, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.services import host_ha, oobm
from cloudsim.services.context import Context, Row

HOST_HA = Response("hostha", boolean="haenable status", hastate="hastate", string="haprovider hostid")
OOBM = Response(
    "outofbandmanagement",
    boolean="enabled status",
    powerstate="powerstate",
    string="action address description driver hostid password port username",
)
TRANSITION = Response("hastatetransition", long="activitycounter recoverycounter", string="event hastate prevhastate")


def guard(row: Row) -> Object:
    """What HA is for a host."""
    return shown(haenable=row["enabled"], hastate=row["state"], haprovider=row["provider"])


def power(row: Row) -> Object:
    """The controller of a host's power. Of its password nobody reads more than that there is one."""
    return {
        "driver": row["driver"],
        "address": row["address"],
        "port": row["port"],
        "username": row["username"],
        "password": "****",
        "powerstate": row["power_state"],
        "enabled": row["enabled"],
    }


def _by_host(rows: Sequence[Row], ids: Sequence[int]) -> Sequence[Row]:
    return ordered([{**row, "id": row["host_id"]} for row in rows], ids)


@HOST_HA.presents
def present_guards(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """The HA of hosts, by the ids of the hosts."""
    return [{"hostid": row["host_uuid"], **guard(row)} for row in _by_host(host_ha.rows(ctx, ids), ids)]


@OOBM.presents
def present_controllers(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """The controllers of hosts, by the ids of the hosts."""
    return [{"hostid": row["host_uuid"], **power(row)} for row in _by_host(oobm.rows(ctx, ids), ids)]


def transitions(row: Row) -> list[Object]:
    """What happened to the HA of a host, the last first."""
    return [
        {
            "prevhastate": before,
            "event": event,
            "hastate": after,
            "activitycounter": checks,
            "recoverycounter": recoveries,
        }
        for before, event, after, checks, recoveries in reversed(row["transitions"])
    ]
