"""Ranges of portable addresses."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand, id_of
from cloudsim.api.params import integer, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.ranges import PORTABLE_RANGE
from cloudsim.services import nouns, portable_range
from cloudsim.services.context import Context


class CreatePortableIpRange(
    AsyncCommand,
    name="createPortableIpRange",
    response=PORTABLE_RANGE,
    event="PORTABLE.IP.RANGE.CREATE",
    since="4.2.0",
):
    """Makes a range of addresses that may serve networks of any zone of a region."""

    endip = string(required=True)
    gateway = string(required=True)
    netmask = string(required=True)
    regionid = integer(required=True)
    startip = string(required=True)
    vlan = string("Its VLAN, or untagged")

    def run(self, ctx: Context) -> Body:
        job = portable_range.create(
            ctx,
            region_id=self.regionid,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            vlan=self.vlan,
        )
        return {"jobid": job}


class ListPortableIpRanges(ListCommand, name="listPortableIpRanges", response=PORTABLE_RANGE):
    """Lists ranges of portable addresses with their addresses."""

    id = ref(nouns.PORTABLE_RANGE)
    regionid = integer()

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, portable_range.LISTING, id=id_of(self.id), region=self.regionid)


class DeletePortableIpRange(
    AsyncCommand, name="deletePortableIpRange", response=SUCCESS, event="PORTABLE.IP.RANGE.DELETE"
):
    """Removes a range of portable addresses none of which is given away."""

    id = ref(nouns.PORTABLE_RANGE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": portable_range.delete(ctx, self.id)}
