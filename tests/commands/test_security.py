"""Signing in and out, who may take over whom, and what is never written down."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, query
from invariants import rows
from options import make_config
from people import PERSON, account, domain, keyed, person, refused, role
from sqlalchemy import select
from test_users import Browser, code_of

from cloudsim.core import logs
from cloudsim.core.ids import is_uuid
from cloudsim.core.keyfile import KeyFile
from cloudsim.db import schema
from cloudsim.server import Server, StartError
from cloudsim.services import configuration, identity

# -- sessions


async def test_cookies_are_for_the_browser_alone(server: Server, http: aiohttp.ClientSession) -> None:
    form = {"command": "login", "response": "json", "username": "admin", "password": "password"}
    for headers, secure in (({}, ""), ({"X-Forwarded-Proto": "https"}, True)):
        async with http.post(server.url, data=form, headers=headers) as response:
            assert response.status == 200
            for name in ("JSESSIONID", "sessionkey"):
                morsel = response.cookies[name]
                assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/client")
                assert morsel["secure"] == secure
            # nothing of them stands in the answer but the session key, which pages need
            assert response.cookies["JSESSIONID"].value not in await response.text()


def _setting(tx: Any, server: Server, name: str, value: str) -> None:
    admin = identity.by_user_id(tx, 2)
    assert admin is not None
    configuration.update(server.cloud.context(tx, admin), name, value, ("Global", 0))


async def test_a_session_needs_its_key(server: Server, http: aiohttp.ClientSession) -> None:
    browser = Browser(http, server.url)
    assert await browser.login("admin", "password") == 200
    cookie, key = browser.cookies["JSESSIONID"], browser.cookies["sessionkey"]

    async def status(given: str, cookies: str, **headers: str) -> int:
        text = query({"command": "listZones", "response": "json", "sessionkey": given})
        async with http.get(f"{server.url}?{text}", headers={"Cookie": cookies, **headers}) as response:
            return response.status

    both, foreign = f"JSESSIONID={cookie}; sessionkey={key}", {"Sec-Fetch-Site": "cross-site"}
    assert await status(key, both) == 200
    assert await status(key, both, **foreign) == 200
    assert await status("", both) == 401
    assert await status(key, f"JSESSIONID={cookie}") == 401
    await server.cloud.db.write(_setting, server, "api.sessionkey.check.locations", "CookieOrParameter")
    assert await status(key, f"JSESSIONID={cookie}") == 200
    assert await status("", both) == 200
    assert await status("", f"JSESSIONID={cookie}") == 401
    assert await status("wrong", f"JSESSIONID={cookie}; sessionkey=wrong") == 401
    assert await status(key, "JSESSIONID=wrong") == 401
    assert await status(key, "") == 401
    # a page of another site has the cookies sent along, and knows no key
    assert await status("", both, **foreign) == 401
    assert await status(key, both, **foreign) == 200
    await server.cloud.db.write(lambda tx: tx.execute(schema.session.update().values(used=0)))
    assert await status(key, f"JSESSIONID={cookie}") == 401


async def test_sessions_end(api: Api, server: Server, http: aiohttp.ClientSession) -> None:
    made = await account(api, "one")
    user = made["user"][0]["id"]

    async def signed_in(password: str = "a password") -> Browser:
        browser = Browser(http, server.url)
        assert await browser.login("one", password) == 200
        assert (await browser.ask("listZones"))[0] == 200
        return browser

    # with a logout, of that session only
    one, other = await signed_in(), await signed_in()
    await one.ask("logout")
    assert [(await browser.ask("listZones"))[0] for browser in (one, other)] == [401, 200]
    # with a password that the user changes: all but the session that changed it
    one = await signed_in()
    given = {"id": user, "password": "another password", "currentpassword": "a password"}
    assert (await one.ask("updateUser", **given))[0] == 200
    assert [(await browser.ask("listZones"))[0] for browser in (one, other)] == [200, 401]
    # with one that is changed by signed request, or by an admin
    caller = await keyed(api, http, user)
    await caller.call("updateUser", "POST", id=user, password="a password", currentpassword="another password")
    assert (await one.ask("listZones"))[0] == 401
    one = await signed_in()
    await api.call("updateUser", "POST", id=user, password="another password")
    assert (await one.ask("listZones"))[0] == 401
    # when the user or the account may not call any more: at once, and not when it may again
    for ends, begins in (
        (("disableUser", {"id": user}), ("enableUser", {"id": user})),
        (("lockUser", {"id": user}), ("enableUser", {"id": user})),
        (("lockAccount", {"account": "one", "domainid": made["domainid"]}), ("enableAccount", {"id": made["id"]})),
        (("disableAccount", {"id": made["id"], "lock": False}), ("enableAccount", {"id": made["id"]})),
        (("disableAccount", {"id": made["id"], "lock": True}), ("enableAccount", {"id": made["id"]})),
    ):
        one = await signed_in("another password")
        answer = await api.call(ends[0], **ends[1])
        if "jobid" in answer:
            await api.wait(answer["jobid"])
        assert (await one.ask("listZones"))[0] == 401, ends
        assert (await refused(caller, "listZones"))[0] == 401, ends
        await api.call(begins[0], **begins[1])
        assert (await one.ask("listZones"))[0] == 401, ends
        await caller.call("listZones")


async def test_sessions_and_keys_end_on_every_server_of_a_database(
    tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession
) -> None:
    """Two servers on one PostgreSQL: what one ends the other does not take, also where it has it in memory."""
    first = Server(make_config(tmp_path / "first", database=postgres_url))
    await first.start()
    (tmp_path / "second").mkdir(mode=0o700)
    shutil.copy2(tmp_path / "first/key", tmp_path / "second/key")
    second = Server(make_config(tmp_path / "second", database=postgres_url))
    await second.start()

    async def status(browser: Browser, wanted: int) -> int:
        # the news takes a moment
        for _ in range(100):
            found = (await browser.ask("listZones"))[0]
            if found == wanted:
                break
            await asyncio.sleep(0.02)
        return found

    try:
        row = await first.db.read(lambda tx: tx.first(select(schema.user).where(schema.user.c.username == "admin")))
        api = Api(http, first.url, row["api_key"], first.cloud.cipher.open(row["secret_key"]))
        made = await account(api, "one")
        here = Browser(http, first.url)
        assert await here.login("one", "a password") == 200
        there = Browser(http, second.url)
        there.cookies = here.cookies
        assert await status(there, 200) == 200
        await here.ask("logout")
        assert await status(there, 401) == 401
        assert await there.login("one", "a password") == 200
        assert await status(there, 200) == 200
        key = await keyed(api, http, made["user"][0]["id"])
        far = Api(http, second.url, key.key, key.secret)
        await far.call("listZones")
        await api.job("disableUser", id=made["user"][0]["id"])
        assert await status(there, 401) == 401
        assert (await refused(far, "listZones"))[0] == 401
        # and settings hold everywhere
        await api.call("updateConfiguration", name="incorrect.login.attempts.allowed", value="2")
        for _ in range(100):
            if second.cloud.settings.number("incorrect.login.attempts.allowed") == 2:
                break
            await asyncio.sleep(0.02)
        assert second.cloud.settings.number("incorrect.login.attempts.allowed") == 2
    finally:
        await second.stop()
        await first.stop()


async def test_a_login_without_its_code_takes_nobodys_second_factor_away(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    await api.call("updateConfiguration", name="enable.user.2fa", value="true")
    made = await account(api, "head", 1)
    other = await account(api, "one")
    browser = Browser(http, server.url)
    assert await browser.login("head", "a password") == 200
    secret = (await browser.ask("setupUserTwoFactorAuthentication", provider="totp"))[1]["setup2fa"]["secretcode"]
    assert (await browser.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=code_of(secret)))[0] == 200
    thief = Browser(http, server.url)
    assert await thief.login("head", "a password") == 200
    for user in (made["user"][0]["id"], other["user"][0]["id"]):
        assert (await thief.ask("setupUserTwoFactorAuthentication", enable="false", userid=user))[0] == 511
    # nor does one that must set up its own first
    await api.call("updateUser", id=other["user"][0]["id"], mandate2fa=True)
    await api.call("updateAccount", id=other["id"], roleid=made["roleid"])
    poor = Browser(http, server.url)
    assert await poor.login("one", "a password") == 200
    head = made["user"][0]["id"]
    assert (await poor.ask("setupUserTwoFactorAuthentication", enable="false", userid=head))[0] == 511
    # nobody is told the secret again, and users do not touch the factors of others
    (row,) = (await api.call("listUsers", id=head))["user"]
    assert secret not in str(row)
    third = await person(api, http, "third")
    assert (await refused(third, "setupUserTwoFactorAuthentication", enable=False, userid=head))[0] == 431


async def test_every_line_of_forwarded_for_counts(api: Api, http: aiohttp.ClientSession) -> None:
    """A proxy that adds a line of its own is believed, not the line that the client sent before it."""
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    for name, value in (("proxy.header.verify", "true"), ("proxy.cidr", "127.0.0.0/8")):
        await api.call("updateConfiguration", name=name, value=value)
    await api.call("updateConfiguration", name="api.allowed.source.cidr.list", accountid=made["id"], value="10.0.0.0/8")
    text = query({"command": "listZones", "response": "json"}, caller.key, caller.secret)
    for lines, status in (
        (("10.1.2.3",), 200),
        (("10.1.2.3", "192.0.2.1"), 401),
        (("192.0.2.1", "10.1.2.3"), 200),
        (("10.1.2.3, 192.0.2.1",), 401),
        (("10.1.2.3", "nonsense"), 401),
    ):
        head = "".join(f"X-Forwarded-For: {line}\r\n" for line in lines)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.endpoint.split(":")[2].split("/")[0]))
        writer.write(f"GET /client/api?{text} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n".encode())
        assert int((await reader.readline()).split()[1]) == status, lines
        writer.close()


# -- who may take over whom


async def test_nobody_takes_over_who_may_do_more(api: Api, http: aiohttp.ClientSession) -> None:
    """Every way to another user's keys, password or state, for callers whose roles hold less."""
    top = await domain(api, "top")
    every = await role(api, "every", "User", "*")
    # an admin of a domain who may do everything but list hosts; and a root admin of the same kind
    less = await role(api, "less", "DomainAdmin", "!listHosts", "*")
    less_root = await role(api, "less root", "Admin", "!listHosts", "*")
    target = await account(api, "target", domainid=top["id"], roleid=every["id"])
    root = await account(api, "root", 1)
    user = target["user"][0]["id"]
    head = await person(api, http, "head", roleid=less["id"], domainid=top["id"])
    half = await person(api, http, "half", roleid=less_root["id"])
    peer = await person(api, http, "peer", roleid=every["id"], domainid=top["id"])
    mine = await account(api, "mine", domainid=top["id"])
    new = {key: PERSON[key] for key in ("email", "firstname", "lastname", "password")}

    def ways(one: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        user, domainid = one["user"][0]["id"], one["domainid"]
        return [
            ("registerUserKeys", {"id": user}),
            ("getUserKeys", {"id": user}),
            ("updateUser", {"id": user, "password": "stolen password"}),
            ("updateUser", {"id": user, "userapikey": "k", "usersecretkey": "s"}),
            ("updateUser", {"id": user, "username": "else"}),
            ("createUser", {**new, "username": "second", "account": one["name"], "domainid": domainid}),
            ("disableUser", {"id": user}),
            ("lockUser", {"id": user}),
            ("enableUser", {"id": user}),
            ("deleteUser", {"id": user}),
            ("moveUser", {"id": user, "account": "mine"}),
            ("disableAccount", {"id": one["id"], "lock": False}),
            ("lockAccount", {"account": one["name"], "domainid": domainid}),
            ("enableAccount", {"id": one["id"]}),
            ("updateAccount", {"id": one["id"], "newname": "else"}),
            ("deleteAccount", {"id": one["id"]}),
            ("setupUserTwoFactorAuthentication", {"userid": user, "enable": False}),
        ]

    for caller, one in ((head, target), (half, target), (half, root), (peer, target), (peer, mine), (head, root)):
        for command, given in ways(one):
            status, _ = await refused(caller, command, **given)
            assert status in (431, 531), (command, given)
    # by giving or making what holds more
    for caller in (head, half):
        for command, given in (
            ("createAccount", {**PERSON, "username": "x", "roleid": every["id"], "domainid": top["id"]}),
            ("updateAccount", {"id": mine["id"], "roleid": every["id"]}),
            ("moveUser", {"id": mine["user"][0]["id"], "account": "target"}),
        ):
            assert (await refused(caller, command, **given))[0] in (431, 531), command
    rule = {"rules[0].rule": "*", "rules[0].permission": "allow"}
    own = await role(api, "own", "User", "listZones")
    for command, given in (
        ("importRole", {"name": "x", "type": "User", **rule}),
        ("importRole", {"name": "own", "type": "User", "forced": True, **rule}),
        ("createRole", {"name": "x", "roleid": every["id"]}),
        ("createRolePermission", {"roleid": own["id"], "rule": "listHosts", "permission": "allow"}),
        ("updateRole", {"id": every["id"], "name": "x"}),
        ("disableRole", {"id": every["id"]}),
        ("createRolePermission", {"roleid": every["id"], "rule": "listZones", "permission": "deny"}),
    ):
        assert (await refused(half, command, **given))[0] == 531, command
        assert (await refused(head, command, **given))[0] == 531, command
    # nothing of that was done
    (row,) = (await api.call("listUsers", id=user))["user"]
    assert (row["state"], row["account"], "apikey" in row) == ("enabled", "target", False)
    # while its role is disabled the account may do nothing, and is still not to be had
    await api.call("disableRole", id=every["id"])
    for command, given in ways(target)[:3]:
        assert (await refused(head, command, **given))[0] == 531, command
    # who holds all of it may
    assert (await head.call("registerUserKeys", id=mine["user"][0]["id"]))["userkeys"]["secretkey"]


async def test_a_root_admins_account_is_for_root_admins(api: Api, http: aiohttp.ClientSession) -> None:
    """Also where an admin of the ROOT domain has a role with every command: what a root admin sees is more."""
    every = await role(api, "all", "DomainAdmin", "*")
    head = await person(api, http, "head", roleid=every["id"])
    root = await account(api, "root", 1)
    mine = await account(api, "mine")
    for command, given in (
        ("registerUserKeys", {"id": root["user"][0]["id"]}),
        ("updateUser", {"id": root["user"][0]["id"], "password": "stolen password"}),
        ("disableAccount", {"id": root["id"], "lock": False}),
        ("moveUser", {"id": mine["user"][0]["id"], "account": "root"}),
        ("createUser", {**PERSON, "username": "x", "account": "root"}),
        ("updateAccount", {"id": mine["id"], "roleid": root["roleid"]}),
    ):
        assert (await refused(head, command, **given))[0] == 531, command
    await head.call("registerUserKeys", id=mine["user"][0]["id"])


async def test_lists_of_users_tell_no_keys_of_others(api: Api, http: aiohttp.ClientSession) -> None:
    head = await person(api, http, "head", 2)
    one = await person(api, http, "one")
    for caller in (head, one, api):
        for row in (await caller.call("listUsers", listall=True))["user"]:
            assert "secretkey" not in row
            assert caller is api or "apikey" not in row or row["apikey"] == caller.key
        for found in (await caller.call("listAccounts", listall=True))["account"]:
            assert one.secret not in str(found)
            assert caller in (api, one) or one.key not in str(found)


# -- at rest


async def test_the_key_file_is_its_owners(data_dir: Path) -> None:
    path = data_dir / "key"
    assert path.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        server = Server(make_config(data_dir))
        with pytest.raises(StartError, match="chmod 600"):
            await server.start()
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(StartError, match="key file"):
        await Server(make_config(data_dir)).start()


async def test_the_database_file_is_its_owners(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        server = Server(make_config(directory))
        await server.start()
        modes = {path.name: path.stat().st_mode & 0o077 for path in directory.glob("cloudsim.db*")}
        await server.stop()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0}
    assert "cloudsim.db" in modes


async def test_passwords_and_secrets_are_not_there_in_plain(api: Api, server: Server) -> None:
    made = await account(api, "one")
    keys = (await api.call("registerUserKeys", id=made["user"][0]["id"]))["userkeys"]
    found = await rows(server, "SELECT password, secret_key FROM user WHERE username = 'one'")
    ((password, sealed),) = found
    assert password.startswith("$argon2id$")
    assert keys["secretkey"] not in sealed
    assert server.cloud.cipher.open(sealed) == keys["secretkey"]


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logs._Lines(False, dict))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def test_secrets_reach_no_log_event_or_job(
    api: Api, http: aiohttp.ClientSession, server: Server, data_dir: Path
) -> None:
    kept = _Kept()
    root = logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        words = {"p4ssw0rd-one", "p4ssw0rd-two", "wrong-p4ssw0rd", "s3cret-of-mail", "chosen-s3cret-key", "hook-s3cret"}
        given = {**PERSON, "username": "someone", "password": "p4ssw0rd-one", "accounttype": 0}
        made = (await api.call("createAccount", "POST", **given))["account"]
        user = made["user"][0]["id"]
        keys = (await api.call("registerUserKeys", id=user))["userkeys"]
        words |= {keys["secretkey"], api.secret}
        browser = Browser(http, server.url)
        assert await browser.login("someone", "wrong-p4ssw0rd") == 531
        assert await browser.login("someone", "p4ssw0rd-one") == 200
        words |= {browser.cookies["JSESSIONID"], browser.cookies["sessionkey"]}
        await browser.ask("listZones")
        await api.call("updateUser", "POST", id=user, password="p4ssw0rd-two")
        await api.call("updateUser", "POST", id=user, userapikey="chosen-key", usersecretkey="chosen-s3cret-key")
        hidden = [one["name"] for one in (await api.call("listConfigurations", category="Secure"))["configuration"]]
        for name in hidden[:3]:
            await api.call("updateConfiguration", "POST", name=name, value="s3cret-of-mail")
        await api.call(
            "createWebhook", name="w", payloadurl="http://8.8.8.8/", state="Disabled", secretkey="hook-s3cret"
        )
        zone = (await api.places())["zoneid"]
        url = "cifs://me:s3cret-of-share@10.0.0.9/share?user=me&password=s3cret-of-share&domain=x"
        store = (await api.call("addImageStore", "POST", provider="SMB", url=url, zoneid=zone))["imagestore"]
        assert store["url"] == "cifs://10.0.0.9/share?user=me&domain=x"
        words.add("s3cret-of-share")
        await api.deploy(startvm=False, password="s3cret-of-machine")
        words.add("s3cret-of-machine")
        # what goes wrong is told without them, too
        for given in (
            {"command": "createAccount", "password": "p4ssw0rd-one", "account": "x\ny"},
            {"command": "updateUser", "id": "x", "password": "p4ssw0rd-two", "signature": "s"},
            {"command": "login", "username": "admin", "password": "wrong-p4ssw0rd"},
        ):
            await api.raw(given.pop("command"), **given)
            async with http.get(f"{server.url}?{query(given)}") as response:
                await response.read()
        await api.job("disableUser", id=user)
        for value in ("s3cret-of-mail",):
            assert server.cloud.settings.raw(hidden[0]) == value
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
    text = "\n".join(kept.lines)
    signature = re.compile(r"signature=(?!\*\*\*)", re.IGNORECASE)
    assert not signature.search(text)
    for word in words:
        assert word not in text, word
    await server.stop()
    connection = sqlite3.connect(data_dir / "cloudsim.db")
    try:
        stored = "\n".join(connection.iterdump())
    finally:
        connection.close()
    for word in words:
        assert word not in stored, word
    # and the settings that are secret are known again after a start
    again = Server(make_config(data_dir))
    await again.start()
    try:
        assert again.cloud.settings.raw(hidden[0]) == "s3cret-of-mail"
    finally:
        await again.stop()


