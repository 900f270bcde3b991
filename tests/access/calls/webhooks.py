"""Webhooks: the roles of the reference give them to root admins only."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("webhook")
async def _webhook(cast: Cast, **owner: Any) -> str:
    own = cast.owned(owner)
    given = {"name": "mine", "scope": "Local", "target_domain_id": own["domain_id"], "state": "Disabled"}
    return await cast.insert(schema.webhook, payload_url="http://10.0.0.1/", last_event_id=10**9, **given, **own)


ROWS = [
    Row("createWebhook", name="made", payloadurl="http://93.184.216.34/", state="Disabled"),
    Row("updateWebhook", "webhook", name="else"),
    Row("deleteWebhook", "webhook"),
    Row("listWebhooks", "webhook"),
    Row("listWebhookDeliveries", "webhook", by="webhookid", shows=False),
    Row(
        "executeWebhookDelivery",
        "webhook",
        by="webhookid",
        payloadurl="http://127.0.0.1:1/",
        answers=431,
        why="nothing is sent to where the server itself is",
    ),
    Row("deleteWebhookDelivery", "webhook", by="webhookid"),
]
