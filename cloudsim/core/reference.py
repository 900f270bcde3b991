"""What a fresh installation of the reference holds, as data files: read once, when first asked for."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def reference(name: str) -> Any:
    """The content of ``core/data/<name>.json``; callers must not change it."""
    return json.loads(files("cloudsim.core").joinpath("data", f"{name}.json").read_bytes())
