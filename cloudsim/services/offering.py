"""Service and disk offerings: who sees them, making, changing, deleting them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from cloudsim.allocators import registry
from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, grouped
from cloudsim.services import access, offering_tags
from cloudsim.services.bootstrap import disk_offering as insert_disk
from cloudsim.services.bootstrap import service_offering as insert_service
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals, equals_nocase
from cloudsim.services.nouns import DISK_OFFERING, DOMAIN, SERVICE_OFFERING, ZONE

service, disk = schema.service_offering, schema.disk_offering
GIB = 2**30

#: Limits of the traffic of a disk: the parameter, and the column it is kept in.
LIMITS = {
    f"{unit}{way}rate{rest}": f"{unit}_{way}_rate{column}"
    for unit in ("bytes", "iops")
    for way in ("read", "write")
    for rest, column in (("", ""), ("max", "_max"), ("maxlength", "_max_length"))
}
STATES = ("Active", "Inactive")
STORAGE_TYPES = ("shared", "local")
PROVISIONING = ("thin", "sparse", "fat")
CACHE_MODES = ("none", "writeback", "writethrough", "hypervisor_default")
SYSTEM_VM_TYPES = ("domainrouter", "consoleproxy", "secondarystoragevm", "internalloadbalancervm")
LEASE_ACTIONS = ("STOP", "DESTROY")

SERVICES = Listing(
    service,
    source=service.join(disk, service.c.disk_offering_id == disk.c.id),
    filters={
        "id": equals(service.c.id, "id"),
        "name": equals(service.c.name, "name"),
        "state": equals(service.c.state, "state"),
        "system": equals(service.c.is_system, "system"),
        "systemvmtype": equals_nocase(service.c.system_vm_type, "systemvmtype"),
        "storagetype": equals(disk.c.storage_type, "storagetype"),
        "encrypt": equals(disk.c.encrypt, "encrypt"),
        "hidden": ~any_of(service.c.id, "hidden"),
        "none": service.c.id < 0,
    },
    keyword=(service.c.name, service.c.display_text),
    order=(service.c.sort_key, service.c.id),
)
DISKS = Listing(
    disk,
    filters={
        "id": equals(disk.c.id, "id"),
        "name": equals(disk.c.name, "name"),
        "state": equals(disk.c.state, "state"),
        "storagetype": equals(disk.c.storage_type, "storagetype"),
        "encrypt": equals(disk.c.encrypt, "encrypt"),
        "display": equals(disk.c.display, "display"),
        "hidden": ~any_of(disk.c.id, "hidden"),
        "none": disk.c.id < 0,
    },
    base=(disk.c.compute_only.is_(False),),
    keyword=(disk.c.name, disk.c.display_text),
    order=(disk.c.sort_key, disk.c.id),
)
_SERVICE_ROWS = (
    select(
        service,
        disk.c.uuid.label("disk_uuid"),
        disk.c.name.label("disk_name"),
        disk.c.display_text.label("disk_text"),
        *(
            disk.c[name].label(f"disk_{name}")
            for name in (
                "storage_type", "provisioning", "tags", "encrypt", "cache_mode", "customized_iops", "min_iops",
                "max_iops", "hypervisor_snapshot_reserve", "vsphere_storage_policy", *LIMITS.values(),
            )
        ),
    )
    .select_from(service.join(disk, service.c.disk_offering_id == disk.c.id))
    .where(any_of(service.c.id, "ids"))
)  # fmt: skip
_DISK_ROWS = select(disk).where(any_of(disk.c.id, "ids"))
_SERVICE_LIMITS = select(
    service.c.id, service.c.domain_ids, service.c.zone_ids, service.c.cpu_number, service.c.cpu_speed,
    service.c.memory, service.c.details, service.c.root_disk_size, service.c.dynamic_scaling,
    service.c.disk_offering_id,
).where(service.c.removed.is_(None))  # fmt: skip
_DISK_LIMITS = select(disk.c.id, disk.c.domain_ids, disk.c.zone_ids, disk.c.tags, disk.c.size).where(
    disk.c.removed.is_(None), disk.c.compute_only.is_(False)
)
_DOMAINS = select(schema.domain.c.uuid, schema.domain.c.name, schema.domain.c.path).where(
    any_of(schema.domain.c.uuid, "uuids")
)
_ZONES = select(schema.zone.c.uuid, schema.zone.c.name).where(any_of(schema.zone.c.uuid, "uuids"))


def state_filter(state: str | None) -> str | None:
    """What a list's ``state`` means: the active ones if nothing is said, ``all`` for both. Raises `InvalidValue`."""
    if state is None:
        return "Active"
    if state.lower() == "all":
        return None
    for known in STATES:
        if known.lower() == state.lower():
            return known
    raise InvalidValue(f"state takes Active, Inactive or all, not '{state[:64]}'")


