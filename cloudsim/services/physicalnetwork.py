"""Physical networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import grouped
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, addressing, guest_vlan
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import PHYSICAL_NETWORK, TRAFFIC_TYPE

network, vnet = schema.physical_network, schema.vnet

LISTING = Listing(
    network,
    filters={
        "id": equals(network.c.id, "id"),
        "name": equals(network.c.name, "name"),
        "zone": equals(network.c.zone_id, "zone"),
    },
    keyword=(network.c.name,),
)
_ROWS = (
    select(
        network,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.domain.c.uuid.label("domain_uuid"),
    )
    .select_from(
        network.join(schema.zone, network.c.zone_id == schema.zone.c.id).outerjoin(
            schema.domain, network.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(network.c.id, "ids"))
)
# VLANs that follow one another have the same distance to their place in the order
_NUMBERED = (
    select(
        vnet.c.physical_network_id,
        vnet.c.vlan,
        (vnet.c.vlan - func.row_number().over(partition_by=vnet.c.physical_network_id, order_by=vnet.c.vlan)).label(
            "run"
        ),
    )
    .where(any_of(vnet.c.physical_network_id, "ids"))
    .subquery()
)
_RANGES = (
    select(
        _NUMBERED.c.physical_network_id,
        func.min(_NUMBERED.c.vlan).label("first"),
        func.max(_NUMBERED.c.vlan).label("last"),
    )
    .group_by(_NUMBERED.c.physical_network_id, _NUMBERED.c.run)
    .order_by(_NUMBERED.c.physical_network_id, func.min(_NUMBERED.c.vlan))
)

#: How networks of accounts may be kept apart.
METHODS = ("VLAN", "VXLAN", "GRE", "STT", "L3")
#: The kinds of traffic a physical network may carry.
TRAFFIC = ("Management", "Public", "Guest", "Storage")
_ROUTER = "Vpn Dhcp Dns Gateway Firewall Lb UserData SourceNat StaticNat PortForwarding"
#: The providers of every physical network: the kind of their element, and their services.
PROVIDERS: dict[str, tuple[str | None, str]] = {
    "VirtualRouter": ("router", _ROUTER),
    "VpcVirtualRouter": ("router", _ROUTER.replace("Firewall", "NetworkACL")),
    "InternalLbVm": ("lb", "Lb"),
    "ConfigDrive": (None, "Dhcp Dns UserData"),
}
#: And of those in zones with security groups.
SECURITY: dict[str, tuple[str | None, str]] = {"SecurityGroupProvider": (None, "SecurityGroup")}
TYPES = Listing(
    schema.traffic_type,
    filters={"network": equals(schema.traffic_type.c.physical_network_id, "network")},
    keyword=(schema.traffic_type.c.type,),
)
_TYPE_ROWS = (
    select(schema.traffic_type, network.c.uuid.label("network_uuid"))
    .select_from(schema.traffic_type.join(network, schema.traffic_type.c.physical_network_id == network.c.id))
    .where(any_of(schema.traffic_type.c.id, "ids"))
)
_IN_ZONE = select(network.c.id).where(network.c.zone_id == bindparam("zone_id"), network.c.removed.is_(None)).limit(1)
_HELD = select(vnet.c.vlan, vnet.c.network_id).where(vnet.c.physical_network_id == bindparam("network_id"))
_ELSEWHERE = (
    select(vnet.c.vlan)
    .select_from(vnet.join(network, vnet.c.physical_network_id == network.c.id))
    .where(
        network.c.zone_id == bindparam("zone_id"), network.c.id != bindparam("network_id"), network.c.removed.is_(None)
    )
)
_TAGS = select(schema.vlan.c.tag).where(
    schema.vlan.c.zone_id == bindparam("zone_id"),
    schema.vlan.c.type == "VirtualNetwork",
    schema.vlan.c.removed.is_(None),
)
_DROP = vnet.delete().where(vnet.c.physical_network_id == bindparam("network_id"), any_of(vnet.c.vlan, "vlans"))
_CHOSEN = select(schema.network.c.id, schema.network.c.vlan).where(
    schema.network.c.physical_network_id == bindparam("network_id"),
    schema.network.c.vlan.is_not(None),
    schema.network.c.removed.is_(None),
)
_DROP_VLANS = vnet.delete().where(vnet.c.physical_network_id == bindparam("network_id"))
_DROP_ELEMENTS = (
    schema.provider_element.update()
    .where(
        schema.provider_element.c.removed.is_(None),
        schema.provider_element.c.provider_id.in_(
            select(schema.network_provider.c.id).where(
                schema.network_provider.c.physical_network_id == bindparam("network_id")
            )
        ),
    )
    .values(removed=bindparam("now", type_=schema.provider_element.c.removed.type))
)
_TYPES = select(schema.traffic_type).where(
    schema.traffic_type.c.physical_network_id == bindparam("network_id"), schema.traffic_type.c.removed.is_(None)
)
_TYPES_OF_ZONE = (
    select(schema.traffic_type.c.physical_network_id)
    .select_from(schema.traffic_type.join(network, schema.traffic_type.c.physical_network_id == network.c.id))
    .where(
        network.c.zone_id == bindparam("zone_id"),
        schema.traffic_type.c.type == bindparam("type"),
        schema.traffic_type.c.removed.is_(None),
        network.c.removed.is_(None),
    )
)
#: What keeps a physical network from being removed.
_USES = {
    label: select(func.count()).where(table.c.physical_network_id == bindparam("network_id"), table.c.removed.is_(None))
    for label, table in (("networks", schema.network), ("ranges of addresses", schema.vlan))
}


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, str | None]]:
    """Physical networks with their zones and their VLANs (``100-200,300``), in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    ranges = grouped(ctx.tx.all(_RANGES, ids=ids), "physical_network_id")
    made = []
    for row_id in ids:
        if row_id in rows:
            parts = [
                f"{part['first']}-{part['last']}" if part["first"] != part["last"] else str(part["first"])
                for part in ranges.get(row_id, [])
            ]
            made.append((rows[row_id], ",".join(parts) or None))
    return made


