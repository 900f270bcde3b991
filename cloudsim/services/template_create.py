"""Templates that are made of a volume, which no machine runs with, or of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.agents.base import CreateTemplateFromDisk, DeleteTemplateFile
from cloudsim.core.errors import BadParameter, CloudError, InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, resource, snapshot, usage
from cloudsim.services import snapshot_orders as orders
from cloudsim.services import snapshot_workflows as steps
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, SNAPSHOT, TEMPLATE, VOLUME
from cloudsim.services.vm_plain import Plain

template, placed, made, job = schema.template, schema.template_zone, schema.template_file, schema.job
ARCHITECTURES = ("x86_64", "aarch64", "s390x")

_FILE = (
    select(made, schema.image_store.c.uuid.label("store_uuid"), schema.image_store.c.url.label("store_url"))
    .select_from(made.join(schema.image_store, made.c.store_id == schema.image_store.c.id))
    .where(made.c.template_id == bindparam("template_id", type_=Big))
)
#: Those of templates that could not be made, or were deleted.
_LEFT = (
    select(template)
    .where(
        template.c.removed.is_not(None),
        exists().where(made.c.template_id == template.c.id),
        ~exists().where(
            and_(job.c.instance_uuid == template.c.uuid, or_(job.c.state == "queued", job.c.state == "running"))
        ),
    )
    .order_by(template.c.id)
    .limit(200)
)
_DROP = made.delete().where(made.c.template_id == bindparam("template_id", type_=Big))
_PLACES = select(placed).where(placed.c.template_id == bindparam("template_id", type_=Big))
_DROP_PLACES = placed.delete().where(placed.c.template_id == bindparam("template_id", type_=Big))
_DROP_DETAILS = schema.detail.delete().where(
    schema.detail.c.resource_type == "Template", schema.detail.c.resource_id == bindparam("template_id", type_=Big)
)


@dataclass(slots=True)
class Wanted:
    """All that was said of a template that is made of a disk."""

    name: str
    owner: Row
    guest_os: Row
    volume: Row | None = None
    snapshot: Row | None = None
    zone: Row | None = None
    display_text: str | None = None
    arch: str | None = None
    bits: int | None = None
    tag: str | None = None
    public: bool | None = None
    featured: bool | None = None
    password_enabled: bool | None = None
    sshkey_enabled: bool | None = None
    dynamically_scalable: bool | None = None
    requires_hvm: bool | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def owner_of(ctx: Context, disk: Row, domain: Row | None, account: str | None, project: Row | None) -> Row:
    """The account that the template is for: the one that is named; else the project of the disk, else the caller's."""
    if account is None and domain is None and project is None:
        whose = access.row(ctx, ACCOUNT, disk["account_id"])
        if whose["project_uuid"] is not None:
            return whose
    return access.account_of(ctx, domain, account, project)


def create(ctx: Context, want: Wanted) -> tuple[str, str]:
    """Orders a template of a volume or snapshot; answers its uuid and the job's.

    Raises `BadParameter`, `InvalidValue`, `PermissionDenied`, `LimitReached`, `ResourceUnavailable`.
    """
    _check_words(ctx, want)
    source = _source(ctx, want.volume["id"] if want.volume else None, want.snapshot, want.zone)
    resource.check(ctx, want.owner, {"template": 1, "secondarystorage": source["size"]})
    store = orders.store_in(ctx, source["zone_id"])
    uuid = ctx.uuid()
    row_id = ctx.tx.insert(template, **_values(ctx, want, source), uuid=uuid)
    ctx.tx.insert(
        placed,
        template_id=row_id,
        zone_id=source["zone_id"],
        state="NOT_DOWNLOADED",
        percent=0,
        store_id=store["id"],
        created=ctx.now,
        progress=None,
    )
    ctx.tx.insert(made, template_id=row_id, zone_id=source["zone_id"], store_id=store["id"])
    given = [{"resource_type": "Template", "resource_id": row_id, "display": True, "name": name, "value": value}
             for name, value in want.details.items()]  # fmt: skip
    ctx.tx.insert_many(schema.detail, given)
    what = f"volume {source['name']}" if want.volume is not None else f"snapshot {source['name']}"
    uuid_of_job = ctx.submit(
        Order(
            command=ctx.command or "createTemplate",
            workflow="template.create",
            arguments={
                "template_id": row_id,
                "volume_id": want.volume["id"] if want.volume else None,
                "snapshot_id": want.snapshot["id"] if want.snapshot else None,
                "zone_id": source["zone_id"],
            },
            instance_type=TEMPLATE.type,
            instance_uuid=uuid,
            lock=source["lock"],
            event="TEMPLATE.CREATE",
            event_text=f"creating template {want.name} of {what}",
            account_id=want.owner["id"],
            domain_id=want.owner["domain_id"],
        )
    )
    return uuid, uuid_of_job


