"""Hosts whose kind cannot look at each other: their controllers are what can fence them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import invariants
from apiclient import Api

from cloudsim.agents.base import Answer, Command, HostAddress, HostFacts, HostUnreachable, Ping
from cloudsim.server import Server

sys.path.insert(0, str(Path(__file__).parent.parent / "commands"))
from test_out_of_band import GIVEN, IPMITOOL


class Blind:
    """A driver of hosts of KVM that knows no more than to ping them."""

    hypervisors: ClassVar[tuple[str, ...]] = ("KVM",)
    verbs: ClassVar[frozenset[type[Command]]] = frozenset((Ping,))
    up = True

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def connect(self, host: HostAddress) -> HostFacts:
        await self.execute(host, Ping("x"))
        return HostFacts("kvm1", "KVM", "1", 4, 2000, 1 << 33)

    async def execute(self, host: HostAddress, command: Command) -> Answer:
        if not self.up:
            raise HostUnreachable("no answer")
        return {"machines": {}}


async def test_a_host_of_kvm(server: Server, api: Api, tmp_path: Path) -> None:
    driver = Blind()
    drivers: Any = server.agents._by_hypervisor
    drivers["kvm"] = driver
    server.periodic.close()
    (pod,) = (await api.call("listPods"))["pod"]
    place = {"zoneid": pod["zoneid"], "podid": pod["id"]}
    made = await api.call("addCluster", **place, clustername="k", hypervisor="KVM", clustertype="CloudManaged")
    given = {"clusterid": made["cluster"][0]["id"], "hypervisor": "KVM", "url": "http://10.0.0.7"}
    home = (await api.call("addHost", **place, **given, username="root", password="x"))["host"][0]["id"]
    driver.up = False

    async def minute() -> str:
        await server.db.write(
            lambda tx: tx._change(
                "UPDATE host SET last_ping = last_ping - 200000, investigated = investigated - 60000", []
            )
        )
        await server.periodic.run_now("host-ping")
        await invariants.rest(server)
        return str((await api.call("listHosts", id=home))["host"][0]["state"])

    assert [await minute() for _ in range(3)] == ["Alert"] * 3
    alerts = [row["description"] for row in (await api.call("listAlerts"))["alert"]]
    assert len([text for text in alerts if "nobody can say" in text]) == 1
    program = tmp_path / "ipmitool"
    program.write_text(IPMITOOL.replace('"power": "off"', '"power": "on"'))
    program.chmod(0o700)
    await api.call("updateConfiguration", name="outofbandmanagement.ipmitool.path", value=str(program))
    await api.call("configureOutOfBandManagement", hostid=home, **{**GIVEN, "driver": "ipmitool"})
    assert await minute() == "Alert"
    await api.job("enableOutOfBandManagementForHost", hostid=home)
    assert await minute() == "Down"
    assert '"power": "off"' in (tmp_path / "state").read_text()
    driver.up = True
    assert await minute() == "Up"
