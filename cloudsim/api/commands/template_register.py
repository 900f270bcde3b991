"""Templates and ISOs, registered by their URLs."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import Parameters, boolean, integer, mapping, ref, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.template import ISO, TEMPLATE
from cloudsim.core.caller import Caller
from cloudsim.services import access, template_register, template_rules
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import DOMAIN, GUEST_OS, IMAGE_STORE, PROJECT, ZONE
from cloudsim.services.template_register import Registration


class _Register(Command):
    """What templates and ISOs have in common (but `name`, which a class of no command cannot declare)."""

    account = string()
    arch = string(since="4.20")
    checksum = string()
    directdownload = boolean("Whether hosts fetch it by themselves: not supported, true is refused")
    displaytext = string(length=4096)
    domainid = ref(DOMAIN)
    isdynamicallyscalable = boolean()
    isextractable = boolean()
    isfeatured = boolean(admin=True)
    ispublic = boolean()
    ostypeid = ref(GUEST_OS)
    passwordenabled = boolean()
    projectid = ref(PROJECT)
    url = string(length=2048, required=True)

    def registration(self, ctx: Context) -> Registration:
        """All that was said."""
        raise NotImplementedError

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        def look(tx: object) -> tuple[str, bool]:
            ctx = cloud.context(tx, caller)  # type: ignore[arg-type]
            ctx.command = cls.name
            wanted = cls(ctx, parameters)
            given = wanted.registration(ctx)
            template_rules.check_ending(wanted.url, given.format)
            return wanted.url, template_register.is_real(ctx, given.zones)

        url, real = await cloud.db.read(look)
        await template_rules.check_url(cloud, url, real=real)

    def common(self, ctx: Context) -> dict[str, object]:
        """What is said of both."""
        return {
            "name": self.__dict__["name"],
            "owner": access.account_of(ctx, self.domainid, self.account, self.projectid),
            "guest_os": self.ostypeid,
            "url": self.url,
            "display_text": self.displaytext,
            "arch": self.arch,
            "checksum": self.checksum,
            "public": self.ispublic,
            "featured": self.isfeatured,
            "extractable": self.isextractable,
            "password_enabled": self.passwordenabled,
            "dynamically_scalable": self.isdynamicallyscalable,
            "direct_download": self.directdownload,
        }

    def answer(self, ctx: Context, noun: str) -> Body:
        """Registers it: one object for each zone."""
        made = ctx.present(noun, *template_register.register(ctx, self.registration(ctx)))
        return {"count": len(made), noun: made}


class RegisterTemplate(_Register, name="registerTemplate", response=TEMPLATE):
    """Registers a template by its URL: it is downloaded to a zone, to some or to all."""

    format = string(required=True)
    hypervisor = string(required=True)
    name = string(required=True)
    bits = integer()
    deployasis = boolean(since="4.15.1")
    details = mapping()
    extensionid = uuid_param("The extension whose hypervisor it is for: this server has none", since="4.21.0")
    externaldetails = mapping("Details for an extension: this server has none", since="4.21.0")
    forcks = boolean("Whether it is for the nodes of Kubernetes clusters", since="4.21.0")
    isrouting = boolean()
    requireshvm = boolean()
    sshkeyenabled = boolean()
    templatetag = string()
    templatetype = string(since="4.19.0")
    zoneid = ref(ZONE, "The zone; -1: all of them", also=("-1",))
    zoneids = strings("The zones; -1: all of them")

    def registration(self, ctx: Context) -> Registration:
        template_rules.no_extension(self.extensionid, self.externaldetails)
        hypervisor = template_rules.hypervisor_of(self.hypervisor)
        return Registration(
            **self.common(ctx),  # type: ignore[arg-type]
            zones=template_register.zones_of(ctx, self.zoneid, self.zoneids),
            format=template_rules.format_of(hypervisor, self.format),
            hypervisor=hypervisor,
            type=self.templatetype,
            routing=self.isrouting,
            bits=self.bits,
            tag=self.templatetag,
            sshkey_enabled=self.sshkeyenabled,
            requires_hvm=self.requireshvm,
            deploy_as_is=self.deployasis,
            for_cks=self.forcks,
            details=self.details or {},
        )

    def run(self, ctx: Context) -> Body:
        return self.answer(ctx, "template")


class RegisterIso(_Register, name="registerIso", response=ISO):
    """Registers an ISO by its URL: it is downloaded to a zone, or to all."""

    name = string(required=True)
    zoneid = ref(ZONE, "The zone; -1: all of them", also=("-1",), required=True)
    bootable = boolean()
    imagestoreuuid = string("The id of the image store that it goes to, for root admins to choose", admin=True)

    def registration(self, ctx: Context) -> Registration:
        return Registration(
            **self.common(ctx),  # type: ignore[arg-type]
            zones=template_register.zones_of(ctx, self.zoneid, None),
            format=template_rules.ISO,
            hypervisor=None,
            bootable=self.bootable,
            store=access.find(ctx, IMAGE_STORE, self.imagestoreuuid) if self.imagestoreuuid else None,
        )

    def run(self, ctx: Context) -> Body:
        return self.answer(ctx, "iso")
