"""The global settings: kept in memory, true to the table, read live by the code they govern."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from cloudsim.allocators import registry
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.core.settings import Setting, declaration, declarations
from cloudsim.db.database import Row, Transaction
from cloudsim.db.schema import configuration
from cloudsim.services.context import Cipher, Cloud, Context

_ALL = select(configuration)

#: Scope names by the parameter that asks for one, in the order they are looked at.
SCOPES = {
    "zoneid": "Zone",
    "clusterid": "Cluster",
    "storageid": "StoragePool",
    "accountid": "Account",
    "domainid": "Domain",
}
Place = tuple[str, int]
#: Settings whose options are what is installed.
_PARTS = {
    "vm.deployment.planner": registry.PLANNERS,
    "vm.allocation.algorithm": registry.HOST_ALLOCATORS,
    "volume.allocation.algorithm": registry.STORAGE_ALLOCATORS,
}


#: What the stored form of a secret's value begins with.
_SEALED = "sealed:"


def _load(tx: Transaction, cipher: Cipher) -> dict[tuple[str, str, int], str | None]:
    return {(row["name"], row["scope"], row["scope_id"]): _opened(row["value"], cipher) for row in tx.all(_ALL)}


def _opened(value: str | None, cipher: Cipher) -> str | None:
    return cipher.open(value.removeprefix(_SEALED)) if value is not None and value.startswith(_SEALED) else value


async def follow(cloud: Cloud) -> None:
    """Loads what differs from the defaults. Changes reach `cloud.settings` when they are durable; those that another
    server on the same database makes, as soon as it tells of them.
    """

    async def load() -> None:
        cloud.settings.overrides = await cloud.db.read(_load, cloud.cipher)

    await load()
    cloud.db.listen_elsewhere({"configuration"}, load)


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


def value_at(ctx: Context, setting: Setting, place: Place) -> str | None:
    """The value in force at a place."""
    return ctx.settings.raw(setting.name, place) if place[0] != "Global" else ctx.settings.raw(setting.name)


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
        kept = _SEALED + ctx.cloud.cipher.seal(value) if value and secret(setting) else value
        if ctx.tx.update(configuration, where, value=kept, updated=ctx.now) == 0:
            ctx.tx.insert(configuration, **where, value=kept, updated=ctx.now)
    settings = ctx.settings

    def hold() -> None:
        if value is None:
            settings.overrides.pop(key, None)
        else:
            settings.overrides[key] = value

    ctx.tx.on_commit(hold)
