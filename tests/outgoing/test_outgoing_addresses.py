"""Where a URL that a client names may lead, and how it may be written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudsim.outgoing.addresses import permitted, sites
from cloudsim.outgoing.errors import Refused
from cloudsim.outgoing.urls import target

CLOSED = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1
100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1 2001:db8::1 100::1
2001::1 2001:10::1 3fff::1 5f00::1 4000::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8
2600::5efe:10.0.0.1 2600::200:5efe:127.0.0.1 fe80::1%1
""".split()
OPEN = "8.8.8.8 1.1.1.1 93.184.216.34 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1".split()


@pytest.mark.parametrize("text", CLOSED)
def test_addresses_that_are_not_public_are_closed(text: str) -> None:
    assert not permitted(ip_address(text), ())


@pytest.mark.parametrize("text", OPEN)
def test_public_addresses_are_open(text: str) -> None:
    assert permitted(ip_address(text), ())


def test_sites_of_the_setting_are_open_too() -> None:
    allowed = sites("10.1.0.0/16, fd00:1::/64; nonsense,127.0.0.1")
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "127.0.0.1"):
        assert permitted(ip_address(text), allowed), text
    for text in ("10.2.0.1", "fd00:2::5", "127.0.0.2", "64:ff9b::a01:203", "2002:a01:203::"):
        assert not permitted(ip_address(text), allowed), text
    everything = sites("0.0.0.0/0,::/0")
    for text in ("0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:0.0.0.0"):
        assert not permitted(ip_address(text), everything), text


@given(st.ip_addresses(v=4))
def test_no_other_way_to_write_an_address_opens_it(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    if permitted(address, ()):  # type: ignore[arg-type]
        return
    for other in (0xFFFF << 32 | number, 0x2002 << 112 | number << 80, 0x64FF9B << 96 | number, number):
        assert not permitted(ip_address(other.to_bytes(16)), ())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a",
        "file:///etc/passwd",
        "//example.com/a",
        "example.com",
        "http:/example.com",
        "http:example.com",
        "http://",
        "http:///a",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "http://example.com\\.evil.example/",
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com/\r\nHost: inner",
        "http://example.com\t/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:80a/",
        "http://example.com:/",
        "http://example.com:-1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://1.2.3.4.5/",
        "http://%31%32%37.0.0.1/",
        "http://ex%61mple.com/",
        "http://\u2460\u2461\u2466.0.0.1/",
        "http://ex\u00e4mple.com/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://-example.com/",
        "http://example..com/",
        "http://" + "a" * 64 + ".com/",
        "http://example.com/" + "a" * 2048,
    ],
)
def test_urls_that_are_not_plainly_http_are_refused(url: str) -> None:
    with pytest.raises(Refused):
        target(url)


def test_urls_that_are_taken() -> None:
    found = target("https://Example.com/a%2Fb?X-Signature=a%2Bb%3D&c=d#part")
    assert (found.host.lower(), found.port, found.secure, found.address) == ("example.com", 443, True, None)
    assert str(found.url).endswith("/a%2Fb?X-Signature=a%2Bb%3D&c=d")
    assert target("http://[2606:4700::1]:8080/").address == ip_address("2606:4700::1")
    assert target("HTTP://8.8.8.8/").address == ip_address("8.8.8.8")
    assert target("http://example.com./").host == "example.com."


@given(st.text(max_size=60))
def test_whatever_text_comes_is_read_or_refused(text: str) -> None:
    for url in (text, "http://" + text, "http://example.com" + text):
        try:
            found = target(url)
        except Refused:
            continue
        assert found.url.scheme in ("http", "https")
        assert found.url.user is None
        assert found.host
