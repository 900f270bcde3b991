"""Workflows: ordinary async functions whose finished steps are remembered.

>>> @workflow("virtualmachine.stop", failed=stop_failed)
... async def stop(wf: Workflow[Context], vm_id: int, forced: bool) -> None:
...     host = await wf.step("prepare", prepare, vm_id)
...     await wf.call(host, StopMachine(wf.command_id("stop"), ...))
...     await wf.finish(stopped, vm_id)

`step` and `finish` run a plain function in a write transaction that also records the step; after a crash the workflow is
called again from its start, finished steps return what they stored, and commands to agents go out again with the same
id, which an agent executes once (what it refused it may carry out now: see `Workflow.recorded`). So between steps a
workflow must be a pure function of what its steps returned: what it reads of the world it reads in a step, and it takes
neither time nor chance from elsewhere.

When it raises, `failed` (again a plain function) undoes what must be undone, in the transaction that ends the job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from cloudsim.agents.base import Answer, Command, HostAddress, HostFacts
from cloudsim.agents.outofband import Controller
from cloudsim.core.errors import CloudError
from cloudsim.jobs.job import Job

if TYPE_CHECKING:
    from cloudsim.jobs.engine import Engine

C = TypeVar("C")
P = ParamSpec("P")
T = TypeVar("T")


class JobCancelled(Exception):
    """The job was cancelled before its first step; nothing was done."""


class JobTaken(Exception):
    """The job is another server's by now: what was to be recorded of it here is not."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A registered workflow."""

    name: str
    function: Callable[..., Awaitable[None]]
    #: ``failed(ctx, error, **arguments)``: called in the transaction that ends the job without success.
    failed: Callable[..., None] | None


_REGISTERED: dict[str, Definition] = {}


def workflow(
    name: str, *, failed: Callable[..., None] | None = None
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
    """Registers an async function as the workflow `name`: job rows name it, so a released name stays."""

    def register(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        if name in _REGISTERED:
            raise ValueError(f"workflow {name} is registered twice")
        _REGISTERED[name] = Definition(name, function, failed)
        return function

    return register


def single(name: str, function: Callable[..., dict[str, Any]]) -> None:
    """Registers a workflow of one step: ``function(context, **arguments)`` answers the job's result."""

    @workflow(name)
    async def run(wf: Workflow[Any], **arguments: Any) -> None:
        await wf.finish(function, **arguments)


def registered() -> dict[str, Definition]:
    """All workflows by name."""
    return _REGISTERED


class Workflow(Generic[C]):
    """What a workflow function works with. `C` is the context its steps are given."""

    def __init__(self, engine: Engine[C], job: Job) -> None:
        self._engine = engine
        self.job = job
        self.finished = False

    def command_id(self, step: str) -> str:
        """The id of a command to an agent: the same after a crash, never the same twice otherwise."""
        return f"{self.job.uuid}:{step}"

    def done(self, step: str) -> bool:
        """Whether a step was recorded before a crash: what comes before it need not be asked of a host again.

        It must not be where it would go another way: a host remembers what it carried out, not what it refused, so a
        command that failed before may succeed now.
        """
        return step in self.job.steps

    async def step(
        self, name: str, function: Callable[Concatenate[C, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `function(context, ...)` in a transaction, once for good; its result must be plain JSON data."""
        steps = self.job.steps
        if name in steps:
            stored: T = steps[name]
            return stored
        result = await self._engine.run_step(self.job, name, function, *args, **kwargs)
        steps[name] = result
        return result

    async def finish(
        self, function: Callable[Concatenate[C, P], dict[str, Any]], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """The last step: its result is the job's, and the job has succeeded when the transaction is durable."""
        await self._engine.run_finish(self.job, function, *args, **kwargs)
        self.finished = True

    async def ended(self, jobs: Sequence[str]) -> None:
        """Waits until other jobs (their uuids) have ended, however they did; others run meanwhile in this one's place."""
        await self._engine.wait_for(jobs)

    async def until(self, function: Callable[Concatenate[C, P], bool], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Waits until `function(context, ...)`, which only reads, says so; others run meanwhile in this one's place."""
        await self._engine.wait_until(self.job, function, *args, **kwargs)

    async def sleep(self, name: str, seconds: float) -> None:
        """Waits; others run meanwhile in this one's place.

        The instant of waking is a step, so a restart makes the wait no longer. It ends early when another job waits for
        this one's lock: whether to go on is then for the next step to say.
        """
        engine = self._engine
        until = await self.step(name, lambda _context: engine.now() + int(seconds * 1000))
        await engine.sleep_until(self.job, until)

    async def connect(self, host: HostAddress) -> HostFacts:
        """Reaches a host and reads what it is made of. Raises `CommandFailed`, `HostUnreachable`."""
        return await self._engine.agents.connect(host)

    async def call(self, host: HostAddress, command: Command, *, timeout: float | None = None) -> Answer:
        """Sends a command to a host; asks again with the same id when the answer is lost.

        Raises `CommandFailed` (the host said no and is as before), `HostUnreachable` or `AgentTimeout` (nobody knows).
        """
        return await self._engine.agents.ask(host, command, timeout=timeout)

    async def power(self, controller: Controller, action: str, step: str, *, timeout: float) -> str:
        """Has a host's controller do something to its power; answers On, Off or Unknown. Raises as `call`."""
        return await self._engine.agents.power(controller, action, self.command_id(step), timeout=timeout)

    async def controller_password(self, controller: Controller, new: str, *, timeout: float) -> None:
        """Gives a controller's user a new password; both are sealed. Raises as `call`."""
        await self._engine.agents.controller_password(controller, new, timeout=timeout)

    async def pause(self, seconds: float) -> None:
        """Waits."""
        await self._engine.pause(seconds)


def failure(error: CloudError) -> dict[str, Any]:
    """A failed job's result, as the wire has it."""
    return {"errorcode": error.errorcode, "errortext": error.message}
