"""Settings, and what the server can do."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import Body, Command, ListCommand, commands
from cloudsim.api.params import ref, string
from cloudsim.api.responses.configuration import (
    CAPABILITY,
    CLOUDIAN_ENABLED,
    CONFIGURATION,
    CONFIGURATION_GROUP,
    IS_ALLOWED,
    QUOTA_ENABLED,
    present,
)
from cloudsim.core.errors import BadParameter
from cloudsim.services import capability, configuration, offering_tags
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, CLUSTER, DOMAIN, IMAGE_STORE, STORAGE_POOL, ZONE


def _place(ctx: Context, command: Any) -> configuration.Place:
    given = {name: getattr(command, name, None) for name in configuration.SCOPES}
    given["imagestoreuuid"] = given["imagestoreuuid"] or getattr(command, "imagestoreid", None)
    return configuration.place_of(ctx, given)


class ListConfigurations(ListCommand, name="listConfigurations", response=CONFIGURATION):
    """Lists the settings, with the values in force."""

    accountid = ref(ACCOUNT)
    category = string()
    clusterid = ref(CLUSTER)
    domainid = ref(DOMAIN)
    group = string(since="4.18.0")
    imagestoreuuid = ref(IMAGE_STORE)
    name = string()
    parent = string(since="4.18.0")
    storageid = ref(STORAGE_POOL)
    subgroup = string(since="4.18.0")
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        place = _place(ctx, self)
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
        values = configuration.values_at(ctx, part, place)
        return self.body([present(one, value, place) for one, value in zip(part, values, strict=True)], len(found))


class UpdateConfiguration(
    Command, name="updateConfiguration", response=CONFIGURATION, event="CONFIGURATION.VALUE.EDIT"
):
    """Gives a setting a value: globally, or for one zone, cluster, storage pool, image store, account or domain."""

    name = string(required=True)
    accountid = ref(ACCOUNT)
    clusterid = ref(CLUSTER)
    domainid = ref(DOMAIN)
    imagestoreuuid = ref(IMAGE_STORE)
    storageid = ref(STORAGE_POOL)
    value = string(length=4096, blank=True)
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        place = _place(ctx, self)
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
    imagestoreid = ref(IMAGE_STORE)
    storageid = ref(STORAGE_POOL)
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        place = _place(ctx, self)
        setting = configuration.reset(ctx, self.name, place)
        value = setting.default if place[0] == "Global" else configuration.value_above(ctx, setting, place)
        return {"configuration": present(setting, value, place)}


class ListConfigurationGroups(
    ListCommand, name="listConfigurationGroups", response=CONFIGURATION_GROUP, since="4.18.0"
):
    """Lists the groups that settings are shown in."""

    group = string("Only this one")

    def run(self, ctx: Context) -> Body:
        return self.part(ctx, configuration.groups(self.group, self.keyword))


class ListCapabilities(Command, name="listCapabilities", response=CAPABILITY, reads=True):
    """Tells what the server can do and allows."""

    def run(self, ctx: Context) -> Body:
        return {"capability": capability.capabilities(ctx)}


class IsAccountAllowedToCreateOfferingsWithTags(
    Command, name="isAccountAllowedToCreateOfferingsWithTags", response=IS_ALLOWED, reads=True
):
    """Tells whether a domain admin's account may give offerings tags."""

    id = ref(ACCOUNT, required=True)

    def run(self, ctx: Context) -> Body:
        allowed = offering_tags.allowed(ctx, self.id["id"], self.id["domain_id"])
        return {"isallowed": {"isallowed": allowed}}


class QuotaIsEnabled(Command, name="quotaIsEnabled", response=QUOTA_ENABLED, reads=True, since="4.7.0"):
    """Tells whether quotas are kept: where the setting quota.enable.service says so, and this server has them."""

    def run(self, ctx: Context) -> Body:
        enabled = ctx.settings.flag("quota.enable.service") and "quotasummary" in commands()
        return {"isenabled": {"isenabled": enabled}}


class CloudianIsEnabled(Command, name="cloudianIsEnabled", response=CLOUDIAN_ENABLED, reads=True, since="4.11.0"):
    """Tells whether Cloudian is connected: where the settings cloudian.* say so, and this server can reach it."""

    def run(self, ctx: Context) -> Body:
        enabled = ctx.settings.flag("cloudian.connector.enabled") and "cloudianssologin" in commands()
        host, port = (ctx.settings.text(f"cloudian.cmc.{name}") for name in ("host", "port"))
        told = {"url": f"{ctx.settings.text('cloudian.cmc.protocol')}://{host}:{port}/Cloudian/"} if enabled else {}
        return {"cloudianisenabled": {"enabled": enabled, **told}}
