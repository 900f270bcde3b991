"""Sessions of consoles: a token works once, for a while, for whom it was made; and what ends a session that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from options import make_config
from people import account, domain, keyed, person, refused
from test_console import connects, endpoint, viewer
from test_users import Browser

from cloudsim.db import schema
from cloudsim.server import Server

USED = "used, has expired"


async def page(http: aiohttp.ClientSession, made: dict[str, Any]) -> int:
    async with http.get(made["url"]) as answer:
        assert (answer.status == 200) or USED in await answer.text()
        return answer.status


async def sessions(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listConsoleSessions", isrecursive=True, **given)).get("consolesession", [])


async def change(server: Server, **values: Any) -> None:
    """Changes the newest session."""
    newest = server.db.read(lambda tx: max(row["id"] for row in tx.all(schema.console_session.select())))
    row_id = await newest
    await server.db.write(lambda tx: tx.update(schema.console_session, {"id": row_id}, **values))


# ---- a token


async def test_a_token_works_once(api: Api, http: aiohttp.ClientSession) -> None:
    made = await endpoint(api, await api.deploy())
    # looking at the page does not use it, so that what looks at links first takes it from nobody
    assert await page(http, made) == 200
    assert await page(http, made) == 200
    async with viewer(http, made) as seen:
        await seen.picture()
        assert await page(http, made) == 403
        assert await connects(http, made) == 403
        await seen.picture(whole=True)
    assert await page(http, made) == 403
    assert await connects(http, made) == 403


async def test_of_many_that_come_at_once_one_gets_in(api: Api, http: aiohttp.ClientSession) -> None:
    made = await endpoint(api, await api.deploy())
    found = await asyncio.gather(*(connects(http, made) for _ in range(8)))
    assert sorted(found) == [101] + [403] * 7


async def test_a_token_expires(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await endpoint(api, await api.deploy())
    await change(server, expires=server.clock.now())
    assert await page(http, made) == 403
    assert await connects(http, made) == 403
    # as long as a setting says
    await api.call("updateConfiguration", name="consoleproxy.session.timeout", value=60000)
    await endpoint(api, await api.deploy())
    ((created, expires),) = await server.db.read(
        lambda tx: [(row["created"], row["expires"]) for row in tx.all(schema.console_session.select())][-1:]
    )
    assert expires - created == 60000


async def test_what_is_no_token(api: Api, http: aiohttp.ClientSession) -> None:
    made = await endpoint(api, await api.deploy())
    for token in ("", "x", "x" * 64, "x" * 5000, "%00", "' OR 1=1 --"):
        wrong = {**made, "websocket": {**made["websocket"], "token": token}}
        assert await connects(http, wrong) == 403
        async with http.get(made["url"].partition("token=")[0] + f"token={token}") as answer:
            assert answer.status == 403
    assert await connects(http, made) == 101


async def test_the_token_is_in_the_database_only_as_its_hash(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    made = await endpoint(api, await api.deploy(), token="a word beside it")
    for path in server.config.data_dir.iterdir():
        if path.is_file():
            data = path.read_bytes()
            assert made["websocket"]["token"].encode() not in data
            assert b"a word beside it" not in data


async def test_a_word_that_must_come_along(api: Api, http: aiohttp.ClientSession) -> None:
    made = await endpoint(api, await api.deploy(), token="the word")
    assert made["websocket"]["extra"] == "the word"
    assert "extra=the%20word" in made["url"]
    assert await connects(http, made) == 403
    assert await connects(http, made, extra="another") == 403
    assert await connects(http, made, extra="the%20word") == 101


async def test_only_from_the_address_that_asked(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    machine = await api.deploy()
    for setting, status in (("false", 101), ("true", 403)):
        await api.call("updateConfiguration", name="novnc.console.sourceip.check.enabled", value=setting)
        made = await endpoint(api, machine)
        await change(server, creator_address="192.0.2.1")
        assert await connects(http, made) == status


async def test_a_token_whose_machine_was_given_to_another_account(api: Api, http: aiohttp.ClientSession) -> None:
    owner, other = await person(api, http, "owner"), await account(api, "other")
    machine = await owner.deploy()
    made = await endpoint(owner, machine)
    await api.job("stopVirtualMachine", id=machine["id"])
    assert await connects(http, made) == 403
    await api.call("assignVirtualMachine", virtualmachineid=machine["id"], account="other", domainid=other["domainid"])
    await api.job("startVirtualMachine", id=machine["id"])
    assert await connects(http, made) == 403


# ---- a session that goes on

Ending = Callable[[Api, dict[str, Any], dict[str, Any]], Awaitable[Any]]

ENDINGS: dict[str, Ending] = {
    "stop": lambda api, machine, who: api.job("stopVirtualMachine", id=machine["id"]),
    "forced stop": lambda api, machine, who: api.job("stopVirtualMachine", id=machine["id"], forced=True),
    "destroy": lambda api, machine, who: api.job("destroyVirtualMachine", id=machine["id"]),
    "expunge": lambda api, machine, who: api.job("destroyVirtualMachine", id=machine["id"], expunge=True),
    "user disabled": lambda api, machine, who: api.job("disableUser", id=who["user"][0]["id"]),
    "user deleted": lambda api, machine, who: api.call("deleteUser", "POST", id=who["user"][0]["id"]),
    "account disabled": lambda api, machine, who: api.job("disableAccount", id=who["id"], lock=False),
    "account locked": lambda api, machine, who: api.job("disableAccount", id=who["id"], lock=True),
}


@pytest.mark.parametrize("what", ENDINGS)
async def test_what_ends_a_session(what: str, api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    who = await account(api, "owner")
    owner = await keyed(api, http, who["user"][0]["id"])
    machine = await owner.deploy()
    unused = await endpoint(owner, machine)
    async with viewer(http, await endpoint(owner, machine)) as seen:
        await seen.picture()
        ended = asyncio.ensure_future(seen.ends())
        await ENDINGS[what](api, machine, who)
        closed = await ended
    assert closed.code == 4000
    # and nobody gets in any more
    assert await page(http, unused) == 403
    assert await connects(http, unused) == 403
    assert server.consoles.number == 0
    assert [one for one in await sessions(api, activeonly=True) if one.get("acquired")] == []


async def test_a_move_to_another_host_ends_it(api: Api, http: aiohttp.ClientSession) -> None:
    machine = await api.deploy()
    async with viewer(http, await endpoint(api, machine)) as seen:
        await seen.picture()
        await api.job("migrateVirtualMachine", virtualmachineid=machine["id"], autoselect=True)
        closed = await seen.ends()
    assert closed.code == 4000
    async with viewer(http, await endpoint(api, machine)) as seen:
        await seen.sees("login:")


async def test_a_guest_that_goes_off_by_itself(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    machine = await api.deploy()
    async with viewer(http, await endpoint(api, machine)) as seen:
        await seen.picture()
        server.simulator.shut_down(machine["id"])
        assert (await seen.ends()).code == 4000


@pytest.fixture
async def browser(api: Api, http: aiohttp.ClientSession, server: Server) -> AsyncIterator[Browser]:
    """A login of a user that has a machine."""
    who = await account(api, "owner")
    made = Browser(http, server.url)
    made.machine = await (await keyed(api, http, who["user"][0]["id"])).deploy()  # type: ignore[attr-defined]
    assert await made.login("owner", "a password") == 200
    yield made


async def from_login(browser: Browser) -> dict[str, Any]:
    status, body = await browser.ask("createConsoleEndpoint", virtualmachineid=browser.machine["id"])  # type: ignore[attr-defined]
    assert status == 200
    return body["consoleendpoint"]


async def test_it_ends_with_the_login_it_was_asked_for_with(
    browser: Browser, api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    other = Browser(http, server.url)
    assert await other.login("owner", "a password") == 200
    unused = await from_login(browser)
    async with viewer(http, await from_login(browser)) as mine, viewer(http, await from_login(browser)) as too:
        # another login of the same user is its own
        await other.ask("logout")
        await asyncio.sleep(0.5)
        await mine.picture(whole=True)
        await browser.ask("logout")
        assert (await mine.ends()).code == (await too.ends()).code == 4000
    assert await connects(http, unused) == 403


async def test_it_outlives_the_idle_time_of_its_login(
    browser: Browser, api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    async with viewer(http, await from_login(browser)) as mine:
        await server.db.write(lambda tx: tx.execute(schema.session.delete()))
        await asyncio.sleep(0.5)
        await mine.sees("login:")


async def test_it_stays_through_idle_times(
    api: Api, http: aiohttp.ClientSession, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudsim.console.proxy.PING", 0.2)
    await api.call("updateConfiguration", name="consoleproxy.session.timeout", value=1000)
    made = await endpoint(api, await api.deploy())
    async with http.ws_connect(made["url"].replace("http:", "ws:").replace("/resource/noVNC/vnc.html", "/websockify"),
                               autoping=False) as socket:  # fmt: skip
        pings = 0
        async with asyncio.timeout(10):
            while pings < 10:
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.PING:
                    pings += 1
                    await socket.pong(message.data)
        assert server.consoles.number == 1
        # whoever answers no more is let go
        async with asyncio.timeout(10):
            while server.consoles.number:
                await asyncio.sleep(0.05)


async def test_no_more_than_a_setting_allows(api: Api, http: aiohttp.ClientSession) -> None:
    await api.call("updateConfiguration", name="consoleproxy.session.max", value=2)
    machine = await api.deploy()
    third = await endpoint(api, machine)
    async with viewer(http, await endpoint(api, machine)), viewer(http, await endpoint(api, machine)) as second:
        assert await connects(http, third) == 503
        await second.picture()
    # which used no token
    assert await connects(http, third) == 101


async def test_a_server_that_stops_says_so_and_the_next_one_knows_no_session(
    api: Api, http: aiohttp.ClientSession, server: Server, data_dir: Path
) -> None:
    machine = await api.deploy()
    unused = await endpoint(api, machine)
    # as it is left by a server that was killed
    await endpoint(api, machine)
    await change(server, acquired=server.clock.now(), server_uuid=server.cloud.server_uuid)
    async with viewer(http, await endpoint(api, machine)) as seen:
        await seen.picture()
        ended = asyncio.ensure_future(seen.ends())
        started = asyncio.get_running_loop().time()
        await server.stop()
        assert asyncio.get_running_loop().time() - started < 2.0
        assert (await ended).code == 1001
    again = Server(make_config(data_dir))
    await again.start()
    try:
        api.endpoint = again.url
        assert [one["id"] for one in await sessions(api, activeonly=True) if "acquired" in one] == []
        # a token that nobody used outlives it
        unused["websocket"]["port"] = str(again.port)
        assert await connects(http, unused) == 101
    finally:
        await again.stop()


async def test_sessions_of_a_server_that_was_killed(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    await endpoint(api, await api.deploy())
    await change(server, acquired=server.clock.now(), server_uuid="a server that is no more")
    assert len(await sessions(api, activeonly=True)) == 1
    await server.periodic.run_now("console-sessions")
    assert await sessions(api, activeonly=True) == []


# ---- lists


async def test_the_list_of_sessions(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    top = await domain(api, "top")
    owner = await person(api, http, "owner", domainid=top["id"])
    machine = await owner.deploy(name="web1", displayname="Web one")
    async with viewer(http, await endpoint(owner, machine)):
        (one,) = await sessions(owner)
        assert "removed" not in one
        assert {name: one.get(name) for name in ("user", "account", "domain", "virtualmachineid", "clientaddress")} == {
            "user": "owner", "account": "owner", "domain": "top", "virtualmachineid": machine["id"],
            "clientaddress": "127.0.0.1",
        }  # fmt: skip
        assert (one["virtualmachinename"], one["consoleendpointcreatoraddress"]) == ("Web one", "127.0.0.1")
        assert one["acquired"] >= one["created"]
        assert "hostid" not in one
    await endpoint(api, machine)
    (shown,) = await sessions(api, id=one["id"])
    assert shown["hostname"]
    while "removed" not in shown:
        (shown,) = await sessions(api, id=one["id"])
    mine = await sessions(owner)
    assert [found["id"] for found in mine] == [one["id"]]
    count = {}
    for name, given in {
        "all": {},
        "active": {"activeonly": True},
        "acquired": {"acquired": True},
        "not acquired": {"acquired": False},
        "machine": {"virtualmachineid": machine["id"]},
        "host": {"hostid": shown["hostid"]},
        "user": {"userid": one["userid"]},
        "account": {"accountid": one["accountid"]},
        "domain": {"domainid": top["id"]},
        "client": {"clientaddress": "127.0.0.1"},
        "no client": {"clientaddress": "192.0.2.1"},
        "creator": {"consoleendpointcreatoraddress": "127.0.0.1"},
        "before": {"enddate": "2020-01-01"},
        "since": {"startdate": "2020-01-01"},
        "keyword": {"keyword": "web O"},
        "page": {"page": 2, "pagesize": 1},
    }.items():
        count[name] = len(await sessions(api, **given))
    assert count == {
        "all": 2, "active": 1, "acquired": 1, "not acquired": 1, "machine": 2, "host": 2, "user": 1, "account": 1,
        "domain": 1, "client": 1, "no client": 0, "creator": 2, "before": 0, "since": 2, "keyword": 2, "page": 1,
    }  # fmt: skip
    # root admins list their own domain first of all
    assert (await api.call("listConsoleSessions"))["count"] == 1
    stranger = await person(api, http, "stranger", domainid=top["id"])
    assert await sessions(stranger) == []
    ghost = await refused(stranger, "listConsoleSessions", id="00000000-1111-4222-8333-444444444444")
    status, text = await refused(stranger, "listConsoleSessions", id=one["id"])
    assert (status, text.replace(one["id"], "")) == (431, ghost[1].replace("00000000-1111-4222-8333-444444444444", ""))


async def test_sessions_are_forgotten_in_time(api: Api, server: Server) -> None:
    await endpoint(api, await api.deploy())
    await change(server, expires=server.clock.now() - 1)
    await server.periodic.run_now("console-sessions")
    (one,) = await sessions(api)
    assert "removed" in one
    await change(server, removed=server.clock.now() - 241 * 3_600_000)
    await server.periodic.run_now("console-sessions")
    assert await sessions(api) == []
