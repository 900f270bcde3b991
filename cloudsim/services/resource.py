"""What accounts, domains and projects have of each kind of resource, and how much of it they may have.

Counted from what is there, each time: no count can drift, and a limit holds because writes run one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select

from cloudsim.core.caller import ADMIN, PROJECT
from cloudsim.core.errors import InvalidValue, LimitReached, PermissionDenied
from cloudsim.core.reference import reference
from cloudsim.core.settings import declarations
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DOMAIN

UNLIMITED = -1
GIB = 1024**3
_SETTINGS = {
    "user_vm": "user.vms",
    "public_ip": "public.ips",
    "cpu": "cpus",
    "memory": "memory",
    "primary_storage": "primary.storage",
    "secondary_storage": "secondary.storage",
    "backup_storage": "backup.storage",
    "object_storage": "object.storage",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource that has a limit."""

    #: CloudStack's number of it.
    number: int
    #: CloudStack's name, e.g. ``primary_storage``.
    name: str
    #: What the API's fields begin with, e.g. ``primarystorage``.
    field: str
    #: The end of the names of its settings, e.g. ``primary.storage``.
    setting: str
    #: What one unit of a limit is in units of the count: storage is counted in bytes and limited in GiB.
    unit: int
    #: Whether the tags of hosts or of storage may have limits of their own: ``host``, ``storage`` or nothing.
    tags: str


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its field name, in the order the API shows them."""
    order = (
        "user_vm public_ip volume snapshot backup backup_storage template project network vpc cpu memory gpu "
        "primary_storage secondary_storage bucket object_storage"
    ).split()
    numbers = {name: int(number) for number, name in reference("resourcelimits")}
    made = {}
    for name in order:
        field = name.removeprefix("user_").removeprefix("public_").replace("_", "")
        tags = {"user_vm": "host", "cpu": "host", "memory": "host", "gpu": "host"}.get(name, "")
        if name in ("volume", "primary_storage"):
            tags = "storage"
        unit = GIB if name.endswith("_storage") else 1
        made[field] = Kind(numbers[name], name, field, _SETTINGS.get(name, name + "s"), unit, tags)
    return made


def kind_of(number: int | None, name: str | None) -> Kind | None:
    """The kind a client names by number or name. Raises `InvalidValue`."""
    if number is None and name is None:
        return None
    for kind in kinds().values():
        if (number is None or kind.number == number) and (name is None or kind.name == name.lower()):
            return kind
    raise InvalidValue(
        "there is no such type of resource; "
        + ", ".join(f"{kind.number} {kind.name}" for kind in sorted(kinds().values(), key=lambda one: one.number))
    )


# -- what is there

vm, volume, network, public_ip, template, snapshot = (
    schema.vm,
    schema.volume,
    schema.network,
    schema.public_ip,
    schema.template,
    schema.snapshot,
)
_HAS = and_(*(vm.c.state != state for state in ("Destroyed", "Expunging", "Error")))
_RUNS = or_(*(vm.c.state == state for state in ("Running", "Starting", "Stopping", "Migrating")))
_ON = volume.outerjoin(vm, volume.c.vm_id == vm.c.id)
_DISKS = and_(volume.c.state != "Expunged", volume.c.state != "Destroy", or_(vm.c.id.is_(None), _HAS))


def _sum(column: Any, label: str) -> Any:
    return func.coalesce(func.sum(column, type_=Big), 0, type_=Big).label(label)


def _machines(owner: Any, *where: Any, source: Any = vm) -> Any:
    return (
        select(
            owner.label("owner"),
            func.count().label("vm"),
            _sum(vm.c.cpu, "cpu"),
            _sum(vm.c.memory, "memory"),
            _sum(case((_RUNS, vm.c.cpu), else_=0), "running_cpu"),
            _sum(case((_RUNS, vm.c.memory), else_=0), "running_memory"),
            _sum(case((vm.c.state == "Running", 1), else_=0), "running"),
            _sum(case((vm.c.state == "Stopped", 1), else_=0), "stopped"),
        )
        .select_from(source)
        .where(vm.c.removed.is_(None), vm.c.type == "User", _HAS, *where)
        .group_by(owner)
    )


def _disks(owner: Any, *where: Any, source: Any = _ON) -> Any:
    return (
        select(owner.label("owner"), func.count().label("volume"), _sum(volume.c.size, "primarystorage"))
        .select_from(source)
        .where(volume.c.removed.is_(None), volume.c.is_system.is_(False), _DISKS, *where)
        .group_by(owner)
    )


def _number(label: str, owner: Any, table: Any, *where: Any) -> Any:
    return (
        select(owner.label("owner"), func.count().label(label)).where(table.c.removed.is_(None), *where).group_by(owner)
    )


def _templates(owner: Any, *where: Any) -> Any:
    return (
        select(owner.label("owner"), func.count().label("template"), _sum(template.c.size, "secondarystorage"))
        .where(template.c.removed.is_(None), template.c.type == "USER", *where)
        .group_by(owner)
    )


def _projects(owner: Any, *where: Any) -> Any:
    member, project = schema.project_account, schema.project
    return (
        select(owner.label("owner"), func.count().label("project"))
        .select_from(
            project.join(member, and_(member.c.project_id == project.c.id, member.c.role == "Admin"))
            .join(schema.account, member.c.account_id == schema.account.c.id)
        )
        .where(project.c.removed.is_(None), *where)
        .group_by(owner)
    )  # fmt: skip


_GUEST = and_(network.c.traffic_type == "Guest", network.c.acl_type == "Account", network.c.state != "Destroy")
# addresses of shared networks are their machines', not an account's
_SHARED = select(schema.vlan.c.id).where(schema.vlan.c.type == "DirectAttached")
_HELD = and_(
    public_ip.c.state != "Free",
    public_ip.c.account_id.is_not(None),
    public_ip.c.is_system.is_(False),
    public_ip.c.vlan_id.not_in(_SHARED),
)


def _networks(owner: Any, *where: Any) -> Any:
    return _number("network", owner, network, _GUEST, *where)


def _addresses(owner: Any, *where: Any) -> Any:
    return _number("ip", owner, public_ip, _HELD, *where)


def _snapshots(owner: Any, *where: Any) -> Any:
    return _number("snapshot", owner, snapshot, snapshot.c.state != "Error", *where)


def _copies(label: str, role: str) -> Callable[..., Any]:
    """The room that copies of snapshots take: on image stores, or in pools where they shall stay."""

    def statement(owner: Any, *where: Any) -> Any:
        copy = schema.snapshot_store
        return (
            select(owner.label("owner"), _sum(copy.c.physical_size, label))
            .select_from(snapshot.join(copy, copy.c.snapshot_id == snapshot.c.id))
            .where(snapshot.c.removed.is_(None), copy.c.role == role, *where)
            .group_by(owner)
        )

    return statement


#: Kinds that are counted together, and their statement by the owner's column.
_GROUPS: tuple[tuple[tuple[str, ...], Callable[..., Any], Any], ...] = (
    (("vm", "cpu", "memory", "running", "stopped", "running_cpu", "running_memory"), _machines, vm),
    (("volume", "primarystorage"), _disks, volume),
    (("network",), _networks, network),
    (("ip",), _addresses, public_ip),
    (("template", "secondarystorage"), _templates, template),
    (("snapshot",), _snapshots, snapshot),
    (("secondarystorage",), _copies("secondarystorage", "Image"), snapshot),
    (("primarystorage",), _copies("primarystorage", "Primary"), snapshot),
)
_COLUMNS = {"account": "account_id", "domain": "domain_id"}


@cache
def _statements(of: str) -> list[tuple[tuple[str, ...], Any]]:
    column = _COLUMNS[of]
    made: list[tuple[tuple[str, ...], Any]] = []
    for names, statement, table in _GROUPS:
        owner = table.c[column]
        made.append((names, statement(owner, any_of(owner, "ids"))))
    owner = schema.project_account.c.account_id if of == "account" else schema.project.c.domain_id
    made.append((("project",), _projects(owner, any_of(owner, "ids"))))
    return made


@cache
def _tagged(group: str, of: str) -> Any:
    # offerings name their tags as texts separated by commas
    column = _COLUMNS[of]
    like: Any = bindparam("tag_like")
    if group == "host":
        offering = schema.service_offering
        source = vm.join(offering, vm.c.service_offering_id == offering.c.id)
        return _machines(
            vm.c[column], any_of(vm.c[column], "ids"), ("," + offering.c.host_tags + ",").like(like), source=source
        )
    offering = schema.disk_offering
    source = _ON.join(offering, volume.c.disk_offering_id == offering.c.id)
    return _disks(
        volume.c[column], any_of(volume.c[column], "ids"), ("," + offering.c.tags + ",").like(like), source=source
    )


def used(
    ctx: Context, of: str, ids: Sequence[int], fields: frozenset[str] | None = None, tag: str = ""
) -> dict[int, dict[str, int]]:
    """What each ``account`` or ``domain`` (without those below) has, by field; ``running`` and ``stopped`` too.

    Memory in MB, storage in bytes. One statement for each family of kinds that `fields` asks for.
    """
    made: dict[int, dict[str, int]] = {row_id: dict.fromkeys((*kinds(), "running", "stopped"), 0) for row_id in ids}
    values: dict[str, Any] = {"ids": list(ids)}
    if tag:
        values["tag_like"] = f"%,{tag},%"
        groups = [(_GROUPS[0][0], _tagged("host", of)), (_GROUPS[1][0], _tagged("storage", of))]
    else:
        groups = _statements(of)
    for fields_of, statement in groups:
        if fields is not None and fields.isdisjoint(fields_of):
            continue
        for row in ctx.tx.all(statement, values):
            counts = made[row["owner"]]
            counts.update({name: counts.get(name, 0) + int(row[name]) for name in fields_of})
    only_running = ctx.settings.flag("resource.count.running.vms.only")
    for counts in made.values():
        for name in ("cpu", "memory"):
            running = counts.pop(f"running_{name}", None)
            if only_running and running is not None:
                counts[name] = running
    return made


_BELOW = select(schema.domain.c.id).where(
    schema.domain.c.path >= bindparam("start"),
    schema.domain.c.path < bindparam("end"),
    schema.domain.c.removed.is_(None),
)


def used_below(ctx: Context, domain: Row, fields: frozenset[str] | None = None, tag: str = "") -> dict[str, int]:
    """What a domain and all below it have, by field."""
    path = str(domain["path"])
    ids = [row["id"] for row in ctx.tx.all(_BELOW, start=path, end=path[:-1] + "0")]
    total: dict[str, int] = dict.fromkeys((*kinds(), "running", "stopped"), 0)
    for counts in used(ctx, "domain", ids, fields, tag).values():
        for name, number in counts.items():
            total[name] += number
    return total


# -- what there may be

limit = schema.resource_limit
_LIMITS = select(limit).where(
    or_(
        and_(limit.c.owner_type == "Account", any_of(limit.c.owner_id, "accounts")),
        and_(limit.c.owner_type == "Domain", any_of(limit.c.owner_id, "domains")),
    )
)
_ABOVE = (
    select(schema.domain)
    .where(any_of(schema.domain.c.path, "paths"), schema.domain.c.removed.is_(None))
    .order_by(schema.domain.c.level.desc())
)


def line(ctx: Context, path: str) -> list[Row]:
    """The domain of a path and those above it, the root last."""
    parts = path.strip("/").split("/") if path != "/" else []
    paths = ["/" + "".join(part + "/" for part in parts[:count]) for count in range(len(parts) + 1)]
    return ctx.tx.all(_ABOVE, paths=paths)


class Limits:
    """The limits of some accounts and domains, read at once."""

    def __init__(self, ctx: Context, accounts: Sequence[int], domains: Sequence[int]) -> None:
        self._settings = ctx.settings
        self._given: dict[tuple[str, int, int, str], int] = {}
        if accounts or domains:
            for row in ctx.tx.all(_LIMITS, accounts=list(accounts), domains=list(domains)):
                self._given[row["owner_type"], row["owner_id"], row["type"], row["tag"]] = row["max"]

    def of_account(self, row_id: int, type_: int, kind: Kind, tag: str = "") -> int:
        """How much an account (its id and type) may have; `UNLIMITED` or a number of the kind's units."""
        if type_ == ADMIN:
            return UNLIMITED
        given = self._given.get(("Account", row_id, kind.number, tag))
        if given is not None:
            return given
        if tag:
            return UNLIMITED
        return self._setting("max.project" if type_ == PROJECT else "max.account", kind)

    def of_domain(self, above: Sequence[Row], kind: Kind, tag: str = "") -> int:
        """How much a domain may have, given with those above it, itself first: the nearest limit, else the default."""
        if above[0]["parent_id"] is None:
            return UNLIMITED
        for row in above:
            given = self._given.get(("Domain", row["id"], kind.number, tag))
            if given is not None and row["parent_id"] is not None:
                return given
        return UNLIMITED if tag else self._setting("max.domain", kind)

    def _setting(self, start: str, kind: Kind) -> int:
        name = f"{start}.{kind.setting}"
        value = self._settings.raw(name) if name in declarations() else None
        return UNLIMITED if value in (None, "") else max(UNLIMITED, int(float(value or 0)))


