"""Network cards of virtual machines and their addresses."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("flatnetwork")
async def _flat(cast: Cast, **owner: Any) -> str:
    (offering,) = (await cast.api.call("listNetworkOfferings", name="DefaultL2NetworkOffering"))["networkoffering"]
    given = {"name": "flat", "zoneid": cast.id("zone", owner), "networkofferingid": offering["id"]}
    return (await cast.api.call("createNetwork", **given, **owner))["network"]["id"]


@thing("othercard", needs=("virtualmachine", "nic", "network"))
async def _card(cast: Cast, **owner: Any) -> str:
    (machine,) = cast.one("SELECT id FROM vm WHERE uuid = ?", cast.id("virtualmachine", owner))
    (network,) = cast.one("SELECT id FROM network WHERE uuid = ?", cast.id("network", owner))
    mac = "02:00:99:00:00:01" if "projectid" in owner else "02:00:99:00:00:02"
    given = {"vm_id": machine, "network_id": network, "mac": mac, "device_id": 7, "is_default": False}
    return await cast.insert(schema.nic, **given, state="Allocated", dhcp_options={}, has_secondary=True)


@thing("nicsecondaryip", needs=("othercard",))
async def _address(cast: Cast, **owner: Any) -> str:
    card = cast.one("SELECT id, vm_id, network_id FROM nic WHERE uuid = ?", cast.id("othercard", owner))
    place = dict(zip(("nic_id", "vm_id", "network_id"), card, strict=True))
    return await cast.insert(schema.nic_secondary_ip, ip="10.1.1.99", **place, **cast.owned(owner))


BARE = "UPDATE vm_snapshot SET removed = 1 WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
OF_CARD = "UPDATE vm_snapshot SET removed = 1 WHERE vm_id = (SELECT vm_id FROM nic WHERE uuid = :id)"
STOPPED = f"{OF_CARD};UPDATE vm SET state = 'Stopped' WHERE id = (SELECT vm_id FROM nic WHERE uuid = :id)"

ROWS = [
    Row("addNicToVirtualMachine", "virtualmachine", by="virtualmachineid", networkid="@flatnetwork", given=BARE),
    Row("removeNicFromVirtualMachine", "othercard", by="nicid", virtualmachineid="@virtualmachine", given=OF_CARD),
    Row(
        "updateDefaultNicForVirtualMachine", "othercard", by="nicid", virtualmachineid="@virtualmachine", given=OF_CARD
    ),
    Row("updateVmNicIp", "othercard", by="nicid", given=STOPPED),
    Row("addIpToNic", "othercard", by="nicid"),
    Row("removeIpFromNic", "nicsecondaryip"),
]
