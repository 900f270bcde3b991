"""Virtual routers."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("router", needs=("network",))
async def _router(cast: Cast, **owner: Any) -> str:
    (network,) = cast.one("SELECT id FROM network WHERE uuid = ?", cast.id("network", owner))
    name = f"r-{network}-VM"
    given = {"type": "DomainRouter", "state": "Stopped", "hypervisor": "Simulator", "power_state": "PowerOff"}
    (offering,) = cast.one("SELECT id FROM service_offering WHERE is_system AND system_vm_type = 'domainrouter'")
    more = {"instance_name": name, "name": name, "network_id": network, "service_offering_id": offering}
    made = await cast.insert(schema.vm, keypairs=[], **given, **more, **cast.owned(owner))
    (row_id,) = cast.one("SELECT id FROM vm WHERE uuid = ?", made)
    await cast.insert(schema.router, vm_id=row_id)
    return made


@thing("routeroffering", owned="cloud")
async def _offering(cast: Cast, **_: Any) -> str:
    return cast.one("SELECT uuid FROM service_offering WHERE is_system AND system_vm_type = 'domainrouter'")[0]


UP = "UPDATE vm SET state = 'Running', host_id = (SELECT min(id) FROM host) WHERE uuid = :id"

ROWS = [
    Row("listRouters", "router"),
    Row("startRouter", "router"),
    Row("stopRouter", "router", given=UP),
    Row("rebootRouter", "router", given=UP),
    Row("destroyRouter", "router"),
    Row("changeServiceForRouter", "router", serviceofferingid="@routeroffering"),
    Row("upgradeRouterTemplate", "router", given=UP),
    Row("getRouterHealthCheckResults", "router", by="routerid", given=UP),
    Row("patchSystemVm", "systemvm", given=UP),
]
