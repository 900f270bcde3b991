"""Regions."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import integer, string
from cloudsim.api.responses.region import REGION
from cloudsim.api.responses.region import region as shown
from cloudsim.services import region
from cloudsim.services.context import Context


class ListRegions(ListCommand, name="listRegions", response=REGION):
    """Lists regions."""

    id = integer("The number of the region")
    name = string()

    def run(self, ctx: Context) -> Body:
        word = self.keyword.lower() if self.keyword else ""
        found = [
            shown(row)
            for row in region.rows(ctx)
            if self.id in (None, row["number"]) and self.name in (None, row["name"]) and word in row["name"].lower()
        ]
        return self.part(ctx, found)


class AddRegion(Command, name="addRegion", response=REGION):
    """Names a region."""

    endpoint = string("The URL of its API", required=True)
    id = integer("The number of the region", required=True)
    name = string(required=True)

    def run(self, ctx: Context) -> Body:
        return {"region": shown(region.add(ctx, self.id, self.name, self.endpoint))}


class UpdateRegion(Command, name="updateRegion", response=REGION):
    """Changes name or endpoint of a region."""

    id = integer("The number of the region", required=True)
    endpoint = string("The URL of its API")
    name = string()

    def run(self, ctx: Context) -> Body:
        return {"region": shown(region.update(ctx, self.id, self.name, self.endpoint))}


class RemoveRegion(Command, name="removeRegion"):
    """Forgets a region."""

    id = integer("The number of the region", required=True)

    def run(self, ctx: Context) -> Body:
        region.remove(ctx, self.id)
        return {"success": True}