def fill(
    ctx: Context, network_id: int, *, enabled: bool = False, types: Sequence[str] = (), secured: bool = False
) -> None:
    """Gives a new physical network the providers that the reference gives it, and traffic types."""
    for name in types:
        _insert_type(ctx, network_id, name, {}, None, None)
    for name, (kind, services) in {**PROVIDERS, **(SECURITY if secured else {})}.items():
        provider = ctx.tx.insert(
            schema.network_provider,
            uuid=ctx.uuid(),
            created=ctx.now,
            removed=None,
            physical_network_id=network_id,
            name=name,
            state="Enabled" if enabled else "Disabled",
            services=services.split(),
        )
        if kind is not None:
            ctx.tx.insert(
                schema.provider_element,
                uuid=ctx.uuid(),
                created=ctx.now,
                removed=None,
                provider_id=provider,
                kind=kind,
                enabled=enabled,
            )


def create(
    ctx: Context,
    zone: Row,
    name: str,
    *,
    methods: Sequence[str],
    speed: str | None,
    tags: Sequence[str],
    vlans: str | None,
    domain: Row | None,
    broadcast: str | None,
) -> tuple[str, str]:
    """Makes a physical network, disabled; answers its uuid and the job's. Raises `InvalidValue`."""
    if zone["network_type"] == "Basic" and (vlans or ctx.tx.scalar(_IN_ZONE, zone_id=zone["id"]) is not None):
        raise InvalidValue("a basic zone has one physical network, and no VLANs")
    if not name.strip():
        raise InvalidValue("a physical network needs a name")
    if broadcast is not None and broadcast.upper() != "ZONE":
        raise InvalidValue(f"a physical network serves its zone: broadcastdomainrange is ZONE, not '{broadcast[:32]}'")
    for method in methods:
        if method.upper() not in METHODS:
            raise InvalidValue(f"isolationmethods takes {', '.join(METHODS)}, not '{method[:32]}'")
    if len(tags) > 1:
        raise InvalidValue("a physical network has one tag")
    uuid = ctx.uuid()
    row_id = ctx.tx.insert(
        network,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        zone_id=zone["id"],
        state="Disabled",
        isolation_methods=",".join(method.upper() for method in methods) or None,
        speed=speed,
        tags=",".join(tags) or None,
        domain_id=domain["id"] if domain else None,
    )
    fill(ctx, row_id, secured=zone["security_groups"] or zone["network_type"] == "Basic")
    row = {"id": row_id, "zone_id": zone["id"], "isolation_methods": ",".join(methods)}
    if vlans is not None:
        _set_vlans(ctx, row, vlans)
    return uuid, _order(ctx, "create", uuid, f"making physical network {name}", network_id=row_id)


