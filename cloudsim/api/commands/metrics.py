"""The lists with figures of what is used, and how much there is of the cloud's parts."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.commands.cluster import ListClusters
from cloudsim.api.commands.host import ListHosts
from cloudsim.api.commands.storagepool import ListStoragePools
from cloudsim.api.commands.virtualmachine import ListVirtualMachines
from cloudsim.api.commands.volume import ListVolumes
from cloudsim.api.commands.zone import ListZones
from cloudsim.api.params import Given, ref
from cloudsim.api.responses import metrics as responses
from cloudsim.services import infrastructure, metrics
from cloudsim.services.context import Context
from cloudsim.services.nouns import CLUSTER


class ListHostsMetrics(ListHosts, name="listHostsMetrics", response=responses.HOST_METRICS, since="4.9.3"):
    """Lists hosts with figures of what they run and what is used of them."""

    def run(self, ctx: Context) -> Body:
        body = self.found(ctx)
        metrics.hosts(ctx, body.get("host", []))
        return self.trimmed(body)


class ListClustersMetrics(ListClusters, name="listClustersMetrics", response=responses.CLUSTER_METRICS, since="4.9.3"):
    """Lists clusters with figures of what is used of their hosts."""

    def run(self, ctx: Context) -> Body:
        body = super().run(ctx)
        metrics.clusters(ctx, body.get("cluster", []))
        return body


class ListZonesMetrics(ListZones, name="listZonesMetrics", response=responses.ZONE_METRICS, since="4.9.3"):
    """Lists zones; root admins are told figures of what is used of their hosts as well."""

    @classmethod
    def keeps(cls, parameters: Given) -> bool:
        return False

    def run(self, ctx: Context) -> Body:
        body = super().run(ctx)
        metrics.zones(ctx, body.get("zone", []))
        return body


class ListStoragePoolsMetrics(
    ListStoragePools, name="listStoragePoolsMetrics", response=responses.STORAGE_POOL_METRICS, since="4.9.3"
):
    """Lists primary storage pools with figures of what is used and given away of them."""

    def run(self, ctx: Context) -> Body:
        body = super().run(ctx)
        metrics.pools(ctx, body.get("storagepool", []))
        return body


class ListVolumesMetrics(ListVolumes, name="listVolumesMetrics", response=responses.VOLUME_METRICS, since="4.9.3"):
    """Lists volumes with figures of what is read and written."""

    #: As the reference answers it.
    envelope = "listvolumesresponse"

    def run(self, ctx: Context) -> Body:
        body = super().run(ctx)
        metrics.volumes(body.get("volume", []))
        return body


class ListVirtualMachinesMetrics(
    ListVirtualMachines, name="listVirtualMachinesMetrics", response=responses.VIRTUAL_MACHINE_METRICS
):
    """Lists virtual machines with figures of what they have and use."""

    clusterid = ref(CLUSTER, admin=True)

    def run(self, ctx: Context) -> Body:
        body = super().run(ctx)
        metrics.machines(body.get("virtualmachine", []))
        return body


class ListInfrastructure(
    Command, name="listInfrastructure", response=responses.INFRASTRUCTURE, reads=True, since="4.9.3"
):
    """Tells how many there are of each of the cloud's parts."""

    def run(self, ctx: Context) -> Body:
        return {"infrastructure": infrastructure.counts(ctx)}
