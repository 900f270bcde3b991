"""DHCP options that are given to the cards of machines."""

from __future__ import annotations

from collections.abc import Mapping

from cloudsim.core import dhcp
from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK_OFFERING


def of_card(ctx: Context, found: Row, given: Mapping[str, str]) -> dict[str, str]:
    """The options that are asked for a card in a network, by code. Raises `InvalidValue`."""
    made = dhcp.options({name: value for name, value in given.items() if name != "networkid"})
    if made:
        offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
        if all(service["name"] != "Dhcp" for service in offered["services"]):
            raise InvalidValue(f"network {found['name']} has no DHCP: it takes no options")
    return made
