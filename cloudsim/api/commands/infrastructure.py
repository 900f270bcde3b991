"""Pods, clusters, hosts, storage pools, OS types and hypervisors: lists."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import boolean, ref, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import Response
from cloudsim.api.responses.infrastructure import CLUSTER, HOST, OS_TYPE, POD, STORAGE_POOL
from cloudsim.core.errors import InvalidValue
from cloudsim.services import capacity, cluster, host_view, hypervisor, nouns, ostype, pod, storagepool
from cloudsim.services.context import Context, Row

HYPERVISOR = Response("hypervisor", string="name")
_STATES = ("Enabled", "Disabled")


def _id(row: Row | None) -> int | None:
    return None if row is None else int(row["id"])


class ListPods(ListCommand, name="listPods", response=POD):
    """Lists pods."""

    allocationstate = string(values=_STATES)
    id = ref(nouns.POD)
    name = string()
    showcapacities = boolean("Whether the capacities of each are told as well")
    storageaccessgroup = string("Only those of this group: there are no such groups here", since="4.21.0")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        body = self.select(
            ctx,
            pod.LISTING,
            id=_id(self.id),
            name=self.name,
            zone=_id(self.zoneid),
            state=self.allocationstate,
            none=True if self.storageaccessgroup else None,
        )
        if self.showcapacities:
            capacity.add(ctx, "pod", body.get("pod", []))
        return body


class ListClusters(ListCommand, name="listClusters", response=CLUSTER):
    """Lists clusters."""

    allocationstate = string(values=_STATES)
    arch = string(since="4.20.1")
    clustertype = string("CloudManaged or ExternalManaged")
    hypervisor = string()
    id = ref(nouns.CLUSTER)
    managedstate = string("Whether the cloud manages it", values=("Managed", "Unmanaged"))
    name = string()
    podid = ref(nouns.POD)
    showcapacities = boolean("Whether the capacities of each are told as well")
    storageaccessgroup = string("Only those of this group: there are no such groups here", since="4.21.0")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        body = self.select(
            ctx,
            cluster.LISTING,
            id=_id(self.id),
            name=self.name,
            zone=_id(self.zoneid),
            pod=_id(self.podid),
            hypervisor=self.hypervisor.lower() if self.hypervisor else None,
            type=self.clustertype.lower() if self.clustertype else None,
            state=self.allocationstate,
            managed=self.managedstate,
            arch=self.arch.lower() if self.arch else None,
            none=True if self.storageaccessgroup else None,
        )
        if self.showcapacities:
            capacity.add(ctx, "cluster", body.get("cluster", []))
        return body


class ListHosts(ListCommand, name="listHosts", response=HOST):
    """Lists hosts."""

    arch = string(since="4.20.1")
    clusterid = ref(nouns.CLUSTER)
    details = strings("What to tell of each; all of it is always told")
    hahost = boolean("Whether it is kept for machines of hosts that fail: none is")
    hypervisor = string()
    id = ref(nouns.HOST)
    managementserverid = uuid_param("Only those of this management server", since="4.21.0")
    name = string()
    outofbandmanagementenabled = boolean("Whether it has out-of-band management: none has")
    outofbandmanagementpowerstate = string("Only those with this power state out of band: none has one")
    podid = ref(nouns.POD)
    resourcestate = string()
    state = string()
    storageaccessgroup = string("Only those of this group: there are no such groups here", since="4.21.0")
    type = string("Routing: those that run virtual machines")
    virtualmachineid = ref(nouns.VIRTUAL_MACHINE, "Only hosts of the cluster this virtual machine runs in")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        near = None
        if self.virtualmachineid is not None:
            near = host_view.cluster_of(ctx, self.virtualmachineid)
            if near is None:
                raise InvalidValue("the virtual machine runs on no host")
        away = self.managementserverid not in (None, ctx.cloud.server_uuid)
        nothing = self.hahost or self.outofbandmanagementenabled or self.outofbandmanagementpowerstate
        return self.select(
            ctx,
            host_view.LISTING,
            id=_id(self.id),
            name=self.name,
            zone=_id(self.zoneid),
            pod=_id(self.podid),
            cluster=_id(self.clusterid) or near,
            hypervisor=self.hypervisor.lower() if self.hypervisor else None,
            type=self.type.lower() if self.type else None,
            state=self.state.lower() if self.state else None,
            resource=self.resourcestate.lower() if self.resourcestate else None,
            arch=self.arch.lower() if self.arch else None,
            none=True if away or nothing or self.storageaccessgroup else None,
        )


class ListStoragePools(ListCommand, name="listStoragePools", response=STORAGE_POOL):
    """Lists primary storage pools."""

    clusterid = ref(nouns.CLUSTER)
    hostid = ref(nouns.HOST, "Only those this host can reach")
    id = ref(nouns.STORAGE_POOL)
    ipaddress = string()
    name = string()
    path = string()
    podid = ref(nouns.POD)
    scope = string(values=storagepool.SCOPES)
    status = string(values=storagepool.STATES)
    storageaccessgroup = string("Only those of this group: there are no such groups here", since="4.21.0")
    storagecustomstats = boolean("Whether a storage system's own figures are told: none has any", since="4.18.1")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            storagepool.LISTING,
            id=_id(self.id),
            name=self.name,
            zone=_id(self.zoneid),
            pod=_id(self.podid),
            cluster=_id(self.clusterid),
            host=_id(self.hostid),
            address=self.ipaddress,
            path=self.path,
            scope=self.scope,
            status=self.status,
            none=True if self.storageaccessgroup else None,
        )


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
            id=_id(self.id),
            category=_id(self.oscategoryid),
            description=ostype.like(self.description_) if self.description_ else None,
            shown=self.fordisplay,
        )


class ListHypervisors(Command, name="listHypervisors", response=HYPERVISOR, reads=True):
    """Lists the hypervisors of a zone, or all that this server can drive."""

    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        names = hypervisor.names(ctx, self.zoneid)
        return {"count": len(names), "hypervisor": [{"name": name} for name in names]} if names else {}
