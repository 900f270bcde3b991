"""Figures, management servers, rolling maintenance: for root admins."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("managementserver", owned="cloud")
async def _server(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("listManagementServers"))["managementserver"][0]["id"]


ROWS = [
    Row("listVirtualMachinesMetrics", "virtualmachine"),
    Row("listVolumesMetrics", "volume"),
    Row("listVirtualMachinesUsageHistory", "virtualmachine", shows=False),
    Row("listVolumesUsageHistory", "volume", shows=False),
    Row("listSystemVmsUsageHistory", "systemvm", shows=False),
    Row("listClustersMetrics", "cluster"),
    Row("listHostsMetrics", "host"),
    Row("listStoragePoolsMetrics", "storagepool"),
    Row("listZonesMetrics", "zone"),
    Row("listDbMetrics"),
    Row("listInfrastructure"),
    Row("listUsageServerMetrics"),
    Row("listManagementServers", "managementserver"),
    Row("listManagementServersMetrics", "managementserver"),
    Row("readyForShutdown", "managementserver", by="managementserverid"),
    Row("prepareForShutdown", "managementserver", by="managementserverid"),
    Row("prepareForMaintenance", "managementserver", by="managementserverid"),
    Row("cancelShutdown", "managementserver", by="managementserverid", answers=530, why="it is not shutting down"),
    Row("triggerShutdown", "managementserver", by="managementserverid"),
    Row("cancelMaintenance", "managementserver", by="managementserverid", answers=530, why="it is not in maintenance"),
    Row("removeManagementServer", "managementserver", answers=431, why="it is up"),
    Row("startRollingMaintenance", "zone", by="zoneids"),
]
