"""Hypervisors."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import ref, string
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
        return self.part(ctx, hypervisor.capabilities(entry=self.id, hypervisor=self.hypervisor, keyword=self.keyword))
