"""Who may give offerings tags."""

from __future__ import annotations

from cloudsim.core.errors import InvalidValue
from cloudsim.services.context import Context

SETTING = "allow.domain.admins.to.create.tagged.offerings"


def allowed(ctx: Context, account_id: int, domain_id: int) -> bool:
    """Whether the domain admins that are this account may."""
    return ctx.settings.flag(SETTING, ("Account", account_id), ("Domain", domain_id))


def check(ctx: Context, *tags: str | None) -> None:
    """Raises `InvalidValue` where a domain admin who may not gives tags: they choose hosts and storage of others."""
    caller = ctx.caller
    given = any(text and text.strip() for text in tags)
    if given and caller.is_domain_admin and not allowed(ctx, caller.account_id, caller.domain_id):
        raise InvalidValue(f"your account may not give offerings tags (setting {SETTING})")
