"""The global settings: kept in memory, true to the table, read live by the code they govern."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from cloudsim.allocators import registry
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.core.settings import Setting, declaration, declarations
from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction, WriteTransaction
from cloudsim.db.schema import configuration
from cloudsim.services import access
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import ACCOUNT, CLUSTER, IMAGE_STORE, STORAGE_POOL

log = logging.getLogger(__name__)

_ALL = select(configuration)
_DOMAINS = select(schema.domain.c.id, schema.domain.c.parent_id).where(schema.domain.c.parent_id.is_not(None))
#: How the stored form of a secret begins.
_SEALED = "sealed:"

#: Scope names by the parameter that asks for one, in the order they are looked at.
SCOPES = {
    "zoneid": "Zone",
    "clusterid": "Cluster",
    "storageid": "StoragePool",
    "accountid": "Account",
    "domainid": "Domain",
    "imagestoreuuid": "ImageStore",
}
Place = tuple[str, int]
#: Settings whose options are what is installed.
_PARTS = {
    "vm.deployment.planner": registry.PLANNERS,
    "vm.allocation.algorithm": registry.HOST_ALLOCATORS,
    "volume.allocation.algorithm": registry.STORAGE_ALLOCATORS,
}


def _load(tx: Transaction) -> tuple[dict[tuple[str, str, int], str | None], dict[int, int]]:
    values = {(row["name"], row["scope"], row["scope_id"]): row["value"] for row in tx.all(_ALL)}
    return values, {row["id"]: row["parent_id"] for row in tx.all(_DOMAINS)}


def _seal_all(tx: WriteTransaction, cloud: Cloud, plain: Mapping[tuple[str, str, int], str]) -> None:
    """Seals the secrets that an older version stored as they are."""
    for (name, scope, scope_id), value in plain.items():
        where = {"name": name, "scope": scope, "scope_id": scope_id}
        tx.update(configuration, where, value=_SEALED + cloud.cipher.seal(value))


async def follow(cloud: Cloud) -> None:
    """Loads what differs from the defaults. Changes reach `cloud.settings` when they are durable; those that another
    server on the same database makes, as soon as it tells of them.
    """

    async def again() -> None:
        await _follow(cloud)

    plain = await _follow(cloud)
    if plain:
        await cloud.db.write(_seal_all, cloud, plain)
    cloud.db.listen_elsewhere({"configuration"}, again)


async def _follow(cloud: Cloud) -> dict[tuple[str, str, int], str]:
    """Answers the secrets that are not sealed yet."""
    values, cloud.settings.above = await cloud.db.read(_load)
    plain: dict[tuple[str, str, int], str] = {}
    for key, value in list(values.items()):
        known = declarations().get(key[0])
        if known is None or not secret(known) or not value:
            continue
        if not value.startswith(_SEALED):
            plain[key] = value
            continue
        try:
            values[key] = cloud.cipher.open(value.removeprefix(_SEALED))
        except ValueError as error:
            log.error("setting %s has its default: %s", key[0], error)
            del values[key]
    cloud.settings.overrides = values
    return plain


def place_of(ctx: Context, given: Mapping[str, Row | None]) -> Place:
    """The place that was asked for: Global, or one scope. Raises `InvalidValue` for more than one.

    Admins of domains have to do with the settings of accounts and domains only: the own domain where they name none.
    Raises `PermissionDenied` for any other place.
    """
    caller = ctx.caller
    named = [(SCOPES[name], int(row["id"])) for name, row in given.items() if row is not None]
    if len(named) > 1:
        raise InvalidValue(f"a setting has one place at a time: give one of {', '.join(SCOPES)}")
    if caller.is_admin:
        return named[0] if named else ("Global", 0)
    if named and named[0][0] not in ("Account", "Domain"):
        raise PermissionDenied(f"settings of a {named[0][0].lower()} are for root admins")
    return named[0] if named else ("Domain", caller.domain_id)


def search(
    *,
    place: Place,
    name: str | None,
    category: str | None,
    group: str | None,
    subgroup: str | None,
    parent: str | None,
    keyword: str | None,
) -> list[Setting]:
    """The settings that fit all that was given, in the reference's order. Raises `BadParameter` for an unknown name."""
    if name is not None:
        declaration(name)
    word = keyword.lower() if keyword else None
    return [
        one
        for one in declarations().values()
        if (name is None or one.name == declaration(name).name)
        and (category is None or one.category.lower() == category.lower())
        and (group is None or (one.group or "").lower() == group.lower())
        and (subgroup is None or (one.subgroup or "").lower() == subgroup.lower())
        and (parent is None or one.parent == parent)
        and (word is None or word in one.name or word in (one.component or "").lower())
        and (place[0] == "Global" or settable(one, place[0]))
    ]


def settable(setting: Setting, scope: str) -> bool:
    """Whether a setting can have a value of its own in a scope; the reference's list does not tell for most of them."""
    return not setting.scopes or scope in setting.scopes


def values_at(ctx: Context, settings: Sequence[Setting], place: Place) -> list[str | None]:
    """The values in force at a place: its own, or those of the place it is part of, or the global ones."""
    chain = _chain(ctx, place)
    return [ctx.settings.raw(one.name, *chain) for one in settings]


