"""The cast of the matrix: a tree of domains with everybody who calls, one of each noun, and a server that forgets.

`Cast.ask` calls a command with everything on its way but the last step: what succeeds is undone, so that the next caller
finds the world as it was. `Cast.send` calls it over HTTP.
"""

from __future__ import annotations

import copy
import hashlib
import json
import sqlite3
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from access_rows import THINGS, rows
from access_rule import CALLERS
from apiclient import Api, query
from people import account, domain, keyed
from sqlalchemy import JSON, Boolean, Float, Integer, Table, func, select

from cloudsim.api import query as parser
from cloudsim.api.command import commands
from cloudsim.api.dispatch import Dispatcher, Request
from cloudsim.db import schema
from cloudsim.db.types import Json
from cloudsim.server import Server

#: What the server writes by itself.
BOOKKEEPING = {"job", "job_step", "event", "session", "host_stats", "vm_stats", "configuration_cache"}


class _Undo(Exception):
    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


class _Forgetful:
    """A database whose writes come back with their result, and are undone."""

    def __init__(self, db: Any) -> None:
        self._db = db
        #: Run before each write, in its transaction.
        self.given: tuple[str, str] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def write(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        def run(tx: Any) -> None:
            if self.given:
                sql, target = self.given
                for statement in sql.split(";"):
                    tx._change(statement.replace(":id", "?"), [target] * statement.count(":id"))
            raise _Undo(function(tx, *args, **kwargs))

        try:
            await self._db.write(run)
        except _Undo as undone:
            return undone.result
        raise AssertionError("a write came to an end")

    read = glance = write  # what is asked of a prepared state must see it


@dataclass
class Cast:
    """Everybody and everything."""

    server: Server
    api: Api
    http: aiohttp.ClientSession
    #: The callers of `CALLERS`, with their keys.
    apis: dict[str, Api] = field(default_factory=dict)
    #: Texts that stand behind ``@``, for things of the account and of the project.
    names: dict[str, dict[str, str]] = field(default_factory=lambda: {"account": {}, "project": {}})
    owners: dict[str, dict[str, str]] = field(default_factory=dict)

    async def build(self) -> None:
        """Makes the domains, the callers, the project and one of every noun for both owners."""
        api = self.api
        top = await domain(api, "top")
        mid, side = await domain(api, "mid", top), await domain(api, "side", top)
        leaf = await domain(api, "leaf", mid)
        where = {"/top/": top, "/top/mid/": mid, "/top/side/": side, "/top/mid/leaf/": leaf}
        made: dict[str, Any] = {}
        for who in CALLERS.values():
            if who.name == "root":
                self.apis["root"] = api
                continue
            kind = 2 if who.role == "Domain Admin" else 0
            if who.name == "same":
                person = {"email": "a", "firstname": "a", "lastname": "b", "password": "a password"}
                given = {"account": "owner", "domainid": mid["id"], "username": "same", **person}
                user = (await api.call("createUser", "POST", **given))["user"]
            else:
                made[who.name] = await account(api, who.account, kind, domainid=where[who.domain]["id"])
                (user,) = made[who.name]["user"]
            self.apis[who.name] = await keyed(api, self.http, user["id"])
            self._name(**{f"user.{who.name}": user["id"], f"key.{who.name}": self.apis[who.name].key})
        project = (await api.job("createProject", name="shared", account="owner", domainid=mid["id"]))["project"]
        await api.job("addAccountToProject", projectid=project["id"], account="member")
        basics, places = await api.basics(), await api.places()
        self.owners = {
            "account": {"account": "owner", "domainid": mid["id"]},
            "project": {"projectid": project["id"]},
        }
        (admin,) = (await api.call("listUsers", username="admin"))["user"]
        for name, found in where.items():
            self._name(**{f"domain{name.replace('/', '.').rstrip('.')}": found["id"]})
        for name, found in made.items():
            self._name(**{f"account.{name}": found["id"]})
        self._name(
            domain=mid["id"],
            account="owner",
            project=project["id"],
            user=self.names["account"]["user.owner"],
            root=admin["domainid"],
            offering=basics["serviceofferingid"],
            featured=basics["templateid"],
            zone=basics["zoneid"],
            pod=places["podid"],
            cluster=places["clusterid"],
        )
        known = [row for name, found in rows().items() if name in commands() for row in found]
        texts = [str(value) for row in known for value in row.parameters.values()]
        wanted = {row.target for row in known} | {text[1:] for text in texts if text.startswith("@")}
        for name in THINGS:
            if name in wanted:
                await self._make(name)

    def _name(self, **texts: str) -> None:
        for known in self.names.values():
            known.update(texts)

    async def _make(self, name: str) -> None:
        if f"id.{name}" in self.names["account"]:
            return
        one = THINGS[name]
        for needed in one.needs:
            await self._make(needed)
        for variant, owner in self.owners.items():
            if variant == "account":
                self._name(**{f"id.{name}": await one.make(self, **owner)})
            elif one.projects:
                self.names[variant][f"id.{name}"] = await one.make(self, **owner)
        for known in self.names.values():
            known.setdefault(name, known[f"id.{name}"])
        if one.projects:
            self.names["project"][name] = self.names["project"][f"id.{name}"]

    # -- what functions that make things use

    def id(self, name: str, owner: dict[str, Any]) -> str:
        """The id of a thing of the same owner."""
        return self.names["project" if "projectid" in owner else "account"][name]

    def owned(self, owner: dict[str, Any]) -> dict[str, Any]:
        """account_id and domain_id of an owner, for `insert`."""
        found = self.one("SELECT id, domain_id FROM account WHERE name = 'owner'")
        if "projectid" in owner:
            found = self.one("SELECT account_id, domain_id FROM project WHERE uuid = ?", owner["projectid"])
        return {"account_id": found[0], "domain_id": found[1]}

    def one(self, sql: str, *values: Any) -> Any:
        """The first row of a query."""
        with sqlite3.connect(self.server.config.data_dir / "cloudsim.db") as connection:
            return connection.execute(sql, values).fetchone()

    async def insert(self, table: Table, **values: Any) -> str:
        """Makes a row directly; what is not said gets a harmless value. Answers its uuid."""
        return await insert(self.server, table, **values)

    def value(self, text: Any, variant: str) -> Any:
        """A parameter of a row, with what stands behind ``@``."""
        if isinstance(text, str) and text.startswith("@"):
            assert text[1:] in self.names[variant], f"the cast has no {text}: see access_rows, Adding a noun"
            return self.names[variant][text[1:]]
        return text

    def target(self, name: str, variant: str) -> str:
        """The id of the thing that a row is about."""
        return self.names[variant].get(f"id.{name}") or self.names[variant][name]

    # -- calling

    def forget(self) -> None:
        """Makes the dispatcher whose writes are undone."""
        cloud = copy.copy(self.server.cloud)
        self.db = _Forgetful(self.server.db)
        cloud.db = self.db  # type: ignore[assignment]
        self.dispatcher = Dispatcher(cloud, self.server.dispatcher._integration_caller)
        self._watcher = sqlite3.connect(self.server.config.data_dir / "cloudsim.db")
        self._version: int | None = None
        self._digest = ""

    async def ask(
        self, who: str, command: str, parameters: dict[str, Any], given: tuple[str, str] | None = None, **prepared: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and body of a call that is undone."""
        api = self.apis[who]
        made = parser.parse(query({"command": command, "response": "json", **parameters}, api.key, api.secret))
        made.prepared.update(prepared)
        self.db.given = given
        answer = await self.dispatcher.answer(Request(made, "POST"))
        self.db.given = None
        (body,) = json.loads(answer.body).values()
        return answer.status, body

    async def send(self, who: str, command: str, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of a call over HTTP that stays done."""
        api = self.apis.get(who) or Api(self.http, self.api.endpoint, None, None)  # type: ignore[arg-type]
        status, text = await api.raw(command, "POST", **parameters)
        (body,) = json.loads(text).values()
        return status, body

    def digest(self) -> str:
        """What the database holds, but for what the server notes of its own work."""
        (version,) = self._watcher.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            made = hashlib.sha256()
            for name in sorted(set(schema.metadata.tables) - BOOKKEEPING):
                for row in self._watcher.execute(f'SELECT * FROM "{name}" ORDER BY 1'):
                    made.update(repr((name, row)).encode())
            self._version, self._digest = version, made.hexdigest()
        return self._digest


async def insert(server: Server, table: Table, **values: Any) -> str:
    """Makes a row directly; what is not said gets a harmless value. Answers its uuid, where it has one."""

    def run(tx: Any) -> None:
        made: dict[str, Any] = {}
        for column in table.c:
            if column.name in values or column.name == "id":
                continue
            if column.name == "uuid":
                made["uuid"] = str(uuid.uuid4())
            elif column.name == "created":
                made["created"] = server.clock.now()
            elif column.nullable:
                made[column.name] = None
            elif column.default is not None:
                made[column.name] = column.default.arg  # type: ignore[attr-defined]
            elif column.foreign_keys:
                (key,) = column.foreign_keys
                made[column.name] = tx.scalar(select(func.min(key.column)))
            elif isinstance(column.type, Boolean):
                made[column.name] = False
            elif isinstance(column.type, (Integer, Float)):
                made[column.name] = 1
            elif isinstance(column.type, (JSON, Json)):
                made[column.name] = []
            else:
                made[column.name] = "x" if not column.unique else str(uuid.uuid4())
        made.update(values)
        values.setdefault("uuid", made.get("uuid", ""))
        tx.insert(table, **made)

    await server.db.write(run)
    return str(values["uuid"])