def _check_words(ctx: Context, want: Wanted) -> None:
    admin = ctx.caller.is_admin
    if not want.name.strip():
        raise InvalidValue("a template needs a name")
    if (want.volume is None) == (want.snapshot is None):
        raise BadParameter("say what it is made of: volumeid or snapshotid, one of them")
    allowed = ctx.settings.flag("allow.public.user.templates", ("Account", want.owner["id"]))
    if want.public and not admin and not allowed:
        raise PermissionDenied("templates of users are private here (setting allow.public.user.templates)")
    if want.tag is not None and not admin:
        raise PermissionDenied("templatetag is for root admins to give")
    if want.bits not in (None, 32, 64):
        raise InvalidValue("bits takes 32 or 64")
    if want.arch is not None and want.arch.lower() not in ARCHITECTURES:
        raise InvalidValue(f"arch takes {', '.join(ARCHITECTURES)}, not '{want.arch[:64]}'")


def _source(ctx: Context, volume_id: int | None, row: Row | None, zone: Row | None) -> Row:
    """What a template is made of, with its size, zone and lock. Raises `InvalidValue`."""
    if row is not None:
        copy = snapshot.ready_place(ctx, row, zone["id"] if zone is not None else None)
        return {**row, "zone_id": copy["zone_id"], "copy": copy, "lock": f"snapshot:{row['uuid']}"}
    disk = orders.volume_of(ctx, volume_id or 0)
    if disk is None:
        raise InvalidValue("the volume is gone")
    if zone is not None and zone["id"] != disk["zone_id"]:
        raise InvalidValue(f"volume {disk['name']} is in another zone: its template is made there, then copied")
    if disk["state"] != "Ready" or disk["pool_id"] is None:
        raise InvalidValue(f"volume {disk['name']} is {disk['state']}, not Ready: it holds nothing a template could be")
    machine = orders.machine_of(ctx, disk)
    if disk["is_system"] or (machine is not None and machine["type"] != "User"):
        raise InvalidValue("no templates are made of the volumes of the cloud's own machines")
    if machine is not None and machine["state"] != "Stopped":
        raise InvalidValue(f"the virtual machine of volume {disk['name']} is {machine['state']}: stop it first")
    hypervisor = orders.hypervisor_of(ctx, disk, machine)
    return {**disk, "hypervisor": hypervisor, "lock": orders.lock_of(disk, machine)}


def _values(ctx: Context, want: Wanted, source: Row) -> dict[str, Any]:
    before = access.row(ctx, TEMPLATE, source["template_id"]) if source["template_id"] else {}
    return {
        "created": ctx.now,
        "removed": None,
        "name": want.name,
        "display_text": want.display_text or want.name,
        "url": None,
        "format": "RAW",
        "type": "USER",
        "hypervisor": source["hypervisor"],
        "arch": (want.arch or before.get("arch") or "x86_64").lower(),
        "guest_os_id": want.guest_os["id"],
        "account_id": want.owner["id"],
        "domain_id": want.owner["domain_id"],
        "is_public": bool(want.public),
        "is_featured": bool(want.featured) and ctx.caller.is_admin,
        "is_extractable": False,
        "is_bootable": True,
        "cross_zones": False,
        "password_enabled": bool(want.password_enabled),
        "sshkey_enabled": bool(want.sshkey_enabled),
        "dynamically_scalable": bool(want.dynamically_scalable),
        "requires_hvm": want.requires_hvm is not False,
        "deploy_as_is": False,
        "direct_download": False,
        "checksum": None,
        "tag": want.tag,
        "size": source["size"],
        "physical_size": source["size"],
        "state": "Active",
        "source_template_id": source["template_id"],
        "sort_key": 0,
        "bits": want.bits or 64,
        "for_cks": False,
        "userdata_id": None,
        "userdata_policy": None,
    }


# -- step by step