def _paths(ctx: Context, rows: Sequence[Row]) -> dict[str, str]:
    uuids = sorted({uuid for row in rows for uuid in row["domain_ids"]})
    return {row["uuid"]: row["path"] for row in ctx.tx.all(_DOMAINS, uuids=uuids)} if uuids else {}


def hidden(
    ctx: Context,
    rows: Sequence[Row],
    *,
    domain: Row | None = None,
    below: bool = False,
    zone: Row | None = None,
    fits: Callable[[Row], bool] | None = None,
) -> list[int]:
    """Ids of the offerings among `rows` that a list leaves out.

    An offering limited to domains is seen in these domains and those below them; one limited to zones is left out where
    another zone is asked for. `domain` asks for what a domain can use (`below`: and what those below it can), `fits` is
    one more condition.
    """
    paths = _paths(ctx, rows)
    caller = ctx.caller

    def seen(row: Row) -> bool:
        own = [paths[uuid] for uuid in row["domain_ids"] if uuid in paths]
        if row["domain_ids"] and not caller.is_admin:
            above = any(caller.domain_path.startswith(path) for path in own)
            if not above and not (caller.is_domain_admin and any(path.startswith(caller.domain_path) for path in own)):
                return False
        if row["domain_ids"] and domain is not None:
            above = any(domain["path"].startswith(path) for path in own)
            if not above and not (below and any(path.startswith(domain["path"]) for path in own)):
                return False
        if zone is not None and row["zone_ids"] and zone["uuid"] not in row["zone_ids"]:
            return False
        return fits is None or fits(row)

    return [row["id"] for row in rows if not seen(row)]


def services(
    ctx: Context,
    page: Page,
    *,
    domain: Row | None,
    below: bool,
    zone: Row | None,
    vm: Row | None,
    template: Row | None,
    cpu: int | None,
    speed: int | None,
    memory: int | None,
    **given: Any,
) -> tuple[list[int], int]:
    """Service offerings: ids of the page, and how many there are."""
    own = access.row(ctx, SERVICE_OFFERING, vm["service_offering_id"]) if vm else None

    def fits(row: Row) -> bool:
        for wanted, column, name in (
            (cpu, "cpu_number", "cpunumber"),
            (speed, "cpu_speed", "cpuspeed"),
            (memory, "memory", "memory"),
        ):
            if wanted is None:
                continue
            least, most = row["details"].get("min" + name), row["details"].get("max" + name)
            if row[column] is not None and row[column] != wanted:
                return False
            if (least is not None and wanted < int(least)) or (most is not None and wanted > int(most)):
                return False
        if template is not None and row["root_disk_size"] and row["root_disk_size"] < template["size"]:
            return False
        if own is not None and vm is not None:
            if row["id"] == own["id"]:
                return False
            if vm["state"] == "Running":
                grows = (row["cpu_number"] or vm["cpu"]) >= vm["cpu"] and (row["memory"] or vm["memory"]) >= vm[
                    "memory"
                ]
                if not (row["dynamic_scaling"] and grows):
                    return False
        return True

    if own is not None:
        given["storagetype"] = access.row(ctx, DISK_OFFERING, own["disk_offering_id"])["storage_type"]
    without = hidden(ctx, ctx.tx.all(_SERVICE_LIMITS), domain=domain, below=below, zone=zone, fits=fits)
    return SERVICES.page(ctx, {**given, "hidden": without or None}, page)


