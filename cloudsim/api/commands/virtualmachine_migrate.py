"""Moving virtual machines to other hosts and storage."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand
from cloudsim.api.params import boolean, mappings, ref
from cloudsim.api.responses.host import MIGRATION_HOST
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.services import access, vm_migration, vm_migration_hosts, vm_storage_motion
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST, STORAGE_POOL, VOLUME
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM


class FindHostsForMigration(ListCommand, name="findHostsForMigration", response=MIGRATION_HOST):
    """Finds the hosts that a running virtual machine could move to, and what that would take."""

    virtualmachineid = ref(VM, required=True)

    def run(self, ctx: Context) -> Body:
        found = vm_migration_hosts.hosts_for(ctx, self.virtualmachineid, self.keyword)
        page = self.paging(ctx)
        part = found[page.offset : page.offset + page.limit]
        objects = ctx.present("host", *(host_id for host_id, _, _ in part))
        for one, (_, fit, far) in zip(objects, part, strict=True):
            one.update(suitableformigration=fit, requiresStorageMotion=far)
        return self.body(objects, len(found))


class MigrateVirtualMachine(AsyncCommand, name="migrateVirtualMachine", response=VIRTUAL_MACHINE, event="VM.MIGRATE"):
    """Moves a running virtual machine to another host, or the disks of a stopped one to another storage pool."""

    virtualmachineid = ref(VM, required=True)
    hostid = ref(HOST, "The host that a running one goes to; it waits where only memory is short there")
    storageid = ref(STORAGE_POOL, "The storage pool that all disks of a stopped one go to")
    autoselect = boolean("Whether any host of its cluster that has room will do, where none is given", since="4.16.0")

    def run(self, ctx: Context) -> Body:
        row = self.virtualmachineid
        if self.hostid is not None and self.storageid is not None:
            raise InvalidValue("give hostid for a running virtual machine, or storageid for a stopped one, not both")
        if self.storageid is not None:
            return {
                "jobid": vm_storage_motion.migrate(ctx, row, vm_storage_motion.to_pool(ctx, row, self.storageid["id"]))
            }
        if self.hostid is None and not self.autoselect:
            raise InvalidValue("give hostid or storageid, or autoselect=true")
        return {"jobid": vm_migration.migrate_to(ctx, row, self.hostid)}


class MigrateVirtualMachineWithVolume(
    AsyncCommand, name="migrateVirtualMachineWithVolume", response=VIRTUAL_MACHINE, event="VM.MIGRATE"
):
    """Moves a running virtual machine to another host together with disks, or the disks of a stopped one."""

    virtualmachineid = ref(VM, required=True)
    hostid = ref(HOST, "The host that a running one goes to: disks that it does not reach move as well")
    migrateto = mappings("Which disk goes where: migrateto[0].volume and migrateto[0].pool, ids, and so on")
    autoselect = boolean("Whether any host of its cluster that has room will do, where none is given", since="4.19.0")

    def run(self, ctx: Context) -> Body:
        row, to = self.virtualmachineid, self.wanted(ctx)
        if row["state"] == "Stopped":
            if self.hostid is not None:
                raise InvalidValue("the virtual machine is stopped: only its disks can move; leave hostid out")
            if not to:
                raise InvalidValue("the virtual machine is stopped: say with migrateto where its disks go")
            return {"jobid": vm_storage_motion.migrate(ctx, row, to)}
        if self.hostid is None and not self.autoselect:
            raise InvalidValue("give hostid, or autoselect=true")
        return {"jobid": vm_migration.migrate_with_volumes(ctx, row, self.hostid, to)}

    def wanted(self, ctx: Context) -> dict[int, int]:
        """Ids of volumes, and of the pools they go to. Raises `BadParameter`, `InvalidValue`."""
        made: dict[int, int] = {}
        for entry in self.migrateto or ():
            if set(entry) != {"volume", "pool"}:
                raise BadParameter(
                    "parameter migrateto names a volume and a pool: migrateto[0].volume and migrateto[0].pool"
                )
            volume = access.find(ctx, VOLUME, entry["volume"])
            if volume["vm_id"] != self.virtualmachineid["id"]:
                raise InvalidValue(f"volume {volume['uuid']} is not of this virtual machine")
            if volume["id"] in made:
                raise InvalidValue(f"migrateto names volume {volume['uuid']} twice")
            made[volume["id"]] = access.find(ctx, STORAGE_POOL, entry["pool"])["id"]
        return made
