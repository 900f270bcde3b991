"""Certificates of load balancers: real ones, checked when they are uploaded, their keys told to nobody."""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from balancers import Web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import NameOID
from invariants import check, rows
from people import person, refused
from rulebook import place

from cloudsim.server import Server


@dataclass
class Certificate:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def private(self, password: str | None = None) -> str:
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            lock = serialization.BestAvailableEncryption(password.encode())
        form = serialization.PrivateFormat.PKCS8
        return str(self.key.private_bytes(serialization.Encoding.PEM, form, lock).decode())

    @property
    def given(self) -> dict[str, str]:
        return {"certificate": self.pem, "privatekey": self.private()}


def make(
    name: str, by: Certificate | None = None, *, ca: bool = False, days: tuple[int, int] = (-1, 30), key: Any = None
) -> Certificate:
    """A certificate of its own or another's making, valid from and to days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    return Certificate(built.sign((by.key if by else key), SHA256()), key)


OWN = make("www.example.com")
ROOT = make("root", ca=True)
MIDDLE = make("middle", ROOT, ca=True)
LEAF = make("leaf.example.com", MIDDLE, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


async def upload(api: Api, name: str = "www", **given: Any) -> dict[str, Any]:
    return (await api.call("uploadSslCert", "POST", name=name, **{**OWN.given, **given}))["sslcert"]


async def test_a_certificate_is_kept_and_its_key_told_to_nobody(
    api: Api, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await upload(api, privatekey=OWN.private("open sesame"), password="open sesame")
    assert made["fingerprint"] == OWN.certificate.fingerprint(SHA1()).hex(":").upper()
    assert (made["name"], made["certificate"], made["account"], made["domain"]) == ("www", OWN.pem, "admin", "ROOT")
    listed = await api.call("listSslCerts")
    assert listed == {"count": 1, "sslcert": [made]}
    assert await api.call("listSslCerts", certid=made["id"]) == listed
    secret = OWN.private().splitlines()[1]
    kept = await rows(server, "SELECT * FROM ssl_cert")
    assert not any(word in str(kept) for word in ("PRIVATE KEY", "open sesame", secret))
    assert not any(word in caplog.text for word in ("PRIVATE KEY", "open sesame", secret))
    assert "PRIVATE KEY" not in str(await rows(server, "SELECT * FROM event"))
    ((sealed,),) = await rows(server, "SELECT private_key FROM ssl_cert")
    assert server.cloud.cipher.open(sealed).startswith("-----BEGIN ENCRYPTED PRIVATE KEY")
    await api.call("deleteSslCert", id=made["id"])
    assert await api.call("listSslCerts") == {}
    types = [event["type"] for event in (await api.call("listEvents"))["event"]]
    assert types.count("LB.CERT.UPLOAD") == types.count("LB.CERT.DELETE") == 1
    await check(server)


async def test_chains_lead_from_the_certificate_to_its_issuers(api: Api) -> None:
    for chain in (MIDDLE.pem + ROOT.pem, ROOT.pem + MIDDLE.pem, MIDDLE.pem):
        assert (await upload(api, **LEAF.given, certchain=chain))["certchain"] == chain


def locked(*, rounds: bytes | None = None, way: int = 0x0C) -> str:
    """A locked key that says that it takes so many rounds (four bytes) to open, or is locked in another way."""
    lines = OWN.private("secret").splitlines()
    raw = bytearray(base64.b64decode("".join(lines[1:-1])))
    at = raw.index(bytes.fromhex("06092a864886f70d01050c"))
    raw[at + 10] = way
    number = at + 11 + 4 + raw[at + 11 + 3]
    assert raw[number : number + 2] == b"\x02\x02"
    if rounds is not None:
        raw[number : number + 4] = b"\x02\x04" + rounds
        for length in (2, 4, 17, 19, 32):  # of the sequences around it
            raw[length] += 2
    return "\n".join((lines[0], base64.b64encode(raw).decode(), lines[-1], ""))


FOREVER = locked(rounds=b"\x7f\xff\xff\xff")
STRANGER = make("middle", make("root", ca=True), ca=True)
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no certificate": ({"certificate": "nothing"}, "certificate takes"),
    "a broken one": ({"certificate": OWN.pem.replace("MII", "MIX", 1)}, "certificate takes"),
    "no key": ({"privatekey": "nothing"}, "privatekey takes"),
    "another's key": ({"privatekey": LEAF.private()}, "is not that of the certificate"),
    "a locked key": ({"privatekey": OWN.private("secret")}, "needs its password"),
    "the wrong password": ({"privatekey": OWN.private("secret"), "password": "other"}, "not its password"),
    "a password for nothing": ({"password": "secret"}, "leave password out"),
    "an old one": (make("old", days=(-9, -1)).given, "expired"),
    "a future one": (make("future", days=(1, 9)).given, "not valid before"),
    "another kind of key": (make("dsa", key=dsa.generate_private_key(2048)).given, "another kind"),
    "no chain": ({**LEAF.given, "certchain": "nothing"}, "certchain takes"),
    "another's chain": ({**LEAF.given, "certchain": STRANGER.pem}, "has issued"),
    "a chain without the issuer": ({**LEAF.given, "certchain": ROOT.pem}, "has issued"),
    "a chain of itself": ({**OWN.given, "certchain": OWN.pem}, "has issued"),
    "more than a chain": ({**LEAF.given, "certchain": MIDDLE.pem + ROOT.pem + STRANGER.pem}, "do not lead"),
    "an issuer that may not be one": (make("x", LEAF).given | {"certchain": LEAF.pem}, "has issued"),
    "an old issuer": (
        make("y", make("past", days=(-9, -1), ca=True)).given | {"certchain": make("past", days=(-9, -1), ca=True).pem},
        "expired",
    ),
    "an endless chain": ({**LEAF.given, "certchain": MIDDLE.pem * 17}, "up to 16"),
    "a key that takes for ever": ({"privatekey": FOREVER, "password": "x"}, "rounds to open"),
    "a key locked in another way": ({"privatekey": locked(way=0x0B), "password": "x"}, "PBES2"),
    "no name": ({"name": " "}, "name"),
    "name missing": ({"name": None}, "name"),
    "certificate missing": ({"certificate": None}, "certificate"),
    "key missing": ({"privatekey": None}, "privatekey"),
    "too long": ({"certificate": "x" * 16385}, "16384"),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_not_right_is_not_kept(api: Api, server: Server, case: str) -> None:
    given, text = CASES[case]
    status, words = await refused(api, "uploadSslCert", **{"name": "www", **OWN.given, **given})
    assert status == 431
    assert text in words
    assert "PRIVATE KEY" not in words
    assert await rows(server, "SELECT count(*) FROM ssl_cert") == [(0,)]


async def test_a_rule_opens_connections_with_its_certificate(api: Api, server: Server) -> None:
    here = Web(**vars(await place(api, server, name="first")))
    rule = await here.make(protocol="ssl", publicport=443)
    first, second = await upload(api), await upload(api, "other", **LEAF.given)
    await here.assign(rule, here.machine)

    async def told() -> list[str | None]:
        (router,) = await here.routers()
        return [one["certificate"] for one in server.simulator.router(router["id"])["loadbalancer"]]

    assert await told() == [None]
    at = {"lbruleid": rule["id"]}
    assert await api.call("listSslCerts", **at) == {}
    assert await api.job("assignCertToLoadBalancer", **at, certid=first["id"]) == {"success": True}
    assert await told() == [first["fingerprint"]]
    (found,) = (await api.call("listSslCerts", **at))["sslcert"]
    assert (found["id"], found["loadbalancerrulelist"]) == (first["id"], [rule["id"]])
    status, text = await refused(api, "assignCertToLoadBalancer", **at, certid=second["id"])
    assert (status, "forced" in text) == (431, True)
    status, text = await refused(api, "deleteSslCert", id=first["id"])
    assert (status, "web" in text) == (536, True)
    assert (await refused(api, "updateLoadBalancerRule", id=rule["id"], protocol="tcp"))[0] == 431
    await check(server)
    await api.job("assignCertToLoadBalancer", **at, certid=second["id"], forced=True)
    assert await told() == [second["fingerprint"]]
    await api.call("deleteSslCert", id=first["id"])
    # what a router could not be told is as before
    await api.call("configureSimulator", name="LoadBalancerConfigCommand", value="fail_after", count=1)
    assert (await refused(api, "removeCertFromLoadBalancer", **at))[0] == 530
    assert await told() == [second["fingerprint"]]
    await check(server)
    assert await api.job("removeCertFromLoadBalancer", **at) == {"success": True}
    assert await told() == [None]
    assert (await refused(api, "removeCertFromLoadBalancer", **at))[0] == 431
    await api.job("assignCertToLoadBalancer", **at, certid=second["id"])
    await api.job("deleteLoadBalancerRule", id=rule["id"])
    await api.call("deleteSslCert", id=second["id"])
    plain = await here.make()
    mine = await upload(api)
    status, text = await refused(api, "assignCertToLoadBalancer", lbruleid=plain["id"], certid=mine["id"])
    assert (status, "protocol ssl" in text) == (431, True)
    types = [event["type"] for event in (await api.call("listEvents", pagesize=500, page=1))["event"]]
    assert (types.count("LB.CERT.ASSIGN"), types.count("LB.CERT.REMOVE")) == (9, 6)


async def test_certificates_are_their_owners(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    owner, other = await person(api, http, "owner"), await person(api, http, "other")
    theirs = await upload(owner)
    assert theirs["account"] == "owner"
    assert await other.call("listSslCerts") == {}
    for command, given in (("listSslCerts", {"certid": theirs["id"]}), ("deleteSslCert", {"id": theirs["id"]})):
        assert (await refused(other, command, **given))[0] == 431, command
    (account,) = (await api.call("listAccounts", name="owner"))["account"]
    assert (await refused(other, "listSslCerts", accountid=account["id"]))[0] == 431
    found = (await api.call("listSslCerts", accountid=account["id"]))["sslcert"]
    assert [one["id"] for one in found] == [theirs["id"]]
    both = {"accountid": account["id"], "certid": theirs["id"]}
    assert (await refused(api, "listSslCerts", **both))[0] == 431
    # of the account that a rule is of, or not at all
    here = Web(**vars(await place(api, server)))
    rule = await here.make(protocol="ssl")
    assert (await refused(api, "assignCertToLoadBalancer", lbruleid=rule["id"], certid=theirs["id"]))[0] == 431
    given = {"account": "owner", "domainid": account["domainid"]}
    assert (await upload(api, "for the owner", **given))["account"] == "owner"
    project = (await api.job("createProject", name="shop"))["project"]
    shared = await upload(api, "shared", projectid=project["id"])
    assert shared["project"] == "shop"
    (found,) = (await api.call("listSslCerts", projectid=project["id"]))["sslcert"]
    assert found["id"] == shared["id"]
    await api.job("deleteAccount", id=account["id"])
    gone = "SELECT count(*) FROM ssl_cert WHERE removed IS NOT NULL AND private_key = ''"
    assert await rows(server, gone) == [(2,)]
    await check(server)
