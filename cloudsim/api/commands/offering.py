"""Service and disk offerings."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import Body, Command, DomainList
from cloudsim.api.params import boolean, integer, long, mapping, ref, refs, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.offering import DISK_OFFERING, SERVICE_OFFERING
from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.services import offering
from cloudsim.services.context import Context
from cloudsim.services.nouns import DISK_OFFERING as DISK
from cloudsim.services.nouns import DOMAIN, PROJECT, STORAGE_POOL, TEMPLATE, VIRTUAL_MACHINE, VOLUME, ZONE
from cloudsim.services.nouns import SERVICE_OFFERING as SERVICE


class _Traffic(Command):
    """The limits of a disk's traffic."""

    bytesreadrate = long()
    bytesreadratemax = long()
    bytesreadratemaxlength = long()
    byteswriterate = long()
    byteswriteratemax = long()
    byteswriteratemaxlength = long()
    iopsreadrate = long()
    iopsreadratemax = long()
    iopsreadratemaxlength = long()
    iopswriterate = long()
    iopswriteratemax = long()
    iopswriteratemaxlength = long()

    def limits(self) -> dict[str, int | None]:
        """Those that were given, by name."""
        return {name: getattr(self, name) for name in offering.LIMITS}


class ListServiceOfferings(DomainList, name="listServiceOfferings", response=SERVICE_OFFERING):
    """Lists service offerings."""

    account = string("Without effect: service offerings belong to domains, not to accounts")
    cpunumber = integer("Only those with this number of CPUs, and custom ones that allow it", since="4.15")
    cpuspeed = integer("Only those with this speed (MHz), and custom ones", since="4.15")
    encryptroot = boolean("Whether root disks are encrypted", since="4.18")
    gpuenabled = boolean("Whether it gives a GPU: none of this server's does", since="4.21.0")
    id = ref(SERVICE)
    issystem = boolean("Whether the offerings of system virtual machines are listed instead", admin=True)
    memory = integer("Only those with this much memory (MB), and custom ones that allow it", since="4.15")
    name = string()
    projectid = ref(PROJECT, "Without effect: offerings are not owned by projects", also=("-1",))
    state = string("Active (if nothing is said), Inactive or all", since="4.19")
    storagetype = string(values=offering.STORAGE_TYPES, since="4.19")
    systemvmtype = string("Only those for this kind of system virtual machine", admin=True)
    templateid = ref(TEMPLATE, "Only those whose root disk has room for this template", since="4.20.0")
    vgpuprofileid = uuid_param("Only those with this vGPU profile: none of this server's has one", since="4.21.0")
    virtualmachineid = ref(VIRTUAL_MACHINE, "Only those that this virtual machine could change to")
    zoneid = ref(ZONE, since="4.13")

    def run(self, ctx: Context) -> Body:
        found = offering.services(
            ctx,
            self.paging(ctx),
            domain=self.domainid,
            below=bool(self.isrecursive),
            zone=self.zoneid,
            vm=self.virtualmachineid,
            template=self.templateid,
            cpu=self.cpunumber,
            speed=self.cpuspeed,
            memory=self.memory,
            keyword=self.keyword,
            id=self.id["id"] if self.id else None,
            name=self.name,
            state=offering.state_filter(self.state),
            system=bool(self.issystem) if self.id is None else None,
            systemvmtype=self.systemvmtype.lower() if self.systemvmtype else None,
            storagetype=self.storagetype,
            encrypt=self.encryptroot,
            none=True if self.gpuenabled or self.vgpuprofileid else None,
        )
        return self.answer(ctx, found)


