"""URLs that clients name: read once, by one parser, and strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarl import URL

from cloudsim.outgoing.addresses import Address, parsed
from cloudsim.outgoing.errors import Refused

#: Ports that may be used towards the public internet; towards the sites that the settings let in, any may.
PORTS = frozenset((80, 443, 8080))
LONGEST = 2048

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
#: What some resolvers read as an address: 2130706433, 0x7f.1, 0177.0.0.1
_NUMERIC = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads."""

    url: URL
    host: str
    port: int
    #: The address, where the host is written as one.
    address: Address | None

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.url.scheme == "https"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return (self.url.scheme, self.host, self.port)


def target(text: str | URL) -> Target:
    """Reads a URL. Raises `Refused` for whatever is not plainly http or https to a host."""
    raw = str(text)
    if len(raw) > LONGEST:
        raise Refused(f"a URL has up to {LONGEST} characters")
    if any(ord(letter) <= 0x20 or ord(letter) == 0x7F or letter == "\\" or letter.isspace() for letter in raw):
        raise Refused("the URL holds blanks, control characters or backslashes: encode them")
    scheme, separator, rest = raw.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise Refused("a URL begins with http:// or https://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise Refused("the URL holds a user name or a password: there is no place for them here")
    if "%" in authority or not authority.isascii():
        raise Refused("write the host of the URL in plain ASCII letters")
    try:
        # what is encoded stays as it is: signed URLs must not change
        url = URL(raw, encoded=raw.isascii()).with_fragment(None)
        host, port = url.host, url.port
        explicit = url.explicit_port
    except ValueError:
        raise Refused("the URL cannot be read") from None
    written = authority.rpartition("]")[2].partition(":") if authority.startswith("[") else authority.partition(":")
    if written[1] and explicit is None:
        raise Refused("the port of the URL is not a number between 1 and 65535")
    if not host or port is None or not 0 < port < 65536:
        raise Refused("the URL names no host, or no port between 1 and 65535")
    address = _address(host)
    if authority.startswith("[") and address is None:
        raise Refused("what stands in brackets in the URL is not an address")
    return Target(url, host, port, address)


def _address(host: str) -> Address | None:
    found = parsed(host)
    if found is not None:
        return found
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("the host of the URL is not the name of a host")
    if _NUMERIC.fullmatch(labels[-1]):
        raise Refused("write an address with four decimal numbers, without zeros before them")
    return None
