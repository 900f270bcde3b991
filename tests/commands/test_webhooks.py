"""Webhooks: who may have which, what they are told, and that nothing is lost on the way."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from apiclient import Api, admin_keys
from invariants import rows
from options import make_config
from people import account, domain, keyed, person, refused, role
from sqlalchemy import select

from cloudsim.db import schema
from cloudsim.server import Server

Told = Callable[[int], Any]


class Receiver:
    """An HTTP server that is told of events."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.status = 200
        self.answer = "thank you"
        self.delay = 0.0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, request: web.BaseRequest) -> web.Response:
        text = await request.text()
        await asyncio.sleep(self.delay)
        self.requests.append((dict(request.headers), text))
        return web.Response(status=self.status, text=self.answer)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(text) for _, text in self.requests]

    def types(self) -> list[str]:
        return [headers["X-CS-Event"] for headers, _ in self.requests]

    async def wait(self, wanted: Callable[[], bool], timeout: float = 10.0) -> None:
        async with asyncio.timeout(timeout):
            while not wanted():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    made = Receiver()
    runner = web.ServerRunner(web.Server(made.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def api(api: Api) -> Api:
    """The admin of a server that may reach this machine."""
    await api.call("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
    await api.call("updateConfiguration", name="webhook.delivery.timeout", value="2")
    return api


async def hook(api: Api, url: str, **given: Any) -> dict[str, Any]:
    return (await api.call("createWebhook", "POST", **{"name": "hook", "payloadurl": url, **given}))["webhook"]


async def deliveries(api: Api, count: int, **given: Any) -> list[dict[str, Any]]:
    """Deliveries, as soon as there are so many."""
    async with asyncio.timeout(10):
        while True:
            found = (await api.call("listWebhookDeliveries", **given)).get("webhookdelivery", [])
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_an_event_is_told_signed_and_written_down(api: Api, receiver: Receiver, server: Server) -> None:
    made = await hook(api, receiver.url, secretkey="a secret key", description="text")
    fields = {key: made[key] for key in ("name", "scope", "state", "sslverification", "payloadurl", "description")}
    assert fields == {
        "name": "hook",
        "scope": "Local",
        "state": "Enabled",
        "sslverification": False,
        "payloadurl": receiver.url,
        "description": "text",
    }
    assert (made["account"], made["domain"], made["secretkey"]) == ("admin", "ROOT", "a secret key")
    ((sealed,),) = await rows(server, "SELECT secret_key FROM webhook")
    assert "a secret key" not in sealed
    await api.call("createSSHKeyPair", "POST", name="pair")
    user = (await api.call("listUsers", username="admin"))["user"][0]
    await receiver.wait(lambda: "REGISTER.SSH.KEYPAIR" in receiver.types())
    headers, text = receiver.requests[receiver.types().index("REGISTER.SSH.KEYPAIR")]
    told = json.loads(text)
    assert (told["user"], told["account"]) == (user["id"], user["accountid"])
    assert (told["event"], told["status"]) == ("REGISTER.SSH.KEYPAIR", "Completed")
    assert told["eventDateTime"].endswith("+0000")
    signed = hmac.new(b"a secret key", text.encode(), hashlib.sha256).digest()
    assert headers["X-CS-Signature"] == base64.b64encode(signed).decode()
    assert headers["User-Agent"] == f"CS-Hookshot/{user['accountid']}"
    assert headers["Content-Type"] == "application/json; charset=UTF-8"
    found = await deliveries(api, 1, webhookid=made["id"], eventtype="REGISTER.SSH.KEYPAIR")
    (one,) = found
    assert (one["success"], one["response"], one["payload"]) == (True, "thank you", text)
    assert (one["webhookid"], one["webhookname"], one["eventid"]) == (made["id"], "hook", headers["X-CS-Event-ID"])
    assert one["managementserverid"] == server.cloud.server_uuid
    assert f"X-CS-Event-ID: {one['eventid']}" in one["headers"]
    (event,) = (await api.call("listEvents", id=one["eventid"]))["event"]
    assert event["type"] == "REGISTER.SSH.KEYPAIR"


async def test_scopes_say_whose_events_are_told(api: Api, http: aiohttp.ClientSession) -> None:
    every = await role(api, "every", "User", "*")
    heads = await role(api, "heads", "DomainAdmin", "*")
    top, side = await domain(api, "top"), await domain(api, "side")
    below = await domain(api, "below", top)
    head = await person(api, http, "head", roleid=heads["id"], domainid=top["id"])
    one = await person(api, http, "one", roleid=every["id"], domainid=below["id"])
    other = await person(api, http, "other", roleid=every["id"], domainid=side["id"])
    async with receiving() as mine, receiving() as tops, receiving() as belows, receiving() as all_:
        await hook(one, mine.url)
        made = await hook(head, tops.url, scope="domain")
        assert (made["scope"], made["domain"]) == ("Domain", "top")
        made = await hook(api, belows.url, scope="Domain", domainid=below["id"])
        assert (made["domain"], made["account"]) == ("below", "admin")
        # the owner's domain counts for who sees it
        assert (await refused(head, "deleteWebhook", id=made["id"]))[0] == 431
        await hook(api, all_.url, scope="Global")
        for caller in (other, one, head):
            await caller.call("createSSHKeyPair", "POST", name="pair")
        uuids = {}
        for name, owner in (("other", other), ("one", one), ("head", head)):
            uuids[(await owner.call("listAccounts"))["account"][0]["id"]] = name

        def pairs(at: Receiver) -> list[str | None]:
            return [uuids.get(told["account"]) for told in at.events() if told["event"] == "REGISTER.SSH.KEYPAIR"]

        await all_.wait(lambda: len(pairs(all_)) == 3)
        await tops.wait(lambda: len(pairs(tops)) == 2)
        await belows.wait(lambda: len(pairs(belows)) == 1)
        await mine.wait(lambda: len(pairs(mine)) == 1)
        await asyncio.sleep(0.1)
        assert (pairs(all_), pairs(tops)) == (["other", "one", "head"], ["one", "head"])
        assert (pairs(belows), pairs(mine)) == (["one"], ["one"])
        # what a user may not have
        for caller, scope in ((one, "Domain"), (one, "Global"), (head, "Global")):
            assert (await refused(caller, "createWebhook", name="x", payloadurl="http://8.8.8.8/", scope=scope))[
                0
            ] == 431
            assert (await refused(caller, "listWebhooks", scope=scope))[0] == 431
        (own,) = (await one.call("listWebhooks"))["webhook"]
        assert (await refused(one, "updateWebhook", id=own["id"], scope="Global"))[0] == 431
        given = {"name": "x", "payloadurl": "http://8.8.8.8/", "scope": "Domain", "domainid": side["id"]}
        assert (await refused(head, "createWebhook", **given))[0] == 431
        # nobody sees, changes, deletes or reads those of others
        assert await other.call("listWebhooks") == {}
        assert await other.call("listWebhookDeliveries") == {}
        (delivery, *_) = await deliveries(one, 1)
        for command, what in (
            ("updateWebhook", {"id": own["id"], "name": "x"}),
            ("deleteWebhook", {"id": own["id"]}),
            ("listWebhooks", {"id": own["id"]}),
            ("listWebhookDeliveries", {"webhookid": own["id"]}),
            ("listWebhookDeliveries", {"id": delivery["id"]}),
            ("deleteWebhookDelivery", {"id": delivery["id"]}),
            ("executeWebhookDelivery", {"id": delivery["id"]}),
            ("executeWebhookDelivery", {"webhookid": own["id"]}),
        ):
            assert (await refused(other, command, **what))[0] == 431, command
        assert {row["name"] for row in (await head.call("listWebhooks", listall=True))["webhook"]} == {"hook"}


async def test_who_may_no_longer_know_is_no_longer_told(api: Api, http: aiohttp.ClientSession) -> None:
    top, side = await domain(api, "top"), await domain(api, "side")
    below = await domain(api, "below", top)
    heads = await role(api, "heads", "DomainAdmin", "*")
    users = await role(api, "users", "User", "*")
    lost, kept = [await account(api, name, roleid=heads["id"], domainid=top["id"]) for name in ("lost", "kept")]
    one = await person(api, http, "one", roleid=users["id"], domainid=below["id"])
    async with receiving() as losts, receiving() as kepts:
        for made, at in ((lost, losts), (kept, kepts)):
            await hook(await keyed(api, http, made["user"][0]["id"]), at.url, scope="Domain", domainid=below["id"])
        pairs = "REGISTER.SSH.KEYPAIR"
        await api.call("updateAccount", id=lost["id"], roleid=users["id"])
        await one.call("createSSHKeyPair", "POST", name="a")
        await kepts.wait(lambda: pairs in kepts.types())
        assert pairs not in losts.types()
        await api.call("moveDomain", domainid=below["id"], parentdomainid=side["id"])
        await one.call("createSSHKeyPair", "POST", name="b")
        await asyncio.sleep(0.3)
        assert kepts.types().count(pairs) == 1
        assert pairs not in losts.types()


async def test_webhooks_are_changed_and_deleted(api: Api, receiver: Receiver, server: Server) -> None:
    made = await hook(api, receiver.url, state="disabled", secretkey="key")
    await api.call("createSSHKeyPair", "POST", name="before")
    changed = (await api.call("updateWebhook", id=made["id"], state="Enabled", name="new", description="text"))[
        "webhook"
    ]
    assert (changed["state"], changed["name"], changed["description"]) == ("Enabled", "new", "text")
    await api.call("createSSHKeyPair", "POST", name="after")
    await receiver.wait(lambda: "REGISTER.SSH.KEYPAIR" in receiver.types())
    # not what happened while it was disabled
    await asyncio.sleep(0.1)
    assert receiver.types().count("REGISTER.SSH.KEYPAIR") == 1
    changed = (await api.call("updateWebhook", "POST", id=made["id"], secretkey="", description=""))["webhook"]
    assert "secretkey" not in changed
    await api.call("createSSHKeyPair", "POST", name="unsigned")
    await receiver.wait(lambda: len(receiver.requests) > 1)
    assert "X-CS-Signature" not in receiver.requests[-1][0]
    for given in (
        {"name": " "},
        {"scope": "Zone"},
        {"state": "Off"},
        {"sslverification": True},
        {"payloadurl": "ftp://8.8.8.8/"},
        {"payloadurl": "http://10.0.0.1/"},
        {"payloadurl": "http://8.8.8.8:22/"},
        {"payloadurl": "http://a:b@8.8.8.8/"},
        {"payloadurl": "http://169.254.169.254/latest/"},
    ):
        assert (await refused(api, "updateWebhook", id=made["id"], **given))[0] == 431, given
        given = {"name": "x", "payloadurl": "http://8.8.8.8/", **given}
        assert (await refused(api, "createWebhook", **given))[0] == 431, given
    assert (await refused(api, "createWebhook", name="x", payloadurl=receiver.url))[0] == 431
    second = await hook(api, "https://8.8.8.8/", sslverification=True, name="second")
    assert second["sslverification"] is True
    assert (await refused(api, "updateWebhook", id=second["id"], payloadurl=receiver.url, sslverification=False))[
        0
    ] == 431
    assert [row["name"] for row in (await api.call("listWebhooks", keyword="sec"))["webhook"]] == ["second"]
    assert [row["name"] for row in (await api.call("listWebhooks", name="new", state="Enabled"))["webhook"]] == ["new"]
    # without a scheme it is http
    assert (await hook(api, "8.8.4.4/x"))["payloadurl"] == "http://8.8.4.4/x"
    await deliveries(api, 1, webhookid=made["id"])
    assert await api.call("deleteWebhook", id=made["id"]) == {"success": True}
    assert (await refused(api, "listWebhookDeliveries", webhookid=made["id"]))[0] == 431
    assert await rows(server, "SELECT count(*) FROM webhook_delivery") == [(0,)]
    before = len(receiver.requests)
    await api.call("createSSHKeyPair", "POST", name="last")
    await asyncio.sleep(0.2)
    assert len(receiver.requests) == before


async def test_what_does_not_arrive_is_sent_again_and_written_down(api: Api, receiver: Receiver) -> None:
    receiver.status, receiver.answer = 500, "x" * 100_000
    made = await hook(api, receiver.url)
    await api.call("createSSHKeyPair", "POST", name="a")
    (one,) = await deliveries(api, 1, webhookid=made["id"])
    assert (one["success"], len(receiver.requests)) == (False, 3)
    assert one["response"].startswith("HTTP status 500: xxx")
    assert len(one["response"]) == 4000
    # the setting holds at once
    await api.call("updateConfiguration", name="webhook.delivery.tries", value="1")
    receiver.requests.clear()
    receiver.status, receiver.delay = 204, 0
    await api.call("createSSHKeyPair", "POST", name="b")
    assert (await deliveries(api, 3, webhookid=made["id"]))[0]["success"] is True
    # one that takes too long, and one that nobody answers
    await api.call("updateConfiguration", name="webhook.delivery.timeout", value="1")
    receiver.delay = 1.5
    await api.call("createSSHKeyPair", "POST", name="c")
    found = await deliveries(api, 5, webhookid=made["id"])
    assert (found[0]["success"], found[0]["response"]) == (False, "failed: it took longer than 1 seconds")
    # where it may lead is looked at each time
    await api.call("updateConfiguration", name="secstorage.allowed.internal.sites", value="")
    found = await deliveries(api, 6, webhookid=made["id"])
    assert found[0]["response"].startswith("failed: 127.0.0.1 is not a place of the public internet")


async def test_the_newest_deliveries_are_kept(api: Api, receiver: Receiver, server: Server) -> None:
    await api.call("updateConfiguration", name="webhook.deliveries.limit", value="3")
    made = await hook(api, receiver.url)
    for number in range(6):
        await api.call("createSSHKeyPair", "POST", name=f"pair{number}")
    await receiver.wait(lambda: len(receiver.requests) == 6)
    async with asyncio.timeout(5):
        while (
            len(found := await deliveries(api, 3, webhookid=made["id"])) != 3
            or found[0]["payload"] != receiver.requests[-1][1]
        ):
            await asyncio.sleep(0.02)
    await api.call("updateConfiguration", name="webhook.deliveries.limit", value="1")
    await receiver.wait(lambda: len(receiver.requests) == 7)
    await asyncio.sleep(0.1)
    await server.periodic.run_now("webhook-deliveries")
    assert len(await deliveries(api, 1, webhookid=made["id"])) == 1
    # as they are asked for, they go
    assert (await refused(api, "deleteWebhookDelivery"))[0] == 431
    assert (await refused(api, "listWebhookDeliveries", startdate="2026-01-02", enddate="2026-01-01"))[0] == 431
    other = "00000000-0000-4000-8000-000000000000"
    assert (await refused(api, "listWebhookDeliveries", managementserverid=other))[0] == 431
    own = server.cloud.server_uuid
    assert len((await api.call("listWebhookDeliveries", managementserverid=own))["webhookdelivery"]) == 1
    await api.call("deleteWebhookDelivery", webhookid=made["id"], enddate="2020-01-01")
    assert len(await deliveries(api, 1)) == 1
    await api.call("deleteWebhookDelivery", webhookid=made["id"], startdate="2020-01-01")
    assert await api.call("listWebhookDeliveries") == {}


async def test_sending_at_once(api: Api, receiver: Receiver) -> None:
    made = await hook(api, receiver.url, secretkey="key")
    await api.call("createSSHKeyPair", "POST", name="a")
    (one,) = await deliveries(api, 1)
    again = (await api.call("executeWebhookDelivery", id=one["id"]))["webhookdelivery"]
    assert (again["success"], again["payload"], again["eventid"]) == (True, one["payload"], one["eventid"])
    assert again["id"] != one["id"]
    assert len(await deliveries(api, 2)) == 2
    # tests are not kept
    test = (await api.call("executeWebhookDelivery", webhookid=made["id"], payload="some text"))["webhookdelivery"]
    assert (test["payload"], test["eventtype"], test["webhookname"]) == ("some text", "TEST.WEBHOOK", "hook")
    headers, text = receiver.requests[-1]
    assert (text, headers["Content-Type"]) == ("some text", "text/plain; charset=UTF-8")
    assert "X-CS-Signature" in headers
    test = (await api.call("executeWebhookDelivery", payloadurl=receiver.url))["webhookdelivery"]
    assert test["success"] is True
    assert "X-CS-Signature" not in receiver.requests[-1][0]
    # a webhook's own key signs nothing for another place
    async with receiving() as other:
        await api.call("executeWebhookDelivery", webhookid=made["id"], payloadurl=other.url)
        assert "X-CS-Signature" not in other.requests[-1][0]
    assert len(await deliveries(api, 2)) == 2
    assert (await refused(api, "executeWebhookDelivery"))[0] == 431
    assert (await refused(api, "executeWebhookDelivery", payloadurl="http://10.0.0.1/"))[0] == 431
    receiver.status = 404
    await api.call("updateConfiguration", name="webhook.delivery.tries", value="1")
    test = (await api.call("executeWebhookDelivery", webhookid=made["id"]))["webhookdelivery"]
    assert (test["success"], test["response"]) == (False, "HTTP status 404: thank you")


async def test_accounts_and_domains_take_their_webhooks_with_them(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    every = await role(api, "every", "User", "*")
    made = await account(api, "one", roleid=every["id"])
    one = await keyed(api, http, made["user"][0]["id"])
    place = await domain(api, "place")
    await hook(one, "http://8.8.8.8/")
    await hook(api, "http://8.8.4.4/", scope="Domain", domainid=place["id"])
    assert len((await api.call("listWebhooks", listall=True))["webhook"]) == 2
    await api.job("deleteAccount", id=made["id"])
    await api.job("deleteDomain", id=place["id"])
    assert await api.call("listWebhooks", listall=True) == {}
    assert await rows(server, "SELECT count(*) FROM webhook WHERE removed IS NULL OR secret_key IS NOT NULL") == [(0,)]


async def test_without_webhooks_events_wake_nobody(api: Api, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.sleep(0.1)
    looks = 0
    look = server.webhooks._round

    async def counted() -> None:
        nonlocal looks
        looks += 1
        await look()

    monkeypatch.setattr(server.webhooks, "_round", counted)
    for number in range(3):
        await api.call("createSSHKeyPair", "POST", name=f"pair{number}")
    await asyncio.sleep(0.1)
    assert looks == 0


async def test_many_events_are_all_told_in_few_steps(api: Api, receiver: Receiver) -> None:
    made = await hook(api, receiver.url)
    await asyncio.gather(*(api.call("createSSHKeyPair", "POST", name=f"pair{number}") for number in range(40)))
    await receiver.wait(lambda: len(receiver.requests) == 40)
    ids = [headers["X-CS-Event-ID"] for headers, _ in receiver.requests]
    assert len(set(ids)) == 40
    assert len(await deliveries(api, 10, webhookid=made["id"])) == 10


async def test_one_of_two_servers_tells_a_webhook(
    tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    """Servers that share a database: each event is told once while both are there."""
    servers = []
    try:
        for name in ("first", "second"):
            (tmp_path / name).mkdir(mode=0o700)
            if servers:
                shutil.copy2(tmp_path / "first/key", tmp_path / "second/key")
            server = Server(make_config(tmp_path / name, database=postgres_url))
            await server.start()
            servers.append(server)
        row = await servers[0].db.read(
            lambda tx: tx.first(select(schema.user).where(schema.user.c.username == "admin"))
        )
        secret = servers[0].cloud.cipher.open(row["secret_key"])
        apis = [Api(http, server.url, row["api_key"], secret) for server in servers]
        await apis[0].call("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
        async with asyncio.timeout(5):
            while not servers[1].cloud.settings.text("secstorage.allowed.internal.sites"):
                await asyncio.sleep(0.02)
        await hook(apis[0], receiver.url)
        receiver.delay = 0.05
        await asyncio.gather(
            *(apis[number % 2].call("createSSHKeyPair", "POST", name=f"pair{number}") for number in range(20))
        )
        await receiver.wait(lambda: len(receiver.requests) >= 20, 20.0)
        await asyncio.sleep(0.5)
        ids = [headers["X-CS-Event-ID"] for headers, _ in receiver.requests]
        assert (len(ids), len(set(ids))) == (20, 20)
    finally:
        for server in reversed(servers):
            await server.stop()


async def test_what_a_killed_server_did_not_tell_is_told_by_the_next(
    data_dir: Path, http: aiohttp.ClientSession
) -> None:
    """Killed with SIGKILL while the receiver keeps it waiting: the event is told again."""
    program = (
        "import asyncio, sys\n"
        "from cloudsim.core.config import load\nfrom cloudsim.server import Server\n"
        "async def main():\n"
        "    server = Server(load({'data-dir': sys.argv[1], 'port': 0}, {}))\n"
        "    await server.start()\n    print(server.url, flush=True)\n    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    async with receiving() as receiver:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(data_dir), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
            api = Api(http, url, *admin_keys(data_dir))
            await api.call("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
            await hook(api, receiver.url)
            receiver.delay = 5.0
            await api.call("createSSHKeyPair", "POST", name="pair")
            await asyncio.sleep(0.3)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        assert receiver.requests == []
        receiver.delay = 0.0
        server = Server(make_config(data_dir))
        await server.start()
        try:
            await receiver.wait(lambda: "REGISTER.SSH.KEYPAIR" in receiver.types())
            api = Api(http, server.url, *admin_keys(data_dir))
            found = await deliveries(api, 1, eventtype="REGISTER.SSH.KEYPAIR")
            assert [one["success"] for one in found] == [True]
        finally:
            await server.stop()
