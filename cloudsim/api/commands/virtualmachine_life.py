"""What an owner or an admin does with a whole virtual machine: a fresh root disk, another owner."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, long, mapping, ref, refs, string, strings
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, vm_assign, vm_restore
from cloudsim.services.context import Context
from cloudsim.services.nouns import DISK_OFFERING, DOMAIN, NETWORK, PROJECT, TEMPLATE
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM


class RestoreVirtualMachine(
    AsyncCommand, name="restoreVirtualMachine", response=VIRTUAL_MACHINE, event="VM.RESTORE", since="3.0.0"
):
    """Gives a virtual machine a fresh root disk of its template, or of another one."""

    envelope = "restorevmresponse"

    virtualmachineid = ref(VM, required=True)
    templateid = ref(TEMPLATE, "Another template, or an ISO (the root disk is empty then); its own if not given")
    diskofferingid = ref(DISK_OFFERING, "Another disk offering for the root disk", since="4.19.1")
    rootdisksize = long("GiB of the root disk; as it was if not given", since="4.19.1")
    details = mapping("rootdisksize, minIops and maxIops of the root disk", since="4.19.1")
    expunge = boolean("Whether the old root disk is expunged at once", since="4.19.1")

    def run(self, ctx: Context) -> Body:
        if self.rootdisksize is not None and not 0 < self.rootdisksize < 2**30:
            raise InvalidValue("rootdisksize takes a number of GiB above 0")
        job = vm_restore.restore(
            ctx,
            self.virtualmachineid,
            image=self.templateid,
            disk_offering=self.diskofferingid,
            size=self.rootdisksize,
            details=self.details or {},
            expunge=bool(self.expunge),
        )
        return {"jobid": job}


class AssignVirtualMachine(
    Command, name="assignVirtualMachine", response=VIRTUAL_MACHINE, event="VM.MOVE", since="3.0.0"
):  # fmt: skip
    """Gives a stopped virtual machine and its volumes to another account or project."""

    virtualmachineid = ref(VM, required=True)
    account = string("The new owner; with domainid")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT, "The project that is the new owner")
    networkids = refs(NETWORK, "The networks it gets a card in; else those it has that the new owner may use")
    securitygroupids = strings("Security groups of the new owner that it joins")

    def run(self, ctx: Context) -> Body:
        if self.projectid is None and (self.account is None or self.domainid is None):
            raise InvalidValue("name the new owner: account with domainid, or projectid")
        if self.projectid is not None and self.domainid is not None:
            raise InvalidValue("give account with domainid, or projectid")
        account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        vm_assign.assign(
            ctx,
            self.virtualmachineid,
            account,
            networks=self.networkids or (),
            security_group_ids=self.securitygroupids or (),
        )
        return {"virtualmachine": ctx.present("virtualmachine", self.virtualmachineid["id"])[0]}
