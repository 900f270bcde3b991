"""What every service function is given: the transaction, who calls, and the parts of the server it may use."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from cloudsim.agents.dispatch import Agents
from cloudsim.core.caller import Caller
from cloudsim.core.clock import Clock
from cloudsim.core.ids import Ids
from cloudsim.core.settings import Settings
from cloudsim.db import event as events
from cloudsim.db.database import Database, Row, Transaction, WriteTransaction
from cloudsim.jobs.engine import Engine
from cloudsim.jobs.job import Order
from cloudsim.outgoing import Client
from cloudsim.services.apilimit import ApiLimits
from cloudsim.services.observed import Observed


class Presenter(Protocol):
    """Turns rows into what a client reads; the API layer's part, handed in by the server."""

    def __call__(self, ctx: Context, noun: str, ids: Sequence[int]) -> list[dict[str, Any]]:
        """The response objects of these rows, in their order."""


class Cipher(Protocol):
    """Keeps secrets at rest."""

    def seal(self, text: str) -> str:
        """The stored form."""

    def open(self, sealed: str) -> str:
        """The text again."""


@dataclass
class Cloud:
    """The parts of a running server, made once by ``cloudsim.server``."""

    db: Database
    clock: Clock
    ids: Ids
    settings: Settings
    agents: Agents
    cipher: Cipher
    present: Presenter
    #: uuid of this management server.
    server_uuid: str
    #: Its name, and its state as its row in the database has it (see `services.management_server`).
    server_name: str = ""
    server_state: str = "Up"
    #: Where this server is found by clients, e.g. ``http://10.0.0.5:8080``; set when it listens.
    base_url: str = ""
    #: Ends this server in good order; the server sets what does it.
    end: Callable[[], None] = field(default=lambda: None)
    #: uuids of what has comments; True: for root admins only.
    annotated: dict[str, bool] = field(default_factory=dict)
    #: What hosts last reported of what is used on them.
    observed: Observed = field(default_factory=Observed)
    #: What administrators changed of the capabilities of hypervisors, by the uuid of the entry.
    capabilities: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The calls that accounts make, counted where settings limit them.
    api_limits: ApiLimits = field(default_factory=ApiLimits)
    #: Set by the server right after this object is made.
    jobs: Engine[Context] = field(init=False)
    #: Requests to URLs that clients name.
    outgoing: Client = field(init=False)

    def __post_init__(self) -> None:
        self.outgoing = Client(self.clock, lambda: self.settings.text("secstorage.allowed.internal.sites"))

    def context(self, tx: Transaction, caller: Caller) -> Context:
        """A context for one transaction."""
        return Context(self, cast(WriteTransaction, tx), caller, self.clock.now())


class Context:
    """One transaction on behalf of one caller. In a read, `tx` refuses to write."""

    __slots__ = ("base", "caller", "cloud", "command", "now", "remote", "session", "tx")

    def __init__(self, cloud: Cloud, tx: WriteTransaction, caller: Caller, now: int) -> None:
        self.cloud = cloud
        self.tx = tx
        self.caller = caller
        #: The instant of the request or step, in milliseconds: one for all that happens in it.
        self.now = now
        #: The API command being carried out, where there is one.
        self.command = ""
        #: How the session that the request came with is stored; None for signed requests and jobs.
        self.session: str | None = None
        #: The address that the request came from, and the server as its client calls it (``http://cloud:8080``).
        self.remote = ""
        self.base = ""

    @property
    def settings(self) -> Settings:
        """The global settings in force."""
        return self.cloud.settings

    @property
    def chance(self) -> random.Random:
        """The source of chance."""
        return self.cloud.ids.random

    def uuid(self) -> str:
        """A new uuid."""
        return self.cloud.ids.uuid()

    def submit(self, order: Order) -> str:
        """Stores a job that starts when this transaction is durable; answers its uuid."""
        return self.cloud.jobs.submit(self.tx, self.caller, order)

    def event(
        self,
        type: str,
        description: str,
        *,
        level: str = "INFO",
        resource: tuple[str, str] | None = None,
        account_id: int | None = None,
        domain_id: int | None = None,
    ) -> int:
        """Records that something was done (state Completed); `resource` is (type, uuid)."""
        return events.record(
            self.tx,
            uuid=self.uuid(),
            now=self.now,
            type=type,
            description=description,
            level=level,
            caller=self.caller,
            account_id=account_id,
            domain_id=domain_id,
            resource_type=resource[0] if resource else None,
            resource_uuid=resource[1] if resource else None,
        )

    def annotated(self, uuid: str) -> bool:
        """Whether a thing has comments that the caller may read."""
        for_admins = self.cloud.annotated.get(uuid)
        return for_admins is not None and (not for_admins or self.caller.is_admin)

    def present(self, noun: str, *ids: int) -> list[dict[str, Any]]:
        """The response objects of rows of a noun, as this caller may see them."""
        return self.cloud.present(self, noun, ids)

    def as_caller(self, caller: Caller) -> Context:
        """The same transaction on behalf of someone else."""
        return Context(self.cloud, self.tx, caller, self.now)


__all__ = ["Cipher", "Cloud", "Context", "Presenter", "Row"]