def _begin(ctx: Context, template_id: int, volume_id: int | None, snapshot_id: int | None, zone_id: int) -> Plain:
    row = access.alive(ctx, TEMPLATE, template_id)
    zone = {"id": zone_id}
    kept = access.alive(ctx, SNAPSHOT, snapshot_id) if snapshot_id is not None else None
    if volume_id is not None:
        access.alive(ctx, VOLUME, volume_id)
    source = _source(ctx, volume_id, kept, zone)
    if kept is None:
        disk = {"path": source["path"] or source["uuid"], "place": source["pool_uuid"], "url": ""}
        host = steps.reaching(ctx, source["pool_id"])
    else:
        disk = steps.place_of(source["copy"])
        in_pool = source["copy"]["role"] == "Primary"
        host = (
            steps.reaching(ctx, source["copy"]["pool_id"]) if in_pool else steps.worker(ctx, zone_id, row["hypervisor"])
        )
    file = ctx.tx.first(_FILE, template_id=template_id)
    assert file is not None
    return {
        "uuid": row["uuid"],
        "host": host,
        "store": [file["store_uuid"], file["store_url"]],
        "disk": {**disk, "uuid": source["uuid"]},
        "wait": ctx.settings.number(
            "create.private.template.from.snapshot.wait" if kept else "create.private.template.from.volume.wait"
        )
        or None,
    }


def _created(ctx: Context, template_id: int, answer: Plain) -> Plain:
    row = access.alive(ctx, TEMPLATE, template_id)
    sizes = {name: answer[name] or row[name] for name in ("size", "physical_size")}
    ctx.tx.update(template, {"id": template_id}, format=answer["format"], **sizes)
    ctx.tx.update(placed, {"template_id": template_id}, state="DOWNLOADED", percent=100)
    for place in ctx.tx.all(_PLACES, template_id=template_id):
        usage.begin(
            ctx,
            usage.TEMPLATE,
            "template_zone",
            {**row, "id": place["id"], "zone_id": place["zone_id"]},
            template_id=row["id"],
            size=sizes["size"],
        )
    return {"template": ctx.present("template", template_id)[0]}


def _not_created(ctx: Context, error: CloudError, template_id: int, **_: Any) -> None:
    """It was never there; what there may be of its file is removed by `clean_up`."""
    row = ctx.tx.first(TEMPLATE.by_id, row_id=template_id)
    if row is None or row["removed"] is not None:
        return
    ctx.tx.update(template, {"id": template_id}, removed=ctx.now)
    ctx.tx.execute(_DROP_PLACES, template_id=template_id)
    ctx.tx.execute(_DROP_DETAILS, template_id=template_id)


@workflow("template.create", failed=_not_created)
async def run(
    wf: Workflow[Context], template_id: int, volume_id: int | None, snapshot_id: int | None, zone_id: int
) -> None:
    """Makes a template on an image store of what a volume or a snapshot holds."""
    plan = await wf.step("begin", _begin, template_id, volume_id, snapshot_id, zone_id)
    disk, (store, url) = plan["disk"], plan["store"]
    command = CreateTemplateFromDisk(
        wf.command_id("create"),
        plan["uuid"],
        store=store,
        store_url=url,
        disk=disk["uuid"],
        path=disk["path"],
        place=disk["place"],
        snapshot=snapshot_id is not None,
        url=disk["url"],
    )
    answer = await steps.tell(wf, plan["host"], command, timeout=plan["wait"])
    await wf.finish(_created, template_id, answer)


# -- what is left


def clean_up(ctx: Context) -> int:
    """Orders that the files of templates are removed which could not be made, or were deleted; answers how many."""
    rows = ctx.tx.all(_LEFT)
    for row in rows:
        ctx.submit(
            Order(
                command="deleteTemplate",
                workflow="template.clean-up",
                arguments={"template_id": row["id"]},
                instance_type=TEMPLATE.type,
                instance_uuid=row["uuid"],
                lock=f"template:{row['uuid']}",
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )
        )
    return len(rows)


def _cleaning(ctx: Context, template_id: int) -> Plain:
    row, file = access.row(ctx, TEMPLATE, template_id), ctx.tx.first(_FILE, template_id=template_id)
    if file is None:
        return {}
    return {
        "uuid": row["uuid"],
        "store": [file["store_uuid"], file["store_url"]],
        "host": steps.worker(ctx, file["zone_id"], row["hypervisor"]),
    }


def _cleaned(ctx: Context, template_id: int) -> Plain:
    ctx.tx.execute(_DROP, template_id=template_id)
    return {"success": True}


@workflow("template.clean-up")
async def remove_file(wf: Workflow[Context], template_id: int) -> None:
    """Removes the file of a template that is gone; where that fails it is left for the next run."""
    plan = await wf.step("begin", _cleaning, template_id)
    if plan:
        store, url = plan["store"]
        await steps.tell(wf, plan["host"], DeleteTemplateFile(wf.command_id("delete"), plan["uuid"], "", store, url))
    await wf.finish(_cleaned, template_id)
