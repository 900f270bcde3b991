"""What the server can do and allows: the reference's list, with what settings decide read live."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from cloudsim.core.reference import reference
from cloudsim.core.settings import declarations
from cloudsim.db import schema
from cloudsim.services.context import Context

_SECURITY_GROUPS = (
    select(func.count())
    .select_from(schema.zone)
    .where(schema.zone.c.security_groups.is_(True), schema.zone.c.removed.is_(None))
)
#: Capability to the setting that decides it: flags, then numbers.
_FLAGS = {
    "userpublictemplateenabled": "allow.public.user.templates",
    "projectinviterequired": "project.invite.required",
    "allowusercreateprojects": "allow.user.create.projects",
    "kvmsnapshotenabled": "kvm.snapshot.enabled",
    "allowuserviewdestroyedvm": "allow.user.view.destroyed.vm",
    "allowuserexpungerecovervm": "allow.user.expunge.recover.vm",
    "allowuserexpungerecovervolume": "allow.user.expunge.recover.volume",
    "allowuserviewalldomainaccounts": "allow.user.view.all.domain.accounts",
    "allowuserforcestopvm": "allow.user.force.stop.vm",
    "instancesstatsuseronly": "vm.stats.user.vm.only",
    "instancesdisksstatsretentionenabled": "vm.disk.stats.retention.enabled",
    "instanceleaseenabled": "instance.lease.enabled",
    "dynamicscalingenabled": "enable.dynamic.scale.vm",
    "additionalconfigenabled": "enable.additional.vm.configuration",
}
_NUMBERS = {
    "customdiskofferingminsize": "custom.diskoffering.size.min",
    "customdiskofferingmaxsize": "custom.diskoffering.size.max",
    "defaultuipagesize": "default.ui.page.size",
    "instancesstatsretentiontime": "vm.stats.max.retention.time",
    "instancesdisksstatsretentiontime": "vm.disk.stats.max.retention.time",
    "sharedfsvmmincpucount": "sharedfsvm.min.cpu.count",
    "sharedfsvmminramsize": "sharedfsvm.min.ram.size",
}


def capabilities(ctx: Context) -> dict[str, Any]:
    """The fields of the answer. What this server has no part for is told as absent, whatever a setting says."""
    made: dict[str, Any] = dict(reference("capabilities")["capability"])
    known = declarations()
    for field, name in _FLAGS.items():
        if name in known:
            made[field] = ctx.settings.flag(name)
    for field, name in _NUMBERS.items():
        if name in known and ctx.settings.raw(name):
            made[field] = ctx.settings.number(name)
    made["securitygroupsenabled"] = bool(ctx.tx.scalar(_SECURITY_GROUPS))
    made["kubernetesserviceenabled"] = False
    made["kubernetesclusterexperimentalfeaturesenabled"] = False
    if "api.throttling.enabled" in known and ctx.settings.flag("api.throttling.enabled"):
        made["apilimitinterval"] = ctx.settings.number("api.throttling.interval")
        made["apilimitmax"] = ctx.settings.number("api.throttling.max")
    return made
