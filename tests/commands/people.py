"""Domains, accounts and users for tests."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused

PERSON = {"email": "a@example.com", "firstname": "A", "lastname": "B", "password": "a password"}


async def account(api: Api, name: str, type_: int = 0, **given: Any) -> dict[str, Any]:
    """An account with one user of the same name."""
    kind = {} if "roleid" in given else {"accounttype": type_}
    return (await api.call("createAccount", "POST", **PERSON, username=name, **kind, **given))["account"]


async def keyed(api: Api, http: aiohttp.ClientSession, user_id: str) -> Api:
    """A caller with new keys of a user."""
    keys = (await api.call("registerUserKeys", id=user_id))["userkeys"]
    return Api(http, api.endpoint, keys["apikey"], keys["secretkey"])


async def person(api: Api, http: aiohttp.ClientSession, name: str, type_: int = 0, **given: Any) -> Api:
    """A caller with an account of its own."""
    made = await account(api, name, type_, **given)
    return await keyed(api, http, made["user"][0]["id"])


async def domain(api: Api, name: str, above: dict[str, Any] | None = None) -> dict[str, Any]:
    """A domain below another."""
    return (await api.call("createDomain", name=name, parentdomainid=above["id"] if above else None))["domain"]


async def refused(api: Api, command: str, **given: Any) -> tuple[int, str]:
    """Status and text of a refusal, of the call or of its job."""
    with pytest.raises(Refused) as caught:
        answer = await api.call(command, "POST", **given)
        if "jobid" in answer:
            ended = await api.wait(answer["jobid"])
            if ended["jobstatus"] == 2:
                raise Refused(ended["jobresultcode"], ended["jobresult"])
    return caught.value.status, caught.value.text


async def role(api: Api, name: str, type_: str, *rules: str) -> dict[str, Any]:
    """A role with rules; those that begin with ``!`` deny."""
    given = {}
    for number, rule in enumerate(rules):
        given[f"rules[{number}].rule"] = rule.removeprefix("!")
        given[f"rules[{number}].permission"] = "deny" if rule.startswith("!") else "allow"
    return (await api.call("importRole", "POST", name=name, type=type_, **given))["role"]
