"""How many calls an account may make in an interval."""

from __future__ import annotations

import aiohttp
import pytest
from apiclient import Api, Refused
from people import person, refused

from cloudsim.core.settings import Settings
from cloudsim.server import Server
from cloudsim.services.apilimit import ApiLimits


async def test_too_many_calls_are_refused_until_the_interval_ends(
    api: Api, server: Server, http: aiohttp.ClientSession
) -> None:
    one, other = await person(api, http, "one"), await person(api, http, "other")
    for _ in range(5):
        await one.call("listZones")
    limit = (await one.call("getApiLimit"))["apilimit"]
    assert (limit["account"], limit["apiIssued"], limit["apiAllowed"]) == ("one", 0, 25)
    for name, value in (("max", 3), ("interval", 3600), ("enabled", True)):
        await api.call("updateConfiguration", name=f"api.throttling.{name}", value=str(value).lower())
    capability = (await one.call("listCapabilities"))["capability"]
    assert (capability["apilimitmax"], capability["apilimitinterval"]) == (3, 3600)
    limit = (await one.call("getApiLimit"))["apilimit"]
    assert (limit["apiIssued"], limit["apiAllowed"]) == (2, 1)
    assert 3500_000 < limit["expireAfter"] <= 3600_000
    await one.call("listZones")
    status, text = await refused(one, "listZones")
    assert (status, "try again in" in text) == (429, True)
    with pytest.raises(Refused) as caught:
        await one.call("listZones")
    assert (caught.value.code, caught.value.cscode) == (429, 4545)
    # others are others, and root admins have no limit
    await other.call("listZones")
    for _ in range(5):
        await api.call("listZones")
    # the interval ends
    account = (await api.call("listAccounts", name="one", listall=True))["account"][0]["id"]
    await api.call("resetApiLimit", account=account)
    await one.call("listZones")
    assert server.cloud.api_limits.windows
    for window in server.cloud.api_limits.windows.values():
        window.issued, window.ends = 3, server.clock.now() + 40
    assert (await refused(one, "listZones"))[0] == 429
    await server.clock.sleep(0.05)
    await one.call("listZones")
    await api.call("resetApiLimit")
    assert server.cloud.api_limits.windows == {}
    await api.call("updateConfiguration", name="api.throttling.enabled", value="false")
    for _ in range(9):
        await one.call("listZones")
    assert server.cloud.api_limits.windows == {}


def test_what_is_over_is_forgotten() -> None:
    limits = ApiLimits()
    settings = Settings({("api.throttling.cachesize", "Global", 0): "10"})
    for account in range(100):
        limits.count(account, account * 1000, settings)
    assert len(limits.windows) <= 11