def tags_with_limits(ctx: Context, group: str) -> list[str]:
    """The host tags or storage tags that may have limits of their own, by the settings."""
    return [
        tag for part in ctx.settings.text(f"resource.limit.{group}.tags").split(",") if (tag := part.strip())
    ]  # fmt: skip


def check(
    ctx: Context, account: Row, wanted: Mapping[str, int], *, tags: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Raises `LimitReached` where an account, or a domain it is in, may not have so much more.

    `wanted` is by field: numbers, MB of memory, bytes of storage. `tags` are those of the offering that is asked for, by
    ``host`` and ``storage``. To be called in the transaction that makes the things, before they are there.
    """
    asked = {field: amount for field, amount in wanted.items() if amount > 0}
    if not asked:
        return
    above = line(ctx, access.domain_path(ctx, account["domain_id"]))
    limits = Limits(ctx, [account["id"]], [row["id"] for row in above])
    _check_one(ctx, account, above, limits, asked, "")
    for group, names in (tags or {}).items():
        part = {field: amount for field, amount in asked.items() if kinds()[field].tags == group}
        for tag in tags_with_limits(ctx, group):
            if tag in names and part:
                _check_one(ctx, account, above, limits, part, tag)


def _check_one(
    ctx: Context, account: Row, above: Sequence[Row], limits: Limits, asked: Mapping[str, int], tag: str
) -> None:
    most = {field: limits.of_account(account["id"], account["type"], kinds()[field], tag) for field in asked}
    limited = frozenset(field for field, value in most.items() if value != UNLIMITED)
    named = f" with tag {tag}" if tag else ""
    if limited:
        has = used(ctx, "account", [account["id"]], limited, tag)[account["id"]]
        for field in sorted(limited):
            _refuse(f"account {account['name']}", kinds()[field], most[field], has[field], asked[field], named)
    for number, row in enumerate(above):
        line_up = above[number:]
        most = {field: limits.of_domain(line_up, kinds()[field], tag) for field in asked}
        limited = frozenset(field for field, value in most.items() if value != UNLIMITED)
        if limited:
            total = used_below(ctx, row, limited, tag)
            for field in sorted(limited):
                _refuse(f"domain {row['name']}", kinds()[field], most[field], total[field], asked[field], named)


def _refuse(whose: str, kind: Kind, most: int, has: int, asked: int, named: str) -> None:
    if has + asked > most * kind.unit:
        unit = " GiB" if kind.unit == GIB else ""
        raise LimitReached(
            f"{whose} may have {most}{unit} of {kind.name}{named}, has {has // kind.unit}{unit} "
            f"and would need {-(-asked // kind.unit)}{unit} more"
        )


# -- commands


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose limits: an account (with the project it stands for, if it does), or a domain."""

    domain: Row
    account: Row | None = None
    project: Row | None = None


def holder(ctx: Context, domain: Row | None, account: str | None, project: Row | None) -> Holder:
    """Who is meant; the caller's own account where nothing is said. Raises `BadParameter`, `PermissionDenied`."""
    if account is not None:
        if domain is None:
            raise InvalidValue("account needs the domainid it is in")
        row = access.account_of(ctx, domain, account)
        return Holder(domain, row)
    if project is not None:
        row = access.row(ctx, ACCOUNT, project["account_id"])
        return Holder(access.row(ctx, DOMAIN, project["domain_id"]), row, project)
    if domain is not None:
        if not access.within(ctx, domain["id"]):
            raise PermissionDenied("that domain is not yours")
        return Holder(domain)
    row = access.row(ctx, ACCOUNT, ctx.caller.account_id)
    return Holder(access.row(ctx, DOMAIN, row["domain_id"]), row)


def limits_of(ctx: Context, who: Holder, kind: Kind | None, tag: str | None) -> list[tuple[Kind, str, int]]:
    """The limits of a holder: kind, tag, and how much of it (`UNLIMITED` or a number)."""
    above = line(ctx, who.domain["path"])
    found = Limits(ctx, [who.account["id"]] if who.account else [], [row["id"] for row in above])
    made = []
    for one in (kind,) if kind else sorted(kinds().values(), key=lambda entry: entry.number):
        for text in (tag,) if tag is not None else ("", *(tags_with_limits(ctx, one.tags) if one.tags else ())):
            value = (
                found.of_account(who.account["id"], who.account["type"], one, text)
                if who.account
                else found.of_domain(above, one, text)
            )
            made.append((one, text, value))
    return made


def set_limit(ctx: Context, who: Holder, kind: Kind, most: int, tag: str) -> int:
    """Gives a holder a limit; answers it. Raises `InvalidValue`, `PermissionDenied`."""
    caller = ctx.caller
    if most < UNLIMITED:
        raise InvalidValue("max is -1 (unlimited), or how many there may be")
    if tag and (not kind.tags or tag not in tags_with_limits(ctx, kind.tags)):
        setting = f"resource.limit.{kind.tags or 'host'}.tags"
        raise InvalidValue(f"'{tag[:64]}' is no tag that limits {kind.name} (setting {setting})")
    if not (caller.is_admin or caller.is_domain_admin):
        raise PermissionDenied("limits are set by admins")
    above = line(ctx, who.domain["path"])
    limits = Limits(ctx, [], [row["id"] for row in above])
    if who.account is not None:
        if who.account["type"] == ADMIN and most != UNLIMITED:
            raise InvalidValue("a root admin's account has no limits: max is -1")
        if who.account["id"] == caller.account_id and not caller.is_admin:
            raise PermissionDenied("nobody sets the own limits")
        owner_type, owner_id = "Account", who.account["id"]
        has = used(ctx, "account", [owner_id], frozenset((kind.field,)), tag)[owner_id][kind.field]
    else:
        if who.domain["parent_id"] is None and most != UNLIMITED:
            raise InvalidValue("the ROOT domain has no limits: max is -1")
        if who.domain["id"] == caller.domain_id and not caller.is_admin:
            raise PermissionDenied("nobody sets the limits of the own domain")
        if len(above) > 1:
            there = limits.of_domain(above[1:], kind, tag)
            if there != UNLIMITED and (most > there or most == UNLIMITED):
                raise InvalidValue(
                    f"domain {above[1]['name']} above may have {there} of {kind.name}: no more can be given"
                )
        owner_type, owner_id = "Domain", who.domain["id"]
        has = used_below(ctx, who.domain, frozenset((kind.field,)), tag)[kind.field]
    if most != UNLIMITED and has > most * kind.unit:
        raise InvalidValue(f"{-(-has // kind.unit)} of {kind.name} are in use already: the limit cannot be below")
    where = {"owner_type": owner_type, "owner_id": owner_id, "type": kind.number, "tag": tag}
    if not ctx.tx.update(limit, where, max=most):
        ctx.tx.insert(limit, **where, max=most)
    ctx.event(
        "RESOURCE.LIMIT.UPDATE",
        f"limit of {kind.name} is {'unlimited' if most == UNLIMITED else most} now",
        account_id=who.account["id"] if who.account else None,
        domain_id=who.domain["id"],
    )
    return most


def counts(ctx: Context, who: Holder, kind: Kind | None, tag: str) -> list[tuple[Kind, int]]:
    """What a holder has of each kind (storage in bytes), counted anew."""
    chosen = (kind,) if kind else sorted(kinds().values(), key=lambda entry: entry.number)
    fields = frozenset(one.field for one in chosen)
    if who.account is not None:
        has = used(ctx, "account", [who.account["id"]], fields, tag)[who.account["id"]]
    else:
        has = used_below(ctx, who.domain, fields, tag)
    return [(one, has[one.field]) for one in chosen]