# -- names


def test_log_lines_stay_lines() -> None:
    kept = _Kept()
    logger = logging.Logger("one")
    logger.addHandler(kept)
    logger.warning("account %s may not call", "x\r\n2026-01-01T00:00:00 info  y: forged\x1b[2J\u2028z")
    (line,) = kept.lines
    assert len(line.splitlines()) == 1
    assert "\\r\\n" in line
    assert "\x1b" not in line
    try:
        raise ValueError("x\n2026-01-01T00:00:00 info  y: forged")
    except ValueError:
        logger.exception("failed")
    assert all(part.startswith("  | ") for part in kept.lines[1].splitlines()[1:])


@pytest.mark.parametrize(
    "text",
    [
        "password=s3cret&x=1",
        "currentpassword=s3cret",
        "'password': 's3cret'",
        '"usersecretkey": "s3cret"',
        "secret_key = s3cret",
        "SecretKey=s3cret",
        "sessionkey=s3cret;",
        "JSESSIONID=s3cret; Path=/",
        "apikey=a&signature=s3cret",
        "codefor2fa=s3cret",
        "postgresql://me:s3cret@host/name",
    ],
)
def test_what_looks_like_a_secret_is_left_out_of_logs(text: str) -> None:
    assert "s3cret" not in logs.without_secrets(text)


@pytest.mark.parametrize(
    "text", ["", "x" * 36, "+1234567-1234-1234-1234-123456789012", "1_2_3_4_-1234-1234-1234-123456789012",
             " 1234567-1234-1234-1234-123456789012", "١٢٣٤٥٦٧٨-1234-1234-1234-123456789012",
             "12345678-1234-1234-1234-12345678901\n"],
)  # fmt: skip
def test_what_is_no_uuid(text: str) -> None:
    assert not is_uuid(text)


def test_a_key_file_that_others_may_write(tmp_path: Path) -> None:
    KeyFile(tmp_path / "key")
    (tmp_path / "key").chmod(0o602)
    with pytest.raises(ValueError, match="chmod"):
        KeyFile(tmp_path / "key")
