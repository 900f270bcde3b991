"""Templates and ISOs that are there: changes, copies, deletion."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, integer, mapping, ref, refs, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.template import ISO, TEMPLATE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import nouns, template_copy, template_delete, template_prepare, template_update
from cloudsim.services.context import Context


class _Update(Command):
    """What templates and ISOs have in common (but `name`, which a class of no command cannot declare)."""

    arch = string(since="4.20")
    bootable = boolean()
    cleanupdetails = boolean()
    details = mapping()
    displaytext = string(length=4096)
    forceupdateostype = boolean(since="4.21")
    format = string()
    id = ref(nouns.TEMPLATE, required=True)
    isdynamicallyscalable = boolean()
    isrouting = boolean()
    ostypeid = ref(nouns.GUEST_OS)
    passwordenabled = boolean()
    requireshvm = boolean()
    sortkey = integer()
    sshkeyenabled = boolean()

    def change(self, ctx: Context, iso: bool, **more: object) -> Body:
        """Changes it; answers it as it is then."""
        template_update.update(
            ctx,
            self.id,
            iso=iso,
            guest_os=self.ostypeid,
            force_os=bool(self.forceupdateostype),
            details=self.details,
            clean_details=bool(self.cleanupdetails),
            name=self.__dict__["name"],
            display_text=self.displaytext,
            arch=self.arch,
            is_bootable=self.bootable,
            format=self.format,
            dynamically_scalable=self.isdynamicallyscalable,
            routing=self.isrouting,
            password_enabled=self.passwordenabled,
            requires_hvm=self.requireshvm,
            sort_key=self.sortkey,
            sshkey_enabled=self.sshkeyenabled,
            **more,
        )
        noun = "iso" if iso else "template"
        return {noun: ctx.present(noun, self.id["id"])[0]}


class UpdateTemplate(_Update, name="updateTemplate", response=TEMPLATE):
    """Changes a template."""

    name = string()
    forcks = boolean("Whether it is for the nodes of Kubernetes clusters", since="4.21.0")
    templatetag = string(since="4.20.0")
    templatetype = string()

    def run(self, ctx: Context) -> Body:
        return self.change(ctx, False, for_cks=self.forcks, tag=self.templatetag, type=self.templatetype)


class UpdateIso(_Update, name="updateIso", response=ISO):
    """Changes an ISO."""

    name = string()

    def run(self, ctx: Context) -> Body:
        return self.change(ctx, True)


class DeleteTemplate(AsyncCommand, name="deleteTemplate", response=SUCCESS, event="TEMPLATE.DELETE"):
    """Deletes a template that no virtual machine was made of, from one zone or from all, with its file."""

    id = ref(nouns.TEMPLATE, required=True)
    forced = boolean("Whether it goes although virtual machines were made of it", since="4.9+")
    issystem = boolean("Whether it goes although it is for system virtual machines", since="4.20.0")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        if self.id["format"] == "ISO":
            raise InvalidValue(f"{self.id['name']} is an ISO: deleteIso deletes it")
        forced, system = bool(self.forced), bool(self.issystem)
        return {"jobid": template_delete.order(ctx, self.id, self.zoneid, forced=forced, system=system)}


class DeleteIso(AsyncCommand, name="deleteIso", response=SUCCESS, event="ISO.DELETE"):
    """Deletes an ISO that no virtual machine has, from one zone or from all, with its file."""

    id = ref(nouns.TEMPLATE, required=True)
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        if self.id["format"] != "ISO":
            raise InvalidValue(f"{self.id['name']} is a template: deleteTemplate deletes it")
        return {"jobid": template_delete.order(ctx, self.id, self.zoneid)}


class _Copy(AsyncCommand):
    id = ref(nouns.TEMPLATE, required=True)
    destzoneid = ref(nouns.ZONE, "The zone that it is copied to")
    destzoneids = refs(nouns.ZONE, "The zones that it is copied to")
    sourcezoneid = ref(nouns.ZONE, "The zone that it is copied from; any where it is ready if not given")

    def copied(self, ctx: Context, iso: bool) -> Body:
        """Orders the copies."""
        if self.destzoneid is not None and self.destzoneids:
            raise InvalidValue("give destzoneid or destzoneids, not both")
        targets = self.destzoneids or ([self.destzoneid] if self.destzoneid is not None else [])
        return {"jobid": template_copy.order(ctx, self.id, self.sourcezoneid, targets, iso=iso)}


class CopyTemplate(_Copy, name="copyTemplate", response=TEMPLATE, event="TEMPLATE.COPY"):
    """Copies a template to other zones."""

    def run(self, ctx: Context) -> Body:
        return self.copied(ctx, False)


class CopyIso(_Copy, name="copyIso", response=ISO, event="ISO.COPY"):
    """Copies an ISO to other zones."""

    def run(self, ctx: Context) -> Body:
        return self.copied(ctx, True)


class PrepareTemplate(Command, name="prepareTemplate", response=TEMPLATE):
    """Looks whether a template can be brought to primary storage; storage pools copy it when a volume is made of it."""

    templateid = ref(nouns.TEMPLATE, required=True)
    zoneid = ref(nouns.ZONE, required=True)
    storageid = ref(nouns.STORAGE_POOL, "A storage pool of the zone; all of them if not given")

    def run(self, ctx: Context) -> Body:
        made = ctx.present("template", template_prepare.prepare(ctx, self.templateid, self.zoneid, self.storageid))
        return {"count": len(made), "template": made}
