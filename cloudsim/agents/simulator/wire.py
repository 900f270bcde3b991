"""Fault rules as `configureSimulator` writes them.

``value`` is a list of settings, parted by ``|`` (or ``;``), each a name or ``name:argument``:

========================================  =====================================================================
``wait:N``                                waits N milliseconds first
``result:fail``, ``fail``, ``fail:text``  fails
``result:fault``, ``fault``, …            fails, too: to a caller the two differ in the text only
``timeout:N``                             no answer: after N milliseconds the host counts as unreachable
``timeout``, ``hang``                     no answer, ever; the caller's own time limit ends it
``drop``, ``lose``, ``fail_after``        see `KINDS`; ``fail_after:text``
``probability:P``                         hits with this chance, from 0 to 1
``enabled:false``                         the rule is kept and does nothing
========================================  =====================================================================

``jsonresponse`` is ``{"com.cloud.agent.api.SomeAnswer": {"result": true, "details": "text", ...}}``: what the host is
to say without doing anything. A false ``result`` is a failure with the text of ``details``.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from cloudsim.agents.simulator.faults import Rule

_FAIL = "Simulated failure"
_FAULT = "Simulated fault"


def rule_from_wire(
    name: str,
    value: str,
    count: int | None = None,
    *,
    zone: str | None = None,
    pod: str | None = None,
    cluster: str | None = None,
    host: str | None = None,
    jsonresponse: str | None = None,
) -> Rule:
    """The rule that the parameters of `configureSimulator` describe; places are uuids.

    ``ValueError`` for what cannot be understood. Where settings contradict each other, the last one decides; a failure
    goes before `jsonresponse`.
    """
    settings: dict[str, Any] = {"kind": "delay"}
    waits = 0.0
    for part in filter(None, (part.strip() for part in re.split(r"[|;]", value))):
        key, _, argument = (text.strip() for text in part.partition(":"))
        match key.lower():
            case "wait":
                waits += _milliseconds(part, argument)
            case "timeout" if argument:
                waits += _milliseconds(part, argument)
                settings.update(kind="drop", text="Simulated timeout")
            case "timeout" | "hang":
                settings.update(kind="hang")
            case "result" if argument.lower() in ("fail", "fault"):
                settings.update(kind="fail", text=_FAIL if argument.lower() == "fail" else _FAULT)
            case "result" if argument.lower() in ("", "success", "true"):
                pass
            case "fail" | "fault":
                settings.update(kind="fail", text=argument or (_FAIL if key.lower() == "fail" else _FAULT))
            case "fail_after":
                settings.update(kind="fail_after", text=argument or _FAIL)
            case "drop" | "lose":
                settings.update(kind=key.lower(), text=argument or "Simulated loss of the connection")
            case "probability":
                settings.update(probability=_number(part, argument))
            case "enabled" if argument.lower() in ("true", "false"):
                settings.update(probability=1.0 if argument.lower() == "true" else 0.0)
            case _:
                raise ValueError(f"simulator value {part!r} is not understood")
    if jsonresponse and settings["kind"] == "delay":
        settings.update(_from_json(jsonresponse))
    return Rule(name, seconds=waits, count=count, zone=zone, pod=pod, cluster=cluster, host=host, **settings)


def _from_json(text: str) -> dict[str, Any]:
    try:
        outer = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"jsonresponse is not JSON: {error}") from None
    if not isinstance(outer, dict) or len(outer) != 1 or not isinstance(inner := next(iter(outer.values())), dict):
        raise ValueError('jsonresponse must look like {"name of the answer": {...}}')
    if inner.get("result") is False:
        return {"kind": "fail", "text": str(inner.get("details") or _FAIL)}
    return {"kind": "answer", "answer": inner}


def _milliseconds(part: str, argument: str) -> float:
    value = _number(part, argument)
    if value < 0:
        raise ValueError(f"simulator value {part!r}: the milliseconds are below 0")
    return value / 1000


def _number(part: str, argument: str) -> float:
    try:
        return float(argument)
    except ValueError:
        raise ValueError(f"simulator value {part!r}: {argument!r} is not a number") from None
