"""Faults of the layers below, as what a client may be told of them."""

from __future__ import annotations

from cloudsim.agents.base import AgentError, HostUnreachable
from cloudsim.core.errors import (
    AgentTimeout,
    CloudError,
    InternalError,
    InvalidValue,
    OperationFailed,
    ResourceUnavailable,
)
from cloudsim.db.database import Conflict, DatabaseFull, DatabaseUnavailable


def translated(error: BaseException) -> CloudError | None:
    """The error that says the same to a client; None for what it must not read: a fault of the server."""
    if isinstance(error, CloudError):
        return error
    if isinstance(error, DatabaseFull):
        return OperationFailed("the disk that holds the database is full; nothing was changed")
    if isinstance(error, DatabaseUnavailable):
        return ResourceUnavailable("the database cannot be reached; nothing was changed")
    if isinstance(error, Conflict):
        return InvalidValue("something with that name or address is there already")
    if isinstance(error, HostUnreachable):
        return AgentTimeout(str(error))
    if isinstance(error, AgentError):
        return OperationFailed(str(error))
    return None


__all__ = ["InternalError", "translated"]
