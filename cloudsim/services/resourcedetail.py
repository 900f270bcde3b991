"""Details: names and values on things, as admins keep them there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, nouns
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import Noun, Owner

detail = schema.detail

#: What can have details, by the name the API gives it.
KINDS: dict[str, Noun] = {
    "UserVm": nouns.VIRTUAL_MACHINE,
    "Volume": nouns.VOLUME,
    "Network": nouns.NETWORK,
    "PublicIpAddress": nouns.PUBLIC_IP,
    "Template": nouns.TEMPLATE,
    "ServiceOffering": nouns.SERVICE_OFFERING,
    "DiskOffering": nouns.DISK_OFFERING,
    "NetworkOffering": nouns.NETWORK_OFFERING,
    "Zone": nouns.ZONE,
    "Cluster": nouns.CLUSTER,
    "Host": nouns.HOST,
    "Storage": nouns.STORAGE_POOL,
    "Account": nouns.ACCOUNT,
    "Domain": nouns.DOMAIN,
}
#: The kind's name in the table, where it is another.
_STORED = {"Storage": "StoragePool"}
_BY_NAME = {name.lower(): name for name in KINDS}
_OF = (
    select(detail)
    .where(detail.c.resource_type == bindparam("kind"), any_of(detail.c.resource_id, "ids"))
    .order_by(detail.c.resource_id, detail.c.name)
)
_DELETE = delete(detail).where(detail.c.resource_type == bindparam("kind"), detail.c.resource_id == bindparam("which"))
_DELETE_ONE = delete(detail).where(
    detail.c.resource_type == bindparam("kind"),
    detail.c.resource_id == bindparam("which"),
    detail.c.name == bindparam("key"),
)
#: Kinds of things that accounts own, and the list of each that the scope of a list command narrows.
_LISTINGS = {
    name: Listing(noun.table, owner=(noun.table.c.account_id, noun.table.c.domain_id))
    for name, noun in KINDS.items()
    if noun.owner in (Owner.ACCOUNT, Owner.SHARED) and "account_id" in noun.table.c
}
_ALL = {
    name: Listing(noun.table, filters={"id": equals(noun.table.c.id, "id")})
    for name, noun in KINDS.items()
    if name not in _LISTINGS
}


def kind_of(text: str) -> str:
    """The kind a client names. Raises `InvalidValue`."""
    found = _BY_NAME.get(text.lower())
    if found is None:
        raise InvalidValue(f"resourcetype takes {', '.join(sorted(KINDS))}, not '{text[:64]}'")
    return found


def _changeable(ctx: Context, kind: str, uuid: str) -> Row:
    noun = KINDS[kind]
    row = access.find(ctx, noun, uuid)
    if noun.owner in (Owner.ACCOUNT, Owner.SHARED) and noun is not nouns.ACCOUNT:
        access.must_own(ctx, noun, row)
    elif not ctx.caller.is_admin:
        raise PermissionDenied(f"details of a {noun.label} are for root admins to change")
    return row


def _order(ctx: Context, kind: str, uuid: str, name: str, event: str, **arguments: Any) -> str:
    row = _changeable(ctx, kind, uuid)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=name,
            arguments={"kind": kind, "row_id": row["id"], **arguments},
            event=event,
            event_text=f"details of {KINDS[kind].label} {row['uuid']}",
        )
    )


def add(ctx: Context, kind: str, uuid: str, details: Mapping[str, str], display: bool) -> str:
    """Orders that details are set; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    for key, value in details.items():
        if not key or len(key) > 255 or len(value) > 4096:
            raise InvalidValue("a detail has a name of up to 255 characters and a value of up to 4096")
    return _order(ctx, kind, uuid, "detail.add", "CREATE_RESOURCE_DETAILS", details=dict(details), display=display)


def _added(ctx: Context, kind: str, row_id: int, details: dict[str, str], display: bool) -> dict[str, Any]:
    access.alive(ctx, KINDS[kind], row_id)
    for key, value in details.items():
        where = {"resource_type": _STORED.get(kind, kind), "resource_id": row_id, "name": key}
        if not ctx.tx.update(detail, where, value=value, display=display):
            ctx.tx.insert(detail, **where, value=value, display=display)
    return {"success": True}


single("detail.add", _added)


