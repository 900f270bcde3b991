"""Physical networks, and the kinds of traffic they carry."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import AsyncCommand, Body, ListCommand, id_of
from cloudsim.api.params import ref, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.physicalnetwork import LISTED_TRAFFIC_TYPE, PHYSICAL_NETWORK, TRAFFIC_TYPE
from cloudsim.services import nouns, physicalnetwork
from cloudsim.services.context import Context


class ListPhysicalNetworks(ListCommand, name="listPhysicalNetworks", response=PHYSICAL_NETWORK, since="3.0.0"):
    """Lists physical networks."""

    id = ref(nouns.PHYSICAL_NETWORK)
    name = string()
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, physicalnetwork.LISTING, id=id_of(self.id), name=self.name, zone=id_of(self.zoneid))


class CreatePhysicalNetwork(
    AsyncCommand,
    name="createPhysicalNetwork",
    response=PHYSICAL_NETWORK,
    event="PHYSICAL.NETWORK.CREATE",
    since="3.0.0",
):
    """Makes a physical network of a zone, with the providers of network services it can have."""

    name = string(required=True)
    zoneid = ref(nouns.ZONE, required=True)
    broadcastdomainrange = string("What it serves: ZONE")
    domainid = ref(nouns.DOMAIN, "The domain that it is dedicated to")
    isolationmethods = strings("How networks on it are kept apart: " + ", ".join(physicalnetwork.METHODS))
    networkspeed = string()
    tags = strings("Its tag: network offerings with the tag use it")
    vlan = string("The VLANs that networks on it get: 100-200 or 100-200,300")

    def run(self, ctx: Context) -> Body:
        uuid, job = physicalnetwork.create(
            ctx,
            self.zoneid,
            self.name,
            methods=self.isolationmethods or (),
            speed=self.networkspeed,
            tags=self.tags or (),
            vlans=self.vlan,
            domain=self.domainid,
            broadcast=self.broadcastdomainrange,
        )
        return {"id": uuid, "jobid": job}


class UpdatePhysicalNetwork(
    AsyncCommand,
    name="updatePhysicalNetwork",
    response=PHYSICAL_NETWORK,
    event="PHYSICAL.NETWORK.UPDATE",
    since="3.0.0",
):
    """Changes a physical network, or enables and disables it."""

    id = ref(nouns.PHYSICAL_NETWORK, required=True)
    networkspeed = string()
    state = string(values=("Enabled", "Disabled"))
    tags = strings("Its tag: network offerings with the tag use it")
    vlan = string("All the VLANs that networks on it get: 100-200 or 100-200,300")

    def run(self, ctx: Context) -> Body:
        job = physicalnetwork.update(
            ctx, self.id, speed=self.networkspeed, state=self.state, tags=self.tags, vlans=self.vlan
        )
        return {"jobid": job}


class DeletePhysicalNetwork(
    AsyncCommand, name="deletePhysicalNetwork", response=SUCCESS, event="PHYSICAL.NETWORK.DELETE", since="3.0.0"
):
    """Removes a physical network that no network and no range of addresses uses."""

    id = ref(nouns.PHYSICAL_NETWORK, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": physicalnetwork.delete(ctx, self.id)}


class AddTrafficType(
    AsyncCommand, name="addTrafficType", response=TRAFFIC_TYPE, event="TRAFFIC.TYPE.CREATE", since="3.0.0"
):
    """Has a physical network carry a kind of traffic."""

    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK, required=True)
    traffictype = string(required=True, values=physicalnetwork.TRAFFIC)
    hypervnetworklabel = string("The network's name on Hyper-V hosts: none of this server's is one")
    isolationmethod = string("How networks are kept apart on VMware hosts: none of this server's is one")
    kvmnetworklabel = string("The name of the bridge on KVM hosts")
    ovm3networklabel = string("The network's name on OVM3 hosts: none of this server's is one")
    vlan = string("The VLAN of this traffic on VMware hosts: none of this server's is one")
    vmwarenetworklabel = string("The network's name on VMware hosts: none of this server's is one")
    xennetworklabel = string("The network's name on XenServer hosts: none of this server's is one")

    def run(self, ctx: Context) -> Body:
        uuid, job = physicalnetwork.add_type(
            ctx, self.physicalnetworkid, self.traffictype, _labels(self), self.vlan, self.isolationmethod
        )
        return {"id": uuid, "jobid": job}


class ListTrafficTypes(ListCommand, name="listTrafficTypes", response=LISTED_TRAFFIC_TYPE, since="3.0.0"):
    """Lists the kinds of traffic that a physical network carries."""

    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK, required=True)

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, physicalnetwork.TYPES, network=id_of(self.physicalnetworkid))


class UpdateTrafficType(
    AsyncCommand, name="updateTrafficType", response=TRAFFIC_TYPE, event="TRAFFIC.TYPE.UPDATE", since="3.0.0"
):
    """Changes what a kind of traffic is called on the hosts."""

    id = ref(nouns.TRAFFIC_TYPE, required=True)
    hypervnetworklabel = string("The network's name on Hyper-V hosts: none of this server's is one")
    kvmnetworklabel = string("The name of the bridge on KVM hosts")
    ovm3networklabel = string("The network's name on OVM3 hosts: none of this server's is one")
    vmwarenetworklabel = string("The network's name on VMware hosts: none of this server's is one")
    xennetworklabel = string("The network's name on XenServer hosts: none of this server's is one")

    def run(self, ctx: Context) -> Body:
        return {"jobid": physicalnetwork.update_type(ctx, self.id, _labels(self))}


class DeleteTrafficType(
    AsyncCommand, name="deleteTrafficType", response=SUCCESS, event="TRAFFIC.TYPE.DELETE", since="3.0.0"
):
    """Takes a kind of traffic that is not in use from a physical network."""

    id = ref(nouns.TRAFFIC_TYPE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": physicalnetwork.delete_type(ctx, self.id)}


def _labels(command: Any) -> dict[str, str | None]:
    return {kind: getattr(command, f"{kind}networklabel") for kind in ("hyperv", "kvm", "ovm3", "vmware", "xen")}