class CreateServiceOffering(
    _Traffic, name="createServiceOffering", response=SERVICE_OFFERING, event="SERVICE.OFFERING.CREATE"
):
    """Makes a service offering."""

    name = string(required=True)
    cachemode = string(values=offering.CACHE_MODES, since="4.14")
    cpunumber = integer()
    cpuspeed = integer()
    customized = boolean("Whether CPU and memory are chosen when a machine is deployed", since="4.13")
    customizediops = boolean(since="4.4")
    deploymentplanner = string()
    diskofferingid = ref(DISK, "The disk offering of root disks, instead of one of its own", since="4.17")
    diskofferingstrictness = boolean("Whether root disks keep to that disk offering", since="4.17")
    displaytext = string()
    domainid = refs(DOMAIN, "The domains that may use it, with those below them; all if none is given")
    dynamicscalingenabled = boolean(since="4.16")
    encryptroot = boolean(since="4.18")
    externaldetails = mapping("Details for orchestrators outside the cloud", since="4.21.0")
    gpucount = integer("How many GPUs it gives; hosts of this server have none", since="4.21")
    gpudisplay = boolean("Whether a GPU drives the display; hosts of this server have none", since="4.21")
    hosttags = string()
    hypervisorsnapshotreserve = integer(since="4.4")
    issystem = boolean()
    isvolatile = boolean("Whether root disks are made anew at each reboot")
    leaseduration = integer("Days of the lease of its virtual machines", since="4.21.0")
    leaseexpiryaction = string(values=offering.LEASE_ACTIONS, since="4.21.0")
    limitcpuuse = boolean()
    maxcpunumber = integer(since="4.13")
    maxiops = long(since="4.4")
    maxmemory = integer(since="4.13")
    memory = integer()
    mincpunumber = integer(since="4.13")
    miniops = long(since="4.4")
    minmemory = integer(since="4.13")
    networkrate = integer()
    offerha = boolean()
    provisioningtype = string(values=offering.PROVISIONING)
    purgeresources = boolean("Without effect: expunged machines are never purged from the database", since="4.20")
    rootdisksize = long(since="4.15")
    serviceofferingdetails = mapping()
    storagepolicy = uuid_param("A VMware storage policy: this server has none", since="4.15")
    storagetype = string(values=offering.STORAGE_TYPES)
    systemvmtype = string(values=offering.SYSTEM_VM_TYPES)
    tags = string("Storage tags of root disks")
    vgpuprofileid = uuid_param("A vGPU profile: this server has none", since="4.21")
    zoneid = refs(ZONE, "The zones it can be used in; all if none is given", since="4.13")

    def run(self, ctx: Context) -> Body:
        for value, what in ((self.storagepolicy, "storage policy"), (self.vgpuprofileid, "vGPU profile")):
            if value is not None:
                raise BadParameter(f"there is no {what} with id {value}")
        if self.gpucount:
            raise InvalidValue("gpucount goes with a vGPU profile, and this server has none")
        if self.leaseduration is not None and self.leaseduration < 1 and self.leaseduration != -1:
            raise InvalidValue("leaseduration is in days: 1 or more")
        if self.leaseexpiryaction and self.leaseduration is None:
            raise InvalidValue("leaseexpiryaction goes with leaseduration")
        bounds = {name: getattr(self, name) for name in ("mincpunumber", "maxcpunumber", "minmemory", "maxmemory")}
        details = dict(self.serviceofferingdetails or {})
        details.update(offering.custom(self.customized, self.cpunumber, self.cpuspeed, self.memory, bounds))
        details.update({f"External:{name}": value for name, value in (self.externaldetails or {}).items()})
        promised = (self.customizediops, self.miniops, self.maxiops)
        made = offering.create_service(
            ctx,
            self.name,
            display_text=self.displaytext,
            cpu=self.cpunumber,
            speed=self.cpuspeed,
            memory=self.memory,
            disk_offering=self.diskofferingid,
            strict=bool(self.diskofferingstrictness),
            system_vm_type=self.systemvmtype,
            is_system=bool(self.issystem),
            is_volatile=bool(self.isvolatile),
            network_rate=self.networkrate,
            root_disk_size=self.rootdisksize,
            places=offering.limited_to(ctx, self.domainid, self.zoneid),
            details=details,
            disk_columns={
                **offering.traffic(self.limits()),
                **(offering.iops(*promised) if any(value is not None for value in promised) else {}),
                "storage_type": self.storagetype,
                "provisioning": self.provisioningtype,
                "tags": self.tags,
                "encrypt": self.encryptroot,
                "cache_mode": self.cachemode,
                "hypervisor_snapshot_reserve": offering.snapshot_reserve(self.hypervisorsnapshotreserve),
            },
            deployment_planner=self.deploymentplanner,
            host_tags=self.hosttags,
            offer_ha=bool(self.offerha),
            limit_cpu_use=bool(self.limitcpuuse),
            dynamic_scaling=self.dynamicscalingenabled is not False,
            purge_resources=self.purgeresources,
            lease_duration=self.leaseduration,
            lease_expiry_action=self.leaseexpiryaction or ("STOP" if self.leaseduration else None),
        )
        return {"serviceoffering": ctx.present("serviceoffering", made)[0]}


