"""Hypervisors."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import boolean, integer, long, ref, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.hypervisor import CAPABILITIES, HYPERVISOR
from cloudsim.services import hypervisor, nouns
from cloudsim.services.context import Context


class ListHypervisors(Command, name="listHypervisors", response=HYPERVISOR, reads=True):
    """Lists the hypervisors of a zone, or all that this server can drive."""

    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        names = hypervisor.names(ctx, self.zoneid)
        return {"count": len(names), "hypervisor": [{"name": name} for name in names]} if names else {}


class ListHypervisorCapabilities(
    ListCommand, name="listHypervisorCapabilities", response=CAPABILITIES, since="3.0.0", noun="hypervisorCapabilities"
):
    """Lists what each version of each hypervisor can do."""

    hypervisor = string()
    id = uuid_param()

    def run(self, ctx: Context) -> Body:
        return self.part(
            ctx, hypervisor.capabilities(ctx, entry=self.id, hypervisor=self.hypervisor, keyword=self.keyword)
        )


class UpdateHypervisorCapabilities(
    Command,
    name="updateHypervisorCapabilities",
    response=CAPABILITIES,
    since="3.0.0",
    noun="hypervisorcapabilities",
):
    """Changes what a version of a hypervisor can do."""

    hypervisor = string("With hypervisorversion, in the place of id", since="4.19.1")
    hypervisorversion = string("With hypervisor, in the place of id", since="4.19.1")
    id = uuid_param()
    maxdatavolumeslimit = integer("How many data disks a virtual machine may have", since="4.16.0")
    maxguestslimit = long("How many virtual machines a host takes: it rules from the moment it is set here")
    maxhostspercluster = integer("How many hosts a cluster takes", since="4.16.0")
    securitygroupenabled = boolean("Whether security groups work: told by the list, rules nothing here")
    storagemotionenabled = boolean(
        "Whether machines move together with their volumes: told by the list, rules nothing here", since="4.16.0"
    )
    vmsnapshotenabled = boolean(
        "Whether snapshots of machines can be made: told by the list, rules nothing here", since="4.16.0"
    )

    def run(self, ctx: Context) -> Body:
        changed = hypervisor.update(
            ctx,
            entry=self.id,
            hypervisor=self.hypervisor,
            version=self.hypervisorversion,
            maxdatavolumeslimit=self.maxdatavolumeslimit,
            maxguestslimit=self.maxguestslimit,
            maxhostspercluster=self.maxhostspercluster,
            securitygroupenabled=self.securitygroupenabled,
            storagemotionenabled=self.storagemotionenabled,
            vmsnapshotenabled=self.vmsnapshotenabled,
        )
        return {"hypervisorcapabilities": changed}
