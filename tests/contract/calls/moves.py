"""Migration and scaling: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls


async def _offering(api: Api) -> str:
    given: dict[str, Any] = {"name": "other", "displaytext": "other", "cpunumber": 2, "cpuspeed": 500, "memory": 512}
    return str((await api.call("createServiceOffering", **given))["serviceoffering"]["id"])


async def _disk(api: Api) -> dict[str, Any]:
    return {"diskofferingid": (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]}


@calls("changeServiceForVirtualMachine", "scaleVirtualMachine")
async def _scale(api: Api) -> Calls:
    machine = await api.deploy(**await _disk(api))
    await api.job("stopVirtualMachine", id=machine["id"])
    return [{"id": machine["id"], "serviceofferingid": await _offering(api)}]


@calls("migrateVirtualMachine")
async def _migrate(api: Api) -> Calls:
    machine = await api.deploy(**await _disk(api))
    return [{"virtualmachineid": machine["id"], "autoselect": True}]


@calls("findHostsForMigration")
async def _hosts(api: Api) -> Calls:
    host = (await api.call("listHosts", type="Routing"))["host"][0]["id"]
    machine = await api.deploy(hostid=host)
    for row in (await api.call("listHosts", type="Routing"))["host"]:
        await api.call("updateHost", id=row["id"], hosttags="PREMIUM")
    return [{"virtualmachineid": machine["id"]}]
