"""The providers of network services on physical networks, and the elements that carry them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access
from cloudsim.services.access import not_found
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import NETWORK_PROVIDER, PROVIDER_ELEMENT
from cloudsim.services.physicalnetwork import PROVIDERS

provider, element = schema.network_provider, schema.provider_element
STATES = ("Enabled", "Disabled", "Shutdown")

LISTING = Listing(
    provider,
    filters={
        "name": equals_nocase(provider.c.name, "name"),
        "network": equals(provider.c.physical_network_id, "network"),
        "state": equals_nocase(provider.c.state, "state"),
    },
    keyword=(provider.c.name,),
)
ELEMENTS = Listing(
    element,
    filters={
        "id": equals(element.c.id, "id"),
        "kind": equals(element.c.kind, "kind"),
        "provider": equals(element.c.provider_id, "provider"),
        "enabled": equals(element.c.enabled, "enabled"),
    },
    keyword=(element.c.kind,),
)
_ROWS = (
    select(provider, schema.physical_network.c.uuid.label("network_uuid"))
    .select_from(provider.join(schema.physical_network, provider.c.physical_network_id == schema.physical_network.c.id))
    .where(any_of(provider.c.id, "ids"))
)
_ELEMENTS = (
    select(element, provider.c.uuid.label("provider_uuid"))
    .select_from(element.join(provider, element.c.provider_id == provider.c.id))
    .where(any_of(element.c.id, "ids"))
)
_OF = select(element).where(element.c.provider_id == bindparam("provider_id"), element.c.removed.is_(None))
_NAMED = select(provider.c.id).where(
    provider.c.physical_network_id == bindparam("network_id"),
    provider.c.name == bindparam("name"),
    provider.c.removed.is_(None),
)
_USED = (
    select(schema.network_offering.c.services)
    .select_from(schema.network.join(schema.network_offering))
    .where(
        schema.network.c.physical_network_id == bindparam("network_id"),
        schema.network.c.removed.is_(None),
    )
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Providers with their physical networks, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def elements(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Elements with their providers, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ELEMENTS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def services_of(name: str) -> list[str]:
    """The services that a provider of that name can give, as the reference lists them."""
    if name in PROVIDERS:
        return PROVIDERS[name][1].split()
    return [row["name"] for row in reference("networkservices") if name in row["provider"]]


def add(ctx: Context, network: Row, name: str, services: Sequence[str] | None) -> tuple[str, str]:
    """Gives a physical network a provider, disabled; answers its uuid and the job's. Raises `InvalidValue`."""
    can = services_of(name)
    if not can:
        raise InvalidValue(f"there is no provider of network services named '{name[:64]}'")
    if ctx.tx.scalar(_NAMED, network_id=network["id"], name=name) is not None:
        raise InvalidValue(f"physical network {network['name']} has provider {name} already")
    uuid = ctx.uuid()
    row_id = ctx.tx.insert(
        provider,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        physical_network_id=network["id"],
        name=name,
        state="Disabled",
        services=_checked(name, services) if services else can,
    )
    kind = PROVIDERS.get(name, (None, ""))[0]
    if kind is not None:
        _insert_element(ctx, row_id, kind)
    return uuid, _order(ctx, "create", uuid, f"adding provider {name}", provider_id=row_id)


def _insert_element(ctx: Context, provider_id: int, kind: str) -> tuple[int, str]:
    uuid = ctx.uuid()
    row_id = ctx.tx.insert(
        element, uuid=uuid, created=ctx.now, removed=None, provider_id=provider_id, kind=kind, enabled=False
    )
    return row_id, uuid


def _checked(name: str, services: Sequence[str]) -> list[str]:
    can = {service.lower(): service for service in services_of(name)}
    for service in services:
        if service.lower() not in can:
            raise InvalidValue(f"provider {name} gives {', '.join(can.values())}, not '{service[:64]}'")
    return [can[service.lower()] for service in dict.fromkeys(services)]


def update(ctx: Context, row: Row, *, state: str | None, services: Sequence[str] | None) -> str:
    """Starts the job that changes a provider; answers its uuid. Raises `InvalidValue`."""
    if state == "Enabled":
        _check_ready(ctx, row)
    kept = _checked(row["name"], services) if services else None
    text = f"changing provider {row['name']}"
    return _order(ctx, "update", row["uuid"], text, provider_id=row["id"], state=state, services=kept)


