"""The tags that hosts and storage pools have."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand
from cloudsim.api.responses.base import Response
from cloudsim.services import infratag
from cloudsim.services.context import Context

HOST_TAG = Response("hosttag", boolean="isimplicit", long="hostid", string="id name")
STORAGE_TAG = Response("storagetag", long="poolid", string="id name")


class ListHostTags(ListCommand, name="listHostTags", response=HOST_TAG):
    """Lists the tags that hosts have, each once."""

    def run(self, ctx: Context) -> Body:
        found = infratag.hosts(ctx, self.keyword)
        return self.part(
            ctx, [{"id": uuid, "hostid": row_id, "name": name, "isimplicit": False} for uuid, row_id, name in found]
        )


class ListStorageTags(ListCommand, name="listStorageTags", response=STORAGE_TAG):
    """Lists the tags that storage pools have, each once."""

    def run(self, ctx: Context) -> Body:
        found = infratag.pools(ctx, self.keyword)
        return self.part(ctx, [{"id": uuid, "poolid": row_id, "name": name} for uuid, row_id, name in found])
