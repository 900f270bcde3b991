"""What machines and volumes used over time."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import Body, ListCommand, id_of
from cloudsim.api.params import date, ref, refs, string
from cloudsim.api.responses.usagehistory import MACHINE_HISTORY, VOLUME_HISTORY
from cloudsim.services import access, nouns, stats, system_vm, virtualmachine, volume
from cloudsim.services.context import Context, Row
from cloudsim.services.listing import Listing


class _History(ListCommand):
    enddate = date("Samples that were taken until then")
    name = string()
    startdate = date("Samples that were taken since then")

    def tell(
        self, ctx: Context, listing: Listing, kind: str, id: Row | None, ids: list[Row] | None, **more: Any
    ) -> Body:
        """The samples of the page's things that the caller may see."""
        scope = access.scope(
            ctx, account=None, domain=None, project=None, listall=True, isrecursive=True, by_id=bool(id or ids)
        )
        given = {"id": id_of(id), "ids": [row["id"] for row in ids] if ids else None, "keyword": self.keyword, **more}
        found, count = listing.page(ctx, given, self.paging(ctx), scope)
        return self.body(stats.history(ctx, kind, found, self.startdate, self.enddate), count)


class ListVirtualMachinesUsageHistory(
    _History, name="listVirtualMachinesUsageHistory", response=MACHINE_HISTORY, since="4.17"
):
    """Lists what virtual machines used: the samples that are kept for as long as vm.stats.max.retention.time says."""

    id = ref(nouns.VIRTUAL_MACHINE)
    ids = refs(nouns.VIRTUAL_MACHINE)

    def run(self, ctx: Context) -> Body:
        name = self.name.lower() if self.name else None
        return self.tell(ctx, virtualmachine.LISTING, "vm", self.id, self.ids, name=name)


class ListSystemVmsUsageHistory(_History, name="listSystemVmsUsageHistory", response=MACHINE_HISTORY, since="4.18.0"):
    """Lists what system virtual machines used: the samples that are kept for as long as vm.stats.max.retention.time says."""

    id = ref(nouns.SYSTEM_VM)
    ids = refs(nouns.SYSTEM_VM)

    def run(self, ctx: Context) -> Body:
        rows = [self.id] if self.id else self.ids
        given = {"ids": [row["id"] for row in rows] if rows else None, "name": self.name, "keyword": self.keyword}
        found, count = system_vm.LISTING.page(ctx, given, self.paging(ctx))
        return self.body(stats.history(ctx, "vm", found, self.startdate, self.enddate), count)


class ListVolumesUsageHistory(_History, name="listVolumesUsageHistory", response=VOLUME_HISTORY, since="4.18.0"):
    """Lists what was read from volumes and written to them, as far as samples are kept (vm.disk.stats.retention.enabled)."""

    id = ref(nouns.VOLUME)
    ids = refs(nouns.VOLUME)

    def run(self, ctx: Context) -> Body:
        users = None if ctx.caller.is_admin else True
        return self.tell(ctx, volume.LISTING, "volume", self.id, self.ids, name=self.name, users=users)
