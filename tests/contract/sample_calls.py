"""How each sampled command is called on a seeded server, so that its answer has all it can have.

The files of ``calls/`` say it, one for each group of nouns; `CALLS` has what all of them register.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from apiclient import Api

Calls = list[dict[str, Any]]
CALLS: dict[str, Callable[[Api], Awaitable[Calls]]] = {}


def calls(*names: str) -> Callable[[Callable[[Api], Awaitable[Calls]]], Callable[[Api], Awaitable[Calls]]]:
    """Registers how commands are called."""

    def register(function: Callable[[Api], Awaitable[Calls]]) -> Callable[[Api], Awaitable[Calls]]:
        for name in names:
            CALLS[name] = function
        return function

    return register


def load() -> dict[str, Callable[[Api], Awaitable[Calls]]]:
    """Every registered call, by the command's name."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "calls")]):
        importlib.import_module(f"calls.{module.name}")
    return CALLS
