"""Snapshots of virtual machines."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, OwnedList, id_of
from cloudsim.api.params import boolean, ref, refs, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.api.responses.vmsnapshot import VM_SNAPSHOT
from cloudsim.services import access, nouns, vmsnapshot
from cloudsim.services.context import Context


class CreateVMSnapshot(
    AsyncCommand, name="createVMSnapshot", response=VM_SNAPSHOT, event="VMSNAPSHOT.CREATE", since="4.2.0"
):
    """Makes a snapshot of a virtual machine: all its disks and, where it runs and that is asked for, its memory."""

    virtualmachineid = ref(nouns.VIRTUAL_MACHINE, required=True)
    name = string("What it is called; where it is not given, a name made from the machine's and the time")
    description_ = string()
    snapshotmemory = boolean("Whether the memory is kept too: only of a running virtual machine")
    quiescevm = boolean("Whether the guest is asked to write its buffers first")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.VIRTUAL_MACHINE, self.virtualmachineid)
        uuid, job = vmsnapshot.create(
            ctx,
            self.virtualmachineid,
            name=self.name,
            description=self.description_,
            memory=bool(self.snapshotmemory),
            quiesce=bool(self.quiescevm),
        )
        return {"id": uuid, "jobid": job}


class RevertToVMSnapshot(
    AsyncCommand, name="revertToVMSnapshot", response=VIRTUAL_MACHINE, event="VMSNAPSHOT.REVERTTO", since="4.2.0"
):
    """Takes a virtual machine back to a snapshot: one that runs to one with memory, a stopped one to one without."""

    vmsnapshotid = ref(nouns.VM_SNAPSHOT, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.VM_SNAPSHOT, self.vmsnapshotid)
        return {"jobid": vmsnapshot.revert(ctx, self.vmsnapshotid)}


class DeleteVMSnapshot(
    AsyncCommand, name="deleteVMSnapshot", response=SUCCESS, event="VMSNAPSHOT.DELETE", since="4.2.0"
):
    """Deletes a snapshot of a virtual machine, wherever it is in its chain."""

    vmsnapshotid = ref(nouns.VM_SNAPSHOT, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.VM_SNAPSHOT, self.vmsnapshotid)
        return {"jobid": vmsnapshot.delete(ctx, self.vmsnapshotid)}


class ListVMSnapshot(OwnedList, name="listVMSnapshot", response=VM_SNAPSHOT, noun="vmSnapshot", since="4.2.0"):
    """Lists snapshots of virtual machines."""

    vmsnapshotid = ref(nouns.VM_SNAPSHOT)
    vmsnapshotids = refs(nouns.VM_SNAPSHOT, since="4.9")
    virtualmachineid = ref(nouns.VIRTUAL_MACHINE)
    name = string()
    state = string()

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            vmsnapshot.LISTING,
            id=id_of(self.vmsnapshotid),
            ids=[row["id"] for row in self.vmsnapshotids] if self.vmsnapshotids else None,
            vm=id_of(self.virtualmachineid),
            name=self.name.lower() if self.name else None,
            state=self.state.lower() if self.state else None,
        )
