"""A console: from the command to the picture."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from apiclient import Api
from people import domain, person, refused
from rfb import ALT, BACKSPACE, CONTROL, DELETE, RAW, ZLIB, Viewer

from cloudsim.agents.simulator import Rule
from cloudsim.server import Server


async def endpoint(api: Api, machine: dict[str, Any], **given: Any) -> dict[str, Any]:
    return (await api.call("createConsoleEndpoint", virtualmachineid=machine["id"], **given))["consoleendpoint"]


def socket_url(made: dict[str, Any], **more: str) -> str:
    told = made["websocket"]
    words = "".join(f"&{name}={text}" for name, text in more.items())
    return f"ws://{told['host']}:{told['port']}/{told['path']}?token={told['token']}{words}"


@asynccontextmanager
async def viewer(http: aiohttp.ClientSession, made: dict[str, Any], *encodings: int, **more: str) -> Any:
    async with http.ws_connect(socket_url(made, **more), protocols=["binary"], max_msg_size=0) as socket:
        yield await Viewer(socket, encodings or (RAW,)).shake()


async def connects(http: aiohttp.ClientSession, made: dict[str, Any], **more: str) -> int:
    """The status that a connection is answered with; it is closed at once."""
    try:
        async with viewer(http, made, **more):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


async def test_the_screen_of_a_machine_is_seen_and_typed_into(api: Api, http: aiohttp.ClientSession) -> None:
    machine = await api.deploy(name="web1")
    made = await endpoint(api, machine)
    url = urlsplit(made["url"])
    words = parse_qs(url.query)
    assert (made["success"], url.path) == (True, "/resource/noVNC/vnc.html")
    assert words["token"] == [made["websocket"]["token"]]
    assert (words["autoconnect"], words["show_dot"], words["port"]) == (["true"], ["true"], [made["websocket"]["port"]])
    assert f"{made['websocket']['host']}:{made['websocket']['port']}" == url.netloc
    async with viewer(http, made) as seen:
        assert seen.name == f"web1 ({machine['instancename']})"
        text = await seen.sees("web1 login:")
        # it tells what is true of the machine
        assert f"{machine['instancename']}  {machine['id']}" in text
        assert f"{machine['cpunumber']} x {machine['cpuspeed']} MHz" in text
        assert f"{machine['memory']} MiB" in text
        (card,) = machine["nic"]
        assert f"eth0  {card['macaddress']}  {card['ipaddress']}/" in text
        await seen.type("root\nsecret\nhostname\n")
        assert "secret" not in await seen.sees("root@web1:~$ hostname\nweb1\nroot@web1:~$")
        await seen.type("echo onne")
        await seen.key(BACKSPACE)
        await seen.key(BACKSPACE)
        await seen.type("e\n")
        assert "$ echo one\none\n" in await seen.sees("\none\n")


async def test_all_who_look_at_a_machine_see_the_same(api: Api, http: aiohttp.ClientSession) -> None:
    machine = await api.deploy(name="web1")
    async with (
        viewer(http, await endpoint(api, machine)) as one,
        viewer(http, await endpoint(api, machine), ZLIB, RAW) as two,
    ):
        await one.sees("web1 login:")
        await two.sees("web1 login:")
        await one.type("nobody")
        await two.sees("web1 login: nobody")
        assert bytes(two.pixels[:4000]) == bytes(one.pixels[:4000])
        # what is sent is what has changed
        before = two.rectangles
        await one.key(BACKSPACE)
        await two.picture()
        assert two.rectangles == before + 1
    # and it is there when they come back
    async with viewer(http, await endpoint(api, machine)) as again:
        await again.sees("web1 login: nobod")


async def test_ctrl_alt_delete_and_a_reboot_begin_anew(api: Api, http: aiohttp.ClientSession) -> None:
    machine = await api.deploy(name="web1")
    async with viewer(http, await endpoint(api, machine)) as seen:
        await seen.sees("web1 login:")
        for start_anew in ("keys", "command"):
            await seen.type("nobody")
            await seen.sees("login: nobody")
            if start_anew == "keys":
                await seen.key(CONTROL, ALT, DELETE)
            else:
                await api.job("rebootVirtualMachine", id=machine["id"])
            while "nobody" in seen.text():
                await seen.picture()
            assert seen.text().endswith("web1 login:")


async def test_what_has_secrets_shows_none(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    pair = (await api.call("createSSHKeyPair", name="key"))["keypair"]
    machine = await api.deploy(name="web1", keypair="key", userdata="c2VjcmV0IHdvcmQ=")
    async with viewer(http, await endpoint(api, machine)) as seen:
        await seen.sees("web1 login:")
        await seen.type("root\nhidden\nhelp\ncpu\ndisks\nip\nuname\nuptime\n")
        text = await seen.sees("up 0 days")
    shown = server.simulator.screen(machine["id"]) or ""
    assert shown.replace(" ", "") == text.replace(" ", "")
    for word in ("hidden", "secret", "c2VjcmV0", "ssh-", pair["fingerprint"]):
        assert word not in shown


async def test_whose_consoles_one_may_see(api: Api, http: aiohttp.ClientSession) -> None:
    top = await domain(api, "top")
    owner = await person(api, http, "owner", domainid=top["id"])
    other = await person(api, http, "other", domainid=top["id"])
    head = await person(api, http, "head", type_=2, domainid=top["id"])
    machine = await owner.deploy(name="theirs")
    for caller in (owner, head, api):
        assert await connects(http, await endpoint(caller, machine)) == 101
    # what is not there and what is not yours look the same
    denied = await endpoint(other, machine)
    assert denied == {"success": False, "details": "Permission denied"}
    assert await endpoint(other, {"id": "00000000-1111-4222-8333-444444444444"}) == denied
    assert (await refused(api, "createConsoleEndpoint", virtualmachineid="00000000-1111-4222-8333-444444444444"))[
        0
    ] == 431
    for bad in ({}, {"virtualmachineid": "x"}, {"virtualmachineid": machine["id"], "token": "t" * 256}):
        assert (await refused(owner, "createConsoleEndpoint", **bad))[0] == 431


async def test_a_machine_that_does_not_run_has_no_console(api: Api) -> None:
    machine = await api.deploy(startvm=False)
    made = await endpoint(api, machine)
    assert (made["success"], "must run" in made["details"], "url" in made) == (False, True, False)
    await api.job("startVirtualMachine", id=machine["id"])
    assert (await endpoint(api, machine))["success"]


async def test_root_admins_see_the_consoles_of_the_clouds_own_machines(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    await server.periodic.run_now("system-vms")
    await api.deploy()
    while server.cloud.jobs.unfinished:
        await server.clock.sleep(0.05)
    user = await person(api, http, "user")
    found = [
        *(await api.call("listSystemVms"))["systemvm"],
        *(await api.call("listRouters", listall=True)).get("router", []),
    ]
    assert len(found) >= 2
    for machine in found:
        async with viewer(http, await endpoint(api, machine)) as seen:
            assert machine["name"] in await seen.sees("login:")
        assert (await endpoint(user, machine))["details"] == "Permission denied"


async def test_a_host_that_does_not_answer(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    machine = await api.deploy()
    server.simulator.add_rule(Rule("GetVncPortCommand", "fail", text="the host is busy", count=1))
    assert await connects(http, await endpoint(api, machine)) == 502
    assert await connects(http, await endpoint(api, machine)) == 101


@pytest.mark.parametrize(
    ("settings", "starts"),
    [
        ({"consoleproxy.url.domain": "consoles.example.com"}, "http://consoles.example.com:"),
        ({"consoleproxy.url.domain": "*.example.com"}, "http://127-0-0-1.example.com:"),
        ({"consoleproxy.sslEnabled": "true"}, "https://127.0.0.1:"),
        ({"novnc.console.show.dot": "false"}, "http://127.0.0.1:"),
    ],
)
async def test_settings_say_what_the_url_looks_like(settings: dict[str, str], starts: str, api: Api) -> None:
    for name, value in settings.items():
        await api.call("updateConfiguration", name=name, value=value)
    made = await endpoint(api, await api.deploy())
    assert made["url"].startswith(starts)
    assert made["websocket"]["host"] == urlsplit(starts + "1").hostname
    assert ("show_dot=false" in made["url"]) == ("novnc.console.show.dot" in settings)


async def test_the_page_asks_for_nothing_from_elsewhere(api: Api, http: aiohttp.ClientSession) -> None:
    made = await endpoint(api, await api.deploy())
    async with http.get(made["url"]) as page:
        assert (page.status, page.headers["Cache-Control"]) == (200, "no-store")
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert made["websocket"]["token"] not in await page.text()
    base = made["url"].partition("/vnc.html")[0]
    for path, status, kind in (
        ("core/rfb.js", 200, "text/javascript"),
        ("vendor/pako/lib/zlib/inflate.js", 200, "text/javascript"),
        ("app/console.css", 200, "text/css"),
        ("app/../proxy.py", 404, "text/plain"),
        ("app/%2e%2e/%2e%2e/proxy.py", 404, "text/plain"),
        ("tests/test.rfb.js", 404, "text/plain"),
        ("", 404, "text/plain"),
    ):
        async with http.get(f"{base}/{path}") as answer:
            assert (answer.status, answer.content_type) == (status, kind), path
    async with http.post(made["url"]) as answer:
        assert answer.status == 405
