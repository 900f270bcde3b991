"""Two advanced zones built from nothing: every call a client made to the reference, in its order, against ours.

Ids are mapped: where the reference answered one, later calls use what ours answered in the same place. Each answer is
compared by its shape; what stays different is named in differences.json, with its reason.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from options import make_config
from test_samples import compare, shape

from cloudsim.server import Server

HERE = Path(__file__).parent
CALLS = [json.loads(line) for line in (HERE / "transcript_advanced_zone.jsonl").read_text().splitlines()]


@pytest.fixture
async def empty(tmp_path: Path, http: aiohttp.ClientSession) -> AsyncIterator[Api]:
    """A server without a zone."""
    server = Server(make_config(tmp_path / "data", seed=False))
    await server.start()
    yield Api(http, server.url, *admin_keys(tmp_path / "data"))
    await server.stop()


def learn(theirs: Any, ours: Any, ids: dict[str, str]) -> None:
    """Notes which of our ids stands for which of theirs."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name, value in theirs.items():
            if name in ours:
                if name.endswith("id") and isinstance(value, str) and isinstance(ours[name], str):
                    ids.setdefault(value, ours[name])
                learn(value, ours[name], ids)
    elif isinstance(theirs, list) and isinstance(ours, list):
        for one, other in zip(theirs, ours, strict=False):
            learn(one, other, ids)


async def replay(api: Api) -> set[str]:
    """Makes every call; answers the differences."""
    ids: dict[str, str] = {}
    found: set[str] = set()
    for call in CALLS:
        given = {name: ids.get(value, value) for name, value in call["params"].items() if name != "command"}
        command = call["params"]["command"]
        (theirs,) = call["response"].values()
        if command == "registerUserKeys":
            continue  # it would end the keys of this very client
        if command == "queryAsyncJobResult":
            ours = await api.wait(given["jobid"])
            assert ours["jobstatus"] == 1, (call, ours)
            if theirs["jobstatus"] == 0:
                continue
            theirs, ours = theirs["jobresult"], ours["jobresult"]
        else:
            ours = await api.call(command, **given)
        learn(theirs, ours, ids)
        found |= {f"{command} {one}" for one in compare(shape(theirs), shape(ours))}
    return found


async def test_two_zones_from_nothing(empty: Api) -> None:
    found = await replay(empty)
    zones = (await empty.call("listZones"))["zone"]
    assert [(zone["name"], zone["allocationstate"]) for zone in zones] == [("zim1", "Enabled"), ("zim2", "Enabled")]
    hosts = (await empty.call("listHosts", type="Routing"))["host"]
    assert [host["state"] for host in hosts] == ["Up"] * 8
    machine = await empty.deploy()
    assert (machine["state"], machine["zonename"]) == ("Running", "zim1")
    (address,) = (await empty.call("listPublicIpAddresses"))["publicipaddress"]
    assert address["ipaddress"].startswith("192.168.2.")
    assert machine["nic"][0]["broadcasturi"].startswith("vlan://")
    for zone in zones:
        for _ in range(500):
            machines = (await empty.call("listSystemVms", zoneid=zone["id"], state="Running")).get("systemvm", [])
            if len(machines) == 2:
                break
            await asyncio.sleep(0.02)
        assert {row["systemvmtype"] for row in machines} == {"consoleproxy", "secondarystoragevm"}
    known = json.loads((HERE / "differences.json").read_text())["transcript"]
    assert sorted(found) == sorted(known), "\n".join(sorted(found))
