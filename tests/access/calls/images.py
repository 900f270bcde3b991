"""Templates and ISOs: registered, changed, copied, given to others, put into drives."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("someos", owned="cloud")
async def _os(cast: Cast, **owner: Any) -> str:
    return (await cast.api.call("listOsTypes", description="Ubuntu 22.04 LTS"))["ostype"][0]["id"]


FILE = {"format": "QCOW2", "hypervisor": "Simulator"}
TEMPLATE = {"url": "http://images.example.com/a.qcow2", **FILE}
NEW = {"name": "made", "zoneid": "@zone", "ostypeid": "@someos"}
OUT = "UPDATE vm SET iso_id = (SELECT min(id) FROM template WHERE format = 'ISO') WHERE uuid = :id"
EXTRACTABLE = "UPDATE template SET is_extractable = 1 WHERE uuid = :id"

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
    Row("extractTemplate", "template", mode="HTTP_DOWNLOAD", given=EXTRACTABLE),
    Row("extractIso", "iso", mode="HTTP_DOWNLOAD", given=EXTRACTABLE),
    Row("updateTemplatePermissions", "template", ispublic=True),
    Row("updateIsoPermissions", "iso", ispublic=True),
    Row("listTemplatePermissions", "template", shows=False, listed=False),
    Row("listIsoPermissions", "iso", shows=False, listed=False),
    Row("attachIso", "virtualmachine", by="virtualmachineid", id="@iso"),
    Row("detachIso", "virtualmachine", by="virtualmachineid", given=OUT),
]
