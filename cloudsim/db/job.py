"""Jobs and their steps, as statements."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, and_, bindparam, delete, select

from cloudsim.db.database import Row, Transaction, WriteTransaction
from cloudsim.db.schema import job, job_step
from cloudsim.db.types import any_of

_UNFINISHED = (
    select(job).where((job.c.state == bindparam("queued")) | (job.c.state == bindparam("running"))).order_by(job.c.id)
)
_STEPS = select(job_step).where(any_of(job_step.c.job_id, "ids"))
_STATE = select(job.c.state).where(job.c.uuid == bindparam("uuid"))
_CLAIM = (
    job.update()
    .where(and_(job.c.id == bindparam("job_id"), job.c.state == "queued"))
    .values(state="running", started=bindparam("now", type_=job.c.started.type))
)
_CANCEL = (
    job.update()
    .where(and_(job.c.id == bindparam("job_id"), job.c.state == "queued"))
    .values(
        state="cancelled",
        completed=bindparam("now", type_=job.c.completed.type),
        result_code=530,
        result=bindparam("outcome", type_=job.c.result.type),
    )
)
_OLD = (
    select(job.c.id)
    .where(job.c.completed < bindparam("before", type_=job.c.completed.type))
    .order_by(job.c.id)
    .limit(bindparam("most", type_=Integer))
)
_DELETE_STEPS = delete(job_step).where(any_of(job_step.c.job_id, "ids"))
_DELETE = delete(job).where(any_of(job.c.id, "ids"))


def unfinished(tx: Transaction) -> tuple[list[Row], dict[int, dict[str, Any]]]:
    """Every job that has not ended, in the order they were asked for, and the results of their finished steps."""
    rows = tx.all(_UNFINISHED, queued="queued", running="running")
    steps: dict[int, dict[str, Any]] = {row["id"]: {} for row in rows}
    for step in tx.all(_STEPS, ids=list(steps)):
        steps[step["job_id"]][step["name"]] = step["result"]
    return rows, steps


def is_open(tx: Transaction, uuid: str) -> bool:
    """Whether a job is there and has not ended."""
    return tx.scalar(_STATE, uuid=uuid) in ("queued", "running")


def claim(tx: WriteTransaction, job_id: int, now: int) -> bool:
    """Takes a queued job to running; False where it is not queued any more."""
    return tx.execute(_CLAIM, job_id=job_id, now=now) == 1


def cancel(tx: WriteTransaction, job_id: int, now: int, outcome: dict[str, Any]) -> bool:
    """Ends a job that has not started; False where it has."""
    return tx.execute(_CANCEL, job_id=job_id, now=now, outcome=outcome) == 1


def purge(tx: WriteTransaction, before: int, most: int) -> int:
    """Removes up to `most` jobs that ended before an instant; answers how many there were."""
    ids = [row["id"] for row in tx.all(_OLD, before=before, most=most)]
    if ids:
        tx.execute(_DELETE_STEPS, ids=ids)
        tx.execute(_DELETE, ids=ids)
    return len(ids)
