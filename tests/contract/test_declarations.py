"""Each command's declaration against what the reference declares: parameters, async flag, response fields.

What stays different is named in differences.json, with its reason; an entry that is no longer needed fails as well.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cloudsim.api.command import Command, commands

HERE = Path(__file__).parent
COMMANDS = [command for command in commands().values() if not command.ours]


@cache
def reference() -> dict[str, Any]:
    return {row["name"]: row for row in json.loads((HERE / "apis.json").read_text())}


@cache
def differences() -> dict[str, dict[str, str]]:
    return json.loads((HERE / "differences.json").read_text())["declarations"]


def compare(command: type[Command]) -> set[str]:
    """Every difference, as a short text."""
    known = reference().get(command.name)
    if known is None:
        return {"the reference has no such command"}
    found = set()
    if known["isasync"] != command.is_async:
        found.add(f"isasync {known['isasync']}")
    if (known.get("since") or None) != command.since:
        found.add(f"since {known.get('since')}")
    ours = {param.name: param for param in command.params.values()}
    for param in {one["name"]: one for one in known["params"]}.values():
        mine = ours.pop(param["name"], None)
        if mine is None:
            found.add(f"parameter {param['name']} missing")
            continue
        for what, theirs, value in (
            ("type", param["type"], mine.type),
            ("length", param.get("length", 255), mine.length),
            ("required", param["required"], mine.required),
            ("since", param.get("since") or None, mine.since),
        ):
            if theirs != value:
                found.add(f"parameter {param['name']} {what} {theirs}, not {value}")
    found.update(f"parameter {name} too many" for name in ours)
    fields = dict(command.response.fields)
    for field in known["response"]:
        name = field.get("name")
        if name in (None, "jobid", "jobstatus"):
            fields.pop(name, None)
            continue
        mine_type = fields.pop(name, None)
        if mine_type is None:
            found.add(f"field {name} missing")
        elif mine_type != field["type"]:
            found.add(f"field {name} type {field['type']}, not {mine_type}")
        nested = command.response.nested.get(name)
        if nested is not None and field.get("response"):
            theirs = {inner["name"] for inner in field["response"] if inner.get("name")}
            found.update(f"field {name}.{inner} missing" for inner in theirs - set(nested.fields))
            found.update(f"field {name}.{inner} too many" for inner in set(nested.fields) - theirs)
    found.update(f"field {name} too many" for name in fields if name not in ("jobid", "jobstatus"))
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_declaration(command: type[Command]) -> None:
    assert compare(command) == set(differences().get(command.name, {}))


def test_what_is_ours_says_why() -> None:
    for command in commands().values():
        assert bool(command.ours) == (command.name not in reference()), command.name


def test_differences_name_commands_that_are_there() -> None:
    assert set(differences()) <= {command.name for command in COMMANDS}


@pytest.mark.parametrize("command", commands().values(), ids=lambda command: command.name)
def test_every_command_is_described(command: type[Command]) -> None:
    assert len(command.description()) > 10
    assert command.description().endswith((".", ")"))
    for param in command.params.values():
        assert param.description, param.name
    if command.event is not None:
        from cloudsim.core.reference import reference as data

        assert any(row == command.event or command.event in str(row) for row in data("eventtypes"))