class UpdateServiceOffering(
    Command, name="updateServiceOffering", response=SERVICE_OFFERING, event="SERVICE.OFFERING.EDIT"
):
    """Changes a service offering."""

    id = ref(SERVICE, required=True)
    cleanupexternaldetails = boolean("Whether all details for outside orchestrators go away", since="4.22.0")
    displaytext = string()
    domainid = string("The domains that may use it from now on, or public for all", length=4096)
    externaldetails = mapping(
        "Details for orchestrators outside the cloud, in the place of those before", since="4.21.0"
    )
    hosttags = string(blank=True, since="4.16")
    name = string()
    purgeresources = boolean(since="4.20")
    sortkey = integer()
    state = string(values=offering.STATES)
    storagetags = string(blank=True, since="4.16")
    zoneid = string("The zones it can be used in from now on, or all", since="4.13")

    def run(self, ctx: Context) -> Body:
        details = None
        if self.externaldetails or self.cleanupexternaldetails:
            kept = {key: value for key, value in self.id["details"].items() if not key.startswith("External:")}
            details = {**kept, **{f"External:{key}": value for key, value in (self.externaldetails or {}).items()}}
        offering.update_service(
            ctx,
            self.id,
            storage_tags=self.storagetags,
            name=self.name,
            display_text=self.displaytext,
            host_tags=self.hosttags,
            sort_key=self.sortkey,
            state=self.state,
            purge_resources=self.purgeresources,
            details=details,
            **offering.changed_places(ctx, self.domainid, self.zoneid),
        )
        return {"serviceoffering": ctx.present("serviceoffering", self.id["id"])[0]}


class DeleteServiceOffering(Command, name="deleteServiceOffering", response=SUCCESS, event="SERVICE.OFFERING.DELETE"):
    """Deletes a service offering; virtual machines that have it keep it."""

    id = ref(SERVICE, required=True)

    def run(self, ctx: Context) -> Body:
        offering.delete_service(ctx, self.id)
        return {"success": True}


class ListDiskOfferings(DomainList, name="listDiskOfferings", response=DISK_OFFERING):
    """Lists disk offerings."""

    account = string("Without effect: disk offerings belong to domains, not to accounts")
    encrypt = boolean(since="4.18")
    id = ref(DISK)
    name = string()
    projectid = ref(PROJECT, "Without effect: offerings are not owned by projects", also=("-1",))
    state = string("Active (if nothing is said), Inactive or all", since="4.19")
    storageid = ref(STORAGE_POOL, "Only those whose tags this storage pool has", since="4.17")
    storagetype = string(values=offering.STORAGE_TYPES, since="4.19")
    virtualmachineid = ref(
        VIRTUAL_MACHINE, "Tells of each whether it suits this virtual machine's zone", since="4.20.0"
    )
    volumeid = ref(VOLUME, "Only those that this volume could change to", since="4.17")
    zoneid = ref(ZONE, since="4.13")

    def run(self, ctx: Context) -> Body:
        body = self.answer(
            ctx,
            offering.disks(
                ctx,
                self.paging(ctx),
                domain=self.domainid,
                below=bool(self.isrecursive),
                zone=self.zoneid,
                pool=self.storageid,
                volume=self.volumeid,
                keyword=self.keyword,
                id=self.id["id"] if self.id else None,
                name=self.name,
                state=offering.state_filter(self.state),
                storagetype=self.storagetype,
                encrypt=self.encrypt,
                display=None if ctx.caller.is_admin else True,
            ),
        )
        if self.virtualmachineid is not None:
            offering.add_suitable(ctx, self.virtualmachineid, body.get("diskoffering", []))
        return body


