"""Jobs, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import job
from cloudsim.services.context import Context

JOB = Response(
    "asyncjobs",
    string="account accountid cmd domainid domainpath jobid jobinstanceid jobinstancetype jobresulttype managementserverid "
    "managementservername userid",
    integer="jobprocstatus jobresultcode jobstatus",
    date="completed created",
    responseobject="jobresult",
    words={"jobstatus": "0 pending, 1 succeeded, 2 failed"},
)

_STATUS = {"queued": 0, "running": 0, "succeeded": 1, "failed": 2, "cancelled": 2}


@JOB.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Jobs; a virtual machine or router in a result carries the job that made it."""
    made = []
    for row in job.page(ctx, ids):
        status = _STATUS[row["state"]]
        result = row["result"]
        if status == 1 and isinstance(result, dict):
            for key, value in result.items():
                if key in ("virtualmachine", "router"):
                    result = {**result, key: {**value, "jobid": row["uuid"], "jobstatus": 0}}
        made.append(
            shown(
                accountid=row["account_uuid"],
                account=row["account_name"],
                domainid=row["domain_uuid"],
                domainpath=domain_path_text(row["domain_path"]),
                userid=row["user_uuid"],
                cmd=row["command"],
                jobstatus=status,
                jobprocstatus=row["process_status"],
                jobresultcode=row["result_code"],
                jobresulttype="object" if status else None,
                jobresult=result if status else None,
                jobinstancetype=row["instance_type"],
                jobinstanceid=row["instance_uuid"],
                managementserverid=ctx.cloud.server_uuid if ctx.caller.is_admin and status == 0 else None,
                created=to_wire(row["created"]),
                completed=to_wire(row["completed"]),
                jobid=row["uuid"],
            )
        )
    return made
