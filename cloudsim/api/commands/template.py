"""Templates and ISOs."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import Body, OwnedList
from cloudsim.api.params import boolean, ref, refs, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.template import ISO, TEMPLATE
from cloudsim.services import template
from cloudsim.services.context import Context
from cloudsim.services.nouns import GUEST_OS_CATEGORY, IMAGE_STORE, STORAGE_POOL, ZONE
from cloudsim.services.nouns import TEMPLATE as TEMPLATE_NOUN


class _TemplateList(OwnedList):
    """What lists of templates and ISOs have in common (but `name`, which a class of no command cannot declare)."""

    arch = string(since="4.20")
    hypervisor = string()
    id = ref(TEMPLATE_NOUN)
    oscategoryid = ref(GUEST_OS_CATEGORY, since="4.21.0")
    showicon = boolean()
    showremoved = boolean("Whether deleted ones are listed as well")
    showunique = boolean("Whether each is listed once, not once for each zone", since="4.13.2")
    storageid = ref(STORAGE_POOL, "Only those in the zone of this storage pool", since="4.19")
    zoneid = ref(ZONE)

    def found(self, ctx: Context, which: str, iso: bool, **given: Any) -> Body:
        """The body for one filter."""
        scope = self.scope(ctx, listall=which == "all")
        zone = self.zoneid["id"] if self.zoneid else None
        if self.storageid is not None:
            zone = self.storageid["zone_id"] if zone in (None, self.storageid["zone_id"]) else -1
        return self.answer(
            ctx,
            template.search(
                ctx,
                self.paging(ctx),
                scope,
                which,
                iso=iso,
                owned=self.account is not None,
                id=self.id,
                removed=self.showremoved,
                unique=self.showunique,
                tags=self.tags,
                name=self.name,
                keyword=self.keyword,
                zone=zone,
                arch=self.arch.lower() if self.arch else None,
                hypervisor=self.hypervisor.lower() if self.hypervisor else None,
                category=self.oscategoryid["id"] if self.oscategoryid else None,
                **given,
            ),
        )


class ListTemplates(_TemplateList, name="listTemplates", response=TEMPLATE):
    """Lists templates."""

    name = string()
    templatefilter = string("Which templates: " + ", ".join(template.FILTERS), required=True)
    details = strings("What to tell of each (all, min); all of it is always told", since="4.15")
    extensionid = uuid_param("Only those of this extension: this server has none", since="4.21.0")
    forcks = boolean("Whether it is for the nodes of Kubernetes clusters", since="4.21.0")
    ids = refs(TEMPLATE_NOUN, since="4.9")
    imagestoreid = ref(IMAGE_STORE, "Only those in this image store", since="4.19")
    isready = boolean("Whether it can be deployed now", since="4.21.0")
    isvnf = boolean("Whether it is a network appliance: none of this server's is", since="4.19.0")
    parenttemplateid = ref(TEMPLATE_NOUN, since="4.4")
    templatetype = string(since="4.19.0")

    def run(self, ctx: Context) -> Body:
        return self.found(
            ctx,
            self.templatefilter.lower(),
            False,
            ids=[row["id"] for row in self.ids] if self.ids else None,
            ready=self.isready,
            parent=self.parenttemplateid["id"] if self.parenttemplateid else None,
            type=self.templatetype.lower() if self.templatetype else None,
            cks=self.forcks,
            store=self.imagestoreid["id"] if self.imagestoreid else None,
            none=True if self.extensionid or self.isvnf else None,
        )


class ListIsos(_TemplateList, name="listIsos", response=ISO):
    """Lists ISOs."""

    bootable = boolean()
    imagestoreid = ref(IMAGE_STORE, "Only those in this image store", since="4.19")
    name = string()
    isofilter = string("Which ISOs: " + ", ".join(template.FILTERS) + " (selfexecutable if nothing is said)")
    ispublic = boolean()
    isready = boolean("Whether it can be used now")

    def run(self, ctx: Context) -> Body:
        return self.found(
            ctx,
            (self.isofilter or "selfexecutable").lower(),
            True,
            bootable=self.bootable,
            public=self.ispublic,
            ready=self.isready,
            store=self.imagestoreid["id"] if self.imagestoreid else None,
        )
