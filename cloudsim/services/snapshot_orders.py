"""What is asked of snapshots of volumes: the checks, the rows, and the jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, PermissionDenied, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.services import access, imagestore_choice, resource, snapshot, vmsnapshot
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, SNAPSHOT, TEMPLATE
from cloudsim.services.snapshot import PRIMARY, SECONDARY
from cloudsim.services.virtualmachine import lock as machine_lock

table, store = schema.snapshot, schema.snapshot_store
_VOLUME = (
    select(
        schema.volume,
        schema.storage_pool.c.uuid.label("pool_uuid"),
        schema.storage_pool.c.hypervisor.label("pool_hypervisor"),
    )
    .select_from(schema.volume.outerjoin(schema.storage_pool, schema.volume.c.pool_id == schema.storage_pool.c.id))
    .where(schema.volume.c.id == bindparam("volume_id", type_=Big), schema.volume.c.removed.is_(None))
)
_VM = select(schema.vm).where(schema.vm.c.id == bindparam("vm_id", type_=Big), schema.vm.c.removed.is_(None))
_COPY = select(store).where(store.c.id == bindparam("copy_id", type_=Big))
_DROP = store.delete().where(store.c.id == bindparam("copy_id", type_=Big))
_HYPERVISOR = (
    select(schema.cluster.c.hypervisor)
    .where(schema.cluster.c.zone_id == bindparam("zone_id", type_=Big), schema.cluster.c.removed.is_(None))
    .order_by(schema.cluster.c.id)
    .limit(1)
)


def volume_of(ctx: Context, volume_id: int) -> Row | None:
    """A volume that is there, with its pool."""
    return ctx.tx.first(_VOLUME, volume_id=volume_id)


def machine_of(ctx: Context, disk: Row) -> Row | None:
    """The machine that a volume is attached to, of whatever kind."""
    return None if disk["vm_id"] is None else ctx.tx.first(_VM, vm_id=disk["vm_id"])


def check_volume(ctx: Context, disk: Row, *, kept: bool = False) -> Row | None:
    """The machine of a volume that a snapshot can be made of. Raises `InvalidValue`, `OperationFailed`.

    `kept`: of what a snapshot of its machine kept of it.
    """
    if disk["state"] != "Ready" or disk["pool_id"] is None:
        raise InvalidValue(f"volume {disk['name']} is {disk['state']}, not Ready: it holds nothing to be kept")
    owner = machine_of(ctx, disk)
    if disk["is_system"] or (owner is not None and owner["type"] != "User"):
        raise InvalidValue("no snapshots are made of the volumes of the cloud's own machines")
    if owner is None:
        return None
    if owner["state"] not in ("Running", "Stopped"):
        raise InvalidValue(
            f"the virtual machine of volume {disk['name']} is {owner['state']}: it must run or be stopped"
        )
    if owner["state"] == "Running" and owner["hypervisor"] == "KVM" and not kept:
        raise InvalidValue(
            "KVM makes snapshots of volumes that no virtual machine writes to: stop it, or make one of the machine "
            "(createVMSnapshot) and one of the volume from that (createSnapshotFromVMSnapshot)"
        )
    vmsnapshot.check_idle(ctx, owner["id"])
    return owner


def check_owner(ctx: Context, account_id: int) -> Row:
    """The account that snapshots are made for. Raises `PermissionDenied` where it is not enabled."""
    account = access.row(ctx, ACCOUNT, account_id)
    if account["state"].lower() != "enabled":
        raise PermissionDenied(f"account {account['name']} is {account['state']}")
    return account


def check_replication(storage: Sequence[Row], replication: bool | None) -> None:
    """Raises `InvalidValue`: no storage here can copy snapshots to other pools."""
    if storage or replication:
        raise InvalidValue(
            "storageids, usestoragereplication: the storage pools here do not copy snapshots to each other; zoneids has "
            "them copied to image stores of other zones"
        )


def store_in(ctx: Context, zone_id: int) -> Row:
    """The image store of a zone that a snapshot goes to. Raises `ResourceUnavailable`."""
    found = imagestore_choice.choose(ctx, zone_id)
    if found is None:
        raise ResourceUnavailable("the zone has no image store that takes a snapshot")
    return found


def put(ctx: Context, snapshot_id: int, zone_id: int, size: int, *, pool_id: int | None, store_id: int | None) -> int:
    """Notes that a copy of a snapshot is going to be somewhere: from here on its room is taken. Answers its id."""
    if pool_id is not None:
        allocate(ctx.tx, pool_id, size)
    return ctx.tx.insert(
        store,
        snapshot_id=snapshot_id,
        zone_id=zone_id,
        role="Primary" if store_id is None else "Image",
        pool_id=pool_id,
        store_id=store_id,
        state="Copying",
        path=None,
        physical_size=size,
        created=ctx.now,
    )


def change(ctx: Context, copy_id: int, **values: Any) -> None:
    """Changes what is noted of a copy; what its pool has given away follows."""
    row = ctx.tx.first(_COPY, copy_id=copy_id)
    if row is None:
        return
    now = {**row, **values}
    for one, sign in ((row, -1), (now, 1)):
        if one["pool_id"] is not None and one["physical_size"]:
            allocate(ctx.tx, one["pool_id"], sign * one["physical_size"])
    ctx.tx.update(store, {"id": copy_id}, **values)


def drop(ctx: Context, copy_id: int) -> None:
    """A copy is gone, and its room is free."""
    change(ctx, copy_id, physical_size=0)
    ctx.tx.execute(_DROP, copy_id=copy_id)


def create_from_machine(ctx: Context, kept: Row, disk: Row, name: str | None) -> tuple[str, str]:
    """Orders a snapshot of what a volume held in a snapshot of its machine; answers its uuid and the job's.

    Raises as `create`.
    """
    check_kept(kept, disk)
    return create(ctx, disk, name=name, kept=kept)


def check_kept(kept: Row, disk: Row) -> None:
    """Raises `InvalidValue` where a snapshot of a machine has not kept a volume."""
    if kept["state"] != "Ready":
        raise InvalidValue(f"virtual machine snapshot {kept['display_name']} is {kept['state']}, not Ready")
    if kept["vm_id"] != disk["vm_id"] or (disk["attached"] or disk["created"]) > kept["created"]:
        raise InvalidValue(f"volume {disk['name']} is not part of virtual machine snapshot {kept['display_name']}")


def create(
    ctx: Context,
    disk: Row,
    *,
    name: str | None = None,
    location: str | None = None,
    quiesce: bool = False,
    async_backup: bool = False,
    zones: Sequence[Row] = (),
    tags: Mapping[str, str] | None = None,
    policy: Row | None = None,
    kept: Row | None = None,
) -> tuple[str, str]:
    """Orders a snapshot of a volume; answers its uuid and the job's.

    `kept`: the snapshot of its machine that it is made of, in place of what it holds now. Raises `InvalidValue`,
    `PermissionDenied`, `LimitReached`, `OperationFailed`, `ResourceUnavailable`, before anything is written.
    """
    found = volume_of(ctx, disk["id"])
    if found is None:
        raise InvalidValue(f"volume {disk['name']} is gone")
    disk = found
    owner = check_volume(ctx, disk, kept=kept is not None)
    account = check_owner(ctx, disk["account_id"])
    if location is None:
        location = SECONDARY if ctx.settings.flag("snapshot.backup.to.secondary") else PRIMARY
    more = [zone for zone in zones if zone["id"] != disk["zone_id"]]
    if more and location == PRIMARY:
        raise InvalidValue(
            "a snapshot that stays in its storage pool (locationtype PRIMARY) is not copied to other zones"
        )
    check_zones(ctx, more)
    check_tags(tags or {})
    stores = (
        {}
        if location == PRIMARY
        else {zone_id: store_in(ctx, zone_id)["id"] for zone_id in (disk["zone_id"], *(zone["id"] for zone in more))}
    )
    kind = "secondarystorage" if location == SECONDARY else "primarystorage"
    resource.check(ctx, account, {"snapshot": 1, kind: disk["size"] * (1 + len(more))})
    uuid = ctx.uuid()
    values = _values(ctx, disk, owner, name)
    row_id = ctx.tx.insert(
        table,
        **values,
        uuid=uuid,
        interval_type=policy["interval_type"] if policy else snapshot.MANUAL,
        policy_id=policy["id"] if policy else None,
        location=location,
        quiesced=quiesce,
    )
    row = snapshot.move(ctx, access.row(ctx, SNAPSHOT, row_id), "CreateRequested")
    if location == PRIMARY:
        put(ctx, row_id, disk["zone_id"], disk["size"], pool_id=disk["pool_id"], store_id=None)
    for zone_id, store_id in stores.items():
        put(ctx, row_id, zone_id, disk["size"], pool_id=None, store_id=store_id)
    tag(ctx, "Snapshot", row, tags or {})
    arguments: dict[str, Any] = {"async_backup": async_backup and location == SECONDARY}
    if kept is not None:
        arguments["kept_id"] = kept["id"]
    text = f"creating snapshot {row['name']} of volume {disk['name']}"
    return uuid, order(ctx, row, "snapshot.create", "SNAPSHOT.CREATE", text, arguments, lock=lock_of(disk, owner))


def check_zones(ctx: Context, zones: Sequence[Row]) -> None:
    """Raises `InvalidValue` for zones that a caller cannot have something copied to."""
    for zone in zones:
        if zone["allocation_state"] != "Enabled" and not ctx.caller.is_admin:
            raise InvalidValue(f"zone {zone['name']} is not enabled")


def _values(ctx: Context, disk: Row, owner: Row | None, name: str | None) -> dict[str, Any]:
    at = datetime.fromtimestamp(ctx.now / 1000, UTC)
    whose = owner["name"] if owner is not None else "detached"
    image = access.row(ctx, TEMPLATE, disk["template_id"]) if disk["template_id"] else None
    return {
        "created": ctx.now,
        "removed": None,
        "name": name or f"{whose}_{disk['name']}_{at:%Y%m%d%H%M%S}",
        "volume_id": disk["id"],
        "account_id": disk["account_id"],
        "domain_id": disk["domain_id"],
        "zone_id": disk["zone_id"],
        "state": "Allocated",
        "update_count": 0,
        "size": disk["size"],
        "hypervisor": hypervisor_of(ctx, disk, owner),
        "template_id": disk["template_id"],
        "guest_os_id": image["guest_os_id"] if image is not None else None,
        "host_id": None,
    }


def hypervisor_of(ctx: Context, disk: Row, owner: Row | None) -> str:
    """What runs machines with a volume: its machine's hypervisor, its pool's, or that of its zone."""
    if owner is not None:
        return str(owner["hypervisor"])
    return str(disk["pool_hypervisor"] or ctx.tx.scalar(_HYPERVISOR, zone_id=disk["zone_id"]) or "Simulator")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises `InvalidValue` for a tag without a key."""
    if not all(tags):
        raise InvalidValue("a tag has a key")


