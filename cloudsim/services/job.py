"""Jobs, as their owners ask for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, bindparam, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import job as db
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing

job = schema.job

LISTING = Listing(
    job,
    filters={
        "ids": any_of(job.c.id, "ids"),
        "unfinished": or_(job.c.state == "queued", job.c.state == "running"),
        "startdate": job.c.created >= bindparam("startdate", type_=Integer),
        "none": job.c.id < 0,
    },
    keyword=(job.c.command,),
    owner=(job.c.account_id, job.c.domain_id),
    order=(job.c.id,),
)
_ROWS = (
    select(
        job,
        schema.user.c.uuid.label("user_uuid"),
        schema.account.c.uuid.label("account_uuid"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        job.join(schema.user, job.c.user_id == schema.user.c.id)
        .join(schema.account, job.c.account_id == schema.account.c.id)
        .join(schema.domain, job.c.domain_id == schema.domain.c.id)
    )
    .where(any_of(job.c.id, "ids"))
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Jobs with the names of their users, accounts and domains, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def cancel(ctx: Context, row: Row) -> None:
    """Ends a job that has not started. Raises `InvalidValue` where it has."""
    if not ctx.cloud.jobs.cancel(ctx.tx, row["id"]):
        raise InvalidValue("the job has started or has ended: only a job that waits can be cancelled")


def purge(ctx: Context, most: int = 1000) -> int:
    """Removes jobs that ended longer ago than ``job.expire.minutes``; answers how many."""
    minutes = ctx.settings.number("job.expire.minutes")
    return db.purge(ctx.tx, ctx.now - minutes * 60_000, most)


__all__ = ["LISTING", "cancel", "page", "purge"]
