"""Settings, and what the server can do."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import ref, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.configuration import CAPABILITY, CONFIGURATION, present
from cloudsim.core.errors import BadParameter
from cloudsim.services import capability, configuration
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, CLUSTER, DOMAIN, STORAGE_POOL, ZONE


def _place(ctx: Context, command: Any, store: str | None) -> configuration.Place:
    if store is not None:
        raise BadParameter(f"there is no image store with id {store}")
    return configuration.place_of(ctx, {name: getattr(command, name) for name in configuration.SCOPES})


class ListConfigurations(ListCommand, name="listConfigurations", response=CONFIGURATION):
    """Lists the settings, with the values in force."""

    accountid = ref(ACCOUNT)
    category = string()
    clusterid = ref(CLUSTER)
    domainid = ref(DOMAIN)
    group = string(since="4.18.0")
    imagestoreuuid = uuid_param()
    name = string()
    parent = string(since="4.18.0")
    storageid = ref(STORAGE_POOL)
    subgroup = string(since="4.18.0")
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        place = _place(ctx, self, self.imagestoreuuid)
        found = configuration.search(
            place=place,
            name=self.name,
            category=self.category,
            group=self.group,
            subgroup=self.subgroup,
            parent=self.parent,
            keyword=self.keyword,
        )
        page = self.paging(ctx)
        part = found[page.offset : page.offset + page.limit]
        return self.body([present(one, configuration.value_at(ctx, one, place), place) for one in part], len(found))


class UpdateConfiguration(
    Command, name="updateConfiguration", response=CONFIGURATION, event="CONFIGURATION.VALUE.EDIT"
):
    """Gives a setting a value: globally, or for one zone, cluster, storage pool, account or domain."""

    name = string(required=True)
    accountid = ref(ACCOUNT)
    clusterid = ref(CLUSTER)
    domainid = ref(DOMAIN)
    imagestoreuuid = uuid_param()
    storageid = ref(STORAGE_POOL)
    value = string(length=4096, blank=True)
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        place = _place(ctx, self, self.imagestoreuuid)
        if self.value is None:
            raise BadParameter("parameter value is missing")
        setting, stored = configuration.update(ctx, self.name, self.value, place)
        return {"configuration": present(setting, stored, place)}


class ResetConfiguration(
    Command, name="resetConfiguration", response=CONFIGURATION, event="CONFIGURATION.VALUE.EDIT", since="4.16.0"
):
    """Takes a setting back to its default, or in a scope to the global value."""

    name = string(required=True)
    accountid = ref(ACCOUNT)
    clusterid = ref(CLUSTER)
    domainid = ref(DOMAIN)
    imagestoreid = uuid_param()
    storageid = ref(STORAGE_POOL)
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        place = _place(ctx, self, self.imagestoreid)
        setting = configuration.reset(ctx, self.name, place)
        value = setting.default if place[0] == "Global" else ctx.settings.raw(setting.name)
        return {"configuration": present(setting, value, place)}


class ListCapabilities(Command, name="listCapabilities", response=CAPABILITY, reads=True):
    """Tells what the server can do and allows."""

    def run(self, ctx: Context) -> Body:
        return {"capability": capability.capabilities(ctx)}
