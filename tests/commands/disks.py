"""What tests of volumes share: volumes made, attached and seen."""

from __future__ import annotations

import itertools
from typing import Any

from apiclient import Api

from cloudsim.server import Server

GIB = 1024**3
_NUMBERS = itertools.count(1)


async def offering(api: Api, name: str = "Small") -> str:
    """The id of a disk offering: Small (5 GiB), Medium, Large or Custom."""
    return str((await api.call("listDiskOfferings", name=name))["diskoffering"][0]["id"])


async def new_offering(api: Api, **given: Any) -> dict[str, Any]:
    """A disk offering of one's own."""
    name = f"offering-{next(_NUMBERS)}"
    made = await api.call("createDiskOffering", **{"name": name, "displaytext": name, **given})
    return dict(made["diskoffering"])


async def zone(api: Api) -> str:
    """The id of the seeded zone."""
    return str((await api.call("listZones"))["zone"][0]["id"])


async def disk(api: Api, **given: Any) -> dict[str, Any]:
    """A new volume, of the small offering where nothing else is said."""
    if "diskofferingid" not in given and "snapshotid" not in given:
        given["diskofferingid"] = await offering(api)
    if "virtualmachineid" not in given:
        given.setdefault("zoneid", await zone(api))
    return dict((await api.job("createVolume", **{"name": f"disk-{next(_NUMBERS)}", **given}))["volume"])


async def attach(api: Api, volume: dict[str, Any], machine: dict[str, Any], **given: Any) -> dict[str, Any]:
    """The volume, attached."""
    made = await api.job("attachVolume", id=volume["id"], virtualmachineid=machine["id"], **given)
    return dict(made["volume"])


async def detach(api: Api, volume: dict[str, Any]) -> dict[str, Any]:
    """The volume, detached."""
    return dict((await api.job("detachVolume", id=volume["id"]))["volume"])


async def look(api: Api, volume: dict[str, Any]) -> dict[str, Any]:
    """A volume as it is listed now."""
    (found,) = (await api.call("listVolumes", id=volume["id"]))["volume"]
    return dict(found)


def on_host(server: Server, machine: dict[str, Any]) -> dict[str, int]:
    """The disks that a running machine has on its host: volumes and numbers."""
    return {one["uuid"]: one["device"] for one in server.simulator.disks().get(machine["id"], [])}
