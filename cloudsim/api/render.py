"""Answers as JSON and XML: plain dicts in, bytes out."""

from __future__ import annotations

import re
from typing import Any

import orjson

from cloudsim import CLOUDSTACK_VERSION
from cloudsim.core.errors import CloudError, Unauthenticated

JSON = "application/json;charset=utf-8"
XML = "text/xml;charset=utf-8"

#: What XML 1.0 cannot hold.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def render(root: str, body: dict[str, Any], as_json: bool) -> bytes:
    """The envelope ``{root: body}``."""
    if as_json:
        return orjson.dumps({root: body}, default=str)
    import xmltodict

    tree = {root: {"@cloud-stack-version": CLOUDSTACK_VERSION, **_xml(body)}}
    text: str = xmltodict.unparse(tree, encoding="UTF-8", short_empty_elements=False)
    return text.encode()


def _xml(value: Any) -> Any:
    if isinstance(value, dict):
        made = {}
        for key, item in value.items():
            if item is None or item == []:
                continue
            name = _NOT_A_NAME.sub("_", str(key)) or "_"
            made[name if name[0].isalpha() or name[0] == "_" else "_" + name] = _xml(item)
        return made
    if isinstance(value, list | tuple):
        return [_xml(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_XML.sub("", str(value))


def error_body(error: CloudError, as_json: bool) -> dict[str, Any]:
    """What a client is told of an error."""
    body: dict[str, Any] = {}
    if as_json:
        body["uuidList"] = [{"uuid": uuid, "description": field} for uuid, field in error.ids]
    body["errorcode"] = error.errorcode
    if not isinstance(error, Unauthenticated):
        body["cserrorcode"] = error.cserrorcode
    body["errortext"] = error.message
    return body


def root_of(command: str | None) -> str:
    """The key of the envelope."""
    if not command:
        return "errorresponse"
    return _NOT_A_NAME.sub("", command.lower())[:100] + "response"
