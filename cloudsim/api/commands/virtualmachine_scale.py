"""Other service offerings for virtual machines that are there."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, long, mapping, ref
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, vm_offering, vm_scaling
from cloudsim.services.context import Context
from cloudsim.services.nouns import SERVICE_OFFERING
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM

_WITH_DISK = "; where its disk offering changes too (setting allow.diskoffering.change.during.scale.vm)"


class _Change(Command):
    """What both commands take."""

    id = ref(VM, required=True)
    serviceofferingid = ref(SERVICE_OFFERING, required=True)
    details = mapping(
        "cpuNumber, cpuSpeed (MHz) and memory (MB) where the offering leaves them open; others change nothing"
    )
    automigrate = boolean(
        "Whether the root disk may move to another storage pool, in a job of its own" + _WITH_DISK, since="4.17"
    )
    shrinkok = boolean("Whether the root disk may become smaller" + _WITH_DISK, since="4.17")
    miniops = long("Operations a second that the root disk is promised" + _WITH_DISK, since="4.17")
    maxiops = long("The most operations a second of the root disk" + _WITH_DISK, since="4.17")

    def change(self, ctx: Context) -> vm_offering.Change:
        """What was asked for beside the offering. Raises `InvalidValue`, `PermissionDenied`."""
        access.must_own(ctx, VM, self.id)
        for name in ("miniops", "maxiops"):
            if (getattr(self, name) or 0) < 0:
                raise InvalidValue(f"{name} starts at 0")
        return vm_offering.Change(
            self.details or {}, bool(self.automigrate), bool(self.shrinkok), self.miniops, self.maxiops
        )


class ChangeServiceForVirtualMachine(
    _Change, name="changeServiceForVirtualMachine", response=VIRTUAL_MACHINE, event="VM.UPGRADE"
):
    """Gives a stopped virtual machine another service offering."""

    def run(self, ctx: Context) -> Body:
        row = self.id
        vm_offering.change_stopped(ctx, row, self.serviceofferingid, self.change(ctx))
        ctx.event(
            "VM.UPGRADE",
            f"virtual machine {row['display_name'] or row['name']} has service offering {self.serviceofferingid['name']}",
            resource=("VirtualMachine", row["uuid"]),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
        return {"virtualmachine": ctx.present("virtualmachine", row["id"])[0]}


class ScaleVirtualMachine(
    _Change, AsyncCommand, name="scaleVirtualMachine", response=VIRTUAL_MACHINE, event="VM.UPGRADE"
):
    """Gives a virtual machine another service offering, running or stopped; one that runs can only grow."""

    def run(self, ctx: Context) -> Body:
        return {"jobid": vm_scaling.order(ctx, self.id, self.serviceofferingid, self.change(ctx))}