def disks(
    ctx: Context,
    page: Page,
    *,
    domain: Row | None,
    below: bool,
    zone: Row | None,
    pool: Row | None,
    volume: Row | None,
    **given: Any,
) -> tuple[list[int], int]:
    """Disk offerings: ids of the page, and how many there are."""

    def fits(row: Row) -> bool:
        wanted = {tag.strip() for tag in (row["tags"] or "").split(",") if tag.strip()}
        if pool is not None and not wanted <= set(pool["tags"]):
            return False
        return volume is None or row["id"] != volume["disk_offering_id"]

    without = hidden(ctx, ctx.tx.all(_DISK_LIMITS), domain=domain, below=below, zone=zone, fits=fits)
    return DISKS.page(ctx, {**given, "hidden": without or None}, page)


def add_suitable(ctx: Context, vm: Row, objects: list[dict[str, Any]]) -> None:
    """Adds to each disk offering's object whether a virtual machine can have a disk of it, by its zone."""
    zone = str(access.row(ctx, ZONE, vm["zone_id"])["uuid"])
    for made in objects:
        made["suitableforvirtualmachine"] = zone in made.get("zoneid", zone).split(",")


def places(ctx: Context, rows: Sequence[Row]) -> tuple[dict[str, Row], dict[str, Row]]:
    """The domains and zones that offerings are limited to, by uuid: rows with uuid, name (and path)."""
    domain_ids = sorted({uuid for row in rows for uuid in row["domain_ids"]})
    zone_ids = sorted({uuid for row in rows for uuid in row["zone_ids"]})
    domains = ctx.tx.all(_DOMAINS, uuids=domain_ids) if domain_ids else []
    zones = ctx.tx.all(_ZONES, uuids=zone_ids) if zone_ids else []
    return {row["uuid"]: row for row in domains}, {row["uuid"]: row for row in zones}


def service_rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Service offerings with their disk offering's columns (``disk_...``)."""
    return ctx.tx.all(_SERVICE_ROWS, ids=ids)


def disk_rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Disk offerings."""
    return ctx.tx.all(_DISK_ROWS, ids=ids)


def disk_details(ctx: Context, ids: Sequence[int]) -> dict[int, list[Row]]:
    """The details of disk offerings, by the offering's id."""
    return grouped(ctx.tx.all(DETAILS, kind="DiskOffering", ids=ids), "resource_id")


def _named(name: str) -> str:
    if not name.strip():
        raise InvalidValue("an offering needs a name")
    return name.strip()


def limited_to(ctx: Context, domains: Sequence[Row] | None, zones: Sequence[Row] | None) -> dict[str, list[str]]:
    """The columns for the domains and zones that an offering is limited to.

    Raises `PermissionDenied` where a domain admin makes it for others than the own domains.
    """
    caller = ctx.caller
    if not caller.is_admin:
        if not domains:
            raise PermissionDenied("an offering for all domains is for root admins to make: give domainid")
        for row in domains:
            if not str(row["path"]).startswith(caller.domain_path):
                raise PermissionDenied("an offering can be made for your own domains only")
    kept: list[Row] = []
    for row in sorted(domains or (), key=lambda row: len(row["path"])):
        # a domain below another of the list is in it already
        if not any(str(row["path"]).startswith(above["path"]) for above in kept):
            kept.append(row)
    return {"domain_ids": [row["uuid"] for row in kept], "zone_ids": [row["uuid"] for row in zones or ()]}


