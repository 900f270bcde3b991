"""Words in URLs of this server that hand out a file, or take one: whoever has one may use it until it expires.

What they mean is sealed with the server's key: nobody can make one, or change it, and nothing is kept of those that were
made. What they lead to is looked up when they are used: what was deleted by then is not there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import urlsplit

import orjson

from cloudsim.services.context import Cloud

#: Under which path of the server files are taken; those that are handed out are `services.extract`'s.
UPLOAD = "/client/upload/"


def seal(cloud: Cloud, what: dict[str, Any], expires: int) -> str:
    """A word that `read` understands until `expires` (milliseconds)."""
    text = orjson.dumps({**what, "until": expires}).decode()
    return base64.urlsafe_b64encode(base64.b64decode(cloud.cipher.seal(text))).decode().rstrip("=")


def read(cloud: Cloud, word: str) -> dict[str, Any] | None:
    """What a word means; None for one that is not this server's, or has expired."""
    try:
        raw = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        found = orjson.loads(cloud.cipher.open(base64.b64encode(raw).decode()))
    except (ValueError, binascii.Error, IndexError):
        return None
    if not isinstance(found, dict) or int(found.get("until", 0)) < cloud.clock.now():
        return None
    return found


def sign(cloud: Cloud, *parts: str) -> str:
    """A signature of some texts that belong together."""
    return seal(cloud, {"of": _digest(*parts)}, 2**62)


def signed(cloud: Cloud, signature: str, *parts: str) -> bool:
    """Whether a signature is that of these texts."""
    found = read(cloud, signature)
    return found is not None and found.get("of") == _digest(*parts)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def base(cloud: Cloud) -> str:
    """How clients reach this server: as the setting ``endpoint.url`` says, where it was set, else where it listens."""
    given = cloud.settings.overrides.get(("endpoint.url", "Global", 0))
    parts = urlsplit(given or cloud.base_url)
    return f"{parts.scheme}://{parts.netloc}"


__all__ = ["UPLOAD", "base", "read", "seal", "sign", "signed"]
