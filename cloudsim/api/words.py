"""What the names of parameters and response fields mean where they mean the same everywhere: written once.

A declaration that gives no description of its own has this one.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def _words() -> dict[str, str]:
    words: dict[str, str] = json.loads(files("cloudsim.api").joinpath("words.json").read_bytes())
    return words


def describe(name: str) -> str:
    """The meaning of a name, in a phrase; the name itself where nothing is written yet."""
    return _words().get(name.lower(), name)