def changed_places(ctx: Context, domains: str | None, zones: str | None) -> dict[str, list[str]]:
    """The same for an update, whose parameters are ids separated by commas; ``public`` or ``all`` lifts a limit."""
    made: dict[str, list[str]] = {}
    for text, noun, column, open_ in ((domains, DOMAIN, "domain_ids", "public"), (zones, ZONE, "zone_ids", "all")):
        if text is None:
            continue
        if text.lower() == open_:
            made[column] = []
            continue
        rows = access.find_all(ctx, noun, list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip())))
        if not rows:
            raise InvalidValue(f"give ids, or {open_}")
        made[column] = limited_to(ctx, rows, None)["domain_ids"] if noun is DOMAIN else [row["uuid"] for row in rows]
    if made and not ctx.caller.is_admin and not made.get("domain_ids", [True]):
        raise PermissionDenied("an offering for all domains is for root admins to make")
    return made


def must_change(ctx: Context, offering: Row) -> None:
    """Raises `PermissionDenied` where a domain admin would change what others use as well."""
    if ctx.caller.is_admin:
        return
    paths = [row["path"] for row in ctx.tx.all(_DOMAINS, uuids=offering["domain_ids"])]
    if not paths or not all(str(path).startswith(ctx.caller.domain_path) for path in paths):
        raise PermissionDenied(f"offering {offering['name']} is used outside your domain")


def traffic(limits: Mapping[str, int | None], *, base: Row | None = None) -> dict[str, int | None]:
    """The columns of the traffic limits that were given. Raises `InvalidValue` where a burst is below its base."""
    made: dict[str, int | None] = {}
    for name, value in limits.items():
        if value is None:
            continue
        if value < 0:
            raise InvalidValue(f"{name} cannot be below 0")
        made[LIMITS[name]] = value
    for name, column in LIMITS.items():
        if not name.endswith("rate"):
            continue
        rate = made.get(column, base[column] if base else None)
        most = made.get(f"{column}_max", base[f"{column}_max"] if base else None)
        length = made.get(f"{column}_max_length", base[f"{column}_max_length"] if base else None)
        if most and rate and most < rate:
            raise InvalidValue(f"{name}max is below {name}")
        if length and not most:
            raise InvalidValue(f"{name}maxlength is the time of {name}max: give both")
    return made


def iops(customized: bool | None, least: int | None, most: int | None) -> dict[str, Any]:
    """The columns of promised IOPS: both bounds or none, and none where users choose them."""
    if customized and (least is not None or most is not None):
        raise InvalidValue("with customizediops the IOPS are chosen later: leave miniops and maxiops out")
    if customized is not None and not customized:
        least, most = least or 0, most or 0
    if (least or 0) < 0 or (most or 0) < 0:
        raise InvalidValue("IOPS cannot be below 0")
    if (least or 0) and (most or 0) and (least or 0) > (most or 0):
        raise InvalidValue("miniops is above maxiops")
    if bool(least) != bool(most):
        raise InvalidValue("miniops and maxiops go together: give both or none")
    return {"customized_iops": bool(customized), "min_iops": least, "max_iops": most}


def snapshot_reserve(share: int | None) -> int | None:
    """Checks the share (per cent) kept for snapshots of the hypervisor."""
    if share is not None and share < 0:
        raise InvalidValue("hypervisorsnapshotreserve cannot be below 0")
    return share


def create_disk(
    ctx: Context,
    name: str,
    *,
    display_text: str | None,
    size: int | None,
    customized: bool | None,
    places: Mapping[str, list[str]],
    details: Mapping[str, str] | None,
    **columns: Any,
) -> int:
    """Makes a disk offering; `size` in GB. Answers its id."""
    name = _named(name)
    offering_tags.check(ctx, columns.get("tags"))
    custom = customized if customized is not None else False
    if not custom and size is None:
        raise InvalidValue("a disk offering has a disksize (GB), or is customized")
    if custom and size is not None:
        raise InvalidValue("the size of a customized disk offering is chosen later: leave disksize out")
    if size is not None and size < 1:
        raise InvalidValue("disksize starts at 1 GB")
    most = ctx.settings.number("storage.max.volume.size") or 2000
    if size is not None and size > most:
        raise InvalidValue(f"disksize may be up to {most} GB (setting storage.max.volume.size)")
    made = insert_disk(
        ctx.tx,
        ctx.cloud.ids,
        ctx.now,
        name,
        display_text=display_text or name,
        size=(size or 0) * GIB,
        customized=custom,
        **places,
        **columns,
    )
    for key, value in (details or {}).items():
        ctx.tx.insert(
            schema.detail, resource_type="DiskOffering", resource_id=made, name=key, value=value, display=True
        )
    uuid = access.row(ctx, DISK_OFFERING, made)["uuid"]
    ctx.event("DISK.OFFERING.CREATE", f"created disk offering {name}", resource=("DiskOffering", uuid))
    return made


