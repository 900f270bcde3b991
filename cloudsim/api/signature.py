"""Signed requests: HMAC-SHA1 over the sorted, encoded, lower-cased parameters, as the wire contract has it.

Clients differ in two things, and both forms are accepted: whether names are sorted with regard to case, and whether
``~`` is encoded.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from cloudsim.core.clock import from_datetime


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The signature of a request's parameters (names as sent, values as meant)."""
    return _digest(
        _text(sorted((n.lower(), v) for n, v in parameters.items() if n.lower() != "signature"), "*"), secret
    )


def verify(parameters: Mapping[str, str], signature: str, secret: str) -> bool:
    """Whether `signature` is one of the forms a client may have made. Compared in constant time."""
    pairs = [(name, value) for name, value in parameters.items() if name.lower() != "signature"]
    by_lower = sorted(pairs, key=lambda pair: pair[0].lower())
    orders = [by_lower]
    by_case = sorted(pairs)
    if by_case != by_lower:
        orders.append(by_case)
    safes = ["*"]
    if any("~" in value for _, value in pairs):
        safes.append("*%7E")  # a mark only: see _text
    given = signature.encode("utf-8", "replace")
    for order in orders:
        for safe in safes:
            if hmac.compare_digest(_digest(_text(order, safe), secret).encode(), given):
                return True
    return False


def _text(pairs: list[tuple[str, str]], safe: str) -> str:
    encode_tilde = safe != "*"
    parts = []
    for name, value in pairs:
        encoded = value if value.isalnum() and value.isascii() else quote(value, safe="*")
        if encode_tilde:
            encoded = encoded.replace("~", "%7E")
        parts.append(f"{name}={encoded}")
    return "&".join(parts).lower()


def of_text(text: str, secret: str) -> str:
    """The signature of a text as it is."""
    return _digest(text, secret)


def _digest(text: str, secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogatepass"), "sha1")).decode()


def expired(version: str | None, expires: str | None, now: int) -> bool:
    """Whether a request of signature version 3 is past its time; true also where `expires` is missing or unreadable."""
    if version != "3":
        return False
    for form in ("%Y-%m-%dT%H:%M:%S%z",):
        try:
            return from_datetime(datetime.strptime(expires or "", form)) < now
        except (ValueError, OverflowError):
            continue
    return True
