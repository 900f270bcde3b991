"""Zones."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand
from cloudsim.api.params import Given, boolean, mapping, ref, refs, string
from cloudsim.api.responses.zone import ZONE
from cloudsim.services import zone
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN
from cloudsim.services.nouns import ZONE as ZONE_NOUN


class ListZones(
    ListCommand,
    name="listZones",
    response=ZONE,
    cached=frozenset({"zone", "domain", "tag", "cluster"}),
):
    """Lists zones."""

    id = ref(ZONE_NOUN)
    ids = refs(ZONE_NOUN, since="4.19.0")
    name = string()
    available = boolean("True: also zones that are disabled, for users who own machines in them")
    domainid = ref(DOMAIN, "Only zones dedicated to this domain, and those open to all")
    networktype = string(values=("Basic", "Advanced"))
    showcapacities = boolean("Whether the capacities of each zone are told as well")
    showicon = boolean()
    storageaccessgroup = string(since="4.21.0")
    tags = mapping(since="4.3")

    @classmethod
    def keeps(cls, parameters: Given) -> bool:
        return "showcapacities" not in parameters

    def run(self, ctx: Context) -> Body:
        found = zone.search(
            ctx,
            self.paging(ctx),
            self.tags,
            id=self.id,
            ids=self.ids,
            name=self.name,
            domain=self.domainid,
            networktype=self.networktype,
            keyword=self.keyword,
            available=self.available,
        )
        body = self.answer(ctx, found)
        if self.showcapacities:
            zone.add_capacities(ctx, body.get("zone", []))
        return body
