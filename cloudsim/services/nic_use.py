"""What holds a network card or one of its addresses: rules that lead to it.

Cards and addresses with rules are neither removed nor changed. Rules that name a machine and its address are found here;
whoever leads to machines in another way registers what tells of it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services.context import Context

table = schema.firewall_rule

#: ``(ctx, nic, address)``: what leads to an address of a card, in words for a message; None where nothing does.
#: `address` None: to any of its addresses.
Question = Callable[[Context, Row, str | None], str | None]
QUESTIONS: list[Question] = []


def register(question: Question) -> Question:
    """Has `question` asked before a card or an address goes."""
    QUESTIONS.append(question)
    return question


_RULES = (
    select(table.c.purpose, table.c.uuid, table.c.guest_ip)
    .where(
        table.c.vm_id == bindparam("vm_id"),
        table.c.network_id == bindparam("network_id"),
        table.c.removed.is_(None),
        table.c.state != "Revoke",
    )
    .order_by(table.c.id)
)


@register
def _by_rules(ctx: Context, card: Row, address: str | None) -> str | None:
    rows = ctx.tx.all(_RULES, vm_id=card["vm_id"], network_id=card["network_id"])
    found = next((row for row in rows if address is None or row["guest_ip"] == address), None)
    return f"rule {found['uuid']} ({found['purpose']})" if found is not None else None


def must_be_free(ctx: Context, card: Row, address: str | None = None) -> None:
    """Raises `InvalidValue` where a rule leads to an address of a card, or to that one."""
    for question in QUESTIONS:
        found = question(ctx, card, address)
        if found is not None:
            raise InvalidValue(f"{address or 'the network card'} is in use by {found}: remove it first")