def value_above(ctx: Context, setting: Setting, place: Place) -> str | None:
    """The value that a place without one of its own has."""
    above = _chain(ctx, place)[1:]
    if place[0] == "Domain" and ctx.settings.flag("enable.domain.settings.for.child.domain"):
        above = [("Domain", ctx.settings.above[place[1]])] if place[1] in ctx.settings.above else []
    return ctx.settings.raw(setting.name, *above)


#: The place that a place of each scope is part of: its scope, and the column that says which.
_PART_OF = {
    "Cluster": (CLUSTER, "Zone", "zone_id"),
    "StoragePool": (STORAGE_POOL, "Zone", "zone_id"),
    "ImageStore": (IMAGE_STORE, "Zone", "zone_id"),
    "Account": (ACCOUNT, "Domain", "domain_id"),
}


def _chain(ctx: Context, place: Place) -> list[Place]:
    """A place and those it has values from, the nearest first."""
    scope, row_id = place
    if scope == "Global":
        return []
    chain = [place]
    if scope in _PART_OF and (scope != "Account" or ctx.settings.flag("enable.account.settings.for.domain")):
        noun, above, column = _PART_OF[scope]
        above_id = access.row(ctx, noun, row_id)[column]
        if above_id is not None:
            chain.append((above, above_id))
    return chain


def update(ctx: Context, name: str, value: str, place: Place) -> tuple[Setting, str]:
    """Gives a setting a value at a place; answers it with the stored form. Raises `BadParameter`, `InvalidValue`."""
    setting = declaration(name)
    if not settable(setting, place[0]) and place[0] != "Global":
        raise InvalidValue(f"setting {setting.name} has no value of its own for a {place[0].lower()}")
    stored = setting.checked(value, _installed(setting))
    _write(ctx, setting, stored, place)
    shown = "a secret" if secret(setting) else f"'{value[:200]}'"
    ctx.event("CONFIGURATION.VALUE.EDIT", f"setting {setting.name} ({place[0]}) is now {shown}")
    return setting, stored


def _installed(setting: Setting) -> tuple[str, ...]:
    """The planners or allocators that users of this server have installed, for the settings that name one."""
    group = _PARTS.get(setting.name)
    return tuple(registry.names(group)) if group else ()


def reset(ctx: Context, name: str, place: Place) -> Setting:
    """Takes a setting back to its default (globally), or to the global value (in a scope)."""
    setting = declaration(name)
    _write(ctx, setting, None, place)
    ctx.event("CONFIGURATION.VALUE.EDIT", f"setting {setting.name} ({place[0]}) has its default again")
    return setting


def secret(setting: Setting) -> bool:
    """Whether nobody is told the value."""
    return setting.category in ("Secure", "Hidden")


def _write(ctx: Context, setting: Setting, value: str | None, place: Place) -> None:
    key = (setting.name, *place)
    where = {"name": setting.name, "scope": place[0], "scope_id": place[1]}
    if value is None:
        ctx.tx.execute(
            configuration.delete().where(*(configuration.c[column] == entry for column, entry in where.items()))
        )
    else:
        stored = _SEALED + ctx.cloud.cipher.seal(value) if secret(setting) and value else value
        if ctx.tx.update(configuration, where, value=stored, updated=ctx.now) == 0:
            ctx.tx.insert(configuration, **where, value=stored, updated=ctx.now)
    settings = ctx.settings

    def hold() -> None:
        if value is None:
            settings.overrides.pop(key, None)
        else:
            settings.overrides[key] = value

    ctx.tx.on_commit(hold)


#: The groups and the groups in them, as the reference orders them; what it has more comes after.
_ORDER = {
    "Access": ("Account", "Domain", "Project", "LDAP", "SAML"),
    "Compute": ("Virtual Machine", "Kubernetes", "High Availability"),
    "Storage": ("Images", "Volume", "Snapshot", "VM Snapshot"),
    "Network": ("Network", "DHCP", "VPC", "LoadBalancer"),
    "Hypervisor": ("Hypervisor", "KVM", "VMware", "XenServer", "OVM", "Baremetal"),
    "Management Server": ("API", "Alerts", "Events", "Security", "Limits", "Jobs", "Agent"),
    "System VMs": ("ConsoleProxyVM", "SecStorageVM", "VirtualRouter", "Diagnostics"),
    "Infrastructure": ("Primary Storage", "Secondary Storage"),
    "Usage Server": ("Usage",),
    "Miscellaneous": (),
}


def groups(name: str | None, keyword: str | None) -> list[dict[str, Any]]:
    """The groups of settings with the groups in them."""
    there: dict[str, set[str]] = {}
    for one in declarations().values():
        there.setdefault(one.group or "Miscellaneous", set()).add(one.subgroup or "Others")
    made = []
    for place, group in enumerate([*_ORDER, *sorted(there.keys() - _ORDER.keys())], 1):
        first = [sub for sub in _ORDER.get(group, ()) if sub in there.get(group, ())]
        inside = [*first, *sorted(there.get(group, set()) - set(first))]
        if name is not None and name.lower() != group.lower():
            continue
        if keyword is not None and keyword.lower() not in group.lower():
            continue
        numbered = [{"name": sub, "precedence": number} for number, sub in enumerate(inside, 1)]
        made.append({"name": group, "subgroup": numbered, "precedence": place})
    return made