def custom(
    customized: bool | None, cpu: int | None, speed: int | None, memory: int | None, bounds: Mapping[str, int | None]
) -> dict[str, str]:
    """Whether an offering is custom, and within which bounds: the details that say so. Raises `InvalidValue`."""
    given = {name: value for name, value in bounds.items() if value is not None}
    is_custom = customized if customized is not None else cpu is None or memory is None
    if not is_custom:
        for name, value in (("cpunumber", cpu), ("cpuspeed", speed), ("memory", memory)):
            if value is None:
                raise InvalidValue(f"an offering of fixed size needs {name}")
        if given:
            raise InvalidValue("bounds of CPU and memory belong to a custom offering: customized=true")
        return {}
    if cpu is not None or memory is not None:
        raise InvalidValue("CPU and memory of a custom offering are chosen later: leave cpunumber and memory out")
    if given:
        missing = [name for name in ("mincpunumber", "maxcpunumber", "minmemory", "maxmemory") if name not in given]
        if missing or speed is None:
            raise InvalidValue(f"a custom offering with bounds needs all of them and cpuspeed: {', '.join(missing)}")
        for name in ("cpunumber", "memory"):
            if not 0 < given["min" + name] <= given["max" + name]:
                raise InvalidValue(f"min{name} is above 0 and at most max{name}")
    return {name: str(value) for name, value in given.items()}


def create_service(
    ctx: Context,
    name: str,
    *,
    display_text: str | None,
    cpu: int | None,
    speed: int | None,
    memory: int | None,
    disk_offering: Row | None,
    strict: bool,
    system_vm_type: str | None,
    is_system: bool,
    is_volatile: bool,
    network_rate: int | None,
    root_disk_size: int | None,
    places: Mapping[str, list[str]],
    details: Mapping[str, str],
    disk_columns: Mapping[str, Any],
    **columns: Any,
) -> int:
    """Makes a service offering and the disk offering of its root disks; memory in MB, speed in MHz, root disk in GB."""
    name = _named(name)
    offering_tags.check(ctx, columns.get("host_tags"), disk_columns.get("tags"))
    for value, what, least, most in (
        (cpu, "cpunumber", 1, 2**15),
        (speed, "cpuspeed", 1, 2**31 - 1),
        (memory, "memory", 32, 2**31 - 1),
        (network_rate, "networkrate", 0, 2**31 - 1),
        (root_disk_size, "rootdisksize", 1, ctx.settings.number("storage.max.volume.size") or 2000),
    ):
        if value is not None and not least <= value <= most:
            raise InvalidValue(f"{what} is between {least} and {most}")
    planner = columns.get("deployment_planner")
    if planner is not None:
        registry.planner(planner)  # raises where there is none of that name
    if is_system and system_vm_type is None:
        raise InvalidValue(f"a system offering says for which machines: systemvmtype ({', '.join(SYSTEM_VM_TYPES)})")
    if system_vm_type is not None and not is_system:
        raise InvalidValue("systemvmtype belongs to system offerings: issystem=true")
    if is_system and not ctx.caller.is_admin:
        raise PermissionDenied("system offerings are for root admins to make")
    if disk_offering is not None:
        if disk_offering["compute_only"]:
            raise InvalidValue(f"disk offering {disk_offering['name']} belongs to another service offering")
        if any(value is not None for value in disk_columns.values()):
            raise InvalidValue("what diskofferingid says of the disk cannot be given a second time")
        disk_id = disk_offering["id"]
    else:
        if strict:
            raise InvalidValue("diskofferingstrictness belongs to an offering with a diskofferingid")
        given = {key: value for key, value in disk_columns.items() if value is not None}
        disk_id = insert_disk(
            ctx.tx,
            ctx.cloud.ids,
            ctx.now,
            name,
            display_text=display_text or name,
            compute_only=True,
            **places,
            **given,
        )
    made = insert_service(
        ctx.tx,
        ctx.cloud.ids,
        ctx.now,
        name,
        disk_id,
        display_text=display_text or name,
        cpu_number=cpu,
        cpu_speed=speed,
        memory=memory,
        disk_offering_strictness=strict,
        is_system=is_system,
        is_volatile=is_volatile,
        system_vm_type=system_vm_type,
        network_rate=network_rate,
        root_disk_size=(root_disk_size or 0) * GIB,
        details=dict(details),
        **places,
        **columns,
    )
    uuid = access.row(ctx, SERVICE_OFFERING, made)["uuid"]
    ctx.event("SERVICE.OFFERING.CREATE", f"created service offering {name}", resource=("ServiceOffering", uuid))
    return made


