"""The engine: stores jobs, runs their workflows, and picks up after a crash what had not ended.

Each job is one server's: its row names it. Another takes it over when that server is dead, which it is told
(`living`); whatever the first would still record of it is refused, for the statement that records a step or an end
asks for a row that is its own. Commands that it had sent by then have the ids that the other sends, and hosts carry
out an id once.

The database is the truth; the queues here are only who waits for whom now. A job is claimed (queued to running) in the
transaction of its first step, so one that was cancelled meanwhile never starts. Jobs that share a lock run one after the
other in the order they were committed; others at the same time, up to `workers`.

Tasks: one for each lock that has something to do, and one for each job without a lock. They end when their queue is
empty, or at `close`, which leaves unfinished jobs to the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextvars import ContextVar
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from cloudsim.agents.base import AgentError, HostUnreachable
from cloudsim.agents.dispatch import Agents
from cloudsim.core.caller import Caller
from cloudsim.core.clock import Clock
from cloudsim.core.errors import AgentTimeout, CloudError, InternalError, OperationFailed
from cloudsim.core.ids import Ids
from cloudsim.db import event as events
from cloudsim.db import job as jobs
from cloudsim.db.database import Conflict, Database, DatabaseError, Row, Transaction, WriteTransaction
from cloudsim.db.schema import job as job_table
from cloudsim.jobs.job import Job, Order, from_row
from cloudsim.jobs.workflow import Definition, JobCancelled, JobTaken, Workflow, failure

log = logging.getLogger(__name__)

C = TypeVar("C")
P = ParamSpec("P")
T = TypeVar("T")

#: The uuid of the job whose workflow is running, for log lines.
current_job: ContextVar[str | None] = ContextVar("current_job", default=None)


class Engine(Generic[C]):
    """Runs workflows. `context(tx, caller)` makes what their steps are given.

    `server` is the uuid of this server, `living(tx)` answers those of all that are alive. One that is asked for neither
    is alone.
    """

    def __init__(
        self,
        db: Database,
        agents: Agents,
        clock: Clock,
        ids: Ids,
        workflows: dict[str, Definition],
        context: Callable[[Transaction, Caller], C],
        load_caller: Callable[[Transaction, int], Caller | None],
        *,
        server: str = "",
        living: Callable[[Transaction], Collection[str]] | None = None,
        workers: int = 250,
    ) -> None:
        self.db = db
        self.agents = agents
        self._clock = clock
        self._ids = ids
        self._workflows = workflows
        self._context = context
        self._load_caller = load_caller
        self._queues: dict[str, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(workers)
        self._waiting: dict[str, asyncio.Event] = {}
        #: Sleeping jobs by their lock, to be waked when another comes; and their tasks.
        self._sleeping: dict[str, asyncio.Event] = {}
        self._asleep: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._server = server
        self._living = living or (lambda tx: ())
        #: By their ids, the jobs that wait for their turn here or run.
        self._here: dict[int, Job] = {}
        #: How many ended here since the start, by outcome.
        self.outcomes = {"succeeded": 0, "failed": 0, "cancelled": 0}

    @property
    def unfinished(self) -> int:
        """How many jobs wait for their turn or run."""
        return len(self._here)

    # -- submitting and cancelling

    def submit(self, tx: WriteTransaction, caller: Caller, order: Order) -> str:
        """Stores a job; it starts when the transaction is durable. Answers the job's uuid."""
        now = self._clock.now()
        uuid = self._ids.uuid()
        account_id = caller.account_id if order.account_id is None else order.account_id
        domain_id = caller.domain_id if order.domain_id is None else order.domain_id
        start_event_id = None
        if order.event is not None:
            start_event_id = events.record(
                tx,
                uuid=self._ids.uuid(),
                now=now,
                type=order.event,
                state="Scheduled",
                description=order.event_text,
                caller=caller,
                account_id=account_id,
                domain_id=domain_id,
                resource_type=order.instance_type,
                resource_uuid=order.instance_uuid,
            )
        job_id = tx.insert(
            job_table,
            uuid=uuid,
            command=order.command,
            workflow=order.workflow,
            arguments=order.arguments,
            user_id=caller.user_id,
            account_id=account_id,
            domain_id=domain_id,
            instance_type=order.instance_type,
            instance_uuid=order.instance_uuid,
            lock=order.lock,
            state="queued",
            server_uuid=self._server,
            process_status=0,
            result_code=0,
            event_type=order.event,
            event_text=order.event_text,
            start_event_id=start_event_id,
            created=now,
        )
        job = Job(
            id=job_id,
            uuid=uuid,
            command=order.command,
            workflow=order.workflow,
            arguments=order.arguments,
            caller=caller,
            lock=order.lock,
            instance_type=order.instance_type,
            instance_uuid=order.instance_uuid,
            account_id=account_id,
            domain_id=domain_id,
            event=order.event,
            event_text=order.event_text,
            start_event_id=start_event_id,
        )
        tx.on_commit(lambda: self._enqueue(job))
        return uuid

    def cancel(self, tx: WriteTransaction, job_id: int) -> bool:
        """Ends a job that has not started, with its workflow's undoing; False where it has started or ended."""
        row = tx.first(_JOB, job_id=job_id)
        if row is None or row["state"] != "queued":
            return False
        caller = self._load_caller(tx, row["user_id"])
        if caller is None:
            return False
        error = OperationFailed("the job was cancelled before it started")
        job = from_row(row, caller, {})
        self._undo(tx, job, error)
        jobs.cancel(tx, job_id, self._clock.now(), failure(error))
        self._tell(tx, job, "Completed", "ERROR", f"cancelled: {job.event_text}")
        tx.on_commit(lambda: self._ended(job, "cancelled"))
        return True

    # -- running

    async def recover(self, *, others: bool = True) -> int:
        """Takes up, in the order they were asked for, the jobs of this server that had not ended, as a server does when
        it starts; and, unless it rests, those of `others` that are not alive. Answers how many there are.
        """

        def load(tx: WriteTransaction) -> list[Job]:
            return self._take(tx, own=True, others=others)

        return self._took(await self.db.write(load))

    async def take_over(self) -> int:
        """Takes up what servers that died had not ended. Answers how many jobs that are."""

        def look(tx: Transaction) -> bool:
            found = jobs.others(tx, self._server)
            return bool(found) and not found <= {*self._living(tx)}

        if self._closing or not await self.db.read(look):
            return 0
        # whether they are dead still is seen in the transaction that takes their jobs
        return self._took(await self.db.write(lambda tx: self._take(tx, own=False, others=True)))

    def _took(self, found: list[Job]) -> int:
        for job in found:
            self._enqueue(job)
        return len(found)

    def _take(self, tx: WriteTransaction, *, own: bool, others: bool) -> list[Job]:
        living = {*self._living(tx), self._server} if others else set()

        def wanted(row: Row) -> bool:
            if row["id"] in self._here:  # it was another's meanwhile, and what runs here has not seen it yet
                return False
            return own if row["server_uuid"] == self._server else others and row["server_uuid"] not in living

        rows = [row for row in jobs.unfinished(tx) if wanted(row)]
        callers = {user_id: self._load_caller(tx, user_id) for user_id in {row["user_id"] for row in rows}}
        rows = [row for row in rows if callers[row["user_id"]] is not None]
        jobs.take(tx, rows, self._server)
        steps = jobs.steps_of(tx, rows)
        return [from_row(row, caller, steps[row["id"]]) for row in rows if (caller := callers[row["user_id"]])]

    def _enqueue(self, job: Job) -> None:
        if self._closing:
            return  # it is stored: the next start takes it up
        self._here[job.id] = job
        if job.lock is None:
            self._spawn(self._alone(job))
        elif job.lock in self._queues:
            self._queues[job.lock].append(job)
            if job.lock in self._sleeping:
                self._sleeping[job.lock].set()
        else:
            self._queues[job.lock] = deque((job,))
            self._spawn(self._drain(job.lock))

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _alone(self, job: Job) -> None:
        async with self._slots:
            await self._run(job)

    async def _drain(self, lock: str) -> None:
        queue = self._queues[lock]
        try:
            while queue:
                async with self._slots:
                    await self._run(queue[0])
                queue.popleft()
        finally:
            del self._queues[lock]

    async def _run(self, job: Job) -> None:
        """Runs a job to its end, whatever it is; leaves only when it has ended or the engine is closed."""
        current_job.set(job.uuid)
        pause = 0.5
        while True:
            try:
                await self._attempt(job)
                return
            except DatabaseError as error:
                # Nothing was recorded, nothing is lost: from the last finished step again when the database is back.
                log.error("job %s waits %g s for the database: %s", job.uuid, pause, error)
            await self._clock.sleep(pause)
            pause = min(pause * 2, 30.0)

    async def _attempt(self, job: Job) -> None:
        try:
            await self._carry_out(job)
        except (JobCancelled, JobTaken) as left:
            self._leave(job, left)

    async def _carry_out(self, job: Job) -> None:
        definition = self._workflows.get(job.workflow)
        error: CloudError
        if definition is None:
            await self._fail(job, OperationFailed(f"this version of the server does not know how to {job.workflow}"))
            return
        workflow = Workflow(self, job)
        try:
            await definition.function(workflow, **job.arguments)
            if workflow.finished:
                return
            log.error("workflow %s of job %s ended without a result", job.workflow, job.uuid)
            error = InternalError()
        except (JobCancelled, JobTaken):
            raise
        except CloudError as caught:
            error = caught
        except HostUnreachable as caught:
            error = AgentTimeout(str(caught))
        except AgentError as caught:
            error = OperationFailed(str(caught))
        except Conflict:
            log.exception("job %s", job.uuid)
            error = InternalError()
        except DatabaseError:
            raise
        except Exception:
            log.exception("job %s", job.uuid)
            error = InternalError()
        await self._fail(job, error)

    async def run_step(
        self, job: Job, name: str, function: Callable[Concatenate[C, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """For `Workflow.step`."""

        def run(tx: WriteTransaction) -> T:
            self._claim(tx, job)
            result = function(self._context(tx, job.caller), *args, **kwargs)
            if not jobs.step(tx, job.id, self._server, name, result, self._clock.now()):
                raise JobTaken
            return result

        result = await self.db.write(run)
        job.running = True
        return result

    async def run_finish(
        self,
        job: Job,
        function: Callable[Concatenate[C, P], dict[str, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """For `Workflow.finish`."""

        def run(tx: WriteTransaction) -> None:
            self._claim(tx, job)
            result = function(self._context(tx, job.caller), *args, **kwargs)
            if not jobs.end(tx, job.id, self._server, "succeeded", result, 0, self._clock.now()):
                raise JobTaken
            self._tell(tx, job, "Completed", "INFO", f"successfully completed: {job.event_text}")

        await self.db.write(run)
        self._ended(job, "succeeded")

    def _claim(self, tx: WriteTransaction, job: Job) -> None:
        if job.running:
            return
        if not jobs.claim(tx, job.id, self._server, self._clock.now()):
            raise JobCancelled
        self._tell(tx, job, "Started", "INFO", f"started: {job.event_text}")

    async def _fail(self, job: Job, error: CloudError) -> None:
        def run(tx: WriteTransaction, undo: bool) -> None:
            self._claim(tx, job)
            if undo:
                self._undo(tx, job, error)
            if not jobs.end(tx, job.id, self._server, "failed", failure(error), error.errorcode, self._clock.now()):
                raise JobTaken
            self._tell(tx, job, "Completed", "ERROR", f"failed: {job.event_text}")

        try:
            await self.db.write(run, True)
        except (JobCancelled, JobTaken):
            raise
        except DatabaseError as caught:
            if not isinstance(caught, Conflict):
                raise
            log.exception("undoing job %s", job.uuid)
            await self.db.write(run, False)
        except Exception:
            log.exception("undoing job %s", job.uuid)
            await self.db.write(run, False)
        log.info("job %s (%s) failed: %s", job.uuid, job.command, error.message)
        self._ended(job, "failed")

    def _undo(self, tx: WriteTransaction, job: Job, error: CloudError) -> None:
        definition = self._workflows.get(job.workflow)
        if definition is not None and definition.failed is not None:
            definition.failed(self._context(tx, job.caller), error, **job.arguments)

    def _tell(self, tx: WriteTransaction, job: Job, state: str, level: str, text: str) -> None:
        if job.event is None:
            return
        events.record(
            tx,
            uuid=self._ids.uuid(),
            now=self._clock.now(),
            type=job.event,
            state=state,
            level=level,
            description=text,
            caller=job.caller,
            start_id=job.start_event_id,
            account_id=job.account_id,
            domain_id=job.domain_id,
            resource_type=job.instance_type,
            resource_uuid=job.instance_uuid,
        )

    # -- waiting and closing

    async def pause(self, seconds: float) -> None:
        """For `Workflow.pause`."""
        await self._clock.sleep(seconds)

    def _ended(self, job: Job, outcome: str) -> None:
        if self._here.pop(job.id, None) is not None:  # it may have been cancelled here while it was another server's
            self.outcomes[outcome] += 1
        self._wake(job)

    def _leave(self, job: Job, why: Exception) -> None:
        """A job that was cancelled, here or elsewhere, or is another server's by now."""
        if self._here.pop(job.id, None) is not None:
            log.info("job %s is left: %s", job.uuid, type(why).__name__)
        self._wake(job)

    def _wake(self, job: Job) -> None:
        event = self._waiting.pop(job.uuid, None)
        if event is not None:
            event.set()

    async def ended(self, uuid: str) -> None:
        """Waits until a job that was submitted here has ended (for callers inside the server)."""
        event = self._waiting.setdefault(uuid, asyncio.Event())
        await event.wait()

    async def wait_for(self, uuids: Sequence[str]) -> None:
        """For `Workflow.ended`: waits for other jobs without keeping a place from them."""
        self._slots.release()
        try:
            for uuid in uuids:
                await self._until_ended(uuid)
        finally:
            await self._slots.acquire()

    async def _until_ended(self, uuid: str) -> None:
        while await self.db.glance(jobs.is_open, uuid):
            event = self._waiting.setdefault(uuid, asyncio.Event())
            # it may have ended between the look and here, or belong to another server: look again now and then
            # (not `wait_for`, which may lose a cancellation that comes at the same time)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await event.wait()
        self._waiting.pop(uuid, None)

    async def outcome(self, uuid: str) -> tuple[int, dict[str, Any]]:
        """Waits until a job has ended (for callers inside the server); its result's code (0: it succeeded) and result."""
        await self._until_ended(uuid)
        return await self.db.glance(jobs.outcome, uuid)

    async def wait_until(
        self, job: Job, function: Callable[Concatenate[C, P], bool], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """For `Workflow.until`: looks again and again, less and less often, without keeping a place from others."""
        self._slots.release()
        try:
            wait = _SOON
            while not await self.db.read(lambda tx: function(self._context(tx, job.caller), *args, **kwargs)):
                await self._clock.sleep(wait)
                wait = min(wait * 1.5, _LOOK)
        finally:
            await self._slots.acquire()

    def now(self) -> int:
        """The present instant, in milliseconds."""
        return self._clock.now()

    async def sleep_until(self, job: Job, instant: int) -> None:
        """For `Workflow.sleep`: waits until an instant, or until a job is queued behind; keeps no place from others."""
        left = (instant - self._clock.now()) / 1000
        lock = job.lock or job.uuid
        if left <= 0 or len(self._queues.get(lock, ())) > 1:
            return
        waked = self._sleeping[lock] = asyncio.Event()
        task = asyncio.current_task()
        assert task is not None
        self._asleep.add(task)
        self._slots.release()
        try:
            with contextlib.suppress(TimeoutError):
                await self._clock.within(left, waked.wait())
        finally:
            del self._sleeping[lock]
            self._asleep.discard(task)
            await self._slots.acquire()

    async def close(self, grace: float = 5.0) -> None:
        """Lets running jobs go on for `grace` seconds, then leaves them to the next start."""
        self._closing = True
        for task in list(self._asleep):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)


def _job_statement() -> Any:
    from sqlalchemy import bindparam, select

    return select(job_table).where(job_table.c.id == bindparam("job_id"))


_JOB = _job_statement()

#: Seconds after which a job that another waits for is looked at again, though nobody said that it ended.
_LOOK = 1.0
#: Seconds between the first two looks at what a job waits for.
_SOON = 0.02
