"""What everybody may ask of the cloud, pictures of things, logins of hosts, and what is forgotten."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

SELF = {"only": ("root", "above", "owner"), "why": "signed with the user's own secret key: see getUserKeys"}
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


@thing("iconmachine", needs=("virtualmachine",))
async def _icon(cast: Cast, **owner: Any) -> str:
    machine = cast.id("virtualmachine", owner)
    await cast.api.call("uploadResourceIcon", "POST", resourceids=machine, base64image=PICTURE, **MACHINE)
    return machine


MACHINE = {"resourcetype": "UserVm"}

ROWS = [
    Row("uploadResourceIcon", "virtualmachine", by="resourceids", base64image=PICTURE, **MACHINE),
    Row("uploadResourceIcon", "project", by="resourceids", base64image=PICTURE, resourcetype="Project"),
    Row("listResourceIcon", "iconmachine", by="resourceids", key="resourceid", **MACHINE),
    Row("deleteResourceIcon", "iconmachine", by="resourceids", **MACHINE),
    Row("getApiLimit"),
    Row("resetApiLimit", "account", by="account"),
    Row("getCloudIdentifier", "user", by="userid", **SELF),
    Row("getUser", userapikey="@key.owner"),
    Row("isAccountAllowedToCreateOfferingsWithTags", "account"),
    Row("linkUserDataToTemplate", "template", by="templateid", userdataid="@userdata"),
    Row("listConfigurationGroups"),
    Row("listDeploymentPlanners"),
    Row("listDetailOptions", resourcetype="UserVm"),
    Row("listNetworkIsolationMethods"),
    Row("listNetworkProtocols", option="icmptype"),
    Row("listTrafficTypeImplementors"),
    Row("cloudianIsEnabled"),
    Row("quotaIsEnabled"),
    Row("purgeExpungedResources"),
    Row("updateHostPassword", "host", by="hostid", username="root", password="a password"),
    Row("releaseHostReservation", "host"),
]
