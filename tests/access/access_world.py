"""Random worlds for the properties of lists: a tree of domains with accounts, users and projects, and what they own.

Written straight into the database of a running server, in one commit, and taken away again after each example.
"""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Boolean, Float, Integer, Table

from cloudsim.core.keyfile import KeyFile
from cloudsim.db import schema
from cloudsim.db.types import Json
from cloudsim.server import Server

NAMES = ("alpha", "Alphabet", "beta", "a_b", "50%", "axb")
KEYWORDS = ("alpha", "ALPHA", "bet", "_", "%", "nothing has this")
TAGS = (("a", "b"), ("a", "c"), ("d", "b"))


@dataclass(frozen=True)
class Kind:
    """A kind of rows: its table, its list, and the columns that a keyword is looked for in."""

    name: str
    command: str
    noun: str
    table: Table
    columns: tuple[str, ...]
    #: What the tags of such a row are filed under; empty: its list takes no tags.
    tags: str = ""
    ids: bool = False
    values: dict[str, Any] = field(default_factory=dict)


KINDS = (
    Kind("vm", "listVirtualMachines", "virtualmachine", schema.vm, ("name", "display_name", "instance_name", "state"),
         "UserVm", True, {"state": "Stopped", "type": "User", "power_state": "PowerOff", "display": 1}),
    Kind("volume", "listVolumes", "volume", schema.volume, ("name", "type", "state"), "Volume", True,
         {"state": "Allocated", "type": "DATADISK", "display": 1}),
    Kind("network", "listNetworks", "network", schema.network, ("name", "display_text"), "Network", False,
         {"state": "Allocated", "traffic_type": "Guest", "guest_type": "Isolated", "acl_type": "Account"}),
    Kind("address", "listPublicIpAddresses", "publicipaddress", schema.public_ip, ("address",), "PublicIpAddress",
         False, {"state": "Allocated", "allocated": 1}),
    Kind("group", "listInstanceGroups", "instancegroup", schema.instance_group, ("name",)),
    Kind("keypair", "listSSHKeyPairs", "sshkeypair", schema.ssh_keypair, ("name", "fingerprint")),
    Kind("userdata", "listUserData", "userdata", schema.user_data, ("name",)),
    Kind("event", "listEvents", "event", schema.event, ("type", "description", "level"), "", False,
         {"type": "VM.STOP", "level": "INFO", "state": "Completed"}),
)  # fmt: skip


@dataclass
class User:
    """Who calls."""

    row_id: int
    uuid: str
    key: str
    account: Account


@dataclass
class Account:
    """An account; `project` where it stands for one."""

    row_id: int
    uuid: str
    name: str
    kind: str
    path: str
    domain: str
    users: list[User] = field(default_factory=list)


@dataclass
class Project:
    """A project, and who is in it: (account, user or None, admin, the command its role denies)."""

    uuid: str
    account: Account
    members: list[tuple[Account, User | None, bool, str | None]] = field(default_factory=list)


@dataclass
class World:
    """What the model knows."""

    domains: dict[str, str] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    #: kind -> uuid -> (row id of the owner, texts for keywords, tags)
    rows: dict[str, dict[str, tuple[int, tuple[str, ...], set[tuple[str, str]]]]] = field(default_factory=dict)
    #: row id of an account -> the account
    owners: dict[int, Account] = field(default_factory=dict)
    #: uuid of a template -> (owner, public, featured)
    templates: dict[str, tuple[int, bool]] = field(default_factory=dict)

    @property
    def users(self) -> list[User]:
        return [user for account in self.accounts for user in account.users]

    # -- the rule, from the text of `access.scope` and the contract

    def part(self, user: User, account: Account, command: str) -> bool:
        """Whether a user may act for a project's account: its own part counts before the whole account's."""
        for project in self.projects:
            if project.account is account:
                parts = [
                    (one, admin, denied)
                    for member, one, admin, denied in project.members
                    if member is user.account and one in (None, user)
                ]
                parts.sort(key=lambda one: one[0] is None)
                for _, admin, denied in parts:
                    return admin or denied != command
        return False

    def acts_for(self, user: User, account: Account, command: str) -> bool:
        """Whether a user may see and touch what an account has."""
        own = user.account
        if own.kind == "root" or account is own:
            return True
        if own.kind == "head" and account.path.startswith(own.path):
            return True
        return self.part(user, account, command)

    def sees_domain(self, user: User, path: str) -> bool:
        own = user.account
        return own.kind == "root" or path == own.path or (own.kind == "head" and path.startswith(own.path))

    def is_project(self, account: Account) -> bool:
        return account.kind == "project"


