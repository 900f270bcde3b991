"""The options of servers in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cloudsim.core.config import load


def make_config(data_dir: Path, **options: Any) -> Any:
    """The options of a server for a test: any free port, nothing of the environment."""
    return load({"data-dir": str(data_dir), "port": 0, **options}, {})