def remove(ctx: Context, kind: str, uuid: str, key: str | None) -> str:
    """Orders that one detail goes away, or all; answers the job's uuid. Raises `PermissionDenied`."""
    return _order(ctx, kind, uuid, "detail.remove", "DELETE_RESOURCE_DETAILS", key=key)


def _removed(ctx: Context, kind: str, row_id: int, key: str | None) -> dict[str, Any]:
    stored = _STORED.get(kind, kind)
    if key is None:
        ctx.tx.execute(_DELETE, kind=stored, which=row_id)
    else:
        ctx.tx.execute(_DELETE_ONE, kind=stored, which=row_id, key=key)
    return {"success": True}


single("detail.remove", _removed)


def search(
    ctx: Context,
    kind: str,
    scope: Scope,
    *,
    uuid: str | None,
    key: str | None,
    value: str | None,
    display: bool | None,
    keyword: str | None,
) -> list[tuple[str, str, str]]:
    """(uuid of the thing, name, value) of each detail that fits; only root admins see those that are not for display."""
    noun = KINDS[kind]
    if uuid is not None:
        ids = [access.find(ctx, noun, uuid)["id"]]
    elif key is None:
        raise InvalidValue("give resourceid, or the key that is looked for")
    elif kind in _LISTINGS:
        ids = _LISTINGS[kind].ids(ctx, {}, scope)
    else:
        rows = [access.row(ctx, noun, row_id) for row_id in _ALL[kind].ids(ctx, {})]
        ids = [row["id"] for row in rows if access.may_see(ctx, noun, row)]
    word = (keyword or "").lower()
    shown = display if ctx.caller.is_admin else True
    found = [
        row
        for row in ctx.tx.all(_OF, kind=_STORED.get(kind, kind), ids=ids)
        if key in (None, row["name"])
        and value in (None, row["value"])
        and shown in (None, row["display"])
        and word in row["name"].lower()
    ]
    uuids = {row_id: access.row(ctx, noun, row_id)["uuid"] for row_id in {row["resource_id"] for row in found}}
    return [(uuids[row["resource_id"]], row["name"], row["value"] or "") for row in found]


# -- what details mean

_YES = ("true", "false")
#: The details of machines and templates that have a meaning to clients, with the values to choose from, by hypervisor.
_OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "": {
        "keyboard": (
            "de-ch",
            "es",
            "es-latam",
            "fi",
            "fr",
            "fr-be",
            "fr-ch",
            "is",
            "it",
            "jp",
            "nl-be",
            "no",
            "pt",
            "uk",
            "us",
        ),
        "cpuOvercommitRatio": (),
        "memoryOvercommitRatio": (),
        "Message.ReservedCapacityFreed.Flag": _YES,
    },
    "KVM": {
        "rootDiskController": ("osdefault", "ide", "scsi", "virtio", "virtio-blk"),
        "nicAdapter": ("e1000", "virtio", "rtl8139", "vmxnet3", "ne2k_pci"),
        "video.hardware": ("cirrus", "vga", "qxl", "virtio"),
        "video.ram": (),
        "io.policy": ("threads", "native", "io_uring", "storage_specific"),
        "iothreads": ("enabled",),
        "nic.multiqueue.number": (),
        "nic.packed.virtqueues.enabled": _YES,
        "UEFI": ("SECURE", "LEGACY"),
    },
}


def options(ctx: Context, kind: str, uuid: str | None) -> dict[str, list[str]]:
    """The names of details that mean something for a kind of thing, with their values; empty where any value is taken.

    Raises `InvalidValue`, `BadParameter`. Users are not told of what they may not set.
    """
    name = kind_of({"virtualmachine": "UserVm"}.get(kind.lower(), kind))
    if uuid is not None:
        hypervisor = access.find(ctx, KINDS[name], uuid).get("hypervisor")
        wanted = {"", hypervisor}
    else:
        wanted = set(_OPTIONS)
    if name not in ("UserVm", "Template"):
        return {}
    hidden: set[str] = set()
    if not ctx.caller.is_admin:
        hidden = {word.strip() for word in ctx.settings.text("user.vm.denied.details").split(",")}
    return {
        key: list(values)
        for of, known in _OPTIONS.items()
        if of in wanted
        for key, values in known.items()
        if key not in hidden
    }