def update(
    ctx: Context, row: Row, *, speed: str | None, state: str | None, tags: Sequence[str] | None, vlans: str | None
) -> str:
    """Starts the job that changes a physical network; answers its uuid. Raises `InvalidValue`."""
    if tags is not None and len(tags) > 1:
        raise InvalidValue("a physical network has one tag")
    if vlans is not None:
        addressing.vlans(vlans)
    changed = {"speed": speed, "state": state, "tags": ",".join(tags) if tags is not None else None}
    values = {key: value for key, value in changed.items() if value is not None}
    text = f"changing physical network {row['name']}"
    return _order(ctx, "update", row["uuid"], text, network_id=row["id"], values=values, vlans=vlans)


def delete(ctx: Context, row: Row) -> str:
    """Starts the job that removes a physical network; answers its uuid. Raises `ResourceInUse`."""
    _check_unused(ctx, row)
    return _order(ctx, "delete", row["uuid"], f"removing physical network {row['name']}", network_id=row["id"])


def _order(ctx: Context, verb: str, uuid: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"physicalnetwork.{verb}",
            arguments=arguments,
            instance_type="PhysicalNetwork",
            instance_uuid=uuid,
            lock=f"physicalnetwork:{uuid}",
            event=f"PHYSICAL.NETWORK.{verb.upper()}",
            event_text=text,
        )
    )


def _told(ctx: Context, network_id: int) -> dict[str, Any]:
    return {"physicalnetwork": ctx.present("physicalnetwork", network_id)[0]}


def _updated(ctx: Context, network_id: int, values: dict[str, Any], vlans: str | None) -> dict[str, Any]:
    row = access.alive(ctx, PHYSICAL_NETWORK, network_id)
    if values:
        ctx.tx.update(network, {"id": network_id}, **values)
    if vlans is not None:
        _set_vlans(ctx, row, vlans)
    return _told(ctx, network_id)


def _deleted(ctx: Context, network_id: int) -> dict[str, Any]:
    row = access.alive(ctx, PHYSICAL_NETWORK, network_id)
    _check_unused(ctx, row)
    guest_vlan.end_of_physical(ctx, network_id)
    ctx.tx.execute(_DROP_VLANS, network_id=network_id)
    ctx.tx.execute(_DROP_ELEMENTS, network_id=network_id, now=ctx.now)
    for table in (schema.traffic_type, schema.network_provider):
        ctx.tx.execute(
            table.update()
            .where(table.c.physical_network_id == bindparam("network_id"), table.c.removed.is_(None))
            .values(removed=bindparam("now", type_=table.c.removed.type)),
            network_id=network_id,
            now=ctx.now,
        )
    ctx.tx.update(network, {"id": network_id}, removed=ctx.now)
    return {"success": True}


single("physicalnetwork.create", _told)
single("physicalnetwork.update", _updated)
single("physicalnetwork.delete", _deleted)


def _check_unused(ctx: Context, row: Row) -> None:
    for label, statement in _USES.items():
        number = ctx.tx.scalar(statement, network_id=row["id"])
        if number:
            raise ResourceInUse(f"physical network {row['name']} has {number} {label}: remove them first")


def _set_vlans(ctx: Context, row: Mapping[str, Any], text: str) -> None:
    """Makes `text` the VLANs of a physical network. Raises `InvalidValue`, `ResourceInUse`."""
    wanted = addressing.vlans(text)
    held = {one["vlan"]: one["network_id"] for one in ctx.tx.all(_HELD, network_id=row["id"])}
    taken = sorted(vlan for vlan, user in held.items() if user is not None and vlan not in wanted)
    if taken:
        raise ResourceInUse(f"VLAN {taken[0]} is used by a network: it stays among the VLANs")
    elsewhere = {one["vlan"] for one in ctx.tx.all(_ELSEWHERE, network_id=row["id"], zone_id=row["zone_id"])}
    public = addressing.tagged(one["tag"] for one in ctx.tx.all(_TAGS, zone_id=row["zone_id"]))
    for where, label in ((elsewhere, "another physical network"), (public, "a range of addresses")):
        both = sorted(wanted & where)
        if both:
            raise InvalidValue(f"VLAN {both[0]} belongs to {label} of the zone")
    guest_vlan.check_kept(ctx, row["id"], wanted)
    ctx.tx.execute(_DROP, network_id=row["id"], vlans=sorted(set(held) - wanted))
    # a network may have one already that was chosen for it
    users = {one["vlan"]: one["id"] for one in ctx.tx.all(_CHOSEN, network_id=row["id"])}
    ctx.tx.insert_many(
        vnet,
        [
            {
                "physical_network_id": row["id"],
                "vlan": vlan,
                "network_id": users.get(vlan),
                "taken": ctx.now if vlan in users else None,
            }
            for vlan in sorted(wanted - set(held))
        ],
    )