def update_service(ctx: Context, offering: Row, *, storage_tags: str | None, **columns: Any) -> None:
    """Changes a service offering: columns that are None stay as they are."""
    must_change(ctx, offering)
    offering_tags.check(ctx, storage_tags, columns.get("host_tags"))
    given = {key: value for key, value in columns.items() if value is not None}
    if "name" in given:
        given["name"] = _named(given["name"])
    if given:
        ctx.tx.update(service, {"id": offering["id"]}, **given)
    if storage_tags is not None:
        ctx.tx.update(disk, {"id": offering["disk_offering_id"]}, tags=storage_tags.strip() or None)
    ctx.event(
        "SERVICE.OFFERING.EDIT",
        f"changed service offering {offering['name']}",
        resource=("ServiceOffering", offering["uuid"]),
    )


def update_disk(ctx: Context, offering: Row, **columns: Any) -> None:
    """Changes a disk offering: columns that are None stay as they are."""
    must_change(ctx, offering)
    offering_tags.check(ctx, columns.get("tags"))
    if offering["compute_only"]:
        raise BadParameter(f"there is no disk offering with id {offering['uuid']}")
    given = {key: value for key, value in columns.items() if value is not None}
    if "name" in given:
        given["name"] = _named(given["name"])
    if given:
        ctx.tx.update(disk, {"id": offering["id"]}, **given)
    ctx.event(
        "DISK.OFFERING.EDIT", f"changed disk offering {offering['name']}", resource=("DiskOffering", offering["uuid"])
    )


def delete_service(ctx: Context, offering: Row) -> None:
    """Takes a service offering off the list; machines that have it keep it."""
    must_change(ctx, offering)
    if offering["is_default"]:
        raise InvalidValue(f"service offering {offering['name']} is one of the cloud's own: it cannot be deleted")
    ctx.tx.update(service, {"id": offering["id"]}, removed=ctx.now, state="Inactive")
    own = access.row(ctx, DISK_OFFERING, offering["disk_offering_id"])
    if own["compute_only"]:
        ctx.tx.update(disk, {"id": own["id"]}, removed=ctx.now, state="Inactive")
    ctx.event(
        "SERVICE.OFFERING.DELETE",
        f"deleted service offering {offering['name']}",
        resource=("ServiceOffering", offering["uuid"]),
    )


def delete_disk(ctx: Context, offering: Row) -> None:
    """Takes a disk offering off the list; volumes that have it keep it."""
    must_change(ctx, offering)
    if offering["compute_only"]:
        raise BadParameter(f"there is no disk offering with id {offering['uuid']}")
    ctx.tx.update(disk, {"id": offering["id"]}, removed=ctx.now, state="Inactive")
    ctx.event(
        "DISK.OFFERING.DELETE", f"deleted disk offering {offering['name']}", resource=("DiskOffering", offering["uuid"])
    )
