"""Volumes that are taken in from storage, and let go of."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand
from cloudsim.api.params import Parameters, ref, string
from cloudsim.api.responses.base import SUCCESS, Response, shown
from cloudsim.api.responses.volume import VOLUME
from cloudsim.core.caller import Caller
from cloudsim.services import access, volume_import
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import DISK_OFFERING, DOMAIN, PROJECT, STORAGE_POOL
from cloudsim.services.nouns import VOLUME as NOUN

FOUND = Response(
    "volumeforimport",
    long="size virtualsize",
    map="details",
    string="chaininfo encryptformat format fullpath name path storage storageid storagetype",
)


async def _look(cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
    if "found" in parameters.prepared:
        return
    pool = parameters.get("storageid", "")
    parameters.prepared["found"] = await volume_import.look(cloud, lambda tx: cloud.context(tx, caller), pool)


class ListVolumesForImport(ListCommand, name="listVolumesForImport", response=FOUND, since="4.19.1"):
    """Lists what lies in a storage pool and is no volume yet."""

    storageid = ref(STORAGE_POOL, required=True)
    path = string("Only what lies there")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await _look(cloud, caller, parameters)

    def run(self, ctx: Context) -> Body:
        pool = self.storageid
        found = volume_import.unknown(ctx, pool, self.prepared["found"], self.path, self.keyword)
        objects = [
            shown(
                path=one["path"],
                fullpath=f"{pool['path'] or ''}/{one['path']}",
                name=one["name"],
                format=one["format"],
                size=one["physical_size"],
                virtualsize=one["size"],
                storage=pool["name"],
                storageid=pool["uuid"],
                storagetype=pool["type"],
            )
            for one in found
        ]
        return self.part(ctx, objects)


class ImportVolume(AsyncCommand, name="importVolume", response=VOLUME, event="VOLUME.IMPORT", since="4.19.1"):
    """Takes in what lies in a storage pool as a volume."""

    path = string("Where it lies in the storage pool", required=True)
    storageid = ref(STORAGE_POOL, required=True)
    name = string("What the volume is called; as the file if not given")
    diskofferingid = ref(DISK_OFFERING, "Its disk offering, a custom one; any that fits if not given")
    account = string("The account it is for; with domainid")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await _look(cloud, caller, parameters)

    def run(self, ctx: Context) -> Body:
        account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        job = volume_import.take_in(
            ctx,
            self.storageid,
            self.prepared["found"],
            self.path,
            account,
            name=self.name,
            offering=self.diskofferingid,
        )
        return {"jobid": job}


class UnmanageVolume(
    AsyncCommand, name="unmanageVolume", response=SUCCESS, event="VOLUME.UNMANAGE", since="4.19.1"
):  # fmt: skip
    """Forgets a volume and leaves it where it lies, to be taken in again."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": volume_import.unmanage(ctx, self.id)}
