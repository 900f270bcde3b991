"""Guest operating systems, their categories and what hypervisors call them: adding, changing, taking away."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, integer, mapping, ref, string
from cloudsim.api.responses.ostype import GUEST_NAMES, OS_CATEGORY, OS_MAPPING, OS_TYPE
from cloudsim.services import guestos, guestosmapping, nouns
from cloudsim.services.context import Context


class AddGuestOs(AsyncCommand, name="addGuestOs", response=OS_TYPE, event="GUEST.OS.ADD", since="4.4.0"):
    """Adds a guest OS type."""

    oscategoryid = ref(nouns.GUEST_OS_CATEGORY, required=True)
    osdisplayname = string("What people read; no two have the same", required=True)
    details = mapping()
    forDisplay = boolean("Whether it is listed for display (true if not said)", default=True)
    name = string("A shorter name")

    def run(self, ctx: Context) -> Body:
        uuid, job = guestos.add(
            ctx,
            self.oscategoryid,
            self.osdisplayname,
            short_name=self.name,
            shown=self.forDisplay,
            details=self.details,
        )
        return {"id": uuid, "jobid": job}


class UpdateGuestOs(AsyncCommand, name="updateGuestOs", response=OS_TYPE, event="GUEST.OS.UPDATE", since="4.4.0"):
    """Changes a guest OS type that was added."""

    id = ref(nouns.GUEST_OS, required=True)
    details = mapping("Names and values that take the place of those it has")
    forDisplay = boolean("Whether it is listed for display")
    oscategoryid = ref(nouns.GUEST_OS_CATEGORY, since="4.21.0")
    osdisplayname = string("What people read; no two have the same")

    def run(self, ctx: Context) -> Body:
        job = guestos.order_update(
            ctx,
            self.id,
            name=self.osdisplayname,
            category_row=self.oscategoryid,
            shown=self.forDisplay,
            details=self.details,
        )
        return {"jobid": job}


class RemoveGuestOs(AsyncCommand, name="removeGuestOs", event="GUEST.OS.REMOVE", since="4.4.0"):
    """Removes a guest OS type that was added and that no template or machine has."""

    id = ref(nouns.GUEST_OS, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": guestos.order_remove(ctx, self.id)}


class AddOsCategory(Command, name="addOsCategory", response=OS_CATEGORY, event="GUEST.OS.CATEGORY.ADD", since="4.21.0"):
    """Adds a category of guest operating systems."""

    name = string(required=True)
    isfeatured = boolean("Whether it is shown first (false if not said)", default=False)

    def run(self, ctx: Context) -> Body:
        made = guestos.add_category(ctx, self.name, self.isfeatured)
        return {"oscategory": ctx.present("oscategory", made)[0]}


class UpdateOsCategory(
    Command, name="updateOsCategory", response=OS_CATEGORY, event="GUEST.OS.CATEGORY.UPDATE", since="4.21.0"
):
    """Changes a category of guest operating systems."""

    id = ref(nouns.GUEST_OS_CATEGORY, required=True)
    isfeatured = boolean()
    name = string()
    sortkey = integer()

    def run(self, ctx: Context) -> Body:
        guestos.update_category(ctx, self.id, name=self.name, featured=self.isfeatured, sort_key=self.sortkey)
        return {"oscategory": ctx.present("oscategory", self.id["id"])[0]}


class DeleteOsCategory(Command, name="deleteOsCategory", event="GUEST.OS.CATEGORY.DELETE", since="4.21.0"):
    """Deletes a category that no guest OS type is in."""

    id = ref(nouns.GUEST_OS_CATEGORY, required=True)

    def run(self, ctx: Context) -> Body:
        guestos.delete_category(ctx, self.id)
        return {"success": True}


_CHECK = "Whether a host is asked first if it offers that name (false if not said)"


class AddGuestOsMapping(
    AsyncCommand, name="addGuestOsMapping", response=OS_MAPPING, event="GUEST.OS.MAPPING.ADD", since="4.4.0"
):
    """Says what a version of a hypervisor calls a guest OS type."""

    hypervisor = string(required=True)
    hypervisorversion = string("One of listHypervisorCapabilities", required=True)
    osnameforhypervisor = string(required=True)
    forced = boolean("Whether a mapping that is there gets this name", since="4.19.0", default=False)
    osdisplayname = string("The name of the OS type, in the place of ostypeid")
    osmappingcheckenabled = boolean(_CHECK, since="4.19.0", default=False)
    ostypeid = ref(nouns.GUEST_OS)

    def run(self, ctx: Context) -> Body:
        uuid, job = guestosmapping.add(
            ctx,
            hypervisor_name=self.hypervisor,
            version=self.hypervisorversion,
            name=self.osnameforhypervisor,
            os_row=self.ostypeid,
            display_name=self.osdisplayname,
            check=self.osmappingcheckenabled,
            forced=self.forced,
        )
        return {"id": uuid, "jobid": job}


class UpdateGuestOsMapping(
    AsyncCommand, name="updateGuestOsMapping", response=OS_MAPPING, event="GUEST.OS.MAPPING.UPDATE", since="4.4.0"
):
    """Changes what a hypervisor calls a guest OS type, where that was added."""

    id = ref(nouns.GUEST_OS_MAPPING, required=True)
    osnameforhypervisor = string(required=True)
    osmappingcheckenabled = boolean(_CHECK, since="4.19.0", default=False)

    def run(self, ctx: Context) -> Body:
        job = guestosmapping.order_update(ctx, self.id, self.osnameforhypervisor, self.osmappingcheckenabled)
        return {"jobid": job}


class RemoveGuestOsMapping(AsyncCommand, name="removeGuestOsMapping", event="GUEST.OS.MAPPING.REMOVE", since="4.4.0"):
    """Removes a mapping that was added."""

    id = ref(nouns.GUEST_OS_MAPPING, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": guestosmapping.order_remove(ctx, self.id)}


class ListGuestOsMapping(ListCommand, name="listGuestOsMapping", response=OS_MAPPING, since="4.4.0"):
    """Lists what hypervisors call the guest OS types."""

    hypervisor = string()
    hypervisorversion = string()
    id = ref(nouns.GUEST_OS_MAPPING)
    osdisplayname = string("Only OS types whose name has this in it")
    osnameforhypervisor = string("Only those whose name has this in it")
    ostypeid = ref(nouns.GUEST_OS)

    def run(self, ctx: Context) -> Body:
        named = self.osdisplayname, self.osnameforhypervisor
        name, hypervisor_name = (guestosmapping.like(one) if one else None for one in named)
        return self.select(
            ctx,
            guestosmapping.LISTING,
            id=id_of(self.id),
            os=id_of(self.ostypeid),
            hypervisor=self.hypervisor.lower() if self.hypervisor else None,
            version=self.hypervisorversion,
            name=name,
            hypervisor_name=hypervisor_name,
        )


class GetHypervisorGuestOsNames(
    AsyncCommand,
    name="getHypervisorGuestOsNames",
    response=GUEST_NAMES,
    event="GUEST.OS.HYPERVISOR.NAME.FETCH",
    since="4.19.0",
):
    """Asks hosts of a version of a hypervisor which guests they offer."""

    hypervisor = string(required=True)
    hypervisorversion = string("The version of hosts that are up; default: any", required=True)
    keyword = string()

    def run(self, ctx: Context) -> Body:
        return {"jobid": guestosmapping.order_names(ctx, self.hypervisor, self.hypervisorversion, self.keyword)}
