"""Guest operating systems and their categories."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.ostype import OS_CATEGORY, OS_TYPE
from cloudsim.services import nouns, ostype
from cloudsim.services.context import Context


class ListOsTypes(ListCommand, name="listOsTypes", response=OS_TYPE):
    """Lists the operating systems of guests."""

    description_ = string("Only those whose name has this in it", since="3.0.1")
    fordisplay = boolean(since="4.18.1")
    id = ref(nouns.GUEST_OS)
    oscategoryid = ref(nouns.GUEST_OS_CATEGORY)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            ostype.LISTING,
            id=id_of(self.id),
            category=id_of(self.oscategoryid),
            description=ostype.like(self.description_) if self.description_ else None,
            shown=self.fordisplay,
        )


class ListOsCategories(ListCommand, name="listOsCategories", response=OS_CATEGORY):
    """Lists the categories of guest operating systems."""

    arch = string("Only those with a template or ISO for this architecture", since="4.21.0")
    id = ref(nouns.GUEST_OS_CATEGORY)
    isfeatured = boolean(since="4.21.0")
    isiso = boolean("Only those with an ISO (true) or a template (false)", since="4.21.0")
    isvnf = boolean("Only those with a template for network functions: there are none here", since="4.21.0")
    name = string(since="3.0.1")
    showicon = boolean(since="4.21.0")
    zoneid = ref(nouns.ZONE, "Only those with a template or ISO in this zone", since="4.21.0")

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            ostype.CATEGORIES,
            id=id_of(self.id),
            name=ostype.like(self.name) if self.name else None,
            featured=self.isfeatured,
            ids=ostype.with_images(ctx, self.zoneid, self.arch, self.isiso, self.isvnf),
        )
