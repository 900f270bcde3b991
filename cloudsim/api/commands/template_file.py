"""The files of templates and ISOs: URLs to fetch them from, and to send them to."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, integer, mapping, ref, string
from cloudsim.api.responses.extract import EXTRACT_ISO, EXTRACT_TEMPLATE
from cloudsim.api.responses.template_file import UPLOAD_PARAMS
from cloudsim.services import access, extract, template_extract, template_rules, template_upload
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN, GUEST_OS, PROJECT, TEMPLATE, ZONE
from cloudsim.services.template_register import Registration

_MODE = "How the file is handed out: " + ", ".join(extract.MODES)
_URL = "Where the file would be sent to: no mode sends it, so nothing may be given"


class _Extract(AsyncCommand):
    id = ref(TEMPLATE, required=True)
    mode = string(_MODE, required=True)
    url = string(_URL, length=2048)
    zoneid = ref(ZONE)

    def ordered(self, ctx: Context, iso: bool) -> Body:
        """Orders the URL."""
        return {"jobid": template_extract.order(ctx, self.id, self.zoneid, self.mode, self.url, iso=iso)}


class ExtractTemplate(_Extract, name="extractTemplate", response=EXTRACT_TEMPLATE, event="TEMPLATE.EXTRACT"):
    """Makes a URL that a template can be fetched from for some time."""

    def run(self, ctx: Context) -> Body:
        return self.ordered(ctx, False)


class ExtractIso(_Extract, name="extractIso", response=EXTRACT_ISO, event="ISO.EXTRACT"):
    """Makes a URL that an ISO can be fetched from for some time."""

    def run(self, ctx: Context) -> Body:
        return self.ordered(ctx, True)


class GetUploadParamsForTemplate(
    Command, name="getUploadParamsForTemplate", response=UPLOAD_PARAMS, event="TEMPLATE.CREATE", since="4.6.0"
):
    """Registers a template that is sent by a POST, and tells where and with which signature."""

    format = string(required=True)
    hypervisor = string(required=True)
    name = string(required=True)
    zoneid = ref(ZONE, required=True)
    account = string()
    arch = string(since="4.20")
    bits = integer()
    checksum = string()
    deployasis = boolean(since="4.15.1")
    details = mapping()
    displaytext = string(length=4096)
    domainid = ref(DOMAIN)
    forcks = boolean("Whether it is for the nodes of Kubernetes clusters", since="4.21.0")
    isdynamicallyscalable = boolean()
    isextractable = boolean()
    isfeatured = boolean(admin=True)
    ispublic = boolean()
    isrouting = boolean()
    ostypeid = ref(GUEST_OS)
    passwordenabled = boolean()
    projectid = ref(PROJECT)
    requireshvm = boolean()
    sshkeyenabled = boolean()
    templatetag = string()
    templatetype = string(since="4.22.0")

    def run(self, ctx: Context) -> Body:
        hypervisor = template_rules.hypervisor_of(self.hypervisor)
        want = Registration(
            name=self.name,
            owner=access.account_of(ctx, self.domainid, self.account, self.projectid),
            zones=[self.zoneid],
            format=template_rules.format_of(hypervisor, self.format),
            hypervisor=hypervisor,
            guest_os=self.ostypeid,
            display_text=self.displaytext,
            type=self.templatetype,
            routing=self.isrouting,
            arch=self.arch,
            bits=self.bits,
            checksum=self.checksum,
            tag=self.templatetag,
            public=self.ispublic,
            featured=self.isfeatured,
            extractable=self.isextractable,
            password_enabled=self.passwordenabled,
            sshkey_enabled=self.sshkeyenabled,
            dynamically_scalable=self.isdynamicallyscalable,
            requires_hvm=self.requireshvm,
            deploy_as_is=self.deployasis,
            for_cks=self.forcks,
            details=self.details or {},
        )
        return {"getuploadparams": template_upload.request(ctx, want)}


class GetUploadParamsForIso(
    Command, name="getUploadParamsForIso", response=UPLOAD_PARAMS, event="ISO.CREATE", since="4.13"
):
    """Registers an ISO that is sent by a POST, and tells where and with which signature."""

    format = string(required=True, values=(template_rules.ISO,))
    name = string(required=True)
    zoneid = ref(ZONE, required=True)
    account = string()
    bootable = boolean()
    checksum = string()
    displaytext = string(length=4096)
    domainid = ref(DOMAIN)
    isextractable = boolean()
    isfeatured = boolean(admin=True)
    ispublic = boolean()
    ostypeid = ref(GUEST_OS)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        want = Registration(
            name=self.name,
            owner=access.account_of(ctx, self.domainid, self.account, self.projectid),
            zones=[self.zoneid],
            format=self.format,
            hypervisor=None,
            guest_os=self.ostypeid,
            display_text=self.displaytext,
            checksum=self.checksum,
            public=self.ispublic,
            featured=self.isfeatured,
            extractable=self.isextractable,
            bootable=self.bootable,
        )
        return {"getuploadparams": template_upload.request(ctx, want)}
