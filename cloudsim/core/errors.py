"""Every error a client can be answered, each with its two codes.

`errorcode` is also the HTTP status; `cserrorcode` is CloudStack's finer number. The pairs come from the wire contract
(the exception-to-code table of CloudStack 4.22). A message is ours, and says what was wrong and what would be right.
"""

from __future__ import annotations


class CloudError(Exception):
    """The base of all: an operation that failed for a reason the caller may read."""

    errorcode = 530
    cserrorcode = 4250

    def __init__(self, message: str, *, ids: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        #: (uuid, name of the field) pairs that a client may want to look up.
        self.ids = ids


class Unauthenticated(CloudError):
    """No, or no valid, proof of who calls. One text for all cases, so that nothing can be learnt from it."""

    errorcode = 401
    cserrorcode = 9999

    def __init__(self, message: str = "unable to verify user credentials and/or request signature") -> None:
        super().__init__(message)


class UnknownCommand(CloudError):
    """The command does not exist, is not implemented, or the caller's role does not have it."""

    errorcode = 432
    cserrorcode = 9999


class BadParameter(CloudError):
    """A parameter is missing, has the wrong type, or names nothing that the caller may see."""

    errorcode = 431
    cserrorcode = 9999


class InvalidValue(CloudError):
    """A parameter has the right type but breaks a rule: an empty name, an unknown word, a duplicate."""

    errorcode = 431
    cserrorcode = 4350


class PermissionDenied(CloudError):
    """The caller may see the object but not do this to it."""

    errorcode = 531
    cserrorcode = 4365


class LoginFailed(CloudError):
    """Wrong user name or password."""

    errorcode = 531
    cserrorcode = 9999


class SecondFactorMissing(CloudError):
    """The login needs a second factor: it was not given yet, is wrong, or must be set up first."""

    errorcode = 511
    cserrorcode = 4295


class OperationFailed(CloudError):
    """Any fault while carrying out what was asked."""


class InsufficientCapacity(CloudError):
    """No host or storage has room for what was asked."""

    errorcode = 533
    cserrorcode = 4325


class InsufficientAddresses(InsufficientCapacity):
    """No free address is left."""

    cserrorcode = 4320


class InsufficientServers(InsufficientCapacity):
    """No host can take the virtual machine."""

    cserrorcode = 4335


class InsufficientStorage(InsufficientCapacity):
    """No storage pool can take the volume."""

    cserrorcode = 4340


class ResourceUnavailable(CloudError):
    """What is needed is there but cannot serve now: a host that is down, a network that is not ready."""

    errorcode = 534
    cserrorcode = 4380


class StorageUnavailable(ResourceUnavailable):
    """A storage pool cannot serve now."""

    cserrorcode = 4385


class ConcurrentOperation(CloudError):
    """Another operation on the same object is under way."""

    cserrorcode = 4300


class LimitReached(CloudError):
    """A resource limit of the account, domain or project is reached."""

    errorcode = 535
    cserrorcode = 4370


class ResourceInUse(CloudError):
    """The object cannot be removed or changed while something uses it."""

    errorcode = 536
    cserrorcode = 4375


class RuleConflict(CloudError):
    """A network rule conflicts with one that is there."""

    errorcode = 537
    cserrorcode = 4360


class NatConflict(RuleConflict):
    """Static NAT would get in the way of what an address or a machine is used for."""

    cserrorcode = 9999


class TooManyRequests(CloudError):
    """The caller sends more than it may."""

    errorcode = 429
    cserrorcode = 4545


class AgentTimeout(CloudError):
    """An agent did not answer in time."""

    cserrorcode = 4560


class InternalError(CloudError):
    """A fault of the server itself. The text names nothing of its inside; the log has the rest."""

    def __init__(self, message: str = "the server could not complete the request; see its log for the reason") -> None:
        super().__init__(message)
