"""How each sampled command is called on a seeded server, so that its answer has all it can have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from apiclient import Api

Calls = list[dict[str, Any]]
CALLS: dict[str, Callable[[Api], Awaitable[Calls]]] = {}


def calls(*names: str) -> Callable[[Callable[[Api], Awaitable[Calls]]], Callable[[Api], Awaitable[Calls]]]:
    """Registers how commands are called."""

    def register(function: Callable[[Api], Awaitable[Calls]]) -> Callable[[Api], Awaitable[Calls]]:
        for name in names:
            CALLS[name] = function
        return function

    return register


async def data_disk(api: Api) -> dict[str, Any]:
    offering = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]
    return {"diskofferingid": offering["id"]}


@calls("deployVirtualMachine")
async def _deploy(api: Api) -> Calls:
    return [{**await api.basics(), **await data_disk(api)}]


@calls("startVirtualMachine")
async def _start(api: Api) -> Calls:
    machine = await api.deploy(**await data_disk(api), startvm=False)
    return [{"id": machine["id"]}]


@calls("stopVirtualMachine", "rebootVirtualMachine", "destroyVirtualMachine")
async def _running(api: Api) -> Calls:
    return [{"id": (await api.deploy(**await data_disk(api)))["id"]}]


@calls("recoverVirtualMachine", "expungeVirtualMachine")
async def _destroyed(api: Api) -> Calls:
    machine = await api.deploy(**await data_disk(api))
    await api.job("destroyVirtualMachine", id=machine["id"])
    return [{"id": machine["id"]}]


@calls("listVirtualMachines", "listNetworks", "listVolumes", "listEvents", "listPublicIpAddresses", "listAsyncJobs")
async def _with_a_machine(api: Api) -> Calls:
    await api.deploy(**await data_disk(api))
    return [{"listall": True}]


@calls("queryAsyncJobResult")
async def _job(api: Api) -> Calls:
    answer = await api.call("deployVirtualMachine", **await api.basics())
    await api.wait(answer["jobid"])
    return [{"jobid": answer["jobid"]}]


@calls("listZones")
async def _zones(_: Api) -> Calls:
    return [{}, {"showcapacities": True}]
