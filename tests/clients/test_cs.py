"""The client ``cs`` from PyPI, against a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import cs
import pytest
from apiclient import Api


def lifecycle(endpoint: str, key: str, secret: str, method: str) -> dict[str, Any]:
    """A machine's life, as a user of the client writes it."""
    client = cs.CloudStack(endpoint=endpoint, key=key, secret=secret, method=method, poll_interval=0.02)
    zone = client.listZones()["zone"][0]
    offering = client.listServiceOfferings(name="Small Instance")["serviceoffering"][0]
    template = client.listTemplates(templatefilter="featured", zoneid=zone["id"])["template"][0]
    result = client.deployVirtualMachine(
        zoneid=zone["id"],
        serviceofferingid=offering["id"],
        templateid=template["id"],
        name="from-cs",
        userdata="IyEvYmluL3NoCg==",
        details={"colour": "blue"},
        fetch_result=True,
    )
    machine = result["virtualmachine"]
    assert machine["state"] == "Running"
    assert machine["details"] == {"colour": "blue"}
    for command, state in (("stop", "Stopped"), ("start", "Running"), ("reboot", "Running"), ("destroy", "Destroyed")):
        ended = getattr(client, f"{command}VirtualMachine")(id=machine["id"], fetch_result=True)
        assert ended["virtualmachine"]["state"] == state
    client.expungeVirtualMachine(id=machine["id"], fetch_result=True)
    assert client.listVirtualMachines(fetch_list=True) == []
    with pytest.raises(cs.CloudStackException) as refused:
        client.startVirtualMachine(id=machine["id"])
    assert refused.value.error["errorcode"] == 431
    return machine


@pytest.mark.parametrize("method", ["get", "post"])
async def test_lifecycle(api: Api, method: str) -> None:
    machine = await asyncio.to_thread(lifecycle, api.endpoint, api.key, api.secret, method)
    assert machine["name"] == "from-cs"


async def test_the_async_client(api: Api) -> None:
    client = cs.AIOCloudStack(endpoint=api.endpoint, key=api.key, secret=api.secret, poll_interval=0.02)
    zones = await client.listZones(fetch_list=True)
    assert [zone["name"] for zone in zones] == ["zone1"]
    result = await client.deployVirtualMachine(**await api.basics(), fetch_result=True)
    assert result["virtualmachine"]["state"] == "Running"
