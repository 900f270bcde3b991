"""Webhooks and their deliveries, as clients read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, ordered, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import webhook, webhook_delivery
from cloudsim.services.context import Context

WEBHOOK = Response(
    "webhook",
    boolean="sslverification",
    date="created",
    string="account description domain domainid domainpath id name payloadurl project projectid scope secretkey state",
    words={"secretkey": "the key that signs what is sent", "payloadurl": "where events are sent to"},
)
WEBHOOK_DELIVERY = Response(
    "webhookdelivery",
    boolean="success",
    date="enddate startdate",
    string="eventid eventtype headers id managementserverid managementservername payload response webhookid webhookname",
    words={"response": "how the receiver answered, or why it did not", "startdate": "when the last try began"},
)


@WEBHOOK.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Webhooks with their owners."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            description=row["description"],
            state=row["state"],
            scope=row["scope"],
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            payloadurl=row["payload_url"],
            secretkey=ctx.cloud.cipher.open(row["secret_key"]) if row["secret_key"] else None,
            sslverification=row["ssl_verification"],
            created=to_wire(row["created"]),
        )
        for row in ordered(webhook.rows(ctx, ids), ids)
    ]


def present_delivery(row: Mapping[str, Any]) -> Object:
    """One delivery."""
    return shown(
        id=row["uuid"],
        eventid=row["event_uuid"],
        eventtype=row["event_type"],
        webhookid=row["webhook_uuid"],
        webhookname=row["webhook_name"],
        managementserverid=row["server_uuid"],
        headers=row["headers"],
        payload=row["payload"],
        success=row["success"],
        response=row["response"],
        startdate=to_wire(row["started"]),
        enddate=to_wire(row["ended"]),
    )


@WEBHOOK_DELIVERY.presents
def present_deliveries(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Deliveries with the webhooks they went to."""
    return [present_delivery(row) for row in ordered(webhook_delivery.rows(ctx, ids), ids)]
