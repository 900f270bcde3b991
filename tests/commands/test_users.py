"""Users and accounts: changing, locking, disabling, moving, deleting; passwords; lock-out; the second factor."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

import aiohttp
from apiclient import Api, query
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from people import PERSON, account, domain, keyed, person, refused

from cloudsim.server import Server

_TAG = {"tags[0].key": "a", "tags[0].value": "b"}


class Browser:
    """A login with its cookies."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url = http, url
        self.cookies: dict[str, str] = {}
        self.body: dict[str, Any] = {}

    async def login(self, username: str, password: str, **given: str) -> int:
        form = {"command": "login", "response": "json", "username": username, "password": password, **given}
        async with self.http.post(self.url, data=form) as response:
            (self.body,) = (await response.json(content_type=None)).values()
            self.cookies = {name: morsel.value for name, morsel in response.cookies.items()}
            return response.status

    async def ask(self, command: str, **given: Any) -> tuple[int, dict[str, Any]]:
        text = query({"command": command, "response": "json", "sessionkey": self.cookies.get("sessionkey"), **given})
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.get(f"{self.url}?{text}", headers={"Cookie": cookies}) as response,
        ):
            (body,) = (await response.json(content_type=None)).values()
            return response.status, body


async def test_updating_a_user(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await account(api, "one")
    user = made["user"][0]
    caller = await keyed(api, http, user["id"])
    changed = (await caller.call("updateUser", "POST", id=user["id"], firstname="New", email="b@example.com"))["user"]
    assert (changed["firstname"], changed["email"], changed["lastname"]) == ("New", "b@example.com", "B")
    # the own password needs the one before
    assert (await refused(caller, "updateUser", id=user["id"], password="other one"))[0] == 431
    assert (await refused(caller, "updateUser", id=user["id"], password="x", currentpassword="wrong"))[0] == 431
    await caller.call("updateUser", "POST", id=user["id"], password="other one", currentpassword="a password")
    browser = Browser(http, server.url)
    assert await browser.login("one", "a password") == 531
    assert await browser.login("one", "other one") == 200
    # an admin does not; the sessions of before end
    await api.call("updateUser", "POST", id=user["id"], password="third one")
    assert (await browser.ask("listZones"))[0] == 401
    for given in ({"firstname": " "}, {"username": "admin"}, {"userapikey": "x"}, {"apikeyaccess": "sometimes"}):
        assert (await refused(api, "updateUser", id=user["id"], **given))[0] == 431
    assert (await refused(caller, "updateUser", id=user["id"], apikeyaccess="Disabled"))[0] == 531
    await api.call("updateUser", id=user["id"], userapikey="mykey", usersecretkey="mysecret")
    await Api(http, api.endpoint, "mykey", "mysecret").call("listZones")
    await api.call("updateUser", id=user["id"], apikeyaccess="Disabled")
    assert (await refused(Api(http, api.endpoint, "mykey", "mysecret"), "listZones"))[0] == 401
    (found,) = (await api.call("listUsers", apikeyaccess="Disabled"))["user"]
    assert (found["username"], found["apikeyaccess"]) == ("one", "DISABLED")


async def test_password_rules(api: Api) -> None:
    for name, value, bad, good in (
        ("minimum.length", "8", "Ab1!", "Abcdefgh"),
        ("minimum.digits", "2", "abcdefg1", "abcdef12"),
        ("minimum.uppercase.letters", "1", "abcdef12", "Abcdef12"),
        ("minimum.lowercase.letters", "3", "ABCDEF12", "Abcdef12"),
        ("minimum.special.characters", "1", "Abcdef12", "Abcdef12!"),
        ("allowPasswordToContainUsername", "false", "Abcdef12!one", "Abcdef12!"),
        ("regex", "[A-Z].*", "bcdefG12!", "Abcdef12!"),
    ):
        await api.call("updateConfiguration", name=f"password.policy.{name}", value=value)
        person_ = {**PERSON, "username": "one", "accounttype": 0}
        assert (await refused(api, "createAccount", **{**person_, "password": bad}))[0] == 431, name
        made = (await api.call("createAccount", "POST", **{**person_, "password": good}))["account"]
        await api.job("deleteAccount", id=made["id"])


async def test_states_of_users_and_accounts(api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "one")
    user = made["user"][0]["id"]
    caller = await keyed(api, http, user)
    assert (await api.call("lockUser", id=user))["user"]["state"] == "locked"
    assert (await refused(caller, "listZones"))[0] == 401
    assert (await api.call("enableUser", id=user))["user"]["state"] == "enabled"
    await caller.call("listZones")
    assert (await api.job("disableUser", id=user))["user"]["state"] == "disabled"
    assert (await refused(api, "lockUser", id=user))[0] == 431
    await api.call("enableUser", id=user)
    machine = await caller.deploy()
    named = {"account": "one", "domainid": made["domainid"]}
    assert (await api.call("lockAccount", **named))["account"]["state"] == "locked"
    assert (await refused(caller, "listZones"))[0] == 401
    await api.call("enableAccount", **named)
    assert (await api.job("disableAccount", id=made["id"], lock=False))["account"]["state"] == "disabled"
    for _ in range(200):
        (row,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
        if row["state"] == "Stopped":
            break
        await asyncio.sleep(0.02)
    assert row["state"] == "Stopped"
    await api.call("enableAccount", id=made["id"])
    await caller.call("listZones")
    (admin,) = (await api.call("listUsers", username="admin"))["user"]
    for command in ("lockUser", "disableUser", "deleteUser"):
        assert (await refused(api, command, id=admin["id"]))[0] == 431
    for command in ("deleteAccount",):
        assert (await refused(api, command, id=admin["accountid"]))[0] == 431
    assert (await refused(api, "disableAccount", id=admin["accountid"], lock=False))[0] == 431
    assert (await refused(api, "enableAccount"))[0] == 431


async def test_moving_and_deleting_users(api: Api, http: aiohttp.ClientSession) -> None:
    one, other = await account(api, "one"), await account(api, "other")
    elsewhere = await account(api, "third", domainid=(await domain(api, "far"))["id"])
    user = one["user"][0]["id"]
    caller = await keyed(api, http, user)
    machine = await caller.deploy()
    assert (await refused(api, "moveUser", id=user, accountid=elsewhere["id"]))[0] == 431
    assert (await refused(api, "moveUser", id=user))[0] == 431
    assert (await refused(api, "moveUser", id=user, account="one"))[0] == 431
    await api.call("moveUser", id=user, account="other")
    assert await caller.call("listVirtualMachines") == {}
    assert (await refused(caller, "stopVirtualMachine", id=machine["id"]))[0] == 431
    assert (await api.call("listUsers", id=user))["user"][0]["account"] == "other"
    await api.call("deleteUser", id=user)
    assert (await refused(caller, "listZones"))[0] == 401
    assert await api.call("listUsers", id=user) == {}
    await api.call("createUser", "POST", **PERSON, username="one", account=other["name"])


async def test_deleting_an_account_takes_all_it_has(api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    small = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]
    running = await caller.deploy(diskofferingid=small)
    stopped = await caller.deploy(startvm=False)
    gone = await caller.deploy()
    await caller.job("destroyVirtualMachine", id=gone["id"])
    await api.call("updateVirtualMachine", id=running["id"], deleteprotection=True)
    await caller.job(
        "createTags", resourceids=stopped["id"], resourcetype="UserVm", **{"tags[0].key": "a", "tags[0].value": "b"}
    )
    before = (await api.call("listCapacity", type=0))["capacity"][0]["capacityused"]
    assert (await api.job("deleteAccount", id=made["id"]))["success"] is True
    assert (await refused(caller, "listZones"))[0] == 401
    assert await api.call("listVirtualMachines", listall=True) == {}
    assert await api.call("listVolumes", listall=True) == {}
    assert await api.call("listNetworks", listall=True) == {}
    assert "publicipaddress" not in await api.call("listPublicIpAddresses", listall=True)
    assert await api.call("listTags", listall=True) == {}
    assert (await api.call("listCapacity", type=0))["capacity"][0]["capacityused"] < before
    assert (await refused(api, "listAccounts", id=made["id"]))[0] == 431
    assert (await refused(api, "deleteAccount", id=made["id"]))[0] == 431
    await account(api, "one")


async def test_wrong_passwords_lock_a_user_out(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await account(api, "one")
    browser = Browser(http, server.url)
    for _ in range(4):
        assert await browser.login("one", "wrong") == 531
    assert await browser.login("one", "a password") == 200
    # the count starts anew after a right one
    for _ in range(5):
        assert (await browser.ask("listZones"))[0] == 200
        assert await Browser(http, server.url).login("one", "wrong") == 531
    assert await Browser(http, server.url).login("one", "a password") == 531
    assert (await browser.ask("listZones"))[0] == 401
    assert (await api.call("listUsers", username="one"))["user"][0]["state"] == "disabled"
    await api.call("enableUser", id=made["user"][0]["id"])
    assert await browser.login("one", "a password") == 200
    for _ in range(8):
        assert await Browser(http, server.url).login("admin", "wrong") == 531
    assert await browser.login("admin", "password") == 200


def code_of(secret: str, ago: int = 0) -> str:
    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30, enforce_key_length=False)
    return totp.generate(int(time.time()) - ago).decode()


async def test_the_second_factor(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    assert (await refused(caller, "setupUserTwoFactorAuthentication", provider="totp"))[0] == 431
    await api.call("updateConfiguration", name="enable.user.2fa", value="true")
    browser = Browser(http, server.url)
    assert await browser.login("one", "a password") == 200
    assert (browser.body["is2faenabled"], browser.body["is2faverified"]) == ("false", "true")
    assert {p["name"] for p in (await browser.ask("listUserTwoFactorAuthenticatorProviders"))[1]["providers"]} == {
        "totp",
        "staticpin",
    }
    status, body = await browser.ask("setupUserTwoFactorAuthentication", provider="totp")
    secret = body["setup2fa"]["secretcode"]
    assert status == 200
    # not before the first right code
    assert (await browser.ask("listZones"))[0] == 200
    assert (await browser.ask("validateUserTwoFactorAuthenticationCode", codefor2fa="000000"))[0] == 511
    assert (await browser.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=code_of(secret)))[0] == 200
    assert (await browser.ask("listZones"))[0] == 200
    second = Browser(http, server.url)
    assert await second.login("one", "a password") == 200
    assert (second.body["is2faenabled"], second.body["is2faverified"], second.body["providerfor2fa"]) == (
        "true",
        "false",
        "totp",
    )
    status, body = await second.ask("listZones")
    assert (status, body["cserrorcode"]) == (511, 4295)
    assert (await second.ask("setupUserTwoFactorAuthentication", enable="false"))[0] == 511
    assert (await second.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=code_of(secret, 3600)))[0] == 511
    # a code counts once
    assert (await second.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=code_of(secret)))[0] == 511
    assert (await second.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=code_of(secret, -30)))[0] == 200
    assert (await second.ask("listZones"))[0] == 200
    assert (await api.call("listUsers", username="one"))["user"][0]["is2faenabled"] is True
    await api.call("setupUserTwoFactorAuthentication", userid=made["user"][0]["id"], enable=False)
    third = Browser(http, server.url)
    assert await third.login("one", "a password") == 200
    assert (await third.ask("listZones"))[0] == 200
    # mandated: nothing before it is set up
    await api.call("updateUser", id=made["user"][0]["id"], mandate2fa=True)
    assert (await third.ask("listZones"))[0] == 511
    status, body = await third.ask("setupUserTwoFactorAuthentication", provider="staticpin")
    pin = body["setup2fa"]["secretcode"]
    assert (await third.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=pin))[0] == 200
    assert (await third.ask("listZones"))[0] == 200
    # too many wrong codes lock out as wrong passwords do
    last = Browser(http, server.url)
    assert await last.login("one", "a password") == 200
    for _ in range(5):
        assert (await last.ask("validateUserTwoFactorAuthenticationCode", codefor2fa="1"))[0] == 511
    assert (await last.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=pin))[0] == 401
    assert (await api.call("listUsers", username="one"))["user"][0]["state"] == "disabled"


