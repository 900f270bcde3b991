"""A console: from the command to the picture, once."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from apiclient import Api
from rfb import Viewer


async def endpoint(api: Api, machine: dict[str, Any], **given: Any) -> dict[str, Any]:
    return (await api.call("createConsoleEndpoint", virtualmachineid=machine["id"], **given))["consoleendpoint"]


def socket_url(made: dict[str, Any]) -> str:
    told = made["websocket"]
    return f"ws://{told['host']}:{told['port']}/{told['path']}?token={told['token']}"


async def test_the_screen_of_a_machine_is_seen_and_typed_into(api: Api, http: aiohttp.ClientSession) -> None:
    machine = await api.deploy(name="web1")
    made = await endpoint(api, machine)
    url = urlsplit(made["url"])
    assert url.path == "/resource/noVNC/vnc.html"
    assert parse_qs(url.query)["token"] == [made["websocket"]["token"]]
    async with http.get(made["url"]) as page:
        assert page.status == 200
        assert "<main id=" in await page.text()
    async with http.ws_connect(socket_url(made), protocols=["binary"]) as socket:
        viewer = await Viewer(socket).shake()
        assert viewer.name == f"web1 ({machine['instancename']})"
        text = await viewer.sees("web1 login:")
        assert machine["nic"][0]["ipaddress"] in text
        await viewer.type("root\nsecret\nhostname\n")
        text = await viewer.sees("root@web1:~$ hostname\nweb1\nroot@web1:~$")
        assert "secret" not in text
