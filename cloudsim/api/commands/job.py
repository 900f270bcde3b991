"""Asynchronous jobs."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, OwnedList
from cloudsim.api.params import date, ref, uuid
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.job import JOB
from cloudsim.services import job
from cloudsim.services.context import Context
from cloudsim.services.nouns import JOB as JOB_NOUN


class QueryAsyncJobResult(Command, name="queryAsyncJobResult", response=JOB, reads=True):
    """Tells how far a job is, and its result once it has ended."""

    jobid = ref(JOB_NOUN, "The job, as the command that started it answered", required=True)

    def run(self, ctx: Context) -> Body:
        return ctx.present(JOB.name, self.jobid["id"])[0]


class ListAsyncJobs(OwnedList, name="listAsyncJobs", response=JOB):
    """Lists jobs that have not ended."""

    tags = None
    projectid = None
    startdate = date("Only jobs that were asked for at or after this time")
    managementserverid = uuid("Only jobs that this management server carries out", since="4.19")

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            job.LISTING,
            unfinished=True,
            startdate=self.startdate,
            none=True if self.managementserverid not in (None, ctx.cloud.server_uuid) else None,
        )


class CancelAsyncJob(
    Command,
    name="cancelAsyncJob",
    response=SUCCESS,
    ours="the reference can cancel a waiting job only from inside; clients of this server may",
):
    """Cancels a job that has not started: what it was to do is undone, and it ends as failed."""

    jobid = ref(JOB_NOUN, "The job", required=True)

    def run(self, ctx: Context) -> Body:
        job.cancel(ctx, self.jobid)
        return {"success": True}
