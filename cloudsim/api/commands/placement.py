"""A placement explained."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import boolean, long, mapping, ref, string, strings
from cloudsim.api.responses.placement import PLACEMENT
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, vm_placement
from cloudsim.services.context import Context
from cloudsim.services.nouns import (
    CLUSTER,
    DISK_OFFERING,
    DOMAIN,
    HOST,
    POD,
    PROJECT,
    SERVICE_OFFERING,
    TEMPLATE,
    VIRTUAL_MACHINE,
    ZONE,
)
from cloudsim.services.vm_deployment import Deployment, root_size


class ExplainVirtualMachinePlacement(
    Command,
    name="explainVirtualMachinePlacement",
    response=PLACEMENT,
    reads=True,
    ours="an administrator who reads 'no destination found' wants to know what was decided about each host",
):
    """Tells where a virtual machine would go, and why each other host and storage pool was left out; changes nothing.

    What it decides with is what a deployment, a start or a live migration decides with. Where chance has a part, the next
    one may choose another of the hosts that would do.
    """

    virtualmachineid = ref(
        VIRTUAL_MACHINE, "A virtual machine that is there: its next start, or its live migration while it runs"
    )
    zoneid = ref(ZONE, "The zone that a new virtual machine would be deployed in")
    serviceofferingid = ref(SERVICE_OFFERING)
    templateid = ref(TEMPLATE, "The template or ISO it would be deployed from")
    account = string("The account it would be for; with domainid")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)
    affinitygroupids = strings()
    affinitygroupnames = strings()
    hostid = ref(HOST, "The host it would be started on", admin=True)
    clusterid = ref(CLUSTER, "The cluster it would be started in", admin=True)
    podid = ref(POD, "The pod it would be started in", admin=True)
    considerlasthost = boolean("Whether the host it ran on last is tried first (true if not said)")
    deploymentplanner = string()
    details = mapping("cpuNumber, cpuSpeed and memory for a custom offering, rootdisksize")
    diskofferingid = ref(DISK_OFFERING, "From a template: the offering of a data disk; from an ISO: of the root disk")
    size = long("GiB of a volume whose disk offering is custom")
    rootdisksize = long("GiB of the root disk, at least the template's size")
    hypervisor = string("Needed for an ISO")

    def run(self, ctx: Context) -> Body:
        if self.virtualmachineid is not None:
            return {"placement": self._of_machine(ctx)}
        for name in ("zoneid", "serviceofferingid", "templateid"):
            if getattr(self, name) is None:
                raise InvalidValue(f"give virtualmachineid, or what is deployed: {name} is missing")
        for name in ("size", "rootdisksize"):
            if getattr(self, name) is not None and not 0 < getattr(self, name) < 2**30:
                raise InvalidValue(f"{name} takes a number of GiB above 0")
        account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        want = Deployment(
            zone=self.zoneid,
            offering=self.serviceofferingid,
            template=self.templateid,
            account=account,
            domain=access.row(ctx, DOMAIN, account["domain_id"]),
            affinity_group_ids=self.affinitygroupids or (),
            affinity_group_names=self.affinitygroupnames or (),
            disk_offering=self.diskofferingid,
            size=self.size,
            root_size=root_size(self.rootdisksize, self.details or {}),
            hypervisor=self.hypervisor,
            details=self.details or {},
            host=self.hostid,
            cluster=self.clusterid,
            pod=self.podid,
            planner=self.deploymentplanner,
        )
        return {"placement": vm_placement.of_new(ctx, want)}

    def _of_machine(self, ctx: Context) -> Body:
        for name in (
            "zoneid",
            "serviceofferingid",
            "templateid",
            "affinitygroupids",
            "affinitygroupnames",
            "diskofferingid",
        ):
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name} is that of the virtual machine: leave it out with virtualmachineid")
        return vm_placement.of_machine(
            ctx,
            self.virtualmachineid,
            host=self.hostid,
            cluster=self.clusterid,
            pod=self.podid,
            planner=self.deploymentplanner,
            consider_last_host=self.considerlasthost,
        )
