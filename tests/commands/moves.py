"""What tests of migration and scaling share: hosts, pools, and a picture of all that must not change."""

from __future__ import annotations

import asyncio
from typing import Any

from apiclient import Api
from invariants import rows

from cloudsim.db import schema
from cloudsim.server import Server

GIB = 1024**3


async def hosts(api: Api) -> list[dict[str, Any]]:
    """The seeded hosts by id: two of the first cluster, two of the second."""
    found = (await api.call("listHosts", type="Routing"))["host"]
    return sorted(found, key=lambda row: (row["clustername"], row["name"]))


async def pool(api: Api, name: str, cluster: dict[str, Any] | None = None, **given: Any) -> str:
    """A pool of the zone, or of the cluster of a host."""
    zone = (await api.call("listZones"))["zone"][0]["id"]
    where: dict[str, Any] = {"scope": "ZONE", "hypervisor": "Simulator"}
    if cluster is not None:
        where = {"scope": "CLUSTER", "podid": cluster["podid"], "clusterid": cluster["clusterid"]}
    made = await api.call(
        "createStoragePool", zoneid=zone, name=name, url=f"nfs://10.9.9.9/{name}", **where, **given
    )  # fmt: skip
    return str(made["storagepool"]["id"])


async def disk_on(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    """The root disk of a machine, as it is listed."""
    (found,) = (await api.call("listVolumes", virtualmachineid=machine["id"], type="ROOT"))["volume"]
    return dict(found)


async def seen(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    """A machine as it is listed now."""
    return dict((await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"][0])


async def until(api: Api, machine: dict[str, Any], state: str) -> dict[str, Any]:
    """A machine once it is in a state."""
    async with asyncio.timeout(20):
        while (found := await seen(api, machine))["state"] != state:
            await asyncio.sleep(0.01)
    return found


async def crowd(server: Server, host: dict[str, Any], mib: int = 0) -> None:
    """Leaves a host just so much memory beside what its machines have."""
    sql = "SELECT c.memory_used, h.uuid FROM host_capacity c JOIN host h ON c.host_id = h.id"
    used = {uuid: memory for memory, uuid in await rows(server, sql)}[host["id"]]
    await small(server, host, used // (1024 * 1024) + mib)


async def small(server: Server, host: dict[str, Any], mib: int) -> None:
    """Leaves a host just so much memory in all."""
    await server.db.write(lambda tx: tx.update(schema.host, {"uuid": host["id"]}, memory=mib * 1024 * 1024))


async def setting(api: Api, name: str, value: Any) -> None:
    """A global setting."""
    await api.call("updateConfiguration", name=name, value=value)


async def picture(server: Server) -> dict[str, Any]:
    """Everything there is: the database, but for jobs and events, and the simulated world."""
    made: dict[str, Any] = {
        name: await rows(server, f"SELECT * FROM {name} ORDER BY 1")
        for name in ("vm", "volume", "nic", "host_capacity", "storage_pool", "detail", "usage", "service_offering")
    }
    return made | {"machines": server.simulator.machines(), "volumes": server.simulator.volumes()}
