"""Lists against a model of the rule, over random worlds, callers and questions.

The model (`access_world.World`) is written from the text of `access.scope` and the contract: no list ever shows a row that
the rule denies, every row that should be shown is, pages add up to the whole without repeating a row, and each count is
what a count by hand gives.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from access_world import KEYWORDS, KINDS, PLANS, TAGS, Builder, Kind, User, World
from apiclient import Api, Refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from options import make_config

from cloudsim.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")
FEW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
MANY = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@dataclass
class Place:
    """A server, and what writes worlds into it."""

    builder: Builder
    server: Server
    http: aiohttp.ClientSession

    def api(self, user: User) -> Api:
        return Api(self.http, self.server.url, user.key, "secret")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(seeded_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    directory = tmp_path_factory.mktemp("worlds") / "data"
    shutil.copytree(seeded_dir, directory)
    server = Server(make_config(directory))
    await server.start()
    try:
        server.periodic.close()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            yield Place(Builder(server), server, http)
    finally:
        await server.stop()


@dataclass(frozen=True)
class Question:
    """A list command with parameters, as numbers."""

    user: int
    kind: int
    account: int | None
    domain: int | None
    project: int | None
    listall: bool | None
    recursive: bool | None
    id: int | None
    ids: list[int]
    keyword: int | None
    tag: int | None
    pagesize: int


_N = st.integers(0, 30)
_MAYBE = st.one_of(st.none(), st.none(), _N)
QUESTIONS = st.lists(
    st.builds(
        Question, user=_N, kind=_N, account=_MAYBE, domain=_MAYBE, project=st.one_of(_MAYBE, st.just(-1)),
        listall=st.sampled_from((None, True, False)), recursive=st.sampled_from((None, True, False)),
        id=st.one_of(st.none(), _MAYBE), ids=st.one_of(st.just([]), st.just([]), st.lists(_N, max_size=3)),
        keyword=_MAYBE, tag=_MAYBE, pagesize=st.integers(1, 4),
    ),
    min_size=10,
    max_size=25,
)  # fmt: skip


@dataclass
class Asked:
    """A question in a world: what is sent, and what the model says."""

    world: World
    user: User
    kind: Kind
    sent: dict[str, Any]
    #: None: it is refused (431).
    expected: set[str] | None


def asked(world: World, question: Question) -> Asked:
    """What a question means."""
    user = world.users[question.user % len(world.users)]
    kind = KINDS[question.kind % len(KINDS)]
    rows = world.rows[kind.name]
    own = user.account
    sent: dict[str, Any] = {"listall": question.listall, "isrecursive": question.recursive}
    fine = True

    def may(owner_id: int) -> bool:
        return world.acts_for(user, world.owners[owner_id], kind.command)

    chosen = set(rows)
    names = sorted(rows)
    by_id = False
    if question.id is not None and names:
        sent["id"] = names[question.id % len(names)]
        chosen &= {sent["id"]}
        fine = fine and may(rows[sent["id"]][0])
        by_id = True
    if question.ids and names and kind.ids and not by_id:
        wanted = {names[number % len(names)] for number in question.ids}
        sent["ids"] = ",".join(sorted(wanted))
        chosen &= wanted
        fine = fine and all(may(rows[one][0]) for one in wanted)
    path = None
    if question.domain is not None:
        path = sorted(world.domains)[question.domain % len(world.domains)]
        sent["domainid"] = world.domains[path]
        fine = fine and world.sees_domain(user, path)
    project = None
    if question.project == -1:
        sent["projectid"] = "-1"
    elif question.project is not None and world.projects:
        project = world.projects[question.project % len(world.projects)]
        sent["projectid"] = project.uuid
        fine = fine and world.acts_for(user, project.account, kind.command)
    account = None
    if question.account is not None:
        account = world.accounts[question.account % len(world.accounts)]
        sent["account"] = account.name
        there = account.path == (path or own.path)
        fine = fine and there and world.acts_for(user, account, kind.command) and project is None

    def in_scope(owner_id: int) -> bool:
        owner = world.owners[owner_id]
        of_project = world.is_project(owner)
        if project is not None:
            return owner is project.account
        if account is not None:
            return owner is account
        every = question.project == -1
        if own.kind == "user":
            if every:
                return of_project and may(owner_id)
            return owner is own or (by_id and of_project and may(owner_id))
        if path is not None:
            inside = owner.path.startswith(path) if question.recursive else owner.path == path
        elif question.listall or question.recursive or by_id or every:
            inside = owner.path.startswith("/" if own.kind == "root" else own.path)
        else:
            return owner is own
        return inside and (of_project if every else by_id or not of_project)

    chosen = {one for one in chosen if in_scope(rows[one][0])}
    if question.keyword is not None:
        sent["keyword"] = KEYWORDS[question.keyword % len(KEYWORDS)]
        chosen = {one for one in chosen if any(sent["keyword"].lower() in text for text in rows[one][1])}
    if question.tag is not None and kind.tags:
        tags = [TAGS[question.tag % len(TAGS)], TAGS[-1]][: 1 + question.tag % 2]
        for number, (key, value) in enumerate(tags):
            sent |= {f"tags[{number}].key": key, f"tags[{number}].value": value}
        chosen = {one for one in chosen if rows[one][2].intersection(tags)}
    return Asked(world, user, kind, sent, chosen if fine else None)


async def listed(api: Api, kind: Kind, sent: dict[str, Any]) -> tuple[list[str], int]:
    body = await api.call(kind.command, **sent)
    return [row["id"] for row in body.get(kind.noun, [])], body.get("count", 0)


@MANY
@given(plan=PLANS, questions=QUESTIONS)
async def test_lists_show_what_the_rule_says(place: Place, plan: Any, questions: list[Question]) -> None:
    world = place.builder.build(plan)
    try:
        for question in questions:
            one = asked(world, question)
            api = place.api(one.user)
            told = f"{one.kind.command} {one.sent} by a {one.user.account.kind} in {one.user.account.path}"
            if one.expected is None:
                with pytest.raises(Refused) as caught:
                    await listed(api, one.kind, one.sent)
                assert caught.value.status == 431, told
                continue
            found, count = await listed(api, one.kind, one.sent)
            assert (set(found), count, len(found)) == (one.expected, len(one.expected), len(one.expected)), told
            paged: list[str] = []
            size = max(question.pagesize, (len(found) + 9) // 10)  # ten pages at most
            for page in range(1, len(found) // size + 2):
                part, total = await listed(api, one.kind, {**one.sent, "page": page, "pagesize": size})
                assert total in (len(found), 0), told
                paged += part
            assert paged == found, told
    finally:
        place.builder.clear()


@FEW
@given(plan=PLANS)
async def test_people_projects_and_templates_are_shown_to_those_who_may_see_them(place: Place, plan: Any) -> None:
    world = place.builder.build(plan)
    try:
        for user in world.users:
            api, own = place.api(user), user.account
            lead = {"root": "/", "head": own.path}.get(own.kind)
            everybody = {a.uuid for a in world.accounts if a is own or (lead is not None and a.path.startswith(lead))}
            body = await api.call("listAccounts", listall=True)
            known = {account.uuid for account in world.accounts}
            assert {row["id"] for row in body["account"]} & known == everybody
            users = {one.uuid for one in world.users}
            body = await api.call("listUsers", listall=True)
            shown = {row["id"] for row in body["user"]} & users
            assert shown == {one.uuid for one in world.users if one.account.uuid in everybody}
            body = await api.call("listProjects", listall=True)
            projects = {p.uuid for p in world.projects if world.acts_for(user, p.account, "listProjects")}
            assert {row["id"] for row in body.get("project", [])} == projects
            assert body.get("count", 0) == len(projects)
            if lead is not None:
                body = await api.call("listDomains", listall=True)
                below = {uuid for path, uuid in world.domains.items() if path.startswith(lead)}
                assert {row["id"] for row in body["domain"]} == below
            for which in ("self", "selfexecutable", "sharedexecutable", "executable", "community", "all"):
                if which == "all" and own.kind != "root":
                    continue
                for more in ({}, {"listall": True}, {"projectid": "-1"}):
                    body = await api.call("listTemplates", templatefilter=which, **more)
                    for row in body.get("template", []):
                        if row["id"] in world.templates:
                            owner, public = world.templates[row["id"]]
                            assert public or world.acts_for(user, world.owners[owner], "listTemplates"), (which, more)
            for template, (owner, public) in world.templates.items():
                if public or world.acts_for(user, world.owners[owner], "listTemplates"):
                    body = await api.call("listTemplates", templatefilter="executable", id=template)
                    assert [row["id"] for row in body["template"]] == [template], (user.account.kind, public)
                else:
                    with pytest.raises(Refused) as caught:
                        await api.call("listTemplates", templatefilter="executable", id=template)
                    assert caught.value.status == 431
    finally:
        place.builder.clear()
