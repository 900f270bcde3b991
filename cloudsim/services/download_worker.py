"""Brings files to image stores: what `download` has rows for, however often the server dies on the way.

One task looks what is to be done, and one for each file does it. A commit that changes the table wakes the first; it asks
for nothing while nothing is on its way. Where servers share a database, one of them takes a file for some time and says
again and again that it is still at it; when it falls silent another goes on. A file whose row is gone is no one's
business: who fetches it stops and removes what has come.

Files of simulated stores come by themselves when their time is over: nothing is fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cloudsim.core import checksum
from cloudsim.core.caller import Caller
from cloudsim.core.diskimage import MOST
from cloudsim.core.errors import CloudError
from cloudsim.db.database import DatabaseError, Row
from cloudsim.outgoing import Limits
from cloudsim.services import download, imagefile, simulator, transfer
from cloudsim.services.context import Cloud
from cloudsim.services.imagefile import Looked
from cloudsim.services.transfer import State, TransferError, Workshop

log = logging.getLogger(__name__)

#: How many files are fetched at once, at most (setting ``secstorage.session.max``).
WIDTH = 8
#: Seconds between two signs of life of a file.
BEAT = 1.0
#: Seconds after which a file that does not come on is given up, and the bytes a second that count as coming on.
STALL, SLOWEST = 60.0, 256
#: What the fault rules of the simulator, and its latencies, call it.
WIRE = "DownloadCommand"
GIB = 1024**3


class Worker:
    """Fetches files."""

    def __init__(self, cloud: Cloud, admin: Caller) -> None:
        self._cloud = cloud
        self._admin = admin
        self._woken = asyncio.Event()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._states: dict[int, State] = {}
        self._main: asyncio.Task[None] | None = None
        self._executor = ThreadPoolExecutor(WIDTH * 2, "image-store")
        self._workshop = Workshop(self._executor)

    def start(self) -> None:
        """Begins, with what a server that was killed has left."""
        self._cloud.db.listen({"download"}, self._woken.set)
        self._main = asyncio.get_running_loop().create_task(self._run())
        self._woken.set()

    async def close(self) -> None:
        """Stops at once: what has come is gone on with by the next start."""
        for state in self._states.values():
            state.stop.set()
        tasks = [task for task in (self._main, *self._tasks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        pause, wait = 1.0, 0.0
        while True:
            if wait > 0:
                with contextlib.suppress(TimeoutError):
                    await self._cloud.clock.within(wait, self._woken.wait())
            else:
                await self._woken.wait()
            self._woken.clear()
            try:
                wait = await self._round()
                pause = 1.0
            except DatabaseError as error:
                log.error("downloads wait %g s for the database: %s", pause, error)
                await self._cloud.clock.sleep(pause)
                pause = min(pause * 2, 60.0)
                self._woken.set()

    async def _round(self) -> float:
        """Looks what is to be done; answers the seconds until something is due, 0 where nothing will be."""
        cloud = self._cloud
        rows = await cloud.db.read(download.pending)
        there = {row["id"] for row in rows}
        for download_id, task in list(self._tasks.items()):
            state = self._states[download_id]
            if download_id not in there and not state.ended:
                state.stop.set()
                task.cancel()
        width = max(1, min(WIDTH, cloud.settings.number("secstorage.session.max")))
        now, next_ = cloud.clock.now(), None
        for row in rows:
            if row["id"] in self._tasks:
                continue
            due = self._due(row)
            if due > now:
                next_ = due if next_ is None else min(next_, due)
            elif row["directory"] is None:
                await self._simulate(row)
            elif len(self._tasks) < width:
                self._begin(row)
        return 0.0 if next_ is None else max(0.001, (next_ - now) / 1000)

    def _due(self, row: Row) -> int:
        if row["directory"] is None:
            return int(row["ends"] if row["begun"] is not None else row["due"])
        if row["server"] not in (None, self._cloud.server_uuid):
            return int(max(row["due"], row["until"]))
        return int(row["due"])

    def _begin(self, row: Row) -> None:
        download_id = row["id"]
        state = self._states[download_id] = State()
        task = asyncio.get_running_loop().create_task(self._carry_out(download_id, state))
        self._tasks[download_id] = task

        def ended(_: Any) -> None:
            self._tasks.pop(download_id, None)
            self._states.pop(download_id, None)
            self._woken.set()

        task.add_done_callback(ended)

    # -- of simulated stores

    async def _simulate(self, row: Row) -> None:
        cloud = self._cloud
        if row["begun"] is None:
            seconds, failure = simulator.order_of(cloud, WIRE, row["zone_uuid"])
            await cloud.db.write(lambda tx: download.begin(cloud.context(tx, self._admin), row, seconds, failure))
            self._woken.set()
            return
        if row["outcome"] is None:
            found = download.KINDS[row["kind"]].simulated(row["format"])
            try:
                await cloud.db.write(lambda tx: download.finish(cloud.context(tx, self._admin), row, found))
                return
            except CloudError as error:
                why = error.message
        else:
            why = row["outcome"]
        await cloud.db.write(lambda tx: download.give_up(cloud.context(tx, self._admin), row, why))

    # -- of stores with files

    async def _carry_out(self, download_id: int, state: State) -> None:
        cloud, row = self._cloud, None
        try:
            row = await cloud.db.write(lambda tx: download.claim(cloud.context(tx, self._admin), download_id))
            if row is None:
                return
            state.validator, state.total = row["validator"], row["total"]
            state.received = state.safe = row["received"]
            await self._fetch(row, state)
        except asyncio.CancelledError:
            state.stop.set()
            if row is not None and not state.ended:
                await self._interrupted(row)
            raise
        except DatabaseError as error:
            log.error("download %d waits for the database: %s", download_id, error)
            await cloud.clock.sleep(5.0)
        except Exception:
            log.exception("download %d", download_id)
            await cloud.clock.sleep(60.0)

    async def _interrupted(self, row: Row) -> None:
        """The server ends, or the row is gone."""
        cloud = self._cloud

        def look(tx: Any) -> bool:
            ctx = cloud.context(tx, self._admin)
            download.leave(ctx, row)
            return download.one(ctx, row["id"]) is None

        try:
            if await cloud.db.write(look):
                await self._remove(row)
        except (DatabaseError, TransferError) as error:
            log.warning("download %d: %s", row["id"], error)

    async def _fetch(self, row: Row, state: State) -> None:
        cloud = self._cloud
        final = Path(row["directory"]) / row["path"]
        try:
            found = await self._bring(row, state, final)
        except TransferError as error:
            await self._failed(row, state, error)
            return
        except CloudError as error:
            await self._failed(row, state, TransferError(error.message))
            return
        # from here on the row is gone because the file is there
        state.ended = True
        try:
            kept = await cloud.db.write(lambda tx: download.finish(cloud.context(tx, self._admin), row, found))
        except CloudError as error:
            await self._failed(row, state, TransferError(error.message))
            return
        if not kept:
            await self._remove(row)

    async def _bring(self, row: Row, state: State, final: Path) -> Looked:
        """The file, whole and looked at, under its name. Raises `TransferError`, `LimitReached`."""
        run = self._workshop.run
        if await run(final.is_file):
            # a server died between giving it its name and saying so
            return await self._look(row, state, final, final)
        loop = asyncio.get_running_loop()
        beating = loop.create_task(self._beat(row, state))
        making = loop.create_task(self._make(row, state, final))
        try:
            await asyncio.wait([beating, making], return_when=asyncio.FIRST_COMPLETED)
            if not making.done():
                beating.result()
            found = making.result()
        finally:
            state.stop.set()
            for task in (beating, making):
                task.cancel()
            await asyncio.gather(beating, making, return_exceptions=True)
        await run(transfer.publish, transfer.part_of(final), final)
        return found

    async def _make(self, row: Row, state: State, final: Path) -> Looked:
        part = transfer.part_of(final)
        await self._receive(row, state, part)
        return await self._look(row, state, part, final)

    async def _look(self, row: Row, state: State, path: Path, final: Path) -> Looked:
        return await self._workshop.run(
            imagefile.look, path, row["format"], self._most(), transfer.expanded_of(final), state
        )

    def _most(self) -> int:
        return self._cloud.settings.number("max.template.iso.size") * GIB or MOST

    async def _receive(self, row: Row, state: State, part: Path) -> None:
        """Brings the part file. Raises `TransferError`, `LimitReached`."""
        if row["source"] is not None:
            await self._workshop.run(transfer.copy, Path(row["source"]), part, state)
            return
        wanted = checksum.parse(row["checksum"]) if row["checksum"] else None
        digest = wanted.begin() if wanted is not None else None
        redirects = 5 if self._cloud.settings.flag("store.download.follow.redirects") else 0
        limits = Limits(idle=STALL, size=self._most(), redirects=redirects, part=transfer.BLOCK // 2)
        await transfer.fetch(
            self._cloud.outgoing,
            self._workshop,
            row["url"],
            part,
            state,
            limits=limits,
            digest=digest,
            begun=lambda _: self._say(row, state),
        )
        if wanted is not None:
            transfer.check_digest(wanted, digest)

    async def _say(self, row: Row, state: State) -> None:
        """Says how far a file is. Raises `TransferError` where that is not wanted any more, `LimitReached`."""
        cloud = self._cloud
        kept = await cloud.db.write(lambda tx: download.beat(cloud.context(tx, self._admin), row, state))
        if not kept:
            raise TransferError("it is not wanted here any more", again=True)

    async def _beat(self, row: Row, state: State) -> None:
        """Says so while a file comes; raises `TransferError` where it does not come on."""
        clock = self._cloud.clock
        since, before = clock.monotonic(), 0
        while True:
            await clock.sleep(BEAT)
            if state.moved - before >= SLOWEST * STALL:
                since, before = clock.monotonic(), state.moved
            elif clock.monotonic() - since > STALL:
                raise TransferError("the other side hardly sends anything", again=True)
            received, version = state.received, state.validator
            if received > state.safe and row["source"] is None:
                await self._workshop.run(_sync, transfer.part_of(Path(row["directory"]) / row["path"]))
                if state.validator == version and state.received >= received:
                    state.safe = received
            await self._say(row, state)

    async def _failed(self, row: Row, state: State, error: TransferError) -> None:
        cloud = self._cloud
        if error.again:
            log.info("download %d is tried again: %s", row["id"], error)
            if await cloud.db.write(lambda tx: download.put_off(cloud.context(tx, self._admin), row, state)):
                return
        await self._remove(row)
        await cloud.db.write(lambda tx: download.give_up(cloud.context(tx, self._admin), row, str(error)))

    async def _remove(self, row: Row) -> None:
        final = Path(row["directory"]) / row["path"]
        await self._workshop.run(transfer.remove, final, transfer.part_of(final), transfer.expanded_of(final))


def _sync(part: Path) -> None:
    file = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(file)
    finally:
        os.close(file)
