"""High availability of hosts and out-of-band management: for root admins."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

CONTROLLER = {"driver": "simulator", "address": "10.9.9.9", "port": 623, "username": "x", "password": "x"}


@thing("guardedhost", owned="cloud")
async def _guarded(cast: Cast, **_: Any) -> str:
    """A host with a controller, which host HA looks after."""
    host = (await cast.api.call("listHosts", type="Routing"))["host"][-1]["id"]
    await cast.api.call("configureOutOfBandManagement", hostid=host, **CONTROLLER)
    await cast.api.job("enableOutOfBandManagementForHost", hostid=host)
    await cast.api.job("configureHAForHost", hostid=host, provider="simulatorhaprovider")
    await cast.api.job("enableHAForHost", hostid=host)
    return str(host)


ROWS = [
    Row("configureOutOfBandManagement", "guardedhost", by="hostid", **CONTROLLER),
    Row("changeOutOfBandManagementPassword", "guardedhost", by="hostid", password="y"),
    Row("enableOutOfBandManagementForHost", "guardedhost", by="hostid"),
    Row("disableOutOfBandManagementForHost", "guardedhost", by="hostid"),
    Row("enableOutOfBandManagementForCluster", "cluster", by="clusterid"),
    Row("disableOutOfBandManagementForCluster", "cluster", by="clusterid"),
    Row("enableOutOfBandManagementForZone", "zone", by="zoneid"),
    Row("disableOutOfBandManagementForZone", "zone", by="zoneid"),
    Row("issueOutOfBandManagementPowerAction", "guardedhost", by="hostid", action="STATUS"),
    Row("configureHAForHost", "guardedhost", by="hostid", provider="simulatorhaprovider"),
    Row("enableHAForHost", "guardedhost", by="hostid"),
    Row("disableHAForHost", "guardedhost", by="hostid"),
    Row("enableHAForCluster", "cluster", by="clusterid"),
    Row("disableHAForCluster", "cluster", by="clusterid"),
    Row("enableHAForZone", "zone", by="zoneid"),
    Row("disableHAForZone", "zone", by="zoneid"),
    Row("listHostHAProviders", hypervisor="Simulator"),
    Row("listHostHAResources", "guardedhost", by="hostid", key="hostid"),
    Row("listSimulatorHAStateTransitions", "guardedhost", by="hostid", listed=False, shows=False),
    Row(
        "configureSimulatorHAProviderState",
        "guardedhost",
        by="hostid",
        activity=True,
        fence=True,
        health=True,
        recover=True,
    ),
]
