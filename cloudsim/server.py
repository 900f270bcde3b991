"""The composition root: the only place that knows every part of a server, and puts them together.

Order of starting: data directory and its lock, database, defaults, drivers, API, sockets, unfinished jobs, periodic
tasks; of stopping: the reverse. Nothing is done at the end that a killed server would miss.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from cloudsim import CLOUDSTACK_VERSION
from cloudsim.agents.base import Driver
from cloudsim.agents.dispatch import Agents
from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.api import http as api_http
from cloudsim.api import origin, query
from cloudsim.api.dispatch import Dispatcher, current_request
from cloudsim.api.responses.base import present
from cloudsim.console import PATHS as CONSOLE_PATHS
from cloudsim.core.caller import Caller
from cloudsim.core.clock import Clock, SystemClock
from cloudsim.core.config import Config
from cloudsim.core.ids import Ids
from cloudsim.core.keyfile import KeyFile
from cloudsim.core.settings import Settings
from cloudsim.db.database import Database, DatabaseUnavailable
from cloudsim.db.sqlite import SqliteDatabase
from cloudsim.db.upgrade import prepare
from cloudsim.jobs.engine import Engine, current_job
from cloudsim.jobs.workflow import registered
from cloudsim.services import (
    annotation,
    bootstrap,
    configuration,
    extract,
    host,
    hypervisor,
    identity,
    management_server,
    own_process,
    router_apply,
    rule_orders,
    sample_zone,
    snapshot_copy,
    template_create,
    template_download,
    vm_destroy,
    vm_reboot,
    vmsnapshot_workflows,
    volume_create,
    volume_extract,
    volume_update,
)
from cloudsim.services.context import Cloud, Context

log = logging.getLogger(__name__)


class StartError(Exception):
    """The server cannot start; the text says why and what would help."""


def log_ids() -> dict[str, str | None]:
    """The request and the job that the running code works for."""
    return {"request": current_request.get(), "job": current_job.get()}


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    return web.BaseRequest(
        message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=query.BODY_LIMIT
    )


def _bracketed(address: str) -> str:
    """An address as a URL has it."""
    return f"[{address}]" if ":" in address else address


class Server:
    """One management server."""

    def __init__(self, config: Config, *, clock: Clock | None = None, ids: Ids | None = None) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.ids = ids or Ids()
        self.ready = False
        self.port = 0
        self.integration_port = 0
        #: Set when the server was asked, through the API, to end.
        self.end = asyncio.Event()
        self._cleanup: list[Callable[[], Any]] = []

    # -- starting

    async def start(self) -> None:
        """Starts everything. Raises `StartError`; what was started by then is stopped."""
        try:
            await self._start()
        except BaseException as error:
            await self.stop()
            if isinstance(error, DatabaseUnavailable):
                raise StartError(str(error)) from error
            raise

    async def _start(self) -> None:
        directory = self._lock_directory()
        self.db = await self._open_database(directory)
        password = None
        if await self.db.read(bootstrap.is_empty):
            # takes a while in a thread of its own: the rest goes on meanwhile
            password = asyncio.ensure_future(bootstrap.password_hash(str(self.config["admin-password"])))
            self._cleanup.append(password.cancel)
        try:
            cipher = KeyFile(directory / "key")
        except (OSError, ValueError) as error:
            raise StartError(f"the key file {directory / 'key'} cannot be used: {error}") from error
        settings = Settings()
        self.simulator = SimulatorDriver(
            directory / "simulator.db", self.clock, self.ids, latency=self.config["simulator-latency"]
        )
        drivers: list[Driver] = [self.simulator, *self._more_drivers()]
        self.agents = Agents(drivers, self.clock, lambda: settings.number("wait") or 1800, cipher.open)
        self.cloud = Cloud(
            db=self.db,
            clock=self.clock,
            ids=self.ids,
            settings=settings,
            agents=self.agents,
            cipher=cipher,
            present=present,
            server_uuid=self._server_uuid(directory),
            server_name=own_process.name(),
            end=self.end.set,
        )
        assert vm_destroy  # these register their workflows
        assert router_apply
        assert rule_orders
        assert vm_reboot
        assert vmsnapshot_workflows
        assert volume_create
        assert volume_extract
        assert volume_update
        assert snapshot_copy
        assert template_create
        assert template_download  # what becomes of downloads
        self.cloud.jobs = Engine(
            self.db,
            self.agents,
            self.clock,
            self.ids,
            registered(),
            self.cloud.context,
            identity.by_user_id,
            server=self.cloud.server_uuid,
            living=lambda tx: management_server.living(self.cloud, tx),
        )
        await self.agents.open()
        self._cleanup.append(self.agents.close)
        if password is not None:
            await self._defaults(await password)
        await configuration.follow(self.cloud)
        await annotation.follow(self.cloud)
        await hypervisor.follow(self.cloud)
        admin = await self.db.read(self._admin)
        await self._register(admin)
        # before it says that it ends, and while hosts can be reached
        self._cleanup.append(self.cloud.jobs.close)
        self.dispatcher = Dispatcher(self.cloud, admin)
        self._admin_caller = admin
        await self._consoles(admin)
        await self._listen(directory)
        # before the sockets are closed, which wait for what is under way
        self._cleanup.append(self.consoles.close)
        await host.connect_all(self.cloud, admin)
        found = await self.cloud.jobs.recover(others=self.cloud.server_state == management_server.UP)
        if found:
            log.info("%d unfinished jobs taken up again", found)
        from cloudsim.services import periodic
        from cloudsim.services.webhook_worker import Worker

        self.webhooks = Worker(self.cloud)
        self._cleanup.append(self.webhooks.close)
        self.webhooks.start()
        from cloudsim.services.download_worker import Worker as Downloads

        self.downloads = Downloads(self.cloud, admin)
        self._cleanup.append(self.downloads.close)
        self.downloads.start()
        self.periodic = periodic.scheduler(self.cloud, admin)
        self._cleanup.append(self.periodic.close)
        # loading APScheduler takes longer than the first tasks are away
        self._cleanup.append(asyncio.get_running_loop().call_later(0.05, self.periodic.start).cancel)
        self.ready = True

    async def _register(self, admin: Caller) -> None:
        cloud, address = self.cloud, own_process.address(str(self.config["host"]))
        cloud.server_state = await self.db.write(
            lambda tx: management_server.register(cloud.context(tx, admin), address, CLOUDSTACK_VERSION)
        )
        self._cleanup.append(lambda: self.db.write(lambda tx: management_server.unregister(cloud.context(tx, admin))))

    def _lock_directory(self) -> Path:
        directory = self.config.data_dir
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(f"the data directory {directory} cannot be used: {error.strerror}") from error
        self._cleanup.append(lambda: os.close(handle))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(
                f"another server uses the data directory {directory}: stop it, or name another with --data-dir"
            ) from None
        return directory

    async def _open_database(self, directory: Path) -> Database:
        url = str(self.config["database"])
        database: Any
        if url:
            if not url.startswith(("postgresql://", "postgres://")):
                raise StartError("--database takes postgresql://user@host/name")
            try:
                from cloudsim.db.postgres import PostgresDatabase
            except ImportError:
                raise StartError("PostgreSQL needs the extra: pip install 'cloudsim-server[postgresql]'") from None
            database, place = PostgresDatabase(url), url
        else:
            place = str(directory / "cloudsim.db")
            database = SqliteDatabase(place)
        await database.open()
        database.opened = self.clock.now()
        self._cleanup.append(database.close)
        outcome = await prepare(database, place)
        if outcome == "upgraded":
            log.info("the database was brought to the schema of this version")
        return cast(Database, database)

    def _more_drivers(self) -> list[Driver]:
        from importlib.util import find_spec

        if find_spec("libvirt") is None:
            return []
        from cloudsim.agents.libvirt import LibvirtDriver

        return [LibvirtDriver(self.clock, storage=self.config["libvirt-storage"])]

    def _server_uuid(self, directory: Path) -> str:
        path = directory / "server-id"
        with contextlib.suppress(FileNotFoundError):
            text = path.read_text().strip()
            if text:
                return text
        made = self.ids.uuid()
        path.write_text(made)
        return made

    async def _defaults(self, password: str) -> None:
        def fill(tx: Any) -> None:
            admin = bootstrap.fill(tx, self.ids, self.cloud.cipher, self.clock.now(), password)
            if self.config["seed"]:
                sample_zone.build(self.cloud.context(tx, admin))

        await self.db.write(fill)

    def _admin(self, tx: Any) -> Caller:
        admin = identity.by_user_id(tx, 2)
        assert admin is not None
        return admin

    async def _consoles(self, admin: Caller) -> None:
        from cloudsim.console.proxy import Consoles

        def address(request: web.BaseRequest) -> str:
            return origin.address(request.remote or "", request.headers, self.cloud.settings)

        self.consoles = Consoles(self.cloud, admin, address)
        await self.consoles.start()

    async def _listen(self, directory: Path) -> None:
        from cloudsim.web.extract import Files
        from cloudsim.web.status import Status

        self.files = Files(self.cloud, self._admin_caller)
        self.endpoint = api_http.Endpoint(self.dispatcher)
        self.status = Status(self)
        main = web.Server(self._route, request_factory=_request)
        self.port = await self._bind(main, str(self.config["host"]), int(self.config["port"]))
        if self.config["integration-port"]:
            trusted = api_http.Endpoint(self.dispatcher, trusted=True, port=self.port)
            self.endpoint_trusted = trusted
            side = web.Server(trusted.handle, request_factory=_request)
            self.integration_port = await self._bind(side, "127.0.0.1", int(self.config["integration-port"]))
        self.cloud.base_url = f"http://{_bracketed(own_process.address(str(self.config['host'])))}:{self.port}"
        self._write_endpoint(directory)

    async def _bind(self, server: web.Server, address: str, port: int) -> int:
        runner = web.ServerRunner(server, handle_signals=False, access_log=None, shutdown_timeout=3.0)
        await runner.setup()
        self._cleanup.append(runner.cleanup)
        try:
            bound = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                                         backlog=1024)  # fmt: skip
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", 0) == 98:
                raise StartError(f"port {port} of {address} is in use: choose another with --port") from None
            raise StartError(f"cannot listen on {address} port {port}: {error}") from None
        site = web.SockSite(runner, bound)
        await site.start()
        return int(bound.getsockname()[1])

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path in ("/client/api", "/client/api/"):
            return await self.endpoint.handle(request)
        if path.startswith(extract.ROOT):
            return await self.files.handle(request, path)
        if path.startswith(CONSOLE_PATHS):
            return await self.consoles.handle(request, path)
        return await self.status.handle(request, path)

    @property
    def url(self) -> str:
        """The endpoint of the API."""
        address = str(self.config["host"])
        if address in ("0.0.0.0", "::"):  # noqa: S104
            address = "127.0.0.1"
        return f"http://{_bracketed(address)}:{self.port}/client/api"

    def _write_endpoint(self, directory: Path) -> None:
        temporary = directory / "endpoint.new"
        temporary.write_text(json.dumps({"endpoint": self.url, "database": bool(self.config["database"])}))
        temporary.replace(directory / "endpoint")

    # -- stopping

    async def stop(self) -> None:
        """Stops everything, in the reverse order of starting, within some seconds."""
        self.ready = False
        while self._cleanup:
            call = self._cleanup.pop()
            try:
                result = call()
                if asyncio.iscoroutine(result):
                    await result
            except Exception:
                log.exception("stopping")


__all__ = ["Context", "Server", "StartError", "log_ids"]
