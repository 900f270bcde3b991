"""Volumes come, are attached and detached, and go."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, long, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.volume import VOLUME
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.services import access, volume_attach, volume_create, volume_delete, volume_detach
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import DISK_OFFERING, DOMAIN, PROJECT, SNAPSHOT, VIRTUAL_MACHINE, ZONE
from cloudsim.services.nouns import VOLUME as NOUN


class CreateVolume(AsyncCommand, name="createVolume", response=VOLUME, event="VOLUME.CREATE"):
    """Creates a data volume, empty or with what a snapshot holds."""

    name = string()
    diskofferingid = ref(
        DISK_OFFERING, "Its disk offering; for one from a snapshot that of the snapshot's volume if not given"
    )
    snapshotid = ref(SNAPSHOT, "The snapshot that it is made from")
    zoneid = ref(ZONE, "The zone it is in; that of the machine or of the snapshot if not given")
    size = long(
        "GiB of a volume whose disk offering is custom; no effect with snapshotid where no such offering is given"
    )
    miniops = long("Least operations a second, where the disk offering leaves them open")
    maxiops = long("Most operations a second, where the disk offering leaves them open")
    virtualmachineid = ref(VIRTUAL_MACHINE, "The virtual machine it is attached to at once")
    account = string("The account it is for; with domainid")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)
    displayvolume = boolean(admin=True)
    customid = string("The id it shall have", admin=True)

    def run(self, ctx: Context) -> Body:
        account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        machine = self.virtualmachineid
        if machine is not None:
            access.must_own(ctx, VIRTUAL_MACHINE, machine)
        if self.snapshotid is not None:
            access.must_own(ctx, SNAPSHOT, self.snapshotid)
        zone = self.zoneid
        within = machine or self.snapshotid
        if zone is None and within is not None:
            zone = access.row(ctx, ZONE, within["zone_id"])
        if zone is None:
            raise InvalidValue("say where the volume shall be: zoneid, virtualmachineid or snapshotid")
        uuid, job = volume_create.create(
            ctx,
            volume_create.Wanted(
                account=account,
                zone=zone,
                offering=self.diskofferingid,
                snapshot=self.snapshotid,
                name=self.name,
                size=self.size,
                min_iops=self.miniops,
                max_iops=self.maxiops,
                display=self.displayvolume is not False,
                uuid=access.custom_id(self.customid),
                machine=machine,
            ),
        )
        return {"id": uuid, "jobid": job}


class AttachVolume(AsyncCommand, name="attachVolume", response=VOLUME, event="VOLUME.ATTACH"):
    """Attaches a volume to a virtual machine, which may run."""

    id = ref(NOUN, required=True)
    virtualmachineid = ref(VIRTUAL_MACHINE, required=True)
    deviceid = long("The number of the disk: 0 for the root disk of a stopped machine; the first free one if not given")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        access.must_own(ctx, VIRTUAL_MACHINE, self.virtualmachineid)
        return {"jobid": volume_attach.attach(ctx, self.id, self.virtualmachineid, self.deviceid)}


class DetachVolume(AsyncCommand, name="detachVolume", response=VOLUME, event="VOLUME.DETACH"):
    """Detaches a volume from its virtual machine."""

    id = ref(NOUN)
    deviceid = long("The number of the disk, with virtualmachineid in the place of id")
    virtualmachineid = ref(VIRTUAL_MACHINE, "The virtual machine that has it, with deviceid in the place of id")

    def run(self, ctx: Context) -> Body:
        row = volume_detach.find(ctx, self.id, self.virtualmachineid, self.deviceid)
        access.must_own(ctx, NOUN, row)
        return {"jobid": volume_detach.detach(ctx, row)}


class DeleteVolume(Command, name="deleteVolume", response=SUCCESS, event="VOLUME.DELETE"):
    """Deletes a volume that is not attached, for good."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": volume_delete.delete(ctx, self.id)}

    @classmethod
    async def settled(cls, cloud: Cloud, body: Body) -> Body:
        job: str | None = body["jobid"]
        if job is not None:
            code, result = await cloud.jobs.outcome(job)
            if code:
                raise OperationFailed(_text(result))
        return {"success": True}


def _text(result: dict[str, Any]) -> str:
    return f"the volume is destroyed, but could not be removed from its storage yet: {result.get('errortext', '')}"


class DestroyVolume(AsyncCommand, name="destroyVolume", response=VOLUME, event="VOLUME.DESTROY", since="4.14.0"):
    """Destroys a volume that is not attached; until it is wiped it can be recovered."""

    id = ref(NOUN, required=True)
    expunge = boolean("Whether it is removed for good at once", since="4.6.0")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": volume_delete.destroy(ctx, self.id, expunge=bool(self.expunge))}


class RecoverVolume(Command, name="recoverVolume", response=VOLUME, event="VOLUME.RECOVER", since="4.14.0"):
    """Recovers a destroyed volume that was not wiped yet."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        volume_delete.recover(ctx, self.id)
        return {"volume": ctx.present("volume", self.id["id"])[0]}
