"""From bytes to parameters: query string and form body, strict about encoding and bounded in number."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from cloudsim.api.params import Parameters
from cloudsim.core.errors import BadParameter

#: More parameters than any client sends; parsing them must not hold up the others.
MOST = 5000
#: Bytes of a POST body: user data of 1 MiB may grow threefold when encoded.
BODY_LIMIT = 4 * 1024 * 1024

_HEX = frozenset("0123456789abcdefABCDEF")


def decode(text: str) -> str:
    """One encoded name or value. Raises `BadParameter` where it is not percent-encoded UTF-8."""
    if "%" not in text and "+" not in text and text.isascii():
        return text
    at = text.find("%")
    while at >= 0:
        if len(text) < at + 3 or text[at + 1] not in _HEX or text[at + 2] not in _HEX:
            raise BadParameter("the query holds a % that is not followed by two hexadecimal digits")
        at = text.find("%", at + 3)
    try:
        return unquote_to_bytes(text.replace("+", " ").encode()).decode()
    except UnicodeError:
        raise BadParameter("the query is not UTF-8") from None


def parse(*sources: str) -> Parameters:
    """The parameters of a query string and a body; the last value of a name wins, tokens without ``=`` are dropped."""
    made = Parameters()
    for source in sources:
        if not source:
            continue
        if source.count("&") >= MOST:
            raise BadParameter(f"a request may have up to {MOST} parameters")
        for token in source.split("&"):
            name, separator, value = token.partition("=")
            if not separator or not name:
                continue
            name = decode(name)
            lower = name.lower()
            if made.names.get(lower, name) != name:
                made.others[made.names[lower]] = made[lower]
            made[lower] = decode(value)
            made.names[lower] = name
    return made
