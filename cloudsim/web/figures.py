"""What metrics are made from: the parts of a server that count."""

from __future__ import annotations

from typing import Any, Protocol


class Figures(Protocol):
    """A server, as far as its health goes."""

    ready: bool
    cloud: Any
    endpoint: Any
    periodic: Any
    consoles: Any
