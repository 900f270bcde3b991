"""Tells webhooks of events: at least once each, also after a crash, and without a step for events where there are none.

The table of events is the list of what is to be told: a webhook keeps the id of the last event that it was told of (or
that was none of its business), and that id moves on in the transaction that writes the deliveries down. Who is killed
in between tells again. A commit that wrote events wakes the worker; it asks for nothing while nothing happens. Where
servers share a database, one of them takes a webhook for some time, and the others leave it alone.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from cloudsim.db import schema
from cloudsim.db.database import DatabaseError, Row, Transaction, WriteTransaction
from cloudsim.db.types import Big
from cloudsim.services import webhook, webhook_delivery
from cloudsim.services.context import Cloud
from cloudsim.services.webhook_delivery import Call

log = logging.getLogger(__name__)

event, table, domain = schema.event, schema.webhook, schema.domain

_own = schema.domain.alias("own")
_ENABLED = (
    select(table, domain.c.path, schema.account.c.type.label("owner_type"), _own.c.path.label("owner_path"))
    .select_from(
        table.join(domain, table.c.target_domain_id == domain.c.id)
        .join(schema.account, table.c.account_id == schema.account.c.id)
        .join(_own, schema.account.c.domain_id == _own.c.id)
    )
    .where(table.c.removed.is_(None), table.c.state == "Enabled", schema.account.c.removed.is_(None))
)
_LAST = select(func.max(event.c.id))
_ONE = _ENABLED.where(table.c.id == bindparam("webhook_id"))


def _events(*conditions: Any) -> Any:
    return (
        select(
            event,
            schema.user.c.uuid.label("user_uuid"),
            schema.account.c.uuid.label("account_uuid"),
            schema.account.c.project_uuid,
        )
        .select_from(
            event.join(schema.user, event.c.user_id == schema.user.c.id)
            .join(schema.account, event.c.account_id == schema.account.c.id)
            .join(domain, event.c.domain_id == domain.c.id)
        )
        .where(event.c.id > bindparam("after", type_=Big), event.c.id <= bindparam("last", type_=Big), *conditions)
        .order_by(event.c.id)
        .limit(bindparam("most", type_=Big))
    )


_OF = {
    "Local": _events(event.c.account_id == bindparam("account_id", type_=Big)),
    "Domain": _events(domain.c.path >= bindparam("path"), domain.c.path < bindparam("end")),
    "Global": _events(),
}
_CLAIM = (
    table.update()
    .where(
        table.c.id == bindparam("webhook_id"),
        table.c.last_event_id == bindparam("after", type_=Big),
        table.c.removed.is_(None),
        table.c.state == "Enabled",
        or_(table.c.teller.is_(None), table.c.teller == bindparam("me"), table.c.teller_until < bindparam("now")),
    )
    .values(teller=bindparam("me"), teller_until=bindparam("until"))
)
_DONE = (
    table.update()
    .where(table.c.id == bindparam("webhook_id"), table.c.last_event_id == bindparam("after", type_=Big))
    .values(last_event_id=bindparam("last"), teller=None, teller_until=0)
)
#: Events that were passed over before that is written down.
_PASSED = 10_000


def entitled(row: Row) -> bool:
    """Whether the owner may still know what the scope tells: it may have lost its role, or the domain was moved away."""
    if not webhook.may_have(row["owner_type"], row["scope"]):
        return False
    return bool(row["scope"] != webhook.DOMAIN or row["path"].startswith(row["owner_path"]))


class Worker:
    """One task that looks who is to be told of what, and one for each webhook that is."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._woken = asyncio.Event()
        #: Whether there is a webhook at all: where there is none, events wake nobody.
        self._any = True
        #: By webhook: the last event that was looked at.
        self._seen: dict[int, int] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(1)
        self._width = 1
        self._main: asyncio.Task[None] | None = None
        self._later: dict[int, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Begins, with what a server that was killed has left."""
        # how many deliveries at a time: as in the reference, a change holds from the next start on
        self._width = max(1, min(self._cloud.settings.number("webhook.delivery.thread.pool.size"), 100))
        self._turn = asyncio.Semaphore(self._width)
        self._cloud.db.listen({"event"}, self._happened, here_only=True)
        # who may be told what changes with these, too
        self._cloud.db.listen({"webhook", "account", "domain"}, self._changed)
        self._main = asyncio.get_running_loop().create_task(self._run())
        self._woken.set()

    async def close(self) -> None:
        """Stops at once: what was not told to its end is told by the next start."""
        tasks = [task for task in (self._main, *self._tasks.values()) if task is not None]
        for handle in self._later.values():
            handle.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _happened(self) -> None:
        if self._any:
            self._woken.set()

    def _changed(self) -> None:
        self._any = True
        self._woken.set()

    async def _run(self) -> None:
        pause = 1.0
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._round()
                pause = 1.0
            except DatabaseError as error:
                log.error("webhooks wait %g s for the database: %s", pause, error)
                await self._cloud.clock.sleep(pause)
                pause = min(pause * 2, 60.0)
                self._woken.set()

    async def _round(self) -> None:
        def look(tx: Transaction) -> tuple[list[Row], int]:
            return [row for row in tx.all(_ENABLED) if entitled(row)], tx.scalar(_LAST) or 0

        found, last = await self._cloud.db.read(look)
        self._any = bool(found)
        known = {row["id"] for row in found}
        self._seen = {key: value for key, value in self._seen.items() if key in known}
        for row in found:
            after = self._seen[row["id"]] = max(self._seen.get(row["id"], 0), row["last_event_id"])
            if after < last and row["id"] not in self._tasks and row["id"] not in self._later:
                task = asyncio.get_running_loop().create_task(self._drain(row["id"]))
                self._tasks[row["id"]] = task

    async def _drain(self, webhook_id: int) -> None:
        """Tells one webhook of all that is to be told."""
        try:
            while await self._some(webhook_id):
                pass
        except DatabaseError as error:
            log.error("webhook %d waits for the database: %s", webhook_id, error)
            self._again(webhook_id, 5.0)
        except Exception:
            log.exception("webhook %d", webhook_id)
            self._again(webhook_id, 60.0)
        finally:
            self._tasks.pop(webhook_id, None)
        # what came while it was at its last look
        self._woken.set()

    def _again(self, webhook_id: int, seconds: float) -> None:
        """Leaves a webhook alone for some time."""
        before = self._later.pop(webhook_id, None)
        if before is not None:
            before.cancel()
        self._later[webhook_id] = asyncio.get_running_loop().call_later(seconds, self._due, webhook_id)

    def _due(self, webhook_id: int) -> None:
        self._later.pop(webhook_id, None)
        self._woken.set()

    async def _some(self, webhook_id: int) -> bool:
        cloud, after = self._cloud, self._seen.get(webhook_id, 0)

        def pending(tx: Transaction) -> tuple[Row | None, list[Row], int]:
            last = tx.scalar(_LAST) or 0
            found = tx.first(_ONE, webhook_id=webhook_id)
            if found is None or not entitled(found) or last <= after:
                return None, [], last
            scope = {
                "Local": {"account_id": found["account_id"]},
                "Domain": {"path": found["path"], "end": found["path"][:-1] + "0"},
                "Global": {},
            }[found["scope"]]
            start = max(after, found["last_event_id"])
            return found, tx.all(_OF[found["scope"]], after=start, last=last, most=self._width, **scope), last

        found, events, last = await cloud.db.read(pending)
        if found is None:
            return False
        if not events:
            self._seen[webhook_id] = last
            if last - found["last_event_id"] > _PASSED:
                await cloud.db.write(lambda tx: self._pass(tx, found, last))
            return False
        return await self._tell(found, events)

    def _pass(self, tx: WriteTransaction, found: Row, last: int) -> None:
        tx.execute(_DONE, webhook_id=found["id"], after=found["last_event_id"], last=last)

    async def _tell(self, found: Row, events: list[Row]) -> bool:
        cloud, after = self._cloud, found["last_event_id"]
        tries, timeout = webhook_delivery.limits_of(cloud, found["target_domain_id"])
        lease = int((tries * timeout + 5 * tries) * 1000) * (len(events) + 1)

        def claim(tx: WriteTransaction) -> bool:
            now = cloud.clock.now()
            values = {"webhook_id": found["id"], "after": after, "me": cloud.server_uuid}
            return tx.execute(_CLAIM, {**values, "now": now, "until": now + lease}) > 0

        if not await cloud.db.write(claim):
            # another server tells it, or it was changed meanwhile
            self._again(found["id"], max(1.0, (found["teller_until"] - cloud.clock.now()) / 1000))
            return False
        secret = cloud.cipher.open(found["secret_key"]) if found["secret_key"] else None
        calls = [
            Call(
                url=found["payload_url"],
                payload=webhook_delivery.payload_of(one),
                event_type=one["type"],
                event_uuid=one["uuid"],
                account_uuid=one["account_uuid"],
                secret_key=secret,
                verify=found["ssl_verification"],
                tries=tries,
                timeout=timeout,
            )
            for one in events
        ]
        outcomes = await asyncio.gather(*(self._one(call) for call in calls))
        last = events[-1]["id"]

        def write_down(tx: WriteTransaction) -> None:
            # where it was deleted or enabled anew meanwhile there is nothing to be written down
            if tx.execute(_DONE, webhook_id=found["id"], after=after, last=last) and tx.first(
                _ONE, webhook_id=found["id"]
            ):
                for call, outcome in zip(calls, outcomes, strict=True):
                    webhook_delivery.record(tx, cloud, cloud.ids.uuid(), found["id"], call, outcome)
                webhook_delivery.prune(tx, found["id"], cloud.settings.number("webhook.deliveries.limit"))

        await cloud.db.write(write_down)
        self._seen[found["id"]] = max(self._seen.get(found["id"], 0), last)
        return True

    async def _one(self, call: Call) -> webhook_delivery.Outcome:
        async with self._turn:
            return await webhook_delivery.tell(self._cloud, call)
