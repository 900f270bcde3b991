"""A job: one asynchronous operation that a client was promised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cloudsim.core.caller import Caller
from cloudsim.db.database import Row


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be done: all that `Engine.submit` needs to know."""

    #: The API command, e.g. ``startVirtualMachine``.
    command: str
    #: The name a workflow was registered with.
    workflow: str
    #: What the workflow is called with: plain JSON data.
    arguments: dict[str, Any]
    #: ``VirtualMachine`` and its uuid.
    instance_type: str | None = None
    instance_uuid: str | None = None
    #: Jobs with the same lock run one at a time, in order.
    lock: str | None = None
    #: The type of the events that tell of it, e.g. ``VM.START``; None: no events.
    event: str | None = None
    event_text: str = ""
    #: Owner of what the job is about, where that is not the caller.
    account_id: int | None = None
    domain_id: int | None = None


@dataclass(slots=True)
class Job:
    """A stored job that has not ended."""

    id: int
    uuid: str
    command: str
    workflow: str
    arguments: dict[str, Any]
    caller: Caller
    lock: str | None
    instance_type: str | None
    instance_uuid: str | None
    account_id: int
    domain_id: int
    event: str | None
    event_text: str
    start_event_id: int | None
    #: Whether it was claimed: it can no longer be cancelled.
    running: bool = False
    #: Results of the finished steps.
    steps: dict[str, Any] = field(default_factory=dict)


def from_row(row: Row, caller: Caller, steps: dict[str, Any]) -> Job:
    """A job as the database has it."""
    return Job(
        id=row["id"],
        uuid=row["uuid"],
        command=row["command"],
        workflow=row["workflow"],
        arguments=row["arguments"],
        caller=caller,
        lock=row["lock"],
        instance_type=row["instance_type"],
        instance_uuid=row["instance_uuid"],
        account_id=row["account_id"],
        domain_id=row["domain_id"],
        event=row["event_type"],
        event_text=row["event_text"] or "",
        start_event_id=row["start_event_id"],
        running=row["state"] == "running",
        steps=steps,
    )