class CreateDiskOffering(_Traffic, name="createDiskOffering", response=DISK_OFFERING, event="DISK.OFFERING.CREATE"):
    """Makes a disk offering."""

    name = string(required=True)
    cachemode = string(values=offering.CACHE_MODES, since="4.14")
    customized = boolean("Whether the size is chosen when a volume is made")
    customizediops = boolean()
    details = mapping(since="4.16")
    disksize = long()
    disksizestrictness = boolean("Whether volumes keep the size of the offering", since="4.17")
    displayoffering = boolean()
    displaytext = string(length=4096)
    domainid = refs(DOMAIN, "The domains that may use it, with those below them; all if none is given")
    encrypt = boolean(since="4.18")
    hypervisorsnapshotreserve = integer()
    maxiops = long()
    miniops = long()
    provisioningtype = string(values=offering.PROVISIONING)
    storagepolicy = uuid_param("A VMware storage policy: this server has none", since="4.15")
    storagetype = string(values=offering.STORAGE_TYPES)
    tags = string("Storage tags", length=4096)
    zoneid = refs(ZONE, "The zones it can be used in; all if none is given", since="4.13")

    def run(self, ctx: Context) -> Body:
        if self.storagepolicy is not None:
            raise BadParameter(f"there is no storage policy with id {self.storagepolicy}")
        made = offering.create_disk(
            ctx,
            self.name,
            display_text=self.displaytext,
            size=self.disksize,
            customized=self.customized,
            places=offering.limited_to(ctx, self.domainid, self.zoneid),
            details=self.details,
            **offering.traffic(self.limits()),
            **offering.iops(bool(self.customizediops), self.miniops, self.maxiops),
            size_strict=bool(self.disksizestrictness),
            display=self.displayoffering is not False,
            encrypt=bool(self.encrypt),
            hypervisor_snapshot_reserve=offering.snapshot_reserve(self.hypervisorsnapshotreserve),
            provisioning=self.provisioningtype or "thin",
            storage_type=self.storagetype or "shared",
            tags=self.tags,
            cache_mode=self.cachemode,
        )
        return {"diskoffering": ctx.present("diskoffering", made)[0]}


class UpdateDiskOffering(Command, name="updateDiskOffering", response=DISK_OFFERING, event="DISK.OFFERING.EDIT"):
    """Changes a disk offering."""

    id = ref(DISK, required=True)
    bytesreadrate = long(since="4.15")
    bytesreadratemax = long(since="4.15")
    bytesreadratemaxlength = long(since="4.15")
    byteswriterate = long(since="4.15")
    byteswriteratemax = long(since="4.15")
    byteswriteratemaxlength = long(since="4.15")
    cachemode = string(values=offering.CACHE_MODES, since="4.15")
    displayoffering = boolean()
    displaytext = string(length=4096)
    domainid = string("The domains that may use it from now on, or public for all", length=4096, since="4.13")
    iopsreadrate = long(since="4.15")
    iopsreadratemax = long(since="4.15")
    iopsreadratemaxlength = long(since="4.15")
    iopswriterate = long(since="4.15")
    iopswriteratemax = long(since="4.15")
    iopswriteratemaxlength = long(since="4.15")
    name = string()
    sortkey = integer()
    state = string(values=offering.STATES)
    tags = string(blank=True, since="4.15")
    zoneid = string("The zones it can be used in from now on, or all", since="4.13")

    def run(self, ctx: Context) -> Body:
        limits: dict[str, Any] = {name: getattr(self, name) for name in offering.LIMITS}
        offering.update_disk(
            ctx,
            self.id,
            name=self.name,
            display_text=self.displaytext,
            display=self.displayoffering,
            sort_key=self.sortkey,
            state=self.state,
            tags=self.tags,
            cache_mode=self.cachemode,
            **offering.traffic(limits, base=self.id),
            **offering.changed_places(ctx, self.domainid, self.zoneid),
        )
        return {"diskoffering": ctx.present("diskoffering", self.id["id"])[0]}


class DeleteDiskOffering(Command, name="deleteDiskOffering", response=SUCCESS, event="DISK.OFFERING.DELETE"):
    """Deletes a disk offering; volumes that have it keep it."""

    id = ref(DISK, required=True)

    def run(self, ctx: Context) -> Body:
        offering.delete_disk(ctx, self.id)
        return {"success": True}
