"""Projects: accounts that several accounts and users share."""

from __future__ import annotations

from sqlalchemy import Index

from cloudsim.db.schema.base import big, number, ref, required, resource, table, text, unique_alive

project = resource(
    "project",
    required("name"),
    text("display_text"),
    # the account that owns what is made in the project
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # Active, Disabled, Suspended
    required("state"),
    unique_alive("uq_project_name", "domain_id", "name"),
)

project_role = resource(
    "project_role",
    required("name"),
    text("description"),
    ref("project_id", "project"),
    unique_alive("uq_project_role_name", "project_id", "name"),
)

project_role_permission = resource(
    "project_role_permission",
    ref("project_role_id", "project_role"),
    ref("project_id", "project"),
    required("rule"),
    required("permission"),
    number("sort_order", nullable=False),
    text("description"),
)

project_account = table(
    "project_account",
    ref("project_id", "project"),
    ref("account_id", "account"),
    # one user of the account; None: all of them
    ref("user_id", "user", optional=True),
    # Admin or Regular
    required("role"),
    ref("project_role_id", "project_role", optional=True),
    big("created", nullable=False),
    Index("ix_project_account", "project_id", "account_id"),
)

project_invitation = resource(
    "project_invitation",
    ref("project_id", "project"),
    ref("domain_id", "domain"),
    ref("account_id", "account", optional=True),
    ref("user_id", "user", optional=True),
    text("email"),
    # SHA-256 of what the invited one was sent
    text("token"),
    # Pending, Completed, Expired, Declined
    required("state"),
    required("role"),
    ref("project_role_id", "project_role", optional=True),
)
