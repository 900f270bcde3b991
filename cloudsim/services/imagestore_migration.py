"""Moving what lies on one image store to others.

Simulated storage has no bytes to carry: a move is the change of where a template's copy lies, one transaction for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import BadParameter, InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.imagestore import IMAGE
from cloudsim.services.imagestore_choice import fullness, used
from cloudsim.services.nouns import IMAGE_STORE, TEMPLATE

placed, template = schema.template_zone, schema.template

TYPES = ("complete", "balance")
_LYING = (
    select(
        placed.c.id, placed.c.template_id, placed.c.zone_id, placed.c.state, template.c.name, template.c.physical_size
    )
    .select_from(placed.join(template, placed.c.template_id == template.c.id))
    .where(placed.c.store_id == bindparam("store_id"), template.c.removed.is_(None))
    .order_by(template.c.physical_size.desc(), placed.c.id)
)


def _check(source: Row, targets: Sequence[Row]) -> None:
    """Raises `InvalidValue` for stores that nothing moves between."""
    for row in (source, *targets):
        if row["role"] != IMAGE:
            raise InvalidValue(f"{row['name']} is a staging store: nothing moves from or to it")
        if row["directory"] is not None:
            raise InvalidValue(
                f"image store {row['name']} holds files: they are not moved (copy or register them again)"
            )
    for row in targets:
        if row["id"] == source["id"]:
            raise InvalidValue("the store to move from is one of those to move to")
        if row["zone_id"] not in (None, source["zone_id"]):
            raise InvalidValue(f"image store {row['name']} is of another zone than {source['name']}")


def _order(ctx: Context, source: Row, event: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="imagestore.migrate",
            arguments={"source_id": source["id"], **arguments},
            instance_type=IMAGE_STORE.type,
            instance_uuid=source["uuid"],
            lock=f"imagestore:{source['uuid']}",
            event=event,
            event_text=f"moving what lies on image store {source['name']}",
        )
    )


def order(ctx: Context, source: Row, targets: Sequence[Row], kind: str) -> str:
    """Orders that all moves away (complete) or that stores become equally full (balance); answers the job's uuid.

    Raises `InvalidValue`. A target that is only read fails the job.
    """
    if kind.lower() not in TYPES:
        raise InvalidValue(f"migrationtype takes {', '.join(TYPES)}, not '{kind[:64]}'")
    if not targets:
        raise InvalidValue("destpools names no store")
    _check(source, targets)
    ids = [row["id"] for row in targets]
    return _order(ctx, source, "IMAGE.STORE.MIGRATE.DATA", target_ids=ids, kind=kind.lower(), only=None)


def order_some(ctx: Context, source: Row, target: Row, templates: Sequence[str], snapshots: Sequence[str]) -> str:
    """Orders that some templates move; answers the job's uuid.

    Raises `InvalidValue`, and `BadParameter` for what does not lie there.
    """
    _check(source, [target])
    if snapshots:
        raise BadParameter(f"there is no snapshot with id {snapshots[0][:64]} on image store {source['name']}")
    if not templates:
        raise InvalidValue("say what is moved: templates")
    lying = {row["template_id"] for row in ctx.tx.all(_LYING, store_id=source["id"])}
    rows = access.find_all(ctx, TEMPLATE, list(dict.fromkeys(templates)))
    for row in rows:
        if row["id"] not in lying:
            raise BadParameter(f"there is no template with id {row['uuid']} on image store {source['name']}")
    only = [row["id"] for row in rows]
    event = "IMAGE.STORE.MIGRATE.RESOURCES"
    return _order(ctx, source, event, target_ids=[target["id"]], kind="complete", only=only)


def _moved(ctx: Context, source_id: int, target_ids: list[int], kind: str, only: list[int] | None) -> dict[str, Any]:
    source = access.alive(ctx, IMAGE_STORE, source_id)
    targets = [access.alive(ctx, IMAGE_STORE, row_id) for row_id in target_ids]
    _check(source, targets)
    for row in targets:
        if row["read_only"]:
            raise OperationFailed(f"image store {row['name']} is only read: nothing was moved")
    sizes = used(ctx, [source_id, *target_ids])
    lying = [row for row in ctx.tx.all(_LYING, store_id=source_id) if only is None or row["template_id"] in only]
    if any(row["state"] != "DOWNLOADED" for row in lying):
        raise OperationFailed(f"a template is being written to image store {source['name']}: nothing was moved")
    moved = 0
    for row in lying:
        size = row["physical_size"]
        target = min(targets, key=lambda one: fullness(one, sizes[one["id"]] + size))
        after = fullness(target, sizes[target["id"]] + size)
        if kind == "balance" and after >= fullness(source, sizes[source_id]):
            continue
        if target["capacity"] is not None and after > 1:
            if kind == "balance":
                continue
            raise OperationFailed(f"no store has room for template {row['name']}: nothing was moved")
        ctx.tx.update(placed, {"id": row["id"]}, store_id=target["id"])
        sizes[target["id"]] += size
        sizes[source_id] -= size
        moved += 1
    return {
        "imagestore": {
            "message": f"{moved} of {len(lying)} templates and ISOs were moved from {source['name']}",
            "migrationtype": kind,
            "success": True,
        }
    }


single("imagestore.migrate", _moved)


__all__ = ["TYPES", "order", "order_some"]
