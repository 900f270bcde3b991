"""Pictures that stand for things."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import string, strings
from cloudsim.api.responses.base import Response
from cloudsim.services import resourceicon
from cloudsim.services.context import Context

ICON = Response("icon", resourceobjecttype="resourcetype", string="base64image resourceid")
_TYPE = "The kind of the things: " + ", ".join(sorted(resourceicon.KINDS))


class UploadResourceIcon(Command, name="uploadResourceIcon", event="UPLOAD.RESOURCE.ICON", since="4.16.0.0"):
    """Gives things a picture: PNG, JPEG, GIF, BMP, WebP, or SVG without scripts, of up to a mebibyte."""

    base64image = string(required=True, length=2097152)
    resourceids = strings("The things", required=True)
    resourcetype = string(_TYPE, required=True)

    def run(self, ctx: Context) -> Body:
        kind = resourceicon.kind_of(self.resourcetype)
        resourceicon.upload(ctx, kind, self.resourceids, self.base64image)
        ctx.event("UPLOAD.RESOURCE.ICON", f"{len(self.resourceids)} {kind} have a picture")
        return {"success": True}


class DeleteResourceIcon(Command, name="deleteResourceIcon", event="DELETE.RESOURCE.ICON", since="4.16.0.0"):
    """Takes the pictures of things away."""

    resourceids = strings("The things", required=True)
    resourcetype = string(_TYPE, required=True)

    def run(self, ctx: Context) -> Body:
        resourceicon.remove(ctx, resourceicon.kind_of(self.resourcetype), self.resourceids)
        return {"success": True}


class ListResourceIcon(Command, name="listResourceIcon", response=ICON, reads=True, since="4.16.0.0"):
    """Lists the pictures of things."""

    resourceids = strings("The things", required=True)
    resourcetype = string(_TYPE, required=True)

    def run(self, ctx: Context) -> Body:
        found = resourceicon.listed(ctx, resourceicon.kind_of(self.resourcetype), self.resourceids)
        return {"count": len(found), "icon": found} if found else {}
