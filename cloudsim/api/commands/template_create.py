"""Templates that are made of a volume or a snapshot."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body
from cloudsim.api.params import boolean, integer, mapping, ref, string
from cloudsim.api.responses.template import TEMPLATE
from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.services import access, nouns, template_create
from cloudsim.services.context import Context


class CreateTemplate(AsyncCommand, name="createTemplate", response=TEMPLATE, event="TEMPLATE.CREATE"):
    """Makes a template of a volume, which no machine runs with, or of a snapshot; it can be deployed at once."""

    name = string(required=True)
    ostypeid = ref(nouns.GUEST_OS, required=True)
    volumeid = ref(nouns.VOLUME, "The volume that it is made of: one that is not attached, or of a stopped machine")
    snapshotid = ref(nouns.SNAPSHOT, "The snapshot that it is made of")
    zoneid = ref(
        nouns.ZONE, "Which of the zones that have the snapshot; where it is not given, its volume's", since="4.19.0"
    )
    account = string("Whom it is for, in domainid; the caller where it is not given", since="4.19.0")
    domainid = ref(nouns.DOMAIN, since="4.19.0")
    projectid = ref(nouns.PROJECT)
    displaytext = string(length=4096)
    arch = string("The CPU architecture; that of the image of the disk where it is not given", since="4.20.2")
    bits = integer()
    details = mapping()
    isdynamicallyscalable = boolean()
    isfeatured = boolean("Whether it is featured: of root admins only, no effect from others")
    ispublic = boolean()
    passwordenabled = boolean()
    requireshvm = boolean()
    sshkeyenabled = boolean()
    templatetag = string()
    url = string("The place of a bare metal image: there is no bare metal here, and it is refused", length=2048)
    virtualmachineid = ref(nouns.VIRTUAL_MACHINE, "A bare metal machine: there are none here, and it is refused")

    def run(self, ctx: Context) -> Body:
        if self.url is not None or self.virtualmachineid is not None:
            raise InvalidValue("url and virtualmachineid are for bare metal: give volumeid or snapshotid")
        disk = self.volumeid or self.snapshotid
        if disk is None:
            raise BadParameter("say what it is made of: volumeid or snapshotid")
        access.must_own(ctx, nouns.VOLUME if self.volumeid else nouns.SNAPSHOT, disk)
        uuid, job = template_create.create(
            ctx,
            template_create.Wanted(
                name=self.name,
                owner=template_create.owner_of(ctx, disk, self.domainid, self.account, self.projectid),
                guest_os=self.ostypeid,
                volume=self.volumeid,
                snapshot=self.snapshotid,
                zone=self.zoneid,
                display_text=self.displaytext,
                arch=self.arch,
                bits=self.bits,
                tag=self.templatetag,
                public=self.ispublic,
                featured=self.isfeatured,
                password_enabled=self.passwordenabled,
                sshkey_enabled=self.sshkeyenabled,
                dynamically_scalable=self.isdynamicallyscalable,
                requires_hvm=self.requireshvm,
                details=self.details or {},
            ),
        )
        return {"id": uuid, "jobid": job}
