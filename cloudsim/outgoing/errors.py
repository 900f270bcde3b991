"""What may go wrong with a request to a URL that a client named. The texts may be told to that client."""

from __future__ import annotations


class OutgoingError(Exception):
    """The base of all. No text tells what a name resolved to."""


class Refused(OutgoingError):
    """The URL, or where it leads, is not allowed."""


class Failed(OutgoingError):
    """The other side could not be reached, or did not speak HTTP."""


class TimedOut(Failed):
    """The other side took too long to answer, or to go on."""


class TooLarge(Failed):
    """The other side sends more than the limit."""
