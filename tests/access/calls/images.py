"""Templates and ISOs: registered, changed, copied, given to others, put into drives."""

from __future__ import annotations

import asyncio
from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("someos", owned="cloud")
async def _os(cast: Cast, **owner: Any) -> str:
    return (await cast.api.call("listOsTypes", description="Ubuntu 22.04 LTS"))["ostype"][0]["id"]


async def _made(cast: Cast, noun: str, command: str, owner: dict[str, Any], **given: Any) -> str:
    asked = {
        "name": "mine", "zoneid": cast.id("zone", owner), "ostypeid": cast.id("someos", owner),
        "isextractable": True, **given, **owner,
    }  # fmt: skip
    made = (await cast.api.call(command, "POST", **asked))[noun][0]["id"]
    while True:
        found = (await cast.api.call(f"list{noun.capitalize()}s", **{f"{noun}filter": "all"}, id=made))[noun]
        if found[0]["isready"]:
            return made
        await asyncio.sleep(0.01)


@thing("template", needs=("someos",))
async def _template(cast: Cast, **owner: Any) -> str:
    return await _made(cast, "template", "registerTemplate", owner, **TEMPLATE)


@thing("iso", needs=("someos",))
async def _iso(cast: Cast, **owner: Any) -> str:
    return await _made(cast, "iso", "registerIso", owner, url="http://images.example.com/a.iso")


FILE = {"format": "QCOW2", "hypervisor": "Simulator"}
TEMPLATE = {"url": "http://images.example.com/a.qcow2", **FILE}
NEW = {"name": "made", "zoneid": "@zone", "ostypeid": "@someos"}
OUT = "UPDATE vm SET iso_id = (SELECT min(id) FROM template WHERE format = 'ISO') WHERE uuid = :id"

ROWS = [
    Row("registerTemplate", **NEW, **TEMPLATE),
    Row("registerIso", **NEW, url="http://images.example.com/a.iso"),
    Row("getUploadParamsForTemplate", **NEW, **FILE),
    Row("getUploadParamsForIso", **NEW, format="ISO"),
    Row("updateTemplate", "template", displaytext="other"),
    Row("updateIso", "iso", displaytext="other"),
    Row("deleteTemplate", "template"),
    Row("deleteIso", "iso"),
    Row("copyTemplate", "template", destzoneid="@zone"),
    Row("copyIso", "iso", destzoneid="@zone"),
    Row("prepareTemplate", "template", by="templateid", zoneid="@zone"),
    Row("extractTemplate", "template", mode="HTTP_DOWNLOAD"),
    Row("extractIso", "iso", mode="HTTP_DOWNLOAD"),
    Row("updateTemplatePermissions", "template", ispublic=True),
    Row("updateIsoPermissions", "iso", ispublic=True),
    Row("listTemplatePermissions", "template", shows=False, listed=False),
    Row("listIsoPermissions", "iso", shows=False, listed=False),
    Row("attachIso", "virtualmachine", by="virtualmachineid", id="@iso"),
    Row("detachIso", "virtualmachine", by="virtualmachineid", given=OUT),
]
