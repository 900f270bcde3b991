"""Regions, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Object, Response
from cloudsim.services.context import Row

REGION = Response("region", boolean="gslbserviceenabled portableipserviceenabled", integer="id", string="endpoint name")


def region(row: Row) -> Object:
    """One region."""
    return {
        "id": row["number"],
        "name": row["name"],
        "endpoint": row["endpoint"],
        "gslbserviceenabled": True,
        "portableipserviceenabled": False,
    }
