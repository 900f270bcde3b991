"""Hosts."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import Parameters, boolean, mapping, ref, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.host import HOST
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue
from cloudsim.services import host_maintenance, host_orders, host_view, nouns
from cloudsim.services.context import Cloud, Context

#: What details of listHosts may ask for, and the fields that are told for it; the others are always told.
_DETAILS = {
    "capacity": frozenset(
        "cpuallocated cpuallocatedvalue cpuallocatedpercentage cpuallocatedwithoverprovisioning cpuwithoverprovisioning "
        "memoryallocated memoryallocatedpercentage memoryallocatedbytes memorywithoverprovisioning".split()
    ),
    "events": frozenset(("events",)),
    "stats": frozenset("cpuused cpuloadaverage memoryused networkkbsread networkkbswrite".split()),
}


class ListHosts(ListCommand, name="listHosts", response=HOST):
    """Lists hosts."""

    arch = string(since="4.20.1")
    clusterid = ref(nouns.CLUSTER)
    details = strings("What to tell of each: " + ", ".join(("all", "min", *_DETAILS)))
    hahost = boolean("Whether it is kept for machines of hosts that fail (setting ha.tag)")
    hypervisor = string()
    id = ref(nouns.HOST)
    managementserverid = uuid_param("Only those of this management server", since="4.21.0")
    name = string()
    outofbandmanagementenabled = boolean("Whether its out-of-band management is enabled")
    outofbandmanagementpowerstate = string(
        "Only those whose power is On, Off, Unknown or Disabled", values=("On", "Off", "Unknown", "Disabled")
    )
    podid = ref(nouns.POD)
    resourcestate = string()
    state = string()
    storageaccessgroup = string("Only those of this group: there are no such groups here", since="4.21.0")
    type = string("Routing: those that run virtual machines")
    virtualmachineid = ref(nouns.VIRTUAL_MACHINE, "Only hosts of the cluster this virtual machine runs in")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.trimmed(self.found(ctx))

    def trimmed(self, body: Body) -> Body:
        """Without what was not asked for."""
        wanted = set(self.details or ("all",))
        for name in wanted - {"all", "min", *_DETAILS}:
            raise InvalidValue(f"details takes all, min, {', '.join(_DETAILS)}, not '{name[:64]}'")
        for kind, fields in _DETAILS.items() if "all" not in wanted else ():
            for one in body.get("host", []) if kind not in wanted else ():
                for field in fields & one.keys():
                    del one[field]
        return body

    def found(self, ctx: Context) -> Body:
        """The page with all there is to tell."""
        near = None
        if self.virtualmachineid is not None:
            near = host_view.cluster_of(ctx, self.virtualmachineid)
            if near is None:
                raise InvalidValue("the virtual machine runs on no host")
        away = self.managementserverid not in (None, ctx.cloud.server_uuid)
        tagged = bool(ctx.settings.text("ha.tag"))
        pattern = host_view.kept(ctx) if tagged and self.hahost is not None else None
        nothing = self.hahost and not tagged
        return self.select(
            ctx,
            host_view.LISTING,
            id=id_of(self.id),
            name=self.name,
            zone=id_of(self.zoneid),
            pod=id_of(self.podid),
            cluster=id_of(self.clusterid) or near,
            hypervisor=self.hypervisor.lower() if self.hypervisor else None,
            type=self.type.lower() if self.type else None,
            state=self.state.lower() if self.state else None,
            resource=self.resourcestate.lower() if self.resourcestate else None,
            arch=self.arch.lower() if self.arch else None,
            kept=pattern if self.hahost else None,
            not_kept=None if self.hahost else pattern,
            controlled=True if self.outofbandmanagementenabled else None,
            uncontrolled=True if self.outofbandmanagementenabled is False else None,
            power=self.outofbandmanagementpowerstate,
            none=True if away or nothing or self.storageaccessgroup else None,
        )


class AddHost(Command, name="addHost", response=HOST):
    """Adds a host to a cluster. It is reached first: one that does not answer is not added."""

    hypervisor = string(required=True)
    podid = ref(nouns.POD, required=True)
    url = string("Where it is: http://sim/c1/h1 (simulator), a libvirt URI or http://address (KVM)", required=True)
    zoneid = ref(nouns.ZONE, required=True)
    allocationstate = string(values=("Enabled", "Disabled"))
    clusterid = ref(nouns.CLUSTER)
    clustername = string("The cluster's name, in place of its id; made where the pod has none with it")
    externaldetails = mapping("For external hypervisors: this server has no extensions", since="4.21.0")
    hosttags = strings()
    password = string("Not used: KVM hosts are reached by libvirt URI, with the server's own SSH key", secret=True)
    storageaccessgroups = strings("Groups of storage: there are no such groups here", since="4.21.0")
    username = string("For a KVM host given as http://address: who the server is there (root)")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        wanted = await cloud.db.read(lambda tx: cls(cloud.context(tx, caller), parameters).wanted())
        parameters.prepared["found"] = await host_orders.reach(cloud, caller, wanted)

    def wanted(self) -> host_orders.Wanted:
        """The host as it is asked for."""
        return host_orders.Wanted(
            self.zoneid, self.podid, self.clusterid, self.clustername, self.hypervisor, self.url, self.username
        )

    def run(self, ctx: Context) -> Body:
        made = host_orders.add(
            ctx,
            self.wanted(),
            self.prepared["found"],
            tags=self.hosttags or (),
            enabled=self.allocationstate != "Disabled",
        )
        return {"count": 1, "host": ctx.present("host", made)}


class UpdateHost(Command, name="updateHost", response=HOST):
    """Changes a host: its name, its tags, whether machines are placed on it."""

    id = ref(nouns.HOST, required=True)
    allocationstate = string("Enable or Disable", values=("Enable", "Disable", "Enabled", "Disabled"))
    annotation = string("A note about it: there are no notes here", since="4.11")
    cleanupexternaldetails = boolean("For external hypervisors: this server has no extensions", since="4.22.0")
    externaldetails = mapping("For external hypervisors: this server has no extensions", since="4.21.0")
    hosttags = strings()
    istagarule = boolean("Whether the tag is a rule to be worked out: true is refused, there are no such rules here")
    name = string(since="4.15")
    oscategoryid = ref(nouns.GUEST_OS_CATEGORY, "Machines with such an OS are placed here before others")
    url = string("A new address of secondary storage that counts as a host: there is none here")

    def run(self, ctx: Context) -> Body:
        if self.istagarule:
            raise InvalidValue("a tag that is a rule is not had here: give plain tags")
        if self.annotation is not None or self.url is not None:
            raise InvalidValue("annotation and url of a host cannot be given here")
        host_orders.update(
            ctx,
            self.id,
            name=self.name,
            tags=self.hosttags,
            category=self.oscategoryid,
            state=self.allocationstate,
        )
        return {"host": ctx.present("host", self.id["id"])[0]}


class DeleteHost(Command, name="deleteHost", response=SUCCESS):
    """Removes a host that is in maintenance or not connected; by force also one that runs machines, which then stop."""

    id = ref(nouns.HOST, required=True)
    forced = boolean("Whether its machines are stopped, and it is removed without maintenance before")
    forcedestroylocalstorage = boolean("Whether its local storage goes with it: hosts have none here")

    def run(self, ctx: Context) -> Body:
        host_orders.delete(ctx, self.id, forced=bool(self.forced))
        return {"success": True}


class ReconnectHost(AsyncCommand, name="reconnectHost", response=HOST, event="HOST.RECONNECT"):
    """Connects a host anew, and reads what it is made of again."""

    id = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_orders.reconnect(ctx, self.id)}


class PrepareHostForMaintenance(AsyncCommand, name="prepareHostForMaintenance", response=HOST, event="MAINT.PREPARE"):
    """Moves a host's virtual machines to others and puts it in maintenance."""

    id = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_maintenance.prepare(ctx, self.id)}


class CancelHostMaintenance(AsyncCommand, name="cancelHostMaintenance", response=HOST, event="MAINT.CANCEL"):
    """Takes a host out of maintenance: virtual machines start there again."""

    id = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_maintenance.cancel(ctx, self.id)}


class DeclareHostAsDegraded(
    AsyncCommand, name="declareHostAsDegraded", response=HOST, event="HOST.DECLARE.DEGRADED", since="4.16.0.0"
):
    """Declares a host that does not answer as broken: its virtual machines count as stopped, and those with high
    availability start elsewhere.
    """

    id = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_maintenance.declare_degraded(ctx, self.id)}


class CancelHostAsDegraded(
    AsyncCommand, name="cancelHostAsDegraded", response=HOST, event="HOST.CANCEL.DEGRADED", since="4.16.0.0"
):
    """Lets a degraded host serve again."""

    id = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_maintenance.cancel_degraded(ctx, self.id)}
