"""The wire: methods, forms, signatures, sessions, errors, paging."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import xmltodict
from apiclient import Api, Refused, query
from options import make_config
from yarl import URL

from cloudsim.api.signature import sign
from cloudsim.server import Server


async def get(http: aiohttp.ClientSession, url: str, text: str, **options: Any) -> tuple[int, str, Any]:
    async with http.get(URL(f"{url}?{text}", encoded=True), **options) as response:
        return response.status, await response.text(), response


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_json(api: Api, method: str) -> None:
    status, text = await api.raw("listZones", method)
    body = json.loads(text)["listzonesresponse"]
    assert (status, body["count"], body["zone"][0]["name"]) == (200, 1, "zone1")
    assert body["zone"][0]["securitygroupsenabled"] is False


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_xml_is_the_default(api: Api, method: str) -> None:
    status, text = await api.raw("listZones", method, form="")
    body = xmltodict.parse(text)["listzonesresponse"]
    assert status == 200
    assert body["@cloud-stack-version"].startswith("4.22")
    assert (body["count"], body["zone"]["name"], body["zone"]["securitygroupsenabled"]) == ("1", "zone1", "false")


async def test_content_types(api: Api, http: aiohttp.ClientSession) -> None:
    for form, kind in (("json", "application/json;charset=utf-8"), ("xml", "text/xml;charset=utf-8")):
        text = query({"command": "listZones", "response": form}, api.key, api.secret)
        _, _, response = await get(http, api.endpoint, text)
        assert response.headers["Content-Type"].lower().replace(" ", "") == kind


async def test_names_are_matched_without_regard_to_case_and_a_slash_may_follow(
    api: Api, http: aiohttp.ClientSession
) -> None:
    parameters = {"COMMAND": "LISTZONES", "Response": "json", "apiKey": api.key}
    parameters["signature"] = sign(parameters, api.secret)
    status, text, _ = await get(http, api.endpoint + "/", query(parameters))
    assert (status, json.loads(text)["listzonesresponse"]["count"]) == (200, 1)


async def test_the_last_value_wins_and_tokens_without_a_value_are_dropped(
    api: Api, http: aiohttp.ClientSession
) -> None:
    text = query({"command": "listZones", "response": "json", "name": "zone1"}, api.key, api.secret)
    status, body, _ = await get(http, api.endpoint, "name=other&nothing&" + text)
    assert (status, json.loads(body)["listzonesresponse"].get("count")) == (200, 1)


async def test_query_and_body_are_merged(api: Api, http: aiohttp.ClientSession) -> None:
    text = query({"command": "listZones", "response": "json", "name": "zone1"}, api.key, api.secret)
    head, _, tail = text.partition("&name=")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with http.post(URL(f"{api.endpoint}?{head}", encoded=True), data="name=" + tail, headers=headers) as response:
        assert (await response.json(content_type=None))["listzonesresponse"]["count"] == 1


async def test_unknown_parameters_are_ignored(api: Api) -> None:
    assert (await api.call("listZones", whatever="x"))["count"] == 1


# -- signatures


def signed_by_hand(parameters: dict[str, str], secret: str, key: Any, encode_tilde: bool) -> str:
    import base64
    import hashlib
    import hmac
    from urllib.parse import quote

    parts = []
    for name in sorted(parameters, key=key):
        value = quote(parameters[name], safe="*~")
        parts.append(f"{name}={value.replace('~', '%7E') if encode_tilde else value}")
    digest = hmac.new(secret.encode(), "&".join(parts).lower().encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize("encode_tilde", [True, False])
@pytest.mark.parametrize("key", [str.lower, str], ids=["by lower case", "by case"])
@pytest.mark.parametrize("value", ["a~b", "a b+c*d", "grüße/€", "[x]", "%41"])
async def test_the_ways_clients_sign(
    api: Api, http: aiohttp.ClientSession, key: Any, encode_tilde: bool, value: str
) -> None:
    parameters = {"command": "listZones", "response": "json", "apiKey": api.key, "Zname": "x", "keyword": value}
    parameters["signature"] = signed_by_hand(parameters, api.secret, key, encode_tilde)
    status, text, _ = await get(http, api.endpoint, query(parameters))
    assert (status, json.loads(text)) == (200, {"listzonesresponse": {}})


async def test_a_name_in_two_spellings_is_signed_as_it_was_sent(api: Api, http: aiohttp.ClientSession) -> None:
    """Marvin sends listAll, which the caller asked for, and the listall that it adds itself."""
    parameters = {"command": "listZones", "response": "json", "apiKey": api.key, "listAll": "True", "listall": "true"}
    parameters["signature"] = sign(parameters, api.secret)
    status, text, _ = await get(http, api.endpoint, query(parameters))
    assert (status, json.loads(text)["listzonesresponse"]["count"]) == (200, 1)
    parameters["LISTALL"] = "true"  # is not signed
    await unauthenticated(http, api, parameters)


async def unauthenticated(http: aiohttp.ClientSession, api: Api, parameters: dict[str, str]) -> None:
    status, text, _ = await get(http, api.endpoint, query({"command": "listZones", "response": "json", **parameters}))
    assert status == 401
    body = json.loads(text)["listzonesresponse"]
    assert body["errorcode"] == 401
    assert "cserrorcode" not in body
    assert body["errortext"] == "unable to verify user credentials and/or request signature"


async def test_one_text_for_every_way_not_to_be_known(api: Api, http: aiohttp.ClientSession) -> None:
    await unauthenticated(http, api, {})
    await unauthenticated(http, api, {"apikey": api.key})
    await unauthenticated(http, api, {"apikey": api.key, "signature": ""})
    await unauthenticated(http, api, {"apikey": api.key, "signature": "AAAA"})
    await unauthenticated(http, api, {"apikey": api.key, "signature": "\u00e9"})
    await unauthenticated(http, api, {"apikey": "unknown", "signature": "AAAA"})
    await unauthenticated(http, api, {"sessionkey": "x"})
    other = {"command": "listZones", "response": "json", "apikey": api.key, "name": "a"}
    await unauthenticated(http, api, {"apikey": api.key, "name": "b", "signature": sign(other, api.secret)})


async def test_an_unknown_command_is_401_without_a_signature_and_432_with_one(
    api: Api, http: aiohttp.ClientSession
) -> None:
    status, text, _ = await get(http, api.endpoint, "command=noSuchThing&response=json")
    assert (status, list(json.loads(text))) == (401, ["nosuchthingresponse"])
    with pytest.raises(Refused) as refused:
        await api.call("noSuchThing")
    assert (refused.value.code, refused.value.cscode) == (432, 9999)


async def test_no_command_at_all(http: aiohttp.ClientSession, api: Api) -> None:
    status, text, _ = await get(http, api.endpoint, "response=json")
    body = json.loads(text)["errorresponse"]
    assert (status, body["errorcode"], body["cserrorcode"], body["uuidList"]) == (432, 432, 9999, [])


@pytest.mark.parametrize(
    ("offset", "form", "status"),
    [
        (600, "%Y-%m-%dT%H:%M:%SZ", 200),
        (600, "%Y-%m-%dT%H:%M:%S+0000", 200),
        (600, "%Y-%m-%dT%H:%M:%S+00:00", 200),
        (-5, "%Y-%m-%dT%H:%M:%SZ", 401),
        (600, "soon", 401),
        (600, "%Y-%m-%d", 401),
    ],
)
async def test_signature_version_3_expires(api: Api, offset: int, form: str, status: int) -> None:
    expires = time.strftime(form, time.gmtime(time.time() + offset))
    assert (await api.raw("listZones", signatureversion="3", expires=expires))[0] == status


async def test_signature_version_3_needs_expires_and_others_ignore_it(api: Api) -> None:
    assert (await api.raw("listZones", signatureversion="3"))[0] == 401
    assert (await api.raw("listZones", expires="2001-01-01T00:00:00Z"))[0] == 200


# -- sessions


async def login(http: aiohttp.ClientSession, url: str, **given: str) -> tuple[int, dict[str, Any], Any]:
    form = {"command": "login", "response": "json", "username": "admin", "password": "password", **given}
    async with http.post(url, data=form) as response:
        (body,) = (await response.json(content_type=None)).values()
        return response.status, body, response


async def test_a_session_from_login_to_logout(server: Server, http: aiohttp.ClientSession) -> None:
    status, body, response = await login(http, server.url, domain="/")
    assert status == 200
    assert (body["username"], body["account"], body["type"], body["timeout"]) == ("admin", "admin", "1", 1800)
    cookie = response.cookies["JSESSIONID"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    key = body["sessionkey"]
    cookies = {"JSESSIONID": cookie.value, "sessionkey": key}
    ask = {"command": "listZones", "response": "json"}
    status, _, _ = await get(http, server.url, query({**ask, "sessionkey": key}), cookies=cookies)
    assert status == 200
    for wrong in ({**ask}, {**ask, "sessionkey": "x"}):
        assert (await get(http, server.url, query(wrong), cookies=cookies))[0] == 401
    assert (await get(http, server.url, query({**ask, "sessionkey": key})))[0] == 401
    # cookies alone are what another site's page would send
    assert (await get(http, server.url, query(ask), cookies=cookies))[0] == 401
    alone = {"JSESSIONID": cookie.value}
    assert (await get(http, server.url, query({**ask, "sessionkey": key}), cookies=alone))[0] == 401
    out = query({"command": "logout", "response": "json", "sessionkey": key})
    assert (await get(http, server.url, out, cookies=cookies))[0] == 200
    assert (await get(http, server.url, query({**ask, "sessionkey": key}), cookies=cookies))[0] == 401


@pytest.mark.parametrize(
    "given",
    [{"password": "wrong"}, {"username": "nobody"}, {"domain": "/nowhere"}, {"username": "system", "password": "*"}],
    ids=str,
)
async def test_login_refused(server: Server, http: aiohttp.ClientSession, given: dict[str, str]) -> None:
    status, body, response = await login(http, server.url, **given)
    assert (status, body["errorcode"]) == (531, 531)
    assert "JSESSIONID" not in response.cookies


async def test_a_password_does_not_go_into_an_address(server: Server, http: aiohttp.ClientSession) -> None:
    status, text, _ = await get(http, server.url, "command=login&response=json&username=admin&password=password")
    assert (status, json.loads(text)["loginresponse"]["cserrorcode"]) == (431, 4350)


# -- the integration port


@pytest.fixture
async def integration(data_dir: Path, unused_tcp_port: int) -> AsyncIterator[Server]:
    server = Server(make_config(data_dir, **{"integration-port": unused_tcp_port}))
    await server.start()
    yield server
    await server.stop()


async def test_the_integration_port_needs_no_signature(integration: Server, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{integration.integration_port}/client/api"
    status, text, _ = await get(http, url, "command=listZones&response=json")
    assert (status, json.loads(text)["listzonesresponse"]["count"]) == (200, 1)
    assert (await get(http, integration.url, "command=listZones&response=json"))[0] == 401


async def test_there_is_no_integration_port_by_default(server: Server) -> None:
    assert server.integration_port == 0


# -- paging and errors


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"page": 1}, (431, 9999)),
        ({"pagesize": 10}, (431, 9999)),
        ({"page": 1, "pagesize": 501}, (431, 9999)),
        ({"page": 0, "pagesize": 5}, (431, 9999)),
        ({"page": "one", "pagesize": 5}, (431, 9999)),
        ({"id": "00000000-0000-0000-0000-000000000000"}, (431, 9999)),
        ({"id": "1"}, (431, 9999)),
        ({"id": "x" * 300}, (431, 9999)),
        ({"available": "perhaps"}, (431, 9999)),
        ({"networktype": "Sideways"}, (431, 4350)),
        ({"name": "x" * 256}, (431, 9999)),
        ({"name": "a\x00b"}, (431, 9999)),
        ({"tags[x]": "y"}, (431, 9999)),
    ],
    ids=str,
)
async def test_bad_values(api: Api, given: dict[str, Any], codes: tuple[int, int]) -> None:
    for method in ("GET", "POST"):
        with pytest.raises(Refused) as refused:
            await api.call("listZones", method, **given)
        assert (refused.value.status, refused.value.code, refused.value.cscode) == (codes[0], *codes)
        assert refused.value.text


async def test_pages(api: Api) -> None:
    basics = await api.basics()
    for _ in range(5):
        await api.call("deployVirtualMachine", startvm=False, **basics)
    everything = await api.call("listVirtualMachines")
    ids = [machine["id"] for machine in everything["virtualmachine"]]
    assert (everything["count"], len(ids)) == (5, 5)
    paged = []
    for page in (1, 2, 3):
        body = await api.call("listVirtualMachines", page=page, pagesize=2)
        assert body["count"] == 5
        paged += [machine["id"] for machine in body["virtualmachine"]]
    assert paged == ids
    beyond = await api.call("listVirtualMachines", page=4, pagesize=2)
    assert beyond == {"count": 5}


async def test_errors_in_xml(api: Api) -> None:
    status, text = await api.raw("listZones", form="", page=1)
    body = xmltodict.parse(text)["listzonesresponse"]
    assert (status, body["errorcode"], body["cserrorcode"]) == (431, "431", "9999")
    assert "uuidList" not in body


async def test_map_parameters_in_both_forms(api: Api) -> None:
    basics = await api.basics()
    for form in ({"details[0].key": "colour", "details[0].value": "Blue"}, {"details[0].colour": "Blue"}):
        answer = await api.call("deployVirtualMachine", startvm=False, **basics, **form)
        found = await api.call("listVirtualMachines", id=answer["id"])
        assert found["virtualmachine"][0]["details"] == {"colour": "Blue"}


async def test_other_paths_and_methods(server: Server, http: aiohttp.ClientSession) -> None:
    base = server.url.removesuffix("/client/api")
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/nowhere", 404), ("/client/api/x", 404)):
        async with http.get(base + path) as response:
            assert response.status == status
    async with http.put(server.url) as response:
        assert response.status == 405


async def test_a_kept_answer_is_dropped_when_what_it_tells_changes(api: Api, server: Server) -> None:
    assert (await api.call("listZones"))["zone"][0]["name"] == "zone1"
    await server.db.write(lambda tx: tx.update(_zone(), {"id": 1}, name="renamed"))
    assert (await api.call("listZones"))["zone"][0]["name"] == "renamed"


def _zone() -> Any:
    from cloudsim.db.schema import zone

    return zone
