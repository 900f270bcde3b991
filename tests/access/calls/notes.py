"""Events, jobs, tags, details, comments, alerts, usage, regions, and what everybody may know of the server."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("event")
async def _event(cast: Cast, **owner: Any) -> str:
    (user,) = cast.one("SELECT id FROM user WHERE username = 'owner'")
    given = {"user_id": user, "type": "VM.CREATE", "state": "Completed", "level": "INFO"}
    return await cast.insert(schema.event, **given, **cast.owned(owner))


@thing("asyncjob")
async def _job(cast: Cast, **owner: Any) -> str:
    (user,) = cast.one("SELECT id FROM user WHERE username = 'owner'")
    given = {"user_id": user, "command": "stopVirtualMachine", "workflow": "vm.stop", "state": "queued"}
    return await cast.insert(schema.job, **given, arguments={}, **cast.owned(owner))


@thing("annotation", needs=("virtualmachine",))
async def _annotation(cast: Cast, **owner: Any) -> str:
    machine = cast.id("virtualmachine", owner)
    given = {"entitytype": "VM", "entityid": machine, "annotation": "text"}
    return (await cast.apis["owner"].call("addAnnotation", **given))["annotation"]["id"]


@thing("alert", owned="cloud")
async def _alert(cast: Cast, **_: Any) -> str:
    return await cast.insert(schema.alert, type=7)


@thing("machinetag", needs=("virtualmachine",))
async def _tag(cast: Cast, **owner: Any) -> str:
    machine = cast.id("virtualmachine", owner)
    where = {"resourceids": machine, "resourcetype": "UserVm"}
    await cast.api.job("createTags", **where, **TAG)
    await cast.api.job("addResourceDetail", resourceid=machine, resourcetype="UserVm", **DETAIL)
    return machine


@thing("region", owned="cloud")
async def _region(cast: Cast, **_: Any) -> str:
    await cast.api.call("addRegion", id=7, name="seven", endpoint="http://seven.example.com/client")
    return "7"


TAG = {"tags[0].key": "a", "tags[0].value": "b"}
OTHER = {"tags[0].key": "c", "tags[0].value": "d"}
DETAIL = {"details[0].key": "a", "details[0].value": "b"}
DATES = {"startdate": "2020-01-01", "enddate": "2030-01-01"}
WROTE = "comments are changed by who wrote them, and by root admins"
CLOUD = {"only": ("root",), "why": "admins of domains have to do with the settings of accounts and domains only"}

ROWS = [
    Row("listEvents", "event"),
    Row("archiveEvents", "event", by="ids"),
    Row("deleteEvents", "event", by="ids"),
    Row("listEventTypes"),
    Row("queryAsyncJobResult", "asyncjob", by="jobid"),
    Row("listAsyncJobs", "asyncjob", by="", key="jobid"),
    Row("cancelAsyncJob", "asyncjob", by="jobid"),
    Row("createTags", "virtualmachine", by="resourceids", resourcetype="UserVm", **OTHER),
    Row("createTags", "volume", by="resourceids", resourcetype="Volume", **OTHER),
    Row("createTags", "network", by="resourceids", resourcetype="Network", **OTHER),
    Row("createTags", "template", by="resourceids", resourcetype="Template", **OTHER),
    Row("createTags", "publictemplate", by="resourceids", resourcetype="Template", **OTHER),
    Row("deleteTags", "machinetag", by="resourceids", resourcetype="UserVm", **TAG),
    Row("listTags", "machinetag", by="resourceid", resourcetype="UserVm"),
    Row("addResourceDetail", "virtualmachine", by="resourceid", resourcetype="UserVm", **DETAIL),
    Row("removeResourceDetail", "machinetag", by="resourceid", resourcetype="UserVm", key="a"),
    Row("listResourceDetails", "machinetag", by="resourceid", resourcetype="UserVm"),
    Row("addAnnotation", "virtualmachine", by="entityid", entitytype="VM", annotation="text"),
    Row("listAnnotations", "virtualmachine", by="entityid", entitytype="VM"),
    Row("removeAnnotation", "annotation", sees=("root", "owner"), why=WROTE),
    Row("updateAnnotationVisibility", "annotation", sees=("root",), adminsonly=True, why=WROTE),
    Row("listAlerts", "alert"),
    Row("archiveAlerts", "alert", by="ids"),
    Row("deleteAlerts", "alert", by="ids"),
    Row("generateAlert", name="made", description="text", type=7),
    Row("listAlertTypes"),
    Row("listUsageRecords", "virtualmachine", by="usageid", listed=False, **DATES),
    Row("listUsageTypes"),
    Row("generateUsageRecords"),
    Row("removeRawUsageRecords", interval=100),
    Row("addRegion", id=8, name="eight", endpoint="http://eight.example.com/client"),
    Row("updateRegion", "region", name="else"),
    Row("removeRegion", "region"),
    Row("listRegions", "region", listed=False),
    Row("listApis"),
    Row("listCapabilities"),
    Row("listConfigurations"),
    Row("updateConfiguration", "zone", by="zoneid", name="allow.public.user.templates", value="false", **CLOUD),
    Row("updateConfiguration", "account", by="accountid", name="allow.public.user.templates", value="false"),
    Row("resetConfiguration", name="expunge.delay"),
]
