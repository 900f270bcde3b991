"""The second factor of a login, as clients read it."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

SETUP = Response("setup2fa", string="accountid id secretcode username")
PROVIDER = Response("providers", string="description name")
