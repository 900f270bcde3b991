"""Asynchronous jobs, the steps they have finished, and the events of what happened."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table

from cloudsim.db.schema.base import big, data, flag, metadata, number, ref, required, table, text
from cloudsim.db.types import Big

job = table(
    "job",
    Column("uuid", String(40), nullable=False, unique=True),
    # the API command and, for the wire, CloudStack's name of it
    required("command"),
    # the workflow that carries it out and what it is given, plain data
    required("workflow"),
    data("arguments", nullable=False),
    ref("user_id", "user"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # what the job is about: "VirtualMachine" and its uuid
    text("instance_type"),
    text("instance_uuid"),
    # jobs with the same lock run one at a time, in the order of their ids; None: no lock
    text("lock"),
    # queued, running, succeeded, failed or cancelled
    Column("state", String(16), nullable=False),
    # uuid of the management server that carries it out; None: of none that is known
    Column("server_uuid", String(40)),
    number("process_status", nullable=False, default=0),
    number("result_code", nullable=False, default=0),
    # the jobresult object
    data("result"),
    # for the event of its end
    text("event_type"),
    text("event_text"),
    big("start_event_id"),
    big("created", nullable=False),
    big("started"),
    big("completed"),
    Index("ix_job_state", "state", "completed"),
    Index("ix_job_account", "account_id", "state"),
)

job_step = Table(
    "job_step",
    metadata,
    Column("job_id", Big, nullable=False),
    Column("name", String(64), nullable=False),
    data("result"),
    big("created", nullable=False),
    PrimaryKeyConstraint("job_id", "name"),
)

event = table(
    "event",
    Column("uuid", String(40), nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    # Created, Scheduled, Started or Completed
    Column("state", String(16), nullable=False),
    # INFO, WARN or ERROR
    Column("level", String(8), nullable=False),
    required("description"),
    ref("user_id", "user", index=False),
    ref("account_id", "account", index=False),
    ref("domain_id", "domain", index=False),
    # the first event of the same operation
    big("start_id"),
    text("resource_type"),
    text("resource_uuid"),
    flag("archived"),
    flag("display", True),
    big("created", nullable=False),
    Index("ix_event_account", "account_id", "archived"),
    Index("ix_event_created", "created"),
)
