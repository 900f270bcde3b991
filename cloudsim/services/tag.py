"""Tags: key and value on whatever an account owns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select

from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, nouns
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals
from cloudsim.services.nouns import Noun

tag = schema.tag

#: What can have tags, by the name the API gives it.
KINDS: dict[str, Noun] = {
    "UserVm": nouns.VIRTUAL_MACHINE,
    "Volume": nouns.VOLUME,
    "VMSnapshot": nouns.VM_SNAPSHOT,
    "Snapshot": nouns.SNAPSHOT,
    "SnapshotPolicy": nouns.SNAPSHOT_POLICY,
    "Network": nouns.NETWORK,
    "PublicIpAddress": nouns.PUBLIC_IP,
    "SecurityGroup": nouns.SECURITY_GROUP,
    "SecurityGroupRule": nouns.SECURITY_GROUP_RULE,
    "LoadBalancer": nouns.LOAD_BALANCER_RULE,
    "FirewallRule": nouns.ANY_FIREWALL_RULE,
    "PortForwardingRule": nouns.PORT_FORWARDING_RULE,
    "Template": nouns.TEMPLATE,
    "ISO": nouns.TEMPLATE,
    "Account": nouns.ACCOUNT,
    "User": nouns.USER,
    "Domain": nouns.DOMAIN,
    "Project": nouns.PROJECT,
    "Zone": nouns.ZONE,
    "ServiceOffering": nouns.SERVICE_OFFERING,
    "DiskOffering": nouns.DISK_OFFERING,
    "NetworkOffering": nouns.NETWORK_OFFERING,
}
_BY_NAME = {name.lower(): name for name in KINDS}
_UUIDS = {
    name: select(noun.table.c.id, noun.table.c.uuid).where(any_of(noun.table.c.id, "ids"))
    for name, noun in KINDS.items()
}

LISTING = Listing(
    tag,
    filters={
        "key": equals(tag.c.key, "key"),
        "value": equals(tag.c.value, "value"),
        "kind": equals(tag.c.resource_type, "kind"),
        "resource": equals(tag.c.resource_id, "resource"),
        "none": tag.c.id < 0,
    },
    keyword=(tag.c.key, tag.c.value),
    owner=(tag.c.account_id, tag.c.domain_id),
)
_ROWS = (
    select(
        tag,
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        tag.join(schema.account, tag.c.account_id == schema.account.c.id).join(
            schema.domain, tag.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(tag.c.id, "ids"))
)
_OF = select(tag).where(tag.c.resource_type == bindparam("kind"), tag.c.resource_id == bindparam("resource_id"))
_DELETE = delete(tag).where(any_of(tag.c.id, "ids"))


def kind_of(text: str) -> str:
    """The kind a client names, as it is stored. Raises `InvalidValue`."""
    found = _BY_NAME.get(text.lower())
    if found is None:
        raise InvalidValue(f"resourcetype takes {', '.join(sorted(KINDS))}, not '{text[:64]}'")
    return found


def _resource(ctx: Context, kind: str, uuid: str) -> Row:
    row = access.find(ctx, KINDS[kind], uuid)
    if KINDS[kind] is nouns.TEMPLATE and (row["format"] == "ISO") != (kind == "ISO"):
        raise access.not_found(KINDS[kind], uuid)
    return row


def _owner(ctx: Context, kind: str, row: Row) -> tuple[int, int]:
    """Account and domain that a tag on it belongs to: its owner's, or the caller's for parts of the cloud."""
    caller = ctx.caller
    if kind == "Account":
        owner = (int(row["id"]), int(row["domain_id"]))
    elif "account_id" in row and row["account_id"] is not None:
        owner = (int(row["account_id"]), int(row["domain_id"]))
    else:
        if not caller.is_admin:
            raise PermissionDenied(f"tags of a {KINDS[kind].label} are for root admins to change")
        return caller.account_id, caller.domain_id
    if not access.owns(ctx, *owner):
        raise PermissionDenied(f"{KINDS[kind].label} {row['uuid']} belongs to another account")
    return owner


def _order(ctx: Context, kind: str, uuids: Sequence[str], name: str, event: str, arguments: dict[str, Any]) -> str:
    resources = []
    for uuid in dict.fromkeys(uuids):
        row = _resource(ctx, kind, uuid)
        resources.append([int(row["id"]), *_owner(ctx, kind, row)])
    if not resources:
        raise BadParameter("parameter resourceids is missing")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=name,
            arguments={"kind": kind, "resources": resources, **arguments},
            event=event,
            event_text=f"tags of {len(resources)} {KINDS[kind].label}(s)",
        )
    )


def create(ctx: Context, kind: str, uuids: Sequence[str], tags: Mapping[str, str]) -> str:
    """Puts tags on things. Raises `InvalidValue` for an empty key or value, or a key that is there already."""
    for key, value in tags.items():
        if not key or not value:
            raise InvalidValue("a tag has a key and a value")
        if len(key) > 255 or len(value) > 255:
            raise InvalidValue("key and value of a tag have up to 255 characters")
    return _order(ctx, kind, uuids, "tag.create", "CREATE_TAGS", {"tags": dict(tags)})


def _created(ctx: Context, kind: str, resources: list[list[int]], tags: dict[str, str]) -> dict[str, Any]:
    for resource_id, account_id, domain_id in resources:
        there = {row["key"] for row in ctx.tx.all(_OF, kind=kind, resource_id=resource_id)}
        for key, value in tags.items():
            if key in there:
                raise InvalidValue(f"a tag with key '{key}' is there already: delete it first")
            ctx.tx.insert(
                tag,
                uuid=ctx.uuid(),
                resource_type=kind,
                resource_id=resource_id,
                key=key,
                value=value,
                account_id=account_id,
                domain_id=domain_id,
            )
    return {"success": True}


@workflow("tag.create")
async def _create(wf: Workflow[Context], kind: str, resources: list[list[int]], tags: dict[str, str]) -> None:
    await wf.finish(_created, kind, resources, tags)


def remove(ctx: Context, kind: str, uuids: Sequence[str], tags: Mapping[str, str] | None) -> str:
    """Takes tags off things: those given (an empty value fits any), or all of them."""
    return _order(ctx, kind, uuids, "tag.delete", "DELETE_TAGS", {"tags": None if tags is None else dict(tags)})


def _removed(ctx: Context, kind: str, resources: list[list[int]], tags: dict[str, str] | None) -> dict[str, Any]:
    gone = [
        row["id"]
        for resource_id, *_ in resources
        for row in ctx.tx.all(_OF, kind=kind, resource_id=resource_id)
        if tags is None or (row["key"] in tags and tags[row["key"]] in ("", row["value"]))
    ]
    if tags and not gone:
        raise InvalidValue("no such tag is there")
    ctx.tx.execute(_DELETE, ids=gone)
    return {"success": True}


@workflow("tag.delete")
async def _delete(wf: Workflow[Context], kind: str, resources: list[list[int]], tags: dict[str, str] | None) -> None:
    await wf.finish(_removed, kind, resources, tags)


def search(
    ctx: Context, page: Page, scope: Scope, *, kind: str | None, resource: str | None, **given: Any
) -> tuple[list[int], int]:
    """Tags: ids of the page, and how many there are. `resource` is the uuid of one tagged thing."""
    if resource is not None:
        for name in (kind,) if kind else KINDS:
            row = ctx.tx.first(KINDS[name].by_uuid, uuid=resource)
            if row is not None and access.may_see(ctx, KINDS[name], row):
                if KINDS[name] is nouns.TEMPLATE:
                    name = "ISO" if row["format"] == "ISO" else "Template"
                kind, given["resource"] = name, row["id"]
                break
        else:
            return [], 0
    return LISTING.page(ctx, {**given, "kind": kind}, page, scope)


def rows(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, str]]:
    """Tags with their owners, each with the uuid of what it is on."""
    found = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    on: dict[str, set[int]] = {}
    for row in found.values():
        on.setdefault(row["resource_type"], set()).add(row["resource_id"])
    uuids = {
        (kind, row["id"]): row["uuid"]
        for kind, wanted in on.items()
        for row in ctx.tx.all(_UUIDS[kind], ids=sorted(wanted))
    }
    return [(found[i], uuids.get((found[i]["resource_type"], found[i]["resource_id"]), "")) for i in ids if i in found]
