"""Fault rules as the API's `configureSimulator` writes them."""

from __future__ import annotations

from typing import Any

import pytest

from cloudsim.agents.simulator import Rule, rule_from_wire


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ("wait:1000", {"kind": "delay", "seconds": 1.0}),
        ("WAIT:250|wait:250", {"kind": "delay", "seconds": 0.5}),
        ("result:fail", {"kind": "fail", "text": "Simulated failure"}),
        ("result:fault", {"kind": "fail", "text": "Simulated fault"}),
        ("fail", {"kind": "fail", "text": "Simulated failure"}),
        ("fault", {"kind": "fail", "text": "Simulated fault"}),
        ("wait:1000|fault:no: it burns", {"kind": "fail", "seconds": 1.0, "text": "no: it burns"}),
        ("wait:1000;result:fail", {"kind": "fail", "seconds": 1.0}),
        ("timeout", {"kind": "hang"}),
        ("hang", {"kind": "hang"}),
        ("timeout:60000", {"kind": "drop", "seconds": 60.0, "text": "Simulated timeout"}),
        ("drop", {"kind": "drop", "text": "Simulated loss of the connection"}),
        ("lose:gone", {"kind": "lose", "text": "gone"}),
        ("fail_after", {"kind": "fail_after", "text": "Simulated failure"}),
        ("drop|probability:0.5", {"kind": "drop", "probability": 0.5}),
        ("drop | enabled:false ", {"kind": "drop", "probability": 0.0}),
        ("enabled:true", {"kind": "delay", "probability": 1.0}),
        ("result:success", {"kind": "delay", "seconds": 0.0}),
        ("", {"kind": "delay", "seconds": 0.0}),
    ],
)
def test_values(value: str, fields: dict[str, Any]) -> None:
    rule = rule_from_wire("StartCommand", value)
    assert rule.command == "StartCommand"
    assert {name: getattr(rule, name) for name in fields} == fields


def test_count_and_places() -> None:
    rule = rule_from_wire("StopCommand", "result:fail", 3, zone="z", pod="p", cluster="c", host="h")
    assert rule == Rule("StopCommand", "fail", count=3, zone="z", pod="p", cluster="c", host="h")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("explode", "'explode' is not understood"),
        ("result:maybe", "'result:maybe' is not understood"),
        ("enabled:perhaps", "not understood"),
        ("wait:soon", "'soon' is not a number"),
        ("wait", "'' is not a number"),
        ("wait:-1", "below 0"),
        ("wait:nan", "cannot wait"),
        ("probability:2", "between 0 and 1"),
    ],
)
def test_values_that_make_no_sense(value: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        rule_from_wire("StartCommand", value)


def test_json_that_fails() -> None:
    said = '{"com.cloud.agent.api.StartAnswer":{"result":false,"details":"no space","wait":0}}'
    rule = rule_from_wire("StartCommand", "wait:100", jsonresponse=said)
    assert (rule.kind, rule.text, rule.seconds) == ("fail", "no space", 0.1)


def test_json_that_pretends() -> None:
    rule = rule_from_wire("StartCommand", "", jsonresponse='{"com.cloud.agent.api.StartAnswer":{"result":true}}')
    assert (rule.kind, rule.answer) == ("answer", {"result": True})
    assert rule_from_wire("StartCommand", "result:fail", jsonresponse='{"A":{}}').kind == "fail"


@pytest.mark.parametrize("said", ["{", "[]", "{}", '{"a":1}', '{"a":{},"b":{}}'])
def test_json_that_makes_no_sense(said: str) -> None:
    with pytest.raises(ValueError, match="jsonresponse"):
        rule_from_wire("StartCommand", "", jsonresponse=said)


def test_no_name() -> None:
    with pytest.raises(ValueError, match="name"):
        rule_from_wire("", "result:fail")
