"""Jobs and their steps, as statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, and_, bindparam, delete, or_, select

from cloudsim.db.database import Row, Transaction, WriteTransaction
from cloudsim.db.schema import job, job_step
from cloudsim.db.types import any_of

_UNFINISHED = (
    select(job).where((job.c.state == bindparam("queued")) | (job.c.state == bindparam("running"))).order_by(job.c.id)
)
_STEPS = select(job_step).where(any_of(job_step.c.job_id, "ids"))
_STATE = select(job.c.state).where(job.c.uuid == bindparam("uuid"))
_OUTCOME = select(job.c.result_code, job.c.result).where(job.c.uuid == bindparam("uuid"))
_CLAIM = (
    job.update()
    .where(and_(job.c.id == bindparam("job_id"), job.c.state == "queued", job.c.server_uuid == bindparam("server")))
    .values(state="running", started=bindparam("now", type_=job.c.started.type))
)
#: A job that runs and is the server's own.
_OWN = and_(job.c.id == bindparam("which"), job.c.state == "running", job.c.server_uuid == bindparam("server"))
_STEP = job_step.insert().from_select(
    ["job_id", "name", "result", "created"],
    select(
        job.c.id,
        bindparam("step", type_=job_step.c.name.type),
        bindparam("outcome", type_=job_step.c.result.type),
        bindparam("now", type_=job_step.c.created.type),
    ).where(_OWN),
    include_defaults=False,
)
_END = (
    job.update()
    .where(_OWN)
    .values(
        state=bindparam("ends", type_=job.c.state.type),
        result=bindparam("outcome", type_=job.c.result.type),
        result_code=bindparam("code", type_=Integer),
        completed=bindparam("now", type_=job.c.completed.type),
    )
)
_TAKE = job.update().where(any_of(job.c.id, "ids")).values(server_uuid=bindparam("server"))
#: Unfinished jobs of others, as far as a short look tells.
_OTHERS = (
    select(job.c.server_uuid)
    .where(
        (job.c.state == bindparam("queued")) | (job.c.state == bindparam("running")),
        or_(job.c.server_uuid.is_(None), job.c.server_uuid != bindparam("server")),
    )
    .distinct()
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


def unfinished(tx: Transaction) -> list[Row]:
    """Every job that has not ended, in the order they were asked for."""
    return tx.all(_UNFINISHED, queued="queued", running="running")


def others(tx: Transaction, server: str) -> set[str | None]:
    """The servers that carry out jobs that have not ended, but for one; None: jobs of nobody."""
    return {row["server_uuid"] for row in tx.all(_OTHERS, queued="queued", running="running", server=server)}


def take(tx: WriteTransaction, rows: Sequence[Row], server: str) -> None:
    """Makes jobs those of a server."""
    ids = [row["id"] for row in rows if row["server_uuid"] != server]
    if ids:
        tx.execute(_TAKE, ids=ids, server=server)


def steps_of(tx: Transaction, rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
    """The results of the finished steps of each job."""
    steps: dict[int, dict[str, Any]] = {row["id"]: {} for row in rows}
    for step in tx.all(_STEPS, ids=list(steps)):
        steps[step["job_id"]][step["name"]] = step["result"]
    return steps


def is_open(tx: Transaction, uuid: str) -> bool:
    """Whether a job is there and has not ended."""
    return tx.scalar(_STATE, uuid=uuid) in ("queued", "running")


def outcome(tx: Transaction, uuid: str) -> tuple[int, dict[str, Any]]:
    """The code (0: it succeeded) and the result of a job that has ended."""
    row = tx.first(_OUTCOME, uuid=uuid)
    return (0, {}) if row is None else (row["result_code"], row["result"] or {})


def claim(tx: WriteTransaction, job_id: int, server: str, now: int) -> bool:
    """Takes a queued job of a server to running; False where it is not queued any more, or another server's."""
    return tx.execute(_CLAIM, job_id=job_id, server=server, now=now) == 1


def step(tx: WriteTransaction, job_id: int, server: str, name: str, result: Any, now: int) -> bool:
    """Records a finished step of a running job of a server; False where it does not run, or is another server's."""
    return tx.execute(_STEP, which=job_id, server=server, step=name, outcome=result, now=now) == 1


def end(tx: WriteTransaction, job_id: int, server: str, state: str, result: Any, code: int, now: int) -> bool:
    """Ends a running job of a server; False where it does not run, or is another server's."""
    return tx.execute(_END, which=job_id, server=server, ends=state, outcome=result, code=code, now=now) == 1


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
