"""Clusters."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, mapping, ref, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.cluster import CLUSTER
from cloudsim.services import capacity, cluster, nouns
from cloudsim.services.context import Context

_STATES = ("Enabled", "Disabled")
_MANAGED = ("Managed", "Unmanaged")
_TYPES = ("CloudManaged", "ExternalManaged")
_VMWARE = "For clusters of VMware: none of this server's is one"
_OVM = "For clusters of OVM3: none of this server's is one"


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
            id=id_of(self.id),
            name=self.name,
            zone=id_of(self.zoneid),
            pod=id_of(self.podid),
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


class AddCluster(Command, name="addCluster", response=CLUSTER):
    """Adds a cluster to a pod."""

    clustername = string(required=True)
    clustertype = string("Who manages its hosts: for the hypervisors here it is always the cloud", required=True)
    hypervisor = string(required=True)
    podid = ref(nouns.POD, required=True)
    zoneid = ref(nouns.ZONE, required=True)
    allocationstate = string(values=_STATES)
    arch = string(since="4.20", values=cluster.ARCHS)
    extensionid = uuid_param("For external hypervisors: this server has no extensions", since="4.21.0")
    externaldetails = mapping("For external hypervisors: this server has no extensions", since="4.21.0")
    guestvswitchname = string(_VMWARE)
    guestvswitchtype = string(_VMWARE)
    ovm3cluster = string(_OVM)
    ovm3pool = string(_OVM)
    ovm3vip = string(_OVM)
    password = string(_VMWARE, secret=True)
    publicvswitchname = string(_VMWARE)
    publicvswitchtype = string(_VMWARE)
    storageaccessgroups = strings("Groups of storage: there are no such groups here", since="4.21.0")
    url = string(_VMWARE)
    username = string(_VMWARE)
    vsmipaddress = string(_VMWARE)
    vsmpassword = string(_VMWARE, secret=True)
    vsmusername = string(_VMWARE)

    def run(self, ctx: Context) -> Body:
        made = cluster.create(
            ctx,
            self.zoneid,
            self.podid,
            self.clustername,
            self.hypervisor,
            type=cluster.type_of(self.clustertype),
            enabled=self.allocationstate != "Disabled",
            arch=self.arch,
        )
        return {"count": 1, "cluster": ctx.present("cluster", made["id"])}


class UpdateCluster(Command, name="updateCluster", response=CLUSTER):
    """Changes a cluster: its name, whether machines are placed in it, whether the cloud manages its hosts."""

    id = ref(nouns.CLUSTER, required=True)
    allocationstate = string(values=_STATES)
    arch = string(since="4.20", values=cluster.ARCHS)
    clustername = string()
    clustertype = string("Who manages its hosts: for the hypervisors here it is always the cloud")
    externaldetails = mapping("For external hypervisors: this server has no extensions", since="4.21.0")
    hypervisor = string("Its hypervisor, while it has no hosts")
    managedstate = string("Unmanaged: its hosts are left alone and get no machines", values=_MANAGED)

    def run(self, ctx: Context) -> Body:
        cluster.update(
            ctx,
            self.id,
            name=self.clustername,
            hypervisor=self.hypervisor,
            type=cluster.type_of(self.clustertype) if self.clustertype else None,
            allocation_state=self.allocationstate,
            managed_state=self.managedstate,
            arch=self.arch,
        )
        return {"cluster": ctx.present("cluster", self.id["id"])[0]}


class DeleteCluster(Command, name="deleteCluster", response=SUCCESS):
    """Removes a cluster that has no hosts and no storage any more."""

    id = ref(nouns.CLUSTER, required=True)

    def run(self, ctx: Context) -> Body:
        cluster.delete(ctx, self.id)
        return {"success": True}
