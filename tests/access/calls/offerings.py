"""Service, disk and network offerings."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("serviceoffering", owned="domains")
async def _service(cast: Cast, **owner: Any) -> str:
    given = {**SMALL, "name": "mine", "domainid": cast.id("domain", owner)}
    return (await cast.api.call("createServiceOffering", **given))["serviceoffering"]["id"]


@thing("diskoffering", owned="domains")
async def _disk(cast: Cast, **owner: Any) -> str:
    given = {"name": "mine", "displaytext": "mine", "disksize": 1, "domainid": cast.id("domain", owner)}
    return (await cast.api.call("createDiskOffering", **given))["diskoffering"]["id"]


@thing("networkoffering", owned="domains")
async def _network(cast: Cast, **owner: Any) -> str:
    given = {"name": "mine", "domainid": cast.id("domain", owner), **LAYER2}
    return (await cast.api.call("createNetworkOffering", **given))["networkoffering"]["id"]


SMALL = {"displaytext": "made", "cpunumber": 1, "cpuspeed": 100, "memory": 64}
LAYER2 = {"displaytext": "made", "guestiptype": "L2", "traffictype": "GUEST"}

ROWS = [
    Row("createServiceOffering", name="made", only=("root",), why="for all domains", spread=False, **SMALL),
    Row("createServiceOffering", "domain", by="domainid", name="made", **SMALL),
    Row("updateServiceOffering", "serviceoffering", displaytext="else"),
    Row("deleteServiceOffering", "serviceoffering"),
    Row("listServiceOfferings", "serviceoffering"),
    Row("createDiskOffering", name="made", disksize=1, only=("root",), why="for all domains", spread=False),
    Row("createDiskOffering", "domain", by="domainid", name="made", disksize=1),
    Row("updateDiskOffering", "diskoffering", displaytext="else"),
    Row("deleteDiskOffering", "diskoffering"),
    Row("listDiskOfferings", "diskoffering"),
    Row("createNetworkOffering", name="made", spread=False, **LAYER2),
    Row("updateNetworkOffering", "networkoffering", displaytext="else"),
    Row("deleteNetworkOffering", "networkoffering"),
    Row("listNetworkOfferings", "networkoffering"),
]
