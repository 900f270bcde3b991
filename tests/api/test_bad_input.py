"""Every command of the registry, given what no command should be given: a clear refusal, never a fault."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import aiohttp
import pytest
from apiclient import Api, query
from yarl import URL

from cloudsim.api.command import Command, commands
from cloudsim.api.query import BODY_LIMIT
from cloudsim.server import Server

NOWHERE = "11111111-2222-3333-4444-555555555555"
COMMANDS = sorted(commands().values(), key=lambda command: command.name)
each = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


def a_value(param: Any) -> str:
    """A value of the right type, which may name nothing."""
    if param.values:
        return next(iter(param.values.values()))
    return {
        "uuid": NOWHERE,
        "boolean": "true",
        "integer": "1",
        "long": "1",
        "short": "1",
        "float": "1",
        "date": "2026-11-23",
        "list": NOWHERE,
    }.get(param.type, "x")


def required(command: type[Command]) -> dict[str, str]:
    made = {}
    for param in command.params.values():
        if param.required:
            made[f"{param.name}[0].key" if param.type == "map" else param.name] = a_value(param)
    return made


async def refused(api: Api, command: type[Command], **given: Any) -> dict[str, Any]:
    status, text = await api.raw(command.name, "POST", **given)
    envelope = json.loads(text)
    (body,) = envelope.values()
    assert list(envelope) == [command.root()]
    assert "Traceback" not in text
    assert 'File "' not in text
    if status != 200:
        assert body["errorcode"] == status
        assert body["errortext"]
    return {"status": status, **body}


@each
async def test_unsigned(command: type[Command], server: Server, http: aiohttp.ClientSession) -> None:
    for form in ("json", "xml"):
        text = query({"command": command.name, "response": form})
        async with http.get(URL(f"{server.url}?{text}", encoded=True)) as response:
            assert response.status == 401


@each
async def test_wrong_input(command: type[Command], api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Missing, wrong type, too long, unknown id, control characters: each parameter in turn."""
    caplog.set_level(logging.ERROR)
    needed = required(command)
    for param in command.params.values():
        if param.required and param.type != "map":
            answer = await refused(api, command, **{k: v for k, v in needed.items() if k != param.name})
            assert (answer["status"], answer["cserrorcode"]) == (431, 9999), param.name
        if param.type == "map":
            answer = await refused(api, command, **{**needed, f"{param.name}[x]": "y"})
            assert (answer["status"], answer.get("cserrorcode")) in ((431, 9999), (431, 4350)), param.name
            continue
        if param.type in ("boolean", "integer", "long", "short", "date", "float"):
            answer = await refused(api, command, **{**needed, param.name: "not-that"})
            assert (answer["status"], answer["cserrorcode"]) == (431, 9999), param.name
        if param.type == "uuid":
            answer = await refused(api, command, **{**needed, param.name: NOWHERE})
            assert (answer["status"] == 431) or not hasattr(param, "noun"), param.name
        if param.type == "string" and not param.values:
            answer = await refused(api, command, **{**needed, param.name: "a\x00b"})
            assert (answer["status"], answer.get("cserrorcode")) in ((431, 9999), (431, 4350)), param.name
            answer = await refused(api, command, **{**needed, param.name: "x" * (param.length + 1)})
            assert (answer["status"], answer["cserrorcode"]) == (431, 9999), param.name
        if param.values:
            answer = await refused(api, command, **{**needed, param.name: "no-such-word"})
            assert answer["status"] == 431, param.name
    assert [record for record in caplog.records if record.exc_info] == []


@each
async def test_renders_in_both_forms(command: type[Command], api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """With what it needs and nothing else it answers in JSON and XML, whatever the answer is."""
    import xmltodict

    caplog.set_level(logging.ERROR)
    for form in ("json", "xml"):
        status, text = await api.raw(command.name, "POST", form=form, **required(command))
        parsed = json.loads(text) if form == "json" else xmltodict.parse(text)
        assert list(parsed) == [command.root()]
        assert status in (200, 431, 530, 531, 533, 534, 535, 536, 537)
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.reads], ids=lambda command: command.name)
async def test_reads_change_nothing(command: type[Command], api: Api, server: Server) -> None:
    """A command that says it only reads runs in a transaction that refuses to write."""
    status, _ = await api.raw(command.name, **required(command))
    assert status != 530


# -- what is wrong with the request itself


async def send(http: aiohttp.ClientSession, url: str, text: str) -> tuple[int, dict[str, Any]]:
    async with http.get(URL(f"{url}?{text}", encoded=True)) as response:
        (body,) = json.loads(await response.text()).values()
        return response.status, body


@pytest.mark.parametrize("broken", ["name=%", "name=%4", "name=%zz", "name=%ff", "name=%ed%a0%80", "%ff=x"])
async def test_broken_encoding(server: Server, http: aiohttp.ClientSession, broken: str) -> None:
    status, body = await send(http, server.url, f"command=listZones&response=json&{broken}")
    assert (status, body["errorcode"], body["cserrorcode"]) == (431, 431, 9999)


async def test_a_body_over_the_limit(server: Server, http: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    text = b"command=listZones&name=" + b"x" * BODY_LIMIT
    async with http.post(f"{server.url}?response=json", data=text, headers=headers) as response:
        (body,) = json.loads(await response.text()).values()
    assert (response.status, body["errorcode"]) == (431, 431)
    assert "limit" in body["errortext"]


async def test_a_hundred_thousand_parameters(server: Server, http: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    text = "&".join(f"a{number}=1" for number in range(100_000))
    async with http.post(f"{server.url}?response=json", data=text, headers=headers) as response:
        (body,) = json.loads(await response.text()).values()
    assert (response.status, body["errorcode"]) == (431, 431)


async def test_another_kind_of_body(server: Server, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{server.url}?response=json", json={"command": "listZones"}) as response:
        (body,) = json.loads(await response.text()).values()
    assert (response.status, body["errorcode"]) == (431, 431)


async def test_garbage_on_the_socket_harms_nobody(server: Server, api: Api) -> None:
    for garbage in (
        b"\x00\xff" * 100,
        b"GET /client/api?" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/9\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(garbage)
        await writer.drain()
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert (await api.call("listZones"))["count"] == 1
