"""Migration of virtual machines, and other offerings for them."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("biggeroffering", owned="public")
async def _bigger(cast: Cast, **_: Any) -> str:
    given = {"name": "bigger", "displaytext": "bigger", "cpunumber": 2, "cpuspeed": 500, "memory": 512}
    return (await cast.api.call("createServiceOffering", **given))["serviceoffering"]["id"]


@thing("otherhost", owned="cloud")
async def _other_host(cast: Cast, **_: Any) -> str:
    return cast.one("SELECT uuid FROM host WHERE type = 'Routing' ORDER BY id DESC")[0]


@thing("otherpool", owned="cloud")
async def _other_pool(cast: Cast, **_: Any) -> str:
    zone = cast.names["account"]["zone"]
    given = {"name": "other", "url": "nfs://10.9.9.9/other", "zoneid": zone, "scope": "ZONE", "hypervisor": "Simulator"}
    return (await cast.api.call("createStoragePool", **given))["storagepool"]["id"]


@thing("runningmachine", needs=("network",))
async def _running(cast: Cast, **owner: Any) -> str:
    return (await cast.api.deploy(networkids=cast.id("network", owner), **owner))["id"]


_POOL = "(SELECT min(id) FROM storage_pool)"
_DISKS = f"UPDATE volume SET state = 'Ready', pool_id = {_POOL} WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
_ALONE = "UPDATE vm_snapshot SET removed = 1 WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
UP = "UPDATE vm SET state = 'Running', host_id = (SELECT min(id) FROM host) WHERE uuid = :id; " + _DISKS
STILL = f"{_DISKS}; {_ALONE}"

ROWS = [
    Row("changeServiceForVirtualMachine", "virtualmachine", serviceofferingid="@biggeroffering"),
    Row("scaleVirtualMachine", "virtualmachine", serviceofferingid="@biggeroffering"),
    Row("migrateVirtualMachine", "virtualmachine", by="virtualmachineid", hostid="@otherhost", given=UP),
    Row("migrateVirtualMachine", "virtualmachine", by="virtualmachineid", storageid="@otherpool", given=STILL),
    Row(
        "migrateVirtualMachineWithVolume",
        "virtualmachine",
        by="virtualmachineid",
        hostid="@otherhost",
        given=UP,
        answers=431,
        why="none of its disks would move",
    ),
    Row("findHostsForMigration", "runningmachine", by="virtualmachineid", shows=False, listed=False),
]