class Builder:
    """Writes worlds and takes them away."""

    def __init__(self, server: Server) -> None:
        directory = server.config.data_dir
        self.connection = sqlite3.connect(directory / "cloudsim.db", isolation_level=None)
        self.secret = KeyFile(directory / "key").seal("secret")
        self.now = server.clock.now()
        self.tables = [table for table in schema.metadata.tables.values() if "id" in table.c]
        self.roles: dict[str, int] = {}
        for kind, type_ in (("user", "User"), ("head", "DomainAdmin"), ("root", "Admin")):
            role = self.insert(schema.role, name=f"any {kind}", type=type_, state="enabled")
            self.insert(schema.role_permission, role_id=role, rule="*", permission="allow", sort_order=0)
            self.roles[kind] = role
        self.base = {table.name: self.one(f'SELECT coalesce(max(id), 0) FROM "{table.name}"') for table in self.tables}

    def one(self, sql: str, *values: Any) -> Any:
        return self.connection.execute(sql, values).fetchone()[0]

    @cache  # noqa: B019
    def first(self, table: str) -> int:
        """The id of the first row that was there before."""
        return self.one(f'SELECT min(id) FROM "{table}"')

    def clear(self) -> None:
        """Takes away all that was written."""
        self.connection.execute("PRAGMA foreign_keys=OFF")
        self.connection.execute("BEGIN IMMEDIATE")
        for table in self.tables:
            self.connection.execute(f'DELETE FROM "{table.name}" WHERE id > ?', (self.base[table.name],))
        self.connection.execute("COMMIT")

    def insert(self, table: Table, **values: Any) -> int:
        """A row; what is not said gets a harmless value. Answers its id."""
        for column in table.c:
            name = column.name
            if name in values or name == "id" or column.nullable:
                continue
            if name == "uuid":
                values[name] = str(uuid.uuid4())
            elif name == "created":
                values[name] = self.now
            elif isinstance(column.type, Json):
                values[name] = "[]"
            elif column.default is not None:
                values[name] = column.default.arg  # type: ignore[attr-defined]
            elif column.foreign_keys:
                values[name] = self.first(next(iter(column.foreign_keys)).column.table.name)
            elif isinstance(column.type, (Boolean, Integer, Float)):
                values[name] = 1
            else:
                values[name] = "x" if not column.unique else str(uuid.uuid4())
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        made = self.connection.execute(
            f'INSERT INTO "{table.name}" ({names}) VALUES ({marks}) RETURNING id', list(values.values())
        )
        return int(made.fetchone()[0])

    def _account(self, world: World, kind: str, path: str, users: int, project: str | None = None) -> Account:
        number = len(world.owners)
        types = {"user": 0, "root": 1, "head": 2, "project": 5}
        domain_id = self.one("SELECT id FROM domain WHERE path = ?", path)
        made = Account(0, str(uuid.uuid4()), f"account{number}", kind, path, world.domains[path])
        made.row_id = self.insert(
            schema.account, uuid=made.uuid, name=made.name, type=types[kind], domain_id=domain_id, state="enabled",
            role_id=self.roles.get(kind), is_default=0, needs_cleanup=0, project_uuid=project,
        )  # fmt: skip
        for one in range(users):
            user = User(0, str(uuid.uuid4()), str(uuid.uuid4()), made)
            user.row_id = self.insert(
                schema.user, uuid=user.uuid, username=f"user{number}.{one}", account_id=made.row_id,
                domain_id=domain_id, state="enabled", api_key=user.key, secret_key=self.secret, source="native",
                is_default=0, two_factor_verified=0, two_factor_mandated=0,
            )  # fmt: skip
            made.users.append(user)
        world.owners[made.row_id] = made
        if kind != "project":
            world.accounts.append(made)
        return made

    def build(self, plan: Plan) -> World:
        """Writes what a plan says."""
        world = World()
        self.connection.execute("PRAGMA foreign_keys=ON")
        self.connection.execute("BEGIN IMMEDIATE")
        world.domains["/"] = self.one("SELECT uuid FROM domain WHERE path = '/'")
        paths = ["/"]
        for number, above in enumerate(plan.domains):
            path = f"{paths[above % len(paths)]}d{number}/"
            parent = self.one("SELECT id FROM domain WHERE path = ?", paths[above % len(paths)])
            world.domains[path] = str(uuid.uuid4())
            self.insert(
                schema.domain, uuid=world.domains[path], name=f"d{number}", parent_id=parent, path=path,
                level=path.count("/") - 1, state="Active",
            )  # fmt: skip
            paths.append(path)
        self._account(world, "root", "/", 1)
        for place, kind, users in plan.accounts:
            self._account(world, kind, paths[place % len(paths)], users)
        for owner, members in plan.projects:
            self._project(world, world.accounts[owner % len(world.accounts)], members)
        for name, owner_id, name_ in self.connection.execute(
            "SELECT name, id, uuid FROM account WHERE removed IS NULL"
        ):
            if owner_id not in world.owners:
                path = self.one(
                    "SELECT d.path FROM domain d JOIN account a ON a.domain_id = d.id WHERE a.id = ?", owner_id
                )
                world.owners[owner_id] = Account(owner_id, name_, name, "root", path, world.domains["/"])
        owners = [*world.accounts, *(project.account for project in world.projects)]
        for kind_number, owner, name, tags in plan.rows:
            self._row(KINDS[kind_number % len(KINDS)], owners[owner % len(owners)], name, tags)
        for owner, public in plan.templates:
            account = owners[owner % len(owners)]
            self._template(world, account, public)
        self.connection.execute("COMMIT")
        for kind in KINDS:
            world.rows[kind.name] = self._read(kind)
        return world

    def _project(self, world: World, owner: Account, members: list[tuple[int, bool, bool, int | None]]) -> None:
        made = Project(str(uuid.uuid4()), self._account(world, "project", owner.path, 0))
        domain_id = self.one("SELECT id FROM domain WHERE path = ?", owner.path)
        self.connection.execute("UPDATE account SET project_uuid = ? WHERE id = ?", (made.uuid, made.account.row_id))
        project_id = self.insert(
            schema.project, uuid=made.uuid, name=f"p{len(world.projects)}", account_id=made.account.row_id,
            domain_id=domain_id, state="Active",
        )  # fmt: skip
        self.insert(schema.project_account, project_id=project_id, account_id=owner.row_id, role="Admin")
        made.members.append((owner, None, True, None))
        for number, whole, admin, denied in members:
            near = [one for one in world.accounts if one.path == owner.path and one is not owner]
            if not near:
                continue
            account = near[number % len(near)]
            user = None if whole else account.users[number % len(account.users)]
            if any(member is account and one is user for member, one, _, _ in made.members):
                continue
            role_id, command = None, None
            if denied is not None:
                command = KINDS[denied % len(KINDS)].command
                role_id = self.insert(schema.project_role, project_id=project_id, name=f"r{len(made.members)}")
                self.insert(
                    schema.project_role_permission, project_role_id=role_id, project_id=project_id, rule=command,
                    permission="deny", sort_order=0,
                )  # fmt: skip
            self.insert(
                schema.project_account, project_id=project_id, account_id=account.row_id,
                user_id=user.row_id if user else None, role="Admin" if admin else "Regular", project_role_id=role_id,
            )  # fmt: skip
            made.members.append((account, user, admin, command))
        world.projects.append(made)

    def _owned(self, account: Account) -> dict[str, Any]:
        domain_id = self.one("SELECT domain_id FROM account WHERE id = ?", account.row_id)
        return {"account_id": account.row_id, "domain_id": domain_id}

    def _row(self, kind: Kind, account: Account, name: int, tags: list[int]) -> None:
        values: dict[str, Any] = dict(kind.values)
        text = NAMES[name % len(NAMES)]
        if "name" in kind.table.c:
            values["name"] = text
        if "description" in kind.table.c:
            values["description"] = text
        if "address" in kind.table.c:
            values["address"] = f"{text}{uuid.uuid4().hex[:8]}"
        row_id = self.insert(kind.table, **values, **self._owned(account))
        if kind.tags:
            for key, value in dict(TAGS[one % len(TAGS)] for one in tags).items():
                where = {"resource_type": kind.tags, "resource_id": row_id}
                self.insert(schema.tag, **where, key=key, value=value, **self._owned(account))

    def _template(self, world: World, account: Account, public: bool) -> None:
        made = str(uuid.uuid4())
        row_id = self.insert(
            schema.template, uuid=made, name="alpha", type="USER", format="QCOW2", state="Active", is_public=public,
            hypervisor="Simulator", is_featured=0, is_extractable=0, **self._owned(account),
        )  # fmt: skip
        self.insert(schema.template_zone, template_id=row_id, state="DOWNLOADED", percent=100)
        world.templates[made] = (account.row_id, public)

    def _read(self, kind: Kind) -> dict[str, tuple[int, tuple[str, ...], set[tuple[str, str]]]]:
        """Every row there is of a kind, also those that were there before."""
        columns = ", ".join(f'"{name}"' for name in kind.columns)
        alive = "AND removed IS NULL" if "removed" in kind.table.c else ""
        only = "AND type = 'User'" if kind.name == "vm" else ""
        sql = f'SELECT id, uuid, account_id, {columns} FROM "{kind.table.name}" WHERE account_id IS NOT NULL {alive} {only}'
        found = {}
        for row_id, row_uuid, account_id, *texts in self.connection.execute(sql).fetchall():
            where = (kind.tags, row_id)
            tags = self.connection.execute(
                "SELECT key, value FROM tag WHERE resource_type = ? AND resource_id = ?", where
            )
            found[row_uuid] = (account_id, tuple(str(text or "").lower() for text in texts), set(tags.fetchall()))
        return found


@dataclass(frozen=True)
class Plan:
    """What hypothesis chooses: numbers only, so that examples shrink well."""

    domains: list[int]
    accounts: list[tuple[int, str, int]]
    projects: list[tuple[int, list[tuple[int, bool, bool, int | None]]]]
    rows: list[tuple[int, int, int, list[int]]]
    templates: list[tuple[int, bool]]


_N = st.integers(0, 23)
PLANS = st.builds(
    Plan,
    domains=st.lists(_N, max_size=5),
    accounts=st.lists(
        st.tuples(_N, st.sampled_from(("user", "user", "head")), st.integers(1, 2)), min_size=2, max_size=7
    ),
    projects=st.lists(
        st.tuples(_N, st.lists(st.tuples(_N, st.booleans(), st.booleans(), st.none() | _N), max_size=3)), max_size=3
    ),
    rows=st.lists(st.tuples(_N, _N, _N, st.lists(_N, max_size=2)), min_size=40, max_size=90),
    templates=st.lists(st.tuples(_N, st.booleans()), max_size=6),
)