async def test_where_an_account_may_call_from(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    await caller.call("listZones")
    where = {"name": "api.allowed.source.cidr.list", "accountid": made["id"]}
    await api.call("updateConfiguration", **where, value="10.0.0.0/8")
    assert (await refused(caller, "listZones"))[0] == 401
    # forwarded-for counts from a listed proxy only
    headers = {"X-Forwarded-For": "10.1.2.3, 127.0.0.1"}
    async with aiohttp.ClientSession(headers=headers) as other:
        behind = Api(other, api.endpoint, caller.key, caller.secret)
        assert (await refused(behind, "listZones"))[0] == 401
        await api.call("updateConfiguration", name="proxy.header.verify", value="true")
        assert (await refused(behind, "listZones"))[0] == 401
        await api.call("updateConfiguration", name="proxy.cidr", value="127.0.0.0/8")
        await behind.call("listZones")
        assert (await refused(caller, "listZones"))[0] == 401
    await api.call("resetConfiguration", **where)
    await caller.call("listZones")


async def test_an_admin_of_a_domain_changes_those_below(api: Api, http: aiohttp.ClientSession) -> None:
    top, side = await domain(api, "top"), await domain(api, "side")
    head = await person(api, http, "head", 2, domainid=top["id"])
    mine, other = await account(api, "mine", domainid=top["id"]), await account(api, "other", domainid=side["id"])
    await head.call("updateUser", id=mine["user"][0]["id"], firstname="New")
    await head.call("lockAccount", account="mine", domainid=top["id"])
    await head.call("enableAccount", id=mine["id"])
    for command, given in (
        ("updateUser", {"id": other["user"][0]["id"], "firstname": "x"}),
        ("lockUser", {"id": other["user"][0]["id"]}),
        ("registerUserKeys", {"id": other["user"][0]["id"]}),
        ("updateAccount", {"id": other["id"], "newname": "x"}),
        ("disableAccount", {"id": other["id"], "lock": False}),
    ):
        assert (await refused(head, command, **given))[0] == 431, command
    roles = {row["name"]: row for row in (await api.call("listRoles"))["role"]}
    assert (await refused(head, "updateAccount", id=mine["id"], roleid=roles["Root Admin"]["id"]))[0] == 531


async def test_a_deletion_that_failed_is_gone_on_with(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    await caller.deploy()
    rule = await api.call("configureSimulator", name="StopCommand", value="fail:no way")
    status, text = await refused(api, "deleteAccount", id=made["id"])
    assert (status, "could not be removed" in text) == (530, True)
    (row,) = (await api.call("listAccounts", id=made["id"], iscleanuprequired=True))["account"]
    assert (row["state"], row["iscleanuprequired"], row["vmtotal"]) == ("disabled", True, 1)
    assert (await refused(caller, "listZones"))[0] == 401
    assert (await refused(api, "enableAccount", id=made["id"]))[0] == 431
    await api.call("cleanupSimulatorMock", id=rule["simulatormock"]["id"])
    await server.periodic.run_now("account-cleanup")
    for _ in range(500):
        if {row["name"] for row in (await api.call("listAccounts", listall=True))["account"]} == {"admin"}:
            break
        await asyncio.sleep(0.02)
    assert {row["name"] for row in (await api.call("listAccounts", listall=True))["account"]} == {"admin"}
    assert await api.call("listVirtualMachines", listall=True) == {}