def tag(ctx: Context, kind: str, row: Row, tags: Mapping[str, str]) -> None:
    """Gives something new its tags."""
    ctx.tx.insert_many(
        schema.tag,
        [
            {
                "uuid": ctx.uuid(),
                "resource_type": kind,
                "resource_id": row["id"],
                "key": key,
                "value": value,
                "account_id": row["account_id"],
                "domain_id": row["domain_id"],
            }
            for key, value in tags.items()
        ],
    )


def lock_of(disk: Row, owner: Row | None) -> str:
    """The lock of what is done to a volume: its machine's, where it has one."""
    return f"volume:{disk['uuid']}" if owner is None else machine_lock(owner)


def order(
    ctx: Context,
    row: Row,
    workflow: str,
    event: str | None,
    text: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    lock: str | None = None,
) -> str:
    """Starts a workflow of a snapshot; answers the job's uuid."""
    return ctx.submit(
        Order(
            command=ctx.command or "createSnapshot",
            workflow=workflow,
            arguments={"snapshot_id": row["id"], **(arguments or {})},
            instance_type=SNAPSHOT.type,
            instance_uuid=row["uuid"],
            lock=lock or f"snapshot:{row['uuid']}",
            event=event,
            event_text=text,
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def delete(ctx: Context, row: Row, zone: Row | None = None) -> str:
    """Orders that a snapshot is removed, or its copies in one zone; answers the job's uuid. Raises `InvalidValue`."""
    check_deletable(ctx, row, zone["id"] if zone is not None else None)
    text = f"deleting snapshot {row['name']}" + (f" in zone {zone['name']}" if zone is not None else "")
    return order(ctx, row, "snapshot.delete", "SNAPSHOT.DELETE", text, {"zone_id": zone["id"] if zone else None})


def check_deletable(ctx: Context, row: Row, zone_id: int | None) -> None:
    """Raises `InvalidValue` where a snapshot cannot be removed as it is now."""
    if row["state"] not in ("BackedUp", "Error"):
        raise InvalidValue(f"snapshot {row['name']} is {row['state']}: it cannot be deleted now")
    if zone_id is not None and all(one["zone_id"] != zone_id for one in snapshot.places(ctx, [row["id"]])):
        raise InvalidValue(f"snapshot {row['name']} has no copy in that zone")


def revert(ctx: Context, row: Row) -> str:
    """Orders that a volume goes back to a snapshot; answers the job's uuid. Raises `InvalidValue`."""
    disk, owner = check_revert(ctx, row)
    text = f"taking volume {disk['name']} back to snapshot {row['name']}"
    return order(ctx, row, "snapshot.revert", "SNAPSHOT.REVERT", text, lock=lock_of(disk, owner))


def check_revert(ctx: Context, row: Row) -> tuple[Row, Row | None]:
    """The volume that goes back to a snapshot, and its machine. Raises `InvalidValue`, `LimitReached`."""
    disk = volume_of(ctx, row["volume_id"])
    if disk is None:
        raise InvalidValue(f"the volume of snapshot {row['name']} is gone: createVolume makes another from it")
    if disk["state"] != "Ready":
        raise InvalidValue(f"volume {disk['name']} is {disk['state']}, not Ready")
    snapshot.ready_place(ctx, row)
    owner = machine_of(ctx, disk)
    if owner is not None:
        if owner["state"] != "Stopped":
            raise InvalidValue(
                f"the virtual machine of volume {disk['name']} is {owner['state']}: it must be stopped for that"
            )
        vmsnapshot.refuse_while_any(ctx, owner["id"], "its volumes stay as they are")
    if row["size"] > disk["size"]:
        resource.check(
            ctx, access.row(ctx, ACCOUNT, disk["account_id"]), {"primarystorage": row["size"] - disk["size"]}
        )
    return disk, owner
