"""Requests to URLs that clients name: templates, ISOs, webhooks. Nothing else of the product opens such a connection."""

from cloudsim.outgoing.client import Client, Limits, Response
from cloudsim.outgoing.errors import Failed, OutgoingError, Refused, TimedOut, TooLarge

__all__ = ["Client", "Failed", "Limits", "OutgoingError", "Refused", "Response", "TimedOut", "TooLarge"]