def _check_ready(ctx: Context, row: Row) -> None:
    found = ctx.tx.all(_OF, provider_id=row["id"])
    if found and not any(one["enabled"] for one in found):
        raise InvalidValue(f"the element of provider {row['name']} is disabled: enable it first")


def delete(ctx: Context, row: Row) -> str:
    """Starts the job that takes a provider away; answers its uuid. Raises `ResourceInUse`."""
    _check_unused(ctx, row)
    return _order(ctx, "delete", row["uuid"], f"removing provider {row['name']}", provider_id=row["id"])


def _check_unused(ctx: Context, row: Row) -> None:
    for used in ctx.tx.all(_USED, network_id=row["physical_network_id"]):
        if any(one["name"] == row["name"] for service in used["services"] for one in service.get("provider", [])):
            raise ResourceInUse(f"networks on that physical network use provider {row['name']}")


def create_element(ctx: Context, row: Row) -> tuple[str, str]:
    """Gives a provider of routers its element; answers the element's uuid and the job's. Raises `InvalidValue`."""
    kind = PROVIDERS.get(row["name"], (None, ""))[0]
    if kind != "router":
        raise InvalidValue(f"provider {row['name']} has no virtual routers")
    if ctx.tx.all(_OF, provider_id=row["id"]):
        raise InvalidValue(f"provider {row['name']} has its element already")
    row_id, uuid = _insert_element(ctx, row["id"], kind)
    return uuid, _element_order(ctx, "SERVICE.PROVIDER.CREATE", uuid, "configure", element_id=row_id, enabled=None)


def configure(ctx: Context, row: Row, kind: str, enabled: bool) -> str:
    """Starts the job that enables or disables an element; answers its uuid. Raises `BadParameter`, `ResourceInUse`."""
    if row["kind"] != kind:
        raise not_found(PROVIDER_ELEMENT, row["uuid"])
    return _element_order(
        ctx, "NETWORK.ELEMENT.CONFIGURE", row["uuid"], "configure", element_id=row["id"], enabled=enabled
    )


def _order(ctx: Context, verb: str, uuid: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"networkprovider.{verb}",
            arguments=arguments,
            instance_type="PhysicalNetworkServiceProvider",
            instance_uuid=uuid,
            lock=f"networkprovider:{uuid}",
            event=f"SERVICE.PROVIDER.{verb.upper()}",
            event_text=text,
        )
    )


def _element_order(ctx: Context, event: str, uuid: str, verb: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"providerelement.{verb}",
            arguments=arguments,
            instance_type="None",
            lock=f"providerelement:{uuid}",
            event=event,
            event_text="configuring the element of a provider",
        )
    )


def _told(ctx: Context, provider_id: int) -> dict[str, Any]:
    return {"networkserviceprovider": ctx.present("networkserviceprovider", provider_id)[0]}


def _updated(ctx: Context, provider_id: int, state: str | None, services: list[str] | None) -> dict[str, Any]:
    row = access.alive(ctx, NETWORK_PROVIDER, provider_id)
    if state == "Enabled":
        _check_ready(ctx, row)
    changed: dict[str, Any] = {"state": state, "services": services}
    values = {key: value for key, value in changed.items() if value is not None}
    if values:
        ctx.tx.update(provider, {"id": provider_id}, **values)
    return _told(ctx, provider_id)


def _deleted(ctx: Context, provider_id: int) -> dict[str, Any]:
    _check_unused(ctx, access.alive(ctx, NETWORK_PROVIDER, provider_id))
    for one in ctx.tx.all(_OF, provider_id=provider_id):
        ctx.tx.update(element, {"id": one["id"]}, removed=ctx.now)
    ctx.tx.update(provider, {"id": provider_id}, removed=ctx.now)
    return {"success": True}


def _configured(ctx: Context, element_id: int, enabled: bool | None) -> dict[str, Any]:
    row = access.alive(ctx, PROVIDER_ELEMENT, element_id)
    if enabled is not None:
        ctx.tx.update(element, {"id": element_id}, enabled=enabled)
    noun = "virtualrouterelement" if row["kind"] == "router" else "internalloadbalancerelement"
    return {noun: ctx.present(noun, element_id)[0]}


single("networkprovider.create", _told)
single("networkprovider.update", _updated)
single("networkprovider.delete", _deleted)
single("providerelement.configure", _configured)

__all__ = [
    "ELEMENTS",
    "LISTING",
    "STATES",
    "add",
    "configure",
    "create_element",
    "delete",
    "elements",
    "page",
    "services_of",
    "update",
]
