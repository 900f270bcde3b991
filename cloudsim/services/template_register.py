"""Templates and ISOs that are registered by their URL, or to be uploaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from cloudsim.core.errors import BadParameter, InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, imagestore_choice, resource, template_download, template_rules
from cloudsim.services.context import Context
from cloudsim.services.nouns import ZONE
from cloudsim.services.template import entry_id
from cloudsim.services.template_rules import ISO

template = schema.template
_ZONES = select(schema.zone).where(schema.zone.c.removed.is_(None)).order_by(schema.zone.c.id)
#: What ISOs are for: any hypervisor.
ANY = "None"


@dataclass(slots=True)
class Registration:
    """All that was said of a new template or ISO."""

    name: str
    owner: Row
    #: None: all there are.
    zones: Sequence[Row] | None
    format: str
    #: None for ISOs.
    hypervisor: str | None
    guest_os: Row | None
    url: str | None = None
    display_text: str | None = None
    type: str | None = None
    routing: bool | None = None
    arch: str | None = None
    bits: int | None = None
    checksum: str | None = None
    tag: str | None = None
    public: bool | None = None
    featured: bool | None = None
    extractable: bool | None = None
    bootable: bool | None = None
    password_enabled: bool | None = None
    sshkey_enabled: bool | None = None
    dynamically_scalable: bool | None = None
    requires_hvm: bool | None = None
    deploy_as_is: bool | None = None
    direct_download: bool | None = None
    for_cks: bool | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    #: The image store that it goes to, where a root admin says so.
    store: Row | None = None


def zones_of(ctx: Context, zone: Row | str | None, zones: Sequence[str] | None) -> Sequence[Row] | None:
    """The zones that ``zoneid`` or ``zoneids`` name; None for all of them (-1). Raises `BadParameter`."""
    if zone is not None and zones:
        raise BadParameter("give zoneid or zoneids, not both")
    if zone is None and not zones:
        raise BadParameter("say which zones: zoneid or zoneids")
    if zone == "-1" or zones == ["-1"]:
        return None
    if zones:
        if "-1" in zones:
            raise BadParameter("zoneids takes -1 for all zones, and then no other")
        return access.find_all(ctx, ZONE, list(dict.fromkeys(zones)))
    assert isinstance(zone, dict)
    return [zone]


_DIRECTORIES = select(schema.image_store.c.zone_id).where(
    schema.image_store.c.directory.is_not(None), schema.image_store.c.removed.is_(None)
)


def is_real(ctx: Context, zones: Sequence[Row] | None) -> bool:
    """Whether one of these zones (None: of all) has an image store with files."""
    real = {row["zone_id"] for row in ctx.tx.all(_DIRECTORIES)}
    return bool(real) if zones is None else any(zone["id"] in real for zone in zones)


def register(ctx: Context, want: Registration) -> list[int]:
    """Stores a template or ISO, which is downloaded from its URL to its zones; answers the ids of its entries.

    Raises `BadParameter`, `InvalidValue`, `PermissionDenied`, `LimitReached`, `OperationFailed`; nothing is stored then.
    """
    zones = _zones(ctx, want)
    stores = {zone["id"]: _store(ctx, zone, want) for zone in zones}
    made = store(ctx, want)
    for zone in zones:
        template_download.place(ctx, made, zone["id"], stores[zone["id"]])
    return [entry_id(made["id"], zone["id"]) for zone in zones]


def _zones(ctx: Context, want: Registration) -> Sequence[Row]:
    if want.zones is None:
        if not ctx.caller.is_admin:
            raise InvalidValue("name a zone: templates and ISOs of all zones are for root admins to make")
        found: Sequence[Row] = ctx.tx.all(_ZONES)
        if not found:
            raise InvalidValue("there is no zone yet")
        return found
    for zone in want.zones:
        if zone["allocation_state"] != "Enabled" and not ctx.caller.is_admin:
            raise PermissionDenied(f"zone {zone['name']} is disabled")
    return want.zones


def _store(ctx: Context, zone: Row, want: Registration) -> Row:
    """The image store that the file goes to in a zone."""
    if want.store is not None:
        found = next(
            (row for row in imagestore_choice.writable(ctx, zone["id"]) if row["id"] == want.store["id"]), None
        )
        if found is None:
            raise InvalidValue(f"image store {want.store['name']} takes nothing new in zone {zone['name']}")
    else:
        found = imagestore_choice.choose(ctx, zone["id"])
    if found is None:
        raise OperationFailed(f"zone {zone['name']} has no secondary storage that takes something new")
    if found["directory"] is not None:
        template_rules.can_be_looked_at(want.format)
    return found


def store(ctx: Context, want: Registration, *, state: str = "Active") -> Row:
    """Checks and stores the row of a template or ISO, in no zone yet; answers it. Raises as `register`."""
    iso = want.format == ISO
    if not want.name.strip():
        raise InvalidValue("a template or ISO needs a name")
    if want.url is not None:
        template_rules.check_ending(want.url, want.format)
    if want.guest_os is None and (not iso or want.bootable is not False) and not want.deploy_as_is:
        raise BadParameter("say which OS type it is of: ostypeid")
    template_rules.may_publish(ctx, want.owner, want.public)
    if want.for_cks and not ctx.caller.is_admin:
        raise PermissionDenied("templates for Kubernetes clusters are for root admins to make")
    if want.bits not in (None, 32, 64):
        raise InvalidValue("bits takes 32 or 64")
    if want.tag is not None and not ctx.caller.is_admin:
        raise PermissionDenied("templatetag is for root admins to give")
    hypervisor = want.hypervisor or ANY
    type_ = template_rules.type_of(ctx, want.type, want.routing)
    as_is = template_rules.deploys_as_is(hypervisor, want.deploy_as_is)
    template_rules.refuse_direct(hypervisor if not iso else "kvm", want.direct_download)
    if type_ == "USER":
        resource.check(ctx, want.owner, {"template": 1})
    guest_os = want.guest_os["id"] if want.guest_os is not None else _no_os(ctx)
    values = {
        "uuid": ctx.uuid(),
        "created": ctx.now,
        "removed": None,
        "name": want.name,
        "display_text": want.display_text or want.name,
        "url": want.url,
        "format": want.format,
        "type": type_,
        "hypervisor": hypervisor,
        "arch": template_rules.arch_of(want.arch) or "x86_64",
        "guest_os_id": guest_os,
        "account_id": want.owner["id"],
        "domain_id": want.owner["domain_id"],
        "is_public": bool(want.public),
        "is_featured": bool(want.featured) and ctx.caller.is_admin,
        "is_extractable": bool(want.extractable),
        "is_bootable": want.bootable is not False,
        "cross_zones": want.zones is None,
        "password_enabled": bool(want.password_enabled),
        "sshkey_enabled": bool(want.sshkey_enabled),
        "dynamically_scalable": bool(want.dynamically_scalable),
        "requires_hvm": want.requires_hvm is not False and not iso,
        "deploy_as_is": as_is,
        "direct_download": False,
        "for_cks": bool(want.for_cks),
        "bits": want.bits or 64,
        "checksum": template_rules.checked_sum(want.checksum),
        "tag": want.tag,
        "size": 0,
        "physical_size": 0,
        "state": state,
        "source_template_id": None,
        "sort_key": 0,
        "userdata_id": None,
        "userdata_policy": None,
    }
    row: Row = {"id": ctx.tx.insert(template, values), **values}
    ctx.tx.insert_many(
        schema.detail,
        [
            {"resource_type": "Template", "resource_id": row["id"], "name": name, "value": value, "display": True}
            for name, value in want.details.items()
        ],
    )
    ctx.event(
        "ISO.CREATE" if iso else "TEMPLATE.CREATE",
        f"{'ISO' if iso else 'template'} {want.name} was registered",
        resource=("Iso" if iso else "Template", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )
    return row


_NO_OS = select(schema.guest_os.c.id).where(schema.guest_os.c.name == "None")
_ANY_OS = select(schema.guest_os.c.id).where(schema.guest_os.c.name == "Other (64-bit)")


def _no_os(ctx: Context) -> int:
    """The OS type of what has none."""
    return int(ctx.tx.scalar(_NO_OS) or ctx.tx.scalar(_ANY_OS))


__all__ = ["ANY", "Registration", "is_real", "register", "store", "zones_of"]
