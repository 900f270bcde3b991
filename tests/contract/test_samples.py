"""The shape of each recorded answer against the shape of ours for the same command.

The ids in the samples name things of the reference's run, so the same call is made with ids of our own; compared are the
fields an object has: a field that the reference sent and ours never has is a difference, and so is another JSON type.
What stays different is named in differences.json, with its reason.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from apiclient import Api, Refused

from cloudsim.api.command import commands

HERE = Path(__file__).parent
SAMPLED = sorted(path.stem for path in (HERE / "samples").glob("*.json") if path.stem.lower() in commands())


@cache
def differences() -> dict[str, dict[str, str]]:
    return json.loads((HERE / "differences.json").read_text())["samples"]


def kind(value: Any) -> str:
    return {bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "object"}[type(value)]


def shape(value: Any, at: str = "") -> dict[str, str]:
    """Path to type of every field of an object; the entries of a list count as one."""
    made: dict[str, str] = {}
    if isinstance(value, dict):
        for name, inner in value.items():
            made[f"{at}{name}"] = kind(inner)
            if at.endswith(("details.", "resourcedetails.", "storagecapabilities.")):
                del made[f"{at}{name}"]
                continue
            made.update(shape(inner, f"{at}{name}."))
    elif isinstance(value, list):
        for inner in value:
            made.update(shape(inner, at))
    return made


def recorded(name: str) -> dict[str, str]:
    """The shape of everything the reference answered with success."""
    made: dict[str, str] = {}
    for sample in json.loads((HERE / "samples" / f"{name}.json").read_text()):
        if sample["status"] != 200:
            continue
        (body,) = sample["response"].values()
        made.update(shape(body))
        job = sample.get("job")
        if job and job.get("jobstatus") == 1:
            made.update(shape(job["jobresult"], "jobresult."))
    return made


async def ours(api: Api, name: str, given: dict[str, Any]) -> dict[str, str]:
    body = await api.call(name, "POST", **given)
    made = shape(body)
    if commands()[name.lower()].is_async:
        ended = await api.wait(body["jobid"])
        assert ended["jobstatus"] == 1, ended
        made.update(shape(ended["jobresult"], "jobresult."))
    return made


def compare(theirs: dict[str, str], mine: dict[str, str]) -> set[str]:
    found = set()
    for path, type_name in theirs.items():
        if path not in mine:
            found.add(f"{path} missing")
        elif mine[path] != type_name:
            found.add(f"{path} is {mine[path]}, not {type_name}")
    return found


@pytest.mark.parametrize("name", SAMPLED)
async def test_sample(name: str, api: Api) -> None:
    from sample_calls import load

    command = commands()[name.lower()]
    make = load().get(name)
    if make is None and not any(param.required for param in command.params.values()):
        calls: list[dict[str, Any]] = [{}]
    else:
        assert make is not None, f"no file of calls/ says how to call {name}"
        calls = await make(api)
    mine: dict[str, str] = {}
    for given in calls:
        try:
            mine.update(await ours(api, name, given))
        except Refused as error:
            pytest.fail(f"{given}: {error}")
    assert compare(recorded(name), mine) == set(differences().get(name, {}))
