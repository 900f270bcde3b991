"""Virtual machines, volumes, templates, groups, key pairs and user data."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing
from access_rule import ABOVE

from cloudsim.db import schema


@thing("virtualmachine", needs=("network",))
async def _machine(cast: Cast, **owner: Any) -> str:
    return (await cast.api.deploy(startvm=False, networkids=cast.id("network", owner), **owner))["id"]


@thing("volume", needs=("virtualmachine",))
async def _volume(cast: Cast, **owner: Any) -> str:
    where = {"virtualmachineid": cast.id("virtualmachine", owner), "projectid": owner.get("projectid")}
    found = await cast.api.call("listVolumes", listall=True, **where)
    return found["volume"][0]["id"]


@thing("nic", needs=("virtualmachine",))
async def _nic(cast: Cast, **owner: Any) -> str:
    found = await cast.api.call("listNics", virtualmachineid=cast.id("virtualmachine", owner))
    return found["nic"][0]["id"]


@thing("template")
async def _template(cast: Cast, **owner: Any) -> str:
    given = {"type": "USER", "format": "QCOW2", "state": "Active", "hypervisor": "Simulator"}
    uuid = await cast.insert(schema.template, **given, **cast.owned(owner))
    await _in_zone(cast, uuid)
    return uuid


@thing("iso")
async def _iso(cast: Cast, **owner: Any) -> str:
    given = {"type": "USER", "format": "ISO", "state": "Active", "hypervisor": "None", "is_bootable": True}
    uuid = await cast.insert(schema.template, **given, **cast.owned(owner))
    await _in_zone(cast, uuid)
    return uuid


async def _in_zone(cast: Cast, uuid: str) -> None:
    (row_id,) = cast.one("SELECT id FROM template WHERE uuid = ?", uuid)
    await cast.insert(schema.template_zone, template_id=row_id, state="DOWNLOADED", percent=100)


@thing("publictemplate", owned="public")
async def _public(cast: Cast, **_: Any) -> str:
    return cast.names["account"]["featured"]


@thing("instancegroup")
async def _group(cast: Cast, **owner: Any) -> str:
    return (await cast.api.call("createInstanceGroup", name="mine", **owner))["instancegroup"]["id"]


KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 me"


@thing("sshkeypair")
async def _keypair(cast: Cast, **owner: Any) -> str:
    return (await cast.api.call("createSSHKeyPair", name="mine", **owner))["keypair"]["id"]


@thing("userdata")
async def _userdata(cast: Cast, **owner: Any) -> str:
    given = {"name": "mine", "userdata": "VGVzdFVzZXJEYXRh"}
    return (await cast.api.call("registerUserData", **given, **owner))["userdata"]["id"]


RUNNING = "UPDATE vm SET state = 'Running', host_id = (SELECT min(id) FROM host) WHERE uuid = :id"
DESTROYED = "UPDATE vm SET state = 'Destroyed' WHERE uuid = :id"
ADMINS = {"only": ABOVE, "why": "users may with the setting allow.user.expunge.recover.vm only"}

ROWS = [
    Row("deployVirtualMachine", zoneid="@zone", serviceofferingid="@offering", templateid="@featured"),
    Row("startVirtualMachine", "virtualmachine"),
    Row("stopVirtualMachine", "virtualmachine", given=RUNNING),
    Row("rebootVirtualMachine", "virtualmachine", given=RUNNING),
    Row("destroyVirtualMachine", "virtualmachine"),
    Row("recoverVirtualMachine", "virtualmachine", given=DESTROYED, **ADMINS),
    Row("expungeVirtualMachine", "virtualmachine", given=DESTROYED, **ADMINS),
    Row("destroyVirtualMachine", "virtualmachine", expunge=True, **ADMINS),
    Row("updateVirtualMachine", "virtualmachine", displayname="else"),
    Row("getVirtualMachineUserData", "virtualmachine", by="virtualmachineid"),
    Row("listVirtualMachines", "virtualmachine"),
    Row("listNics", "virtualmachine", by="virtualmachineid"),
    Row("listVolumes", "volume"),
    Row("listTemplates", "template", templatefilter="executable"),
    Row("listTemplates", "publictemplate", templatefilter="executable"),
    Row("listIsos", "iso", isofilter="executable"),
    Row("createInstanceGroup", name="made"),
    Row("updateInstanceGroup", "instancegroup", name="else"),
    Row("deleteInstanceGroup", "instancegroup"),
    Row("listInstanceGroups", "instancegroup"),
    Row("createSSHKeyPair", name="made"),
    Row("registerSSHKeyPair", name="made", publickey=KEY),
    Row(
        "deleteSSHKeyPair", name="mine", only=("owner", "same"), otherwise=431, why="the others have none of that name"
    ),
    Row("listSSHKeyPairs", "sshkeypair"),
    Row("registerUserData", name="made", userdata="b3RoZXI="),
    Row("deleteUserData", "userdata"),
    Row("listUserData", "userdata"),
]
