"""ISOs in the drives of virtual machines."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body
from cloudsim.api.params import boolean, ref
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.services import iso_attach
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM


class AttachIso(AsyncCommand, name="attachIso", response=VIRTUAL_MACHINE, event="ISO.ATTACH"):
    """Puts an ISO into the drive of a virtual machine that runs or is stopped."""

    id = ref(TEMPLATE, required=True)
    forced = boolean("Whether an ISO that is in the drive is taken out first", since="4.15.1")
    virtualmachineid = ref(VM, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": iso_attach.attach(ctx, self.virtualmachineid, self.id, forced=bool(self.forced))}


class DetachIso(AsyncCommand, name="detachIso", response=VIRTUAL_MACHINE, event="ISO.DETACH"):
    """Takes the ISO out of the drive of a virtual machine that runs or is stopped."""

    forced = boolean("Whether it is taken out although the guest has locked the drive", since="4.15.1")
    virtualmachineid = ref(VM, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": iso_attach.detach(ctx, self.virtualmachineid, forced=bool(self.forced))}
