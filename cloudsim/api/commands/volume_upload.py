"""Volumes that are brought to the cloud: from a URL, or by a request."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import Parameters, ref, string
from cloudsim.api.responses.template_file import UPLOAD_PARAMS
from cloudsim.api.responses.volume import VOLUME
from cloudsim.core.caller import Caller
from cloudsim.services import access, template_register, template_rules, volume_upload
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import DISK_OFFERING, DOMAIN, IMAGE_STORE, PROJECT, ZONE


class UploadVolume(AsyncCommand, name="uploadVolume", response=VOLUME, event="VOLUME.UPLOAD"):
    """Brings a data volume from a URL to secondary storage; it goes to primary storage when it is attached."""

    format = string(f"What the file is: {', '.join(volume_upload.FORMATS)}", required=True)
    name = string(required=True)
    url = string("Where the file is fetched from, with http or https", length=2048, required=True)
    zoneid = ref(ZONE, required=True)
    account = string("The account it is for; with domainid")
    checksum = string("What the file must have: {SHA-256}... for another kind than MD5")
    diskofferingid = ref(DISK_OFFERING, "Its disk offering, a custom one; any for everybody if not given")
    domainid = ref(DOMAIN)
    imagestoreuuid = string("The id of the image store that it goes to, for root admins to choose", admin=True)
    projectid = ref(PROJECT)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        def look(tx: object) -> tuple[str, bool]:
            ctx = cloud.context(tx, caller)  # type: ignore[arg-type]
            ctx.command = cls.name
            wanted = cls(ctx, parameters)
            template_rules.check_ending(wanted.url, wanted.format.upper())
            return wanted.url, template_register.is_real(ctx, [wanted.zoneid])

        url, real = await cloud.db.read(look)
        await template_rules.check_url(cloud, url, real=real)

    def run(self, ctx: Context) -> Body:
        uuid, job = volume_upload.fetch(ctx, _wanted(ctx, self, self.url))
        return {"id": uuid, "jobid": job}


class GetUploadParamsForVolume(
    Command, name="getUploadParamsForVolume", response=UPLOAD_PARAMS, event="VOLUME.UPLOAD", since="4.6.0"
):
    """Registers a data volume that is sent by a POST, and tells where and with which signature."""

    format = string(f"What the file is: {', '.join(volume_upload.FORMATS)}", required=True)
    name = string(required=True)
    zoneid = ref(ZONE, required=True)
    account = string("The account it is for; with domainid")
    checksum = string("What the file must have: {SHA-256}... for another kind than MD5")
    diskofferingid = ref(DISK_OFFERING, "Its disk offering, a custom one; any for everybody if not given")
    domainid = ref(DOMAIN)
    imagestoreuuid = string("The id of the image store that it goes to, for root admins to choose", admin=True)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        return {"getuploadparams": volume_upload.request(ctx, _wanted(ctx, self, None))}


def _wanted(ctx: Context, command: UploadVolume | GetUploadParamsForVolume, url: str | None) -> volume_upload.Wanted:
    store = access.find(ctx, IMAGE_STORE, command.imagestoreuuid) if command.imagestoreuuid else None
    return volume_upload.Wanted(
        name=command.name,
        account=access.account_of(ctx, command.domainid, command.account, command.projectid),
        zone=command.zoneid,
        format=command.format,
        offering=command.diskofferingid,
        store=store,
        checksum=command.checksum,
        url=url,
    )
