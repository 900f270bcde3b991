"""System virtual machines."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, mapping, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.systemvm import SYSTEM_VM
from cloudsim.core.errors import InvalidValue
from cloudsim.services import cloud_machine, system_vm, vm_migration
from cloudsim.services.context import Context
from cloudsim.services.nouns import CLOUD_MACHINE, HOST, POD, SERVICE_OFFERING, STORAGE_POOL, ZONE
from cloudsim.services.nouns import SYSTEM_VM as NOUN


class ListSystemVms(ListCommand, name="listSystemVms", response=SYSTEM_VM):
    """Lists the console proxies and secondary storage machines of the cloud."""

    arch = string(since="4.20.1")
    hostid = ref(HOST)
    id = ref(NOUN)
    name = string()
    podid = ref(POD)
    state = string()
    storageid = ref(STORAGE_POOL, "Only those whose disk is in this storage pool", since="3.0.1")
    systemvmtype = string("Only those of this type", values=("consoleproxy", "secondarystoragevm"))
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        kinds = {cloud_machine.KINDS[kind].name: kind for kind in system_vm.TYPES}
        return self.select(
            ctx,
            system_vm.LISTING,
            id=id_of(self.id),
            name=self.name,
            type=kinds[self.systemvmtype] if self.systemvmtype else None,
            zone=id_of(self.zoneid),
            pod=id_of(self.podid),
            host=id_of(self.hostid),
            state=self.state.lower() if self.state else None,
            arch=self.arch.lower() if self.arch else None,
            storage=id_of(self.storageid),
        )


class StartSystemVm(AsyncCommand, name="startSystemVm", response=SYSTEM_VM, event="PROXY.START"):
    """Starts a system virtual machine."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": system_vm.start(ctx, self.id)}


class StopSystemVm(AsyncCommand, name="stopSystemVm", response=SYSTEM_VM, event="PROXY.STOP"):
    """Stops a system virtual machine; an enabled zone starts it again after a while."""

    id = ref(NOUN, required=True)
    forced = boolean("Whether the plug is pulled at once")

    def run(self, ctx: Context) -> Body:
        return {"jobid": system_vm.stop(ctx, self.id, forced=bool(self.forced))}


class RebootSystemVm(AsyncCommand, name="rebootSystemVm", response=SYSTEM_VM, event="PROXY.REBOOT"):
    """Reboots a system virtual machine."""

    id = ref(NOUN, required=True)
    forced = boolean("Whether it is stopped and started instead", since="4.16.0")

    def run(self, ctx: Context) -> Body:
        return {"jobid": system_vm.reboot(ctx, self.id, forced=bool(self.forced))}


class DestroySystemVm(AsyncCommand, name="destroySystemVm", response=SYSTEM_VM, event="PROXY.DESTROY"):
    """Removes a system virtual machine for good; an enabled zone gets a new one."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": system_vm.destroy(ctx, self.id)}


class ChangeServiceForSystemVm(Command, name="changeServiceForSystemVm", response=SYSTEM_VM):
    """Gives a stopped system virtual machine another service offering."""

    id = ref(NOUN, required=True)
    serviceofferingid = ref(SERVICE_OFFERING, required=True)
    details = mapping("Without effect: offerings of system virtual machines are not custom")

    def run(self, ctx: Context) -> Body:
        cloud_machine.change_offering(ctx, self.id, self.serviceofferingid)
        return {"systemvm": ctx.present("systemvm", self.id["id"])[0]}


class ScaleSystemVm(AsyncCommand, name="scaleSystemVm", response=SYSTEM_VM):
    """Gives a system virtual machine or router another service offering, as a job; one that runs can only grow."""

    id = ref(CLOUD_MACHINE, required=True)
    serviceofferingid = ref(SERVICE_OFFERING, required=True)
    details = mapping("Without effect: offerings of system virtual machines are not custom")

    def run(self, ctx: Context) -> Body:
        return {"jobid": system_vm.scale(ctx, self.id, self.serviceofferingid)}


class MigrateSystemVm(AsyncCommand, name="migrateSystemVm", response=SYSTEM_VM):
    """Moves a running system virtual machine or router to another host."""

    virtualmachineid = ref(CLOUD_MACHINE, "The system virtual machine or router", required=True)
    autoselect = boolean("Whether any host with room will do", since="4.16.0")
    hostid = ref(HOST, "The host it goes to")
    storageid = ref(
        STORAGE_POOL, "Refused: the disk of a system virtual machine stays; destroy it for a new one", since="4.16.0"
    )

    def run(self, ctx: Context) -> Body:
        if self.storageid is not None:
            raise InvalidValue("the disk of a system virtual machine stays where it is: destroy it, and get a new one")
        if (self.hostid is None) == (not self.autoselect):
            raise InvalidValue("give hostid, or autoselect=true")
        vm_migration.check_running(ctx, self.virtualmachineid)
        return {"jobid": system_vm.migrate(ctx, self.virtualmachineid, self.hostid)}


class PatchSystemVm(AsyncCommand, name="patchSystemVm", response=SUCCESS, since="4.17.0"):
    """Gives a running system virtual machine or router the software of now."""

    id = ref(CLOUD_MACHINE, "The system virtual machine or router: it must be given")
    forced = boolean("Whether one that has it already gets it again")

    def run(self, ctx: Context) -> Body:
        if self.id is None:
            raise InvalidValue("give the id of a system virtual machine or router")
        return {"jobid": system_vm.patch(ctx, self.id, forced=bool(self.forced))}
