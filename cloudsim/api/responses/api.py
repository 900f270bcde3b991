"""The API itself, as listApis describes it: everything from the declarations."""

from __future__ import annotations

from functools import cache

from cloudsim.api.command import Command, commands
from cloudsim.api.params import Param
from cloudsim.api.responses.base import Object, Response

API_PARAMETER = Response("params", string="description name related since type", int="length", boolean="required")
API_RESPONSE = Response("apiresponse", string="description name type", nested={"response": ("set", None)})
API = Response(
    "api",
    string="description jobid name related since type",
    boolean="isasync",
    integer="jobstatus",
    nested={"params": ("set", API_PARAMETER), "response": ("set", API_RESPONSE)},
)


@cache
def described(name: str) -> Object:
    """One command by its lower-cased name. Callers must not change it."""
    command = commands()[name]
    made: Object = {
        "name": command.name,
        "description": command.description(),
        "isasync": command.is_async,
        "related": command.related(),
        "params": [_param(param) for param in sorted(command.params.values(), key=lambda param: param.name)],
        "response": _fields(command),
    }
    if command.since:
        made["since"] = command.since
    return made


def _param(param: Param) -> Object:
    made: Object = {
        "name": param.name,
        "description": param.description,
        "type": param.type,
        "length": param.length,
        "required": param.required,
    }
    if param.since:
        made["since"] = param.since
    related = _related(param)
    if related:
        made["related"] = related
    return made


def _related(param: Param) -> str:
    """Commands that answer the kind of thing whose id the parameter takes: what clients complete ids with."""
    noun = getattr(param, "noun", None)
    if noun is None:
        return ""
    return ",".join(command.name for command in commands().values() if command.response.name == noun.name)


def _fields(command: type[Command]) -> list[Object]:
    fields = [*_response(command.response)]
    if not any(field["name"] == "jobid" for field in fields):
        fields.append({"name": "jobid", "description": command.response.description("jobid"), "type": "string"})
        fields.append(
            {"name": "jobstatus", "description": command.response.description("jobstatus"), "type": "integer"}
        )
    return fields


def _response(response: Response, depth: int = 0) -> list[Object]:
    made = []
    for name, type_name in sorted(response.fields.items()):
        field: Object = {"name": name, "description": response.description(name), "type": type_name}
        nested = response.nested.get(name)
        if nested is not None and depth < 2:
            field["response"] = _response(nested, depth + 1)
        made.append(field)
    return made