def _insert_type(
    ctx: Context,
    network_id: int,
    name: str,
    labels: Mapping[str, str | None],
    vlan: str | None,
    isolation: str | None,
) -> tuple[int, str]:
    uuid = ctx.uuid()
    row_id = ctx.tx.insert(
        schema.traffic_type,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        physical_network_id=network_id,
        type=name,
        labels={kind: label for kind, label in labels.items() if label},
        vlan=vlan,
        isolation_method=isolation,
    )
    return row_id, uuid


def add_type(
    ctx: Context, row: Row, name: str, labels: Mapping[str, str | None], vlan: str | None, isolation: str | None
) -> tuple[str, str]:
    """Gives a physical network a traffic type; answers the type's uuid and the job's. Raises `InvalidValue`."""
    if any(one["type"] == name for one in ctx.tx.all(_TYPES, network_id=row["id"])):
        raise InvalidValue(f"physical network {row['name']} has {name} traffic already")
    if name in ("Management", "Public", "Storage"):
        for one in ctx.tx.all(_TYPES_OF_ZONE, zone_id=row["zone_id"], type=name):
            if name == "Public" or one["physical_network_id"] == row["id"]:
                raise InvalidValue(f"{name} traffic of the zone is on another physical network already")
    row_id, uuid = _insert_type(ctx, row["id"], name, labels, vlan, isolation)
    return uuid, _type_order(ctx, "create", uuid, f"adding {name} traffic", type_id=row_id)


def update_type(ctx: Context, row: Row, labels: Mapping[str, str | None]) -> str:
    """Starts the job that changes the labels of a traffic type; answers its uuid."""
    given = {kind: label for kind, label in labels.items() if label is not None}
    return _type_order(ctx, "update", row["uuid"], f"changing {row['type']} traffic", type_id=row["id"], labels=given)


def delete_type(ctx: Context, row: Row) -> str:
    """Starts the job that takes a traffic type away; answers its uuid. Raises `ResourceInUse`."""
    _check_type(ctx, row)
    return _type_order(ctx, "delete", row["uuid"], f"removing {row['type']} traffic", type_id=row["id"])


def _check_type(ctx: Context, row: Row) -> None:
    statement = {"Guest": _USES["networks"], "Public": _USES["ranges of addresses"]}.get(row["type"])
    if statement is not None and ctx.tx.scalar(statement, network_id=row["physical_network_id"]):
        raise ResourceInUse(f"{row['type']} traffic is in use on that physical network")


def _type_order(ctx: Context, verb: str, uuid: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"traffictype.{verb}",
            arguments=arguments,
            instance_type="TrafficType",
            instance_uuid=uuid,
            lock=f"traffictype:{uuid}",
            event=f"TRAFFIC.TYPE.{verb.upper()}",
            event_text=text,
        )
    )


def _type_told(ctx: Context, type_id: int) -> dict[str, Any]:
    return {"traffictype": ctx.present("traffictype", type_id)[0]}


def _type_updated(ctx: Context, type_id: int, labels: dict[str, str]) -> dict[str, Any]:
    row = access.alive(ctx, TRAFFIC_TYPE, type_id)
    ctx.tx.update(schema.traffic_type, {"id": type_id}, labels={**row["labels"], **labels})
    return _type_told(ctx, type_id)


def _type_deleted(ctx: Context, type_id: int) -> dict[str, Any]:
    _check_type(ctx, access.alive(ctx, TRAFFIC_TYPE, type_id))
    ctx.tx.update(schema.traffic_type, {"id": type_id}, removed=ctx.now)
    return {"success": True}


single("traffictype.create", _type_told)
single("traffictype.update", _type_updated)
single("traffictype.delete", _type_deleted)


def types(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Traffic types with their physical networks, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_TYPE_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


__all__ = [
    "LISTING",
    "METHODS",
    "PROVIDERS",
    "TRAFFIC",
    "TYPES",
    "add_type",
    "create",
    "delete",
    "delete_type",
    "fill",
    "page",
    "types",
    "update",
    "update_type",
]
