"""The pages that are made from the registry are current."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cloudsim.api.command import commands

ROOT = Path(__file__).parents[2]


def test_the_reference_is_current() -> None:
    made = subprocess.run([sys.executable, "scripts/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


def test_every_name_has_a_meaning() -> None:
    for command in commands().values():
        for param in command.params.values():
            assert param.description != param.name, f"{command.name}: {param.name}"
        for field in command.response.fields:
            assert command.response.description(field) != field, f"{command.name}: {field}"
