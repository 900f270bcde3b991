"""Webhooks: who is told of events over HTTP, and what came of it."""

from __future__ import annotations

from sqlalchemy import Column, Index, String

from cloudsim.db.schema.base import big, flag, ref, required, resource, table, text

webhook = resource(
    "webhook",
    required("name"),
    text("description"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # Local: events of the account; Domain: of this domain and those below; Global: all
    Column("scope", String(16), nullable=False),
    ref("target_domain_id", "domain"),
    required("payload_url"),
    # encrypted with the key file of the data directory
    text("secret_key"),
    flag("ssl_verification"),
    # Enabled or Disabled
    Column("state", String(16), nullable=False),
    # the last event that was dealt with: those behind it are still to be told
    big("last_event_id", nullable=False),
    # the management server that is telling events just now, and until when others leave that to it
    Column("teller", String(40)),
    big("teller_until", nullable=False, default=0),
)

webhook_delivery = table(
    "webhook_delivery",
    Column("uuid", String(40), nullable=False, unique=True),
    ref("webhook_id", "webhook", index=False),
    # events may be deleted, what was told of them stays
    Column("event_uuid", String(40)),
    Column("event_type", String(64), nullable=False),
    Column("server_uuid", String(40), nullable=False),
    required("headers"),
    required("payload"),
    flag("success"),
    required("response"),
    big("started", nullable=False),
    big("ended", nullable=False),
    Index("ix_webhook_delivery_of", "webhook_id", "id"),
)
